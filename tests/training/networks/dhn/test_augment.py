"""Dual Head Augmentation: boxes follow pixels, and φ_bin, φ_uni and φ_id choose as §3.2 says."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.networks.dhn.augment import (
    COUNT,
    GEOMETRY,
    ILLUMINATION,
    augment,
    choose,
    flip,
    move,
    move_boxes,
    translate,
)
from napari_lungmtl.training.ops.masks import ellipses

SIDE = 128


def ellipse(box: np.ndarray) -> torch.Tensor:
    """The radiograph that shows nothing but the ellipse in a box."""
    return torch.from_numpy(ellipses(box[None], (SIDE, SIDE)).astype(np.float32))


@given(
    center=st.tuples(st.floats(45, 83), st.floats(45, 83)),
    size=st.tuples(st.floats(12, 30), st.floats(12, 30)),
    which=st.lists(st.sampled_from(range(len(GEOMETRY))), min_size=1, max_size=3, unique=True),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_boxes_follow_what_the_radiograph_shows(center, size, which, seed):
    rng = np.random.default_rng(seed)
    (x, y), (w, h) = center, size
    box = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2], np.float32)
    moved, boxes = move(ellipse(box), torch.from_numpy(box)[None], [GEOMETRY[i](rng) for i in which])
    shown = (moved > 0.5).numpy()
    if not len(boxes):
        # Dropped only if most of it left the radiograph.
        assert shown.sum() < 0.9 * np.pi / 4 * w * h * 1.6
        return
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    found = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    np.testing.assert_allclose(boxes[0].numpy(), found, atol=2.0)


@given(st.lists(st.floats(0, SIDE), min_size=4, max_size=4))
def test_two_flips_give_the_box_back(corners):
    x0, x1 = sorted(corners[:2])
    y0, y1 = sorted(corners[2:])
    box = torch.tensor([[x0, y0, x1, y1]])
    once = move_boxes(box, flip(np.random.default_rng(0)), SIDE)
    if x1 - x0 > 5 and y1 - y0 > 5:
        torch.testing.assert_close(once, torch.tensor([[SIDE - x1, y0, SIDE - x0, y1]]), atol=1e-3, rtol=0)
        twice = move_boxes(once, flip(np.random.default_rng(0)), SIDE)
        torch.testing.assert_close(twice, box, atol=1e-3, rtol=0)


def test_a_flip_moves_pixels_exactly():
    radiograph = torch.rand(SIDE, SIDE)
    moved, _ = move(radiograph, torch.zeros(0, 4), [flip(np.random.default_rng(0))])
    torch.testing.assert_close(moved, radiograph.flip(1), atol=1e-5, rtol=0)


def test_a_nodule_that_leaves_the_radiograph_leaves_the_truth():
    far = np.eye(3)
    far[0, 2] = 1.0  # half a side to the right
    boxes = torch.tensor([[100.0, 10, 120, 30], [10.0, 10, 30, 30]])
    assert move_boxes(boxes, far, SIDE).tolist() == [[74, 10, 94, 30]]
    assert move_boxes(boxes, far, SIDE).shape == (1, 4)


def test_a_nodule_cut_by_the_rim_keeps_the_part_that_is_left():
    near = np.eye(3)
    near[0, 2] = 2 * 20 / SIDE  # 20 pixels to the right
    moved = move_boxes(torch.tensor([[90.0, 10, 115, 30]]), near, SIDE)
    assert moved.tolist() == [[110, 10, 128, 30]]


@pytest.mark.parametrize("transform", ILLUMINATION, ids=lambda t: t.__name__)
def test_illumination_changes_the_radiograph_but_not_its_black_border_nor_its_range(transform):
    rng = np.random.default_rng(0)
    radiograph = torch.rand(SIDE, SIDE) * 0.8 + 0.1
    radiograph[:, :20] = 0
    which = ILLUMINATION.index(transform)
    seed = next(s for s in range(1000) if choose("uni", 0, np.random.default_rng(s)) == [which])
    changed, boxes = augment(
        radiograph, torch.tensor([[1.0, 2, 30, 40]]), "uni", 0, np.random.default_rng(seed)
    )
    assert boxes.tolist() == [[1, 2, 30, 40]]
    assert not torch.equal(changed, radiograph)
    assert not changed[:, :20].any()
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1
    assert not torch.equal(transform(radiograph, rng), radiograph)


def test_equalising_makes_every_grey_equally_frequent():
    radiograph = torch.rand(SIDE, SIDE, generator=torch.Generator().manual_seed(0)) ** 3 * 0.9 + 0.05

    class Full(np.random.Generator):
        def uniform(self, *_):
            return 1.0

    from napari_lungmtl.training.networks.dhn.augment import equalise

    flat = equalise(radiograph, Full(np.random.PCG64(0)))
    counts = torch.histc(flat, 10, 0, 1) / flat.numel()
    assert torch.all((counts - 0.1).abs() < 0.04)


def test_strategies_choose_as_the_paper_says():
    rng = np.random.default_rng(0)
    assert choose("id", 0.5, rng) == []
    uniform = [choose("uni", 0.5, rng) for _ in range(3000)]
    assert {len(c) for c in uniform} == {1}
    counts = np.bincount([c[0] for c in uniform], minlength=COUNT)
    assert counts.min() > 0.7 * 3000 / COUNT
    binomial = [choose("bin", 0.3, rng) for _ in range(3000)]
    often = np.bincount(np.concatenate(binomial).astype(int), minlength=COUNT) / 3000
    np.testing.assert_allclose(often, 0.3, atol=0.05)


def test_identity_changes_nothing():
    radiograph, boxes = torch.rand(SIDE, SIDE), torch.tensor([[1.0, 2, 30, 40]])
    same, same_boxes = augment(radiograph, boxes, "id", 1.0, np.random.default_rng(0))
    assert torch.equal(same, radiograph)
    assert torch.equal(same_boxes, boxes)


def test_the_same_generator_gives_the_same_view():
    radiograph, boxes = torch.rand(SIDE, SIDE), torch.tensor([[40.0, 40, 70, 70]])
    one, two = (augment(radiograph, boxes, "bin", 0.5, np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[1], two[1])
    assert abs(translate(np.random.default_rng(0))[0, 2]) <= 0.12


def test_pixels_a_little_beyond_white_are_white():
    """The noise of a sham on a bright place: it once ended a training."""
    pixels = torch.full((64, 64), 0.5)
    pixels[10, 10], pixels[20, 20] = 1.02, -0.02
    for seed in range(20):
        view, _ = augment(pixels, torch.zeros(0, 4), "uni", 0.3, np.random.default_rng(seed))
        assert 0 <= view.min() <= view.max() <= 1
