"""The shapes of the paper's Table I, at its input of 128³ (and at 64³ for the whole detector)."""

import numpy as np
import pytest
import torch

from napari_lungmtl.training.networks.ag3d.anchors import anchor_grid
from napari_lungmtl.training.networks.ag3d.config import SHIPPED, Config
from napari_lungmtl.training.networks.ag3d.network import Ag3d, Magnify, crop_cells
from napari_lungmtl.training.ops.roi_align import roi_align_3d

TABLE_I = {
    "pre": 64,
    "encode1": 64,
    "encode2": 32,
    "transition2": 32,  # pooled to 16 afterwards
    "encode3": 16,
    "transition3": 16,  # pooled to 8
    "up3": 16,
    "decode2": 16,
    "out2": 16,
    "up2": 32,
    "decode1": 32,
    "out1": 32,
}


@pytest.mark.parametrize("config", [Config(), SHIPPED], ids=["paper", "shipped"])
def test_table_one(config):
    seen = {}
    with torch.device("meta"), torch.inference_mode():  # shapes without the numbers, which take seconds
        net = Ag3d(config).eval()
        for name in TABLE_I:
            module = getattr(net.backbone, name)
            module.register_forward_hook(
                lambda _m, _i, out, name=name: seen.__setitem__(name, tuple(out.shape))
            )
        pyramid, rpn = net(torch.zeros(1, 1, 128, 128, 128))
    assert {name: shape[2:] for name, shape in seen.items()} == {n: (s,) * 3 for n, s in TABLE_I.items()}
    assert [tuple(f.shape) for f in pyramid] == [(1, 32, 32, 32, 32), (1, 32, 16, 16, 16), (1, 32, 8, 8, 8)]
    assert rpn.shape == (1, 2 * (32**3 + 16**3 + 8**3), 5)
    assert len(anchor_grid(config, (128, 128, 128))) == rpn.shape[1]


def test_dense_blocks_grow_by_sixteen():
    block = Ag3d(Config()).backbone.encode1
    assert [layer.grow[2].out_channels for layer in block] == [16, 16]
    assert [layer.squeeze[2].out_channels for layer in block] == [64, 64]


def test_magnify_doubles_twice_and_the_classifier_is_768_by_256():
    config = Config(magnify=True)
    magnify = Magnify(config)
    assert magnify(torch.zeros(3, 32, 3, 3, 3)).shape == (3, 32, 12, 12, 12)
    deconvolutions = [m for m in magnify.modules() if isinstance(m, torch.nn.ConvTranspose3d)]
    assert [m.kernel_size for m in deconvolutions] == [(2, 2, 2)] * 2
    linear = [m for m in Ag3d(config).fprn.classifier if isinstance(m, torch.nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [(768, 256), (256, 1)]


def test_crops_are_whole_cells_and_go_on_at_the_border():
    index = torch.arange(5 * 6 * 7, dtype=torch.float32).reshape(1, 5, 6, 7)
    crops, low = crop_cells(index, torch.tensor([[2.4, 2.6, 3.0], [-3.0, 0.2, 9.0]]), 3)
    assert low.tolist() == [[1, 2, 2], [-1, -1, 5]]
    assert torch.equal(crops[0], index[:, 1:4, 2:5, 2:5])
    border = index[:, [0, 0, 1]][:, :, [0, 0, 1]][:, :, :, [5, 6, 6]]
    assert torch.equal(crops[1], border)


def test_rois_lie_on_the_same_place_of_the_magnified_crop():
    """A magnification that repeats each cell four times, on a linear map: RoIAlign before and after it agree on the mean."""
    axes = [torch.arange(n, dtype=torch.float32) for n in (10, 11, 12)]
    ramp = torch.stack(torch.meshgrid(*axes, indexing="ij"))

    class Repeat(torch.nn.Module):
        crop, factor = 3, 4

        def forward(self, x):
            return torch.nn.functional.interpolate(x, scale_factor=4, mode="trilinear", align_corners=False)

    fprn = Ag3d(Config(stem="space_to_depth", magnify=True)).fprn
    centers, cells = torch.tensor([[4.2, 5.4, 6.7]]), torch.tensor([1.25])
    pooled = fprn._magnified(Repeat(), ramp, centers, cells)
    expected = roi_align_3d(ramp, torch.cat([centers, cells[:, None]], 1), 2)
    assert torch.allclose(pooled, expected, atol=0.02)


def test_magnification_comes_before_roi_align(monkeypatch):
    """The paper's order, for only then can it add detail: RoIAlign sees 12 cells where the crop had three."""
    import napari_lungmtl.training.networks.ag3d.network as network

    seen = []
    align = network.roi_align_each
    monkeypatch.setattr(
        network, "roi_align_each", lambda f, rois, n: seen.append(f.shape[2:]) or align(f, rois, n)
    )
    net = Ag3d(Config(stem="space_to_depth", magnify=True)).eval()
    pyramid, _ = net(torch.zeros(1, 1, 32, 32, 32))
    net.fprn(pyramid, [torch.tensor([[10.0, 12, 14, 6, 0]])])
    assert seen == [(12, 12, 12)] * 3


def test_a_single_scale_has_one_head_and_proposes_from_one_level():
    config = Config(stem="space_to_depth", anchors=((4, 6, 8, 12, 16, 24), (), ()))
    net = Ag3d(config).eval()
    _, rpn = net(torch.zeros(1, 1, 32, 32, 32))
    anchors = anchor_grid(config, (32, 32, 32))
    assert rpn.shape == (1, 6 * 8**3, 5)
    assert len(net.heads) == 1
    assert anchors.shape == (6 * 8**3, 5)
    assert (anchors[:, 4] == 0).all()


def test_the_shipped_network_is_what_it_was():
    """Weights and figures that exist hold only as long as the settings' defaults change nothing: seeded outputs of 0.2's code."""
    torch.manual_seed(0)
    net = Ag3d(SHIPPED).eval()
    x = np.random.default_rng(0).uniform(-1, 1, (1, 1, 32, 32, 48)).astype(np.float32)
    with torch.inference_mode():
        pyramid, rpn = net(torch.from_numpy(x))
        second = net.fprn(pyramid, [torch.tensor([[10.0, 12, 14, 6, 0], [4, 4, 4, 20, 2]])])
    expected = [-4.600070953369141, -4.5999674797058105, -4.599925518035889]
    assert rpn[0, ::700, 0].tolist() == pytest.approx(expected, abs=1e-5)
    assert second.tolist() == pytest.approx([-0.06704449653625488, -0.06690297275781631], abs=1e-5)


@pytest.mark.parametrize("magnify", [False, True])
def test_fprn_gives_one_logit_for_each_proposal(magnify):
    net = Ag3d(Config(stem="space_to_depth", magnify=magnify)).eval()
    pyramid, _ = net(torch.randn(2, 1, 32, 32, 48))
    proposals = [torch.tensor([[10.0, 12, 14, 6, 0], [4, 4, 4, 20, 2]]), torch.zeros(0, 5)]
    assert net.fprn(pyramid, proposals).shape == (2,)


def test_diameter_alignment_takes_the_same_cells_on_every_level(monkeypatch):
    """Fig. 3: 17.23 mm proposed at stride 16 is 1.08 cells there, and 1.08 cells on the other levels too."""
    import napari_lungmtl.training.networks.ag3d.network as network

    sizes = []
    align = network.roi_align_3d
    monkeypatch.setattr(
        network, "roi_align_3d", lambda f, rois, n: sizes.append(rois[0, 3].item()) or align(f, rois, n)
    )
    proposal = [torch.tensor([[60.56, 52.46, 57.56, 17.23, 2]])]
    for aligned, expected in ((True, [17.23 / 16] * 3), (False, [17.23 / 4, 17.23 / 8, 17.23 / 16])):
        net = Ag3d(Config(stem="space_to_depth", align_diameter=aligned)).eval()
        pyramid, _ = net(torch.zeros(1, 1, 64, 64, 64))
        sizes.clear()
        net.fprn(pyramid, proposal)
        assert sizes == pytest.approx(expected)


def test_space_to_depth_loses_no_voxel():
    stem = Ag3d(SHIPPED).backbone.pre
    captured = []
    stem.first.register_forward_hook(lambda _m, inputs, _o: captured.append(inputs[0]))
    x = torch.arange(8 * 8 * 8, dtype=torch.float32).reshape(1, 1, 8, 8, 8)
    stem.eval()(x)
    assert captured[0].shape == (1, 8, 4, 4, 4)
    assert captured[0].flatten().sort().values.equal(x.flatten())
    assert captured[0][0, :, 1, 2, 3].sort().values.equal(x[0, 0, 2:4, 4:6, 6:8].flatten().sort().values)
