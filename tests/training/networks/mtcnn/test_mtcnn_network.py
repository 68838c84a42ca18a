"""The paper's layers, the single-task variant, one network or nine; the loss of eq. 1–3 and the fusion of eq. 4."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from napari_lungmtl.training.networks.mtcnn.config import PAPER, SHIPPED, Config
from napari_lungmtl.training.networks.mtcnn.loss import fusion_weights, multi_task_loss
from napari_lungmtl.training.networks.mtcnn.network import MtCnn, ViewNet
from napari_lungmtl.training.networks.mtcnn.reduction import config as reduction

IMAGE_ONLY = dataclasses.replace(SHIPPED, size=False)


def shapes(net, kinds):
    """Weight shapes in order."""
    return [tuple(m.weight.shape) for m in net.modules() if isinstance(m, kinds)]


def test_the_papers_table_of_layers():
    """Fig. 3: 24 filters of 5², 32 and 64 of 3²; 256, 16; the decoder in reverse; an image of 64² in and out."""
    net = ViewNet(PAPER)
    assert shapes(net.share, nn.Conv2d) == [(24, 1, 5, 5), (32, 24, 3, 3), (64, 32, 3, 3)]
    assert shapes(net.cls, nn.Linear) == [(256, 64 * 8 * 8), (16, 256), (1, 16)]
    # A transposed convolution has its input channels first: the mirror image of ShareNet has the same weight shapes.
    assert shapes(net.img, nn.ConvTranspose2d) == [(24, 1, 5, 5), (32, 24, 3, 3), (64, 32, 3, 3)]
    assert [m.p for m in net.cls.modules() if isinstance(m, nn.Dropout)] == [0.5, 0.5]
    assert not [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    x = torch.rand(2, 1, 64, 64)
    assert net.share(x).shape == (2, 64, 8, 8)
    logits, image = net(x)
    assert logits.shape == (2,)
    assert image.shape == x.shape
    assert len(MtCnn(PAPER).nets) == 9
    assert PAPER.alpha == 0.3


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
@pytest.mark.parametrize("base", [PAPER, IMAGE_ONLY, reduction.SHIPPED])
def test_one_to_four_layers_and_any_size(layers, base):
    config = dataclasses.replace(base, layers=layers, pixels=50)
    net = MtCnn(config).eval()
    logits, images = net(torch.rand(2, 9, 50, 50))
    assert logits.shape == (2, 9)
    assert images.shape == (2, 9, 1, 50, 50)


def test_separate_networks_see_their_own_view_only():
    net = MtCnn(dataclasses.replace(IMAGE_ONLY, shared_views=False)).eval()
    x = torch.rand(1, 9, 40, 40)
    changed = x.clone()
    changed[:, 4] = 0
    a, b = net(x)[0][0], net(changed)[0][0]
    assert torch.nonzero(a != b).flatten().tolist() == [4]
    with pytest.raises(ValueError, match="9 networks"):
        net(x[:, :3])


def test_the_single_task_variant_has_no_decoder():
    net = MtCnn(dataclasses.replace(IMAGE_ONLY, alpha=0.0))
    assert not [m for m in net.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert net(torch.rand(1, 9, 40, 40))[1] is None


def test_config_refuses_what_cannot_be():
    for wrong in (
        {"layers": 0},
        {"layers": 5},
        {"pixels": 4},
        {"alpha": -1},
        {"field_mm": 0},
        {"alpha": 0, "masks": True},
    ):
        with pytest.raises(ValueError, match=r"layers|pixels|weight|field"):
            Config(**wrong)
    assert Config(hu_range=[-1000, 400]) == PAPER


def test_loss_is_the_papers_equation():
    """Eq. 2 and 3 written out, with the sign that makes it a loss."""
    rng = np.random.default_rng(0)
    logits, images = rng.normal(size=(3, 9)), rng.normal(size=(3, 9, 2, 6, 6))
    views, y = rng.random((3, 9, 6, 6)), np.array([1.0, 0.0, np.nan])

    def entropy(z, logit):
        p = 1 / (1 + np.exp(-logit))
        return -(z * np.log(p) + (1 - z) * np.log(1 - p))

    grey = entropy(views, images[:, :, 0]).mean((0, 2, 3))
    wanted = entropy(y[:2, None], logits[:2]).mean(0) + 0.3 * grey
    tensors = [torch.from_numpy(a) for a in (logits, images[:, :, :1], y, views)]
    classification, pixels = multi_task_loss(*tensors, 0.3)
    assert np.allclose((classification + pixels).numpy(), wanted)

    masks = (rng.random((3, 9, 6, 6)) < 0.2).astype(float)
    drawn = 1 / (1 + np.exp(-images[:, :, 1]))
    dice = (2 * (drawn * masks).sum((2, 3)) + 1) / ((drawn + masks).sum((2, 3)) + 1)
    outline = entropy(masks, images[:, :, 1]).mean((0, 2, 3)) + 1 - dice.mean(0)
    tensors[1] = torch.from_numpy(images)
    _, both = multi_task_loss(*tensors, 0.3, torch.from_numpy(masks))
    assert np.allclose(both.numpy(), 0.3 * (grey + outline))


def test_loss_without_a_known_class_trains_the_reconstruction_only():
    net = MtCnn(IMAGE_ONLY)
    views = torch.rand(2, 9, 40, 40)
    logits, images = net(views)
    classification, pixels = multi_task_loss(logits, images, torch.full((2,), torch.nan), views, 0.3)
    assert classification.detach().abs().sum() == 0
    (classification + pixels).sum().backward()
    assert net.nets[0].share.layers[0][0].weight.grad.abs().sum() > 0
    assert net.nets[0].cls.layers[0].weight.grad.abs().sum() == 0


def test_fusion_weighs_views_by_their_auc():
    label = np.array([1, 1, 0, 0, -1])
    p = np.tile(np.array([[0.9], [0.8], [0.2], [0.1], [1.0]]), (1, 9))
    p[:, 8] = [0.9, 0.1, 0.2, 0.8, 0.0]  # AUC 0.5
    weights = fusion_weights(p, label)
    assert weights.sum() == pytest.approx(1)
    assert weights[8] / weights[0] == pytest.approx(0.5)
    assert np.allclose(fusion_weights(p[:2], label[:2]), 1 / 9)
    net = MtCnn(IMAGE_ONLY)
    net.fusion.copy_(torch.from_numpy(weights))
    assert np.allclose(net.fuse(torch.from_numpy(p).float()).numpy(), p @ weights, atol=1e-6)


def test_mirror_images_are_averaged():
    net = MtCnn(IMAGE_ONLY).eval()
    for p in net.parameters():
        nn.init.normal_(p, std=0.2)
    x = torch.rand(2, 9, 40, 40)
    assert torch.allclose(net.probabilities(x), net.probabilities(x.flip(2)), atol=1e-5)
    assert not torch.allclose(net(x)[0], net(x.flip(2))[0], atol=1e-3)


def test_the_size_is_read_where_the_config_says_so():
    net = MtCnn(SHIPPED).eval()
    for p in net.parameters():
        nn.init.normal_(p, std=0.2)
    x = torch.rand(2, 9, 40, 40)
    small, large = (net(x, torch.full((2,), d))[0] for d in (4.0, 25.0))
    assert not torch.allclose(small, large)
    assert net.probabilities(x, torch.tensor([4.0, 25.0])).shape == (2, 9)
    with pytest.raises(ValueError, match="diameter"):
        net(x)
    alone = MtCnn(IMAGE_ONLY).eval()
    assert torch.equal(alone(x)[0], alone(x, torch.tensor([4.0, 25.0]))[0])
