"""The paper's architecture (Fig. 3, Table I) and the shipped one."""

import dataclasses

import pytest
import torch

from napari_lungmtl.training.networks.mtmr.config import SHIPPED, Config
from napari_lungmtl.training.networks.mtmr.network import Mtmr
from napari_lungmtl.training.ops.nodule_size import standard_size


def test_table_1():
    """ResNet-50 at 224: 112, 56, 56, 28, 14, 7 pixels, 2048 features, 2048→256→8, (2048 + 256)→1."""
    net = Mtmr(Config()).eval()
    x = torch.zeros(1, 1, 224, 224)
    sizes = [tuple(x.shape[1:])]
    for layer in (*net.stem, *net.stages):
        x = layer(x)
        if tuple(x.shape[1:]) != sizes[-1]:
            sizes.append(tuple(x.shape[1:]))
    assert sizes[1:] == [
        (64, 112, 112),
        (64, 56, 56),
        (256, 56, 56),
        (512, 28, 28),
        (1024, 14, 14),
        (2048, 7, 7),
    ]
    assert [len([b for b in net.stages if b.conv1.out_channels == n]) for n in (64, 128, 256, 512)] == [
        3,
        4,
        6,
        3,
    ]
    shapes = [tuple(m.weight.shape) for m in (net.attribute_features, net.attribute_scores, net.malignancy)]
    assert shapes == [(256, 2048), (8, 256), (1, 2304)]


@pytest.mark.parametrize(
    ("backbone", "features"), [("resnet18", 512), ("resnet152", 2048), ("resnet10", 512)]
)
def test_backbones_by_config(backbone, features):
    assert Mtmr(Config(backbone)).attribute_features.in_features == features


@pytest.mark.parametrize("config", [SHIPPED, dataclasses.replace(SHIPPED, size=False, channels=1)])
def test_outputs(config):
    net = Mtmr(config).eval()
    x = torch.rand(3, config.channels, config.pixels, config.pixels)
    small, large = (net(x, standard_size(torch.full((3,), d))) for d in (4.0, 25.0))
    assert small[0].shape == (3,)
    assert small[1].shape == (3, 8)
    assert small[1].min() >= 0
    assert small[1].max() <= 1
    assert torch.equal(small[0], large[0]) is not config.size


def test_the_class_reads_the_attribute_features():
    """Without them the class would not depend on the regression module (the paper's cause and effect)."""
    net = Mtmr(SHIPPED).eval()
    logit, _ = net(torch.rand(2, 3, 64, 64), torch.zeros(2))
    logit.sum().backward()
    assert net.attribute_features.weight.grad.abs().sum() > 0
    assert net.attribute_scores.weight.grad is None


@pytest.mark.parametrize(
    "values", [{"backbone": "vgg"}, {"planes": ()}, {"planes": ("oblique",)}, {"channels": 2}]
)
def test_odd_configs_are_refused(values):
    with pytest.raises(ValueError, match=r"backbone|planes|odd number"):
        Config(**values)
