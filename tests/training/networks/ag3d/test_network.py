"""The shapes of the paper's Table I, at its input of 128³ (and at 64³ for the whole detector)."""

import pytest
import torch

from napari_lungmtl.training.networks.ag3d.anchors import anchor_grid
from napari_lungmtl.training.networks.ag3d.config import SHIPPED, Config
from napari_lungmtl.training.networks.ag3d.network import Ag3d, Magnify

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
    net = Ag3d(config).eval()
    seen = {}
    for name in TABLE_I:
        module = getattr(net.backbone, name)
        module.register_forward_hook(lambda _m, _i, out, name=name: seen.__setitem__(name, tuple(out.shape)))
    with torch.inference_mode():
        pyramid, rpn = net(torch.zeros(1, 1, 128, 128, 128))
    assert {name: shape[2:] for name, shape in seen.items()} == {n: (s,) * 3 for n, s in TABLE_I.items()}
    assert [tuple(f.shape) for f in pyramid] == [(1, 32, 32, 32, 32), (1, 32, 16, 16, 16), (1, 32, 8, 8, 8)]
    assert rpn.shape == (1, 2 * (32**3 + 16**3 + 8**3), 5)
    assert len(anchor_grid(config, (128, 128, 128))) == rpn.shape[1]


def test_dense_blocks_grow_by_sixteen():
    block = Ag3d(Config()).backbone.encode1
    assert [layer.grow[2].out_channels for layer in block] == [16, 16]
    assert [layer.squeeze[2].out_channels for layer in block] == [64, 64]


def test_magnify_output_is_five_and_classifier_768_by_256():
    config = Config(magnify=True)
    assert Magnify(config)(torch.zeros(3, 32, 2, 2, 2)).shape == (3, 32, 5, 5, 5)
    linear = [m for m in Ag3d(config).fprn.classifier if isinstance(m, torch.nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [(768, 256), (256, 1)]


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
