"""The network learns one nodule by heart; the shipped one outlines a ball in a lung, and a run makes masks of spheres."""

import numpy as np
import pytest
import torch

from napari_lungmtl.training.findings import Finding, Findings, Mask, Sphere
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.chain import choose
from napari_lungmtl.training.inference.predictor import finish
from napari_lungmtl.training.inference.registry import load_predictor
from napari_lungmtl.training.networks.nodule_masks.config import Config
from napari_lungmtl.training.networks.nodule_masks.field import grid_offsets, network_input
from napari_lungmtl.training.networks.nodule_masks.fitting import mask_loss, soft_dice
from napari_lungmtl.training.networks.nodule_masks.network import MaskNet, in_blocks
from napari_lungmtl.training.networks.nodule_masks.outline import drawn, piece_at

SPACING = (1.25, 0.7, 0.7)
MIDDLE = (40.0, 30.0, 25.0)


def lung_with_ball(diameter):
    """A CT of lung (−850 HU with noise) on anisotropic voxels with a ball of 30 HU around `MIDDLE` (z, y, x in mm)."""
    grid = np.stack(np.meshgrid(np.arange(64), np.arange(90), np.arange(80), indexing="ij"), -1) * SPACING
    away = np.linalg.norm(grid - MIDDLE, axis=-1)
    values = np.where(away <= diameter / 2, 30.0, -850.0)
    values += np.random.default_rng(0).normal(0, 20, values.shape)
    return Image(values.astype(np.int16), "CT", SPACING, (0.0, 0.0, 0.0)), away <= diameter / 2


def test_learns_one_batch_by_heart():
    torch.manual_seed(0)
    config = Config(points=16, channels=(8, 16))
    net = MaskNet(config)
    offsets = (grid_offsets(16) * 20)[None]
    target = (((offsets - torch.tensor([1.0, -2.0, 0.5])) / torch.tensor([4.0, 6.0, 3.0])) ** 2).sum(-1) <= 1
    inputs = network_input(torch.where(target, 30.0, -850.0), offsets, torch.tensor([8.0]), config)
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(150):
        optimizer.zero_grad()
        loss = mask_loss(net(inputs), target.float())
        loss.backward()
        optimizer.step()
    with torch.inference_mode():
        assert soft_dice((net(inputs) > 0).float(), target.float()).item() > 0.97


@pytest.mark.parametrize(("channels", "block"), [(8, (2, 1, 1)), (1, (2, 2, 2))])
def test_a_convolution_in_blocks_is_the_convolution(channels, block):
    torch.manual_seed(0)
    conv, x = torch.nn.Conv3d(10, channels, 3, padding=1), torch.rand(2, 10, 6, 8, 4)
    torch.testing.assert_close(in_blocks(x, conv, block), conv(x))


@torch.no_grad()
def test_use_sees_what_training_saw():
    torch.manual_seed(0)
    net, x = MaskNet(Config(points=20, channels=(8, 16))), torch.rand(2, 3, 20, 20, 20)
    trained = net.train()(x)
    torch.testing.assert_close(net.eval()(x), trained, rtol=1e-4, atol=1e-5)
    assert trained.std() > 1e-3


def test_a_grid_is_as_fine_as_the_nodule_is_small():
    sides = [Config().side(d) for d in (3, 5, 10, 20, 40)]
    assert sides == sorted(sides)
    assert sides[0] == 16
    assert sides[-1] == 50


def test_the_piece_at_the_mark_is_kept():
    mask = np.zeros((20, 20, 20), bool)
    mask[2:6, 2:6, 2:6] = mask[12:18, 12:18, 12:18] = True
    assert piece_at(mask, (4, 4, 4)).sum() == 64
    assert piece_at(mask, (14, 14, 14)).sum() == 216


def hill(center: tuple[int, int, int], top: float) -> np.ndarray:
    """Log odds (30, 30, 30) that fall by one each voxel from a top."""
    return top - np.linalg.norm(np.argwhere(np.ones((30, 30, 30))) - center, axis=1).reshape(30, 30, 30)


def test_a_fainter_nodule_is_drawn_a_little_smaller():
    sizes = [int(drawn(hill((9, 9, 9), top), (9, 9, 9), 3.0).sum()) for top in (8.0, 6.1, 5.9, 3.2, 2.8, 2.1)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] > 1
    assert not drawn(hill((9, 9, 9), -0.1), (9, 9, 9), 3.0).any()
    assert not drawn(np.zeros((0, 3, 3)), (0, 1, 1), 3.0).any()


def test_a_faint_nodule_is_not_left_for_a_bright_neighbour():
    both = np.maximum(hill((6, 6, 6), 2.9), hill((20, 20, 20), 5.0))
    found = np.argwhere(drawn(both, (6, 6, 6), 3.0))
    assert np.abs(found - 6).max() <= 1
    np.testing.assert_allclose(found.mean(0), 6)


@pytest.mark.parametrize("diameter", [8.0, 16.0])
def test_spheres_become_masks_with_measurements(diameter):
    """The mark is off by 1 mm and a tenth; the mask agrees with the ball, the volume lies about its own, and notes say how sure."""
    image, ball = lung_with_ball(diameter)
    mark = Sphere((MIDDLE[0] + 1, MIDDLE[1] - 1, MIDDLE[2]), 0.9 * diameter)
    findings = Findings((Finding(mark, 0.9, id="a"), Finding(Sphere((500.0, 0.0, 0.0), 5.0), 0.5, id="b")))
    result = finish(choose(image, ["nodule_masks"], "cpu").characterise(image, findings))
    mask = result["a"].geometry
    assert isinstance(mask, Mask)
    assert isinstance(result["b"].geometry, Sphere)
    assert any("stays a sphere" in note for note in result.notes)
    held = np.zeros(image.shape, bool)
    low = np.rint(np.array(mask.origin) / SPACING).astype(int)
    held[tuple(slice(a, a + n) for a, n in zip(low, mask.shape, strict=True))] = mask.to_array()
    assert 2 * (held & ball).sum() / (held.sum() + ball.sum()) > 0.75
    (measured,) = result.measurements
    assert measured.finding == "a"
    assert measured.values["volume"] == pytest.approx(held.sum() * np.prod(SPACING))
    assert "80 % between" in measured.notes[0]
    assert "Solid part" in measured.notes[1]


def test_runs_only_where_it_is_named():
    image, _ = lung_with_ball(8.0)
    assert not choose(image).outliners
    assert load_predictor("nodule_masks", "cpu").info.task == "segmentation"
