"""DHN's shapes: the paper's configuration, the shipped one, single heads, and what deformable convolutions start as."""

import dataclasses

import pytest
import torch

from napari_lungmtl.training.networks.dhn.config import PAPER, PAPER_TRAINING, SHIPPED, Config
from napari_lungmtl.training.networks.dhn.network import Body, Deformable, Dhn

SMALL = dataclasses.replace(
    SHIPPED, side=128, width=8, pyramid_channels=16, roi_hidden=16, anchors=((10,), (20,), (40,), (80,))
)


def test_the_paper_has_resnet_18_with_deformable_convolutions_in_the_final_three_stages():
    net = Dhn(PAPER)
    assert net.body.channels == [64, 128, 256, 512]
    deformable = [any(isinstance(m, Deformable) for m in stage.modules()) for stage in net.body.stages]
    assert deformable == [False, True, True, True]
    body = Body(64, ())
    # torchvision's ResNet-18 has 11 176 512 parameters without its classifier; its stem sees three channels, this one grey.
    assert sum(p.numel() for p in body.parameters()) == 11_176_512 - 2 * 64 * 49
    maps = body(torch.zeros(1, 1, 512, 512))
    assert [tuple(m.shape[1:]) for m in maps] == [(64, 128, 128), (128, 64, 64), (256, 32, 32), (512, 16, 16)]


def test_the_paper_has_an_fpn_of_256_and_a_global_head_on_its_coarsest_map():
    net = Dhn(PAPER).eval()
    assert all(m.out_channels == 256 for m in net.pyramid.modules() if isinstance(m, torch.nn.Conv2d))
    convolutions = [m for m in net.global_head.modules() if isinstance(m, torch.nn.Conv2d)]
    assert [(m.kernel_size, m.out_channels) for m in convolutions] == [((3, 3), 256)] * 2
    assert net.global_head(torch.zeros(2, 256, 16, 16)).shape == (2, 2)
    seen = []
    net.global_head.register_forward_pre_hook(lambda _m, args: seen.append(tuple(args[0].shape)))
    with torch.inference_mode():
        probability, found = net(torch.rand(1, 512, 512))
    assert seen == [(1, 256, 16, 16)]
    assert probability.shape == (1,)
    assert len(found) == 1
    assert len(found[0].boxes) <= PAPER.boxes
    training = PAPER_TRAINING
    assert (training.learning_rate, training.momentum, training.batch) == (5e-5, 0.975, 2)
    assert training.optimizer == "sgd"
    assert training.loss_weights == (0.35, 2.5)
    assert training.alpha == (1.76, 0.69), "swapped, see DESIGN.md"


def test_a_deformable_convolution_starts_as_a_plain_one():
    torch.manual_seed(0)
    layer = Deformable(3, 5, 2)
    x = torch.randn(2, 3, 9, 11)
    plain = torch.nn.functional.conv2d(x, layer.convolution.weight, stride=2, padding=1)
    torch.testing.assert_close(layer(x), plain, rtol=1e-4, atol=1e-5)


def test_a_deformable_convolution_learns_where_to_look():
    torch.manual_seed(0)
    layer = Deformable(3, 5, 1)
    layer(torch.randn(1, 3, 9, 9)).square().sum().backward()
    assert layer.offset.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("heads", "has_global", "has_local"),
    [("both", True, True), ("global", True, False), ("local", False, True)],
)
def test_single_heads(heads: str, has_global: bool, has_local: bool):
    net = Dhn(dataclasses.replace(SMALL, heads=heads)).eval()
    with torch.inference_mode():
        probability, found = net(torch.rand(2, 128, 128))
    assert (probability is not None) == has_global
    assert (found is not None) == has_local
    names = {n.partition(".")[0] for n, _ in net.named_parameters()}
    assert ("global_head" in names, "local_head" in names) == (has_global, has_local)


def test_boxes_stay_on_the_radiograph_sorted_and_apart():
    torch.manual_seed(1)
    net = Dhn(SMALL).eval()
    with torch.inference_mode():
        _, (found,) = net(torch.rand(1, 128, 128))
    assert len(found.boxes) > 1
    assert found.boxes.min() >= 0
    assert found.boxes.max() <= 128
    assert torch.all(found.scores[:-1] >= found.scores[1:])
    from torchvision.ops import box_iou

    overlap = box_iou(found.boxes, found.boxes) - torch.eye(len(found.boxes))
    assert overlap.max() <= SMALL.nms_iou + 1e-6


@pytest.mark.parametrize(("global_level", "side"), [(2, 32), (3, 16), (5, 4)])
def test_each_head_sees_its_own_levels(global_level: int, side: int):
    """Also where the local head leaves the global one's level out."""
    config = dataclasses.replace(SMALL, levels=(2, 3), anchors=((10,), (20,)), global_level=global_level)
    net = Dhn(config).eval()
    radiographs = torch.rand(1, 128, 128)
    features = net.features(radiographs)
    assert [m.shape[-1] for m in features] == [32, 16, 8, 4]
    assert [m.shape[-1] for m in net.local_head.chosen(features)] == [32, 16]
    seen = []
    net.global_head.register_forward_pre_hook(lambda _m, args: seen.append(args[0].shape[-1]))
    with torch.inference_mode():
        net(radiographs)
    assert seen == [side]


def test_the_global_heads_level_is_counted_from_the_finest_of_the_local_head():
    config = dataclasses.replace(SMALL, levels=(3, 4), anchors=((10,), (20,)), global_level=4)
    net = Dhn(config).eval()
    seen = []
    net.global_head.register_forward_pre_hook(lambda _m, args: seen.append(args[0].shape[-1]))
    net.global_logits(net.features(torch.rand(1, 128, 128)))
    assert seen == [128 // 2**4]


def test_the_papers_level_is_the_coarsest_also_in_cards_that_do_not_name_it():
    values = dataclasses.asdict(SHIPPED)
    assert values.pop("global_level") == 3
    assert Config(**values).global_level == PAPER.global_level == 5


def test_objectness_peaks_where_the_cell_looks():
    """Cell i of a map at stride s is centred on radiograph pixel i·s."""
    net = Dhn(SMALL).eval()
    head = net.local_head

    class Stub(torch.nn.Module):
        def forward(self, maps):
            logits = [torch.full((1, 1, *m.shape[-2:]), -9.0) for m in maps]
            logits[1][0, 0, 5, 11] = 9.0  # stride 8
            return logits, None

    head.rpn.head = Stub()
    with torch.inference_mode():
        shown = head.objectness(net.features(torch.rand(1, 128, 128)))[0]
    assert shown.shape == (128, 128)
    assert divmod(int(shown.argmax()), 128) == (40, 88)
    assert shown.max() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"heads": "none"},
        {"levels": (2, 4), "anchors": ((1,), (2,))},
        {"levels": (2, 3)},
        {"deformable": (6,)},
        {"side": 500},
        {"global_level": 6},
        {"global_level": 2, "levels": (3, 4), "anchors": ((1,), (2,))},
    ],
)
def test_settings_that_make_no_network_are_refused(wrong: dict):
    with pytest.raises(ValueError, match=r"heads|levels|stages|side|global head looks"):
        Config(**wrong)
