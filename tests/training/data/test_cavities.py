"""Cavities in known balls: air within, a wall of the thickness asked for, nothing outside changed, none where there is no room."""

import dataclasses

import numpy as np
import pytest

from napari_lungmtl.training.data.cavities import RANGES, hollow_out

LUNG, TISSUE = -850.0, 40.0
PLAIN = dataclasses.replace(RANGES, off_middle=(0.0, 0.0), blur_mm=(0.4, 0.4), bubbles=0.0, septa=0.0)


def ball(diameter, spacing=(1.0, 1.0, 1.0), inside=TISSUE):
    """HU, mask and distances (mm) from the middle of a ball in lung."""
    step = np.reshape(spacing, (3, 1, 1, 1))
    shape = tuple(int(np.ceil((diameter + 10) / s)) for s in spacing)
    place = np.indices(shape) * step
    distance = np.linalg.norm(place - (np.reshape(shape, (3, 1, 1, 1)) - 1) * step / 2, axis=0)
    mask = distance < diameter / 2
    return np.where(mask, inside, LUNG), mask, distance


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 0.8, 0.8)])
@pytest.mark.parametrize("wall", [2.0, 4.0])
def test_the_wall_is_as_thick_as_asked_for(spacing, wall):
    hu, mask, distance = ball(20, spacing)
    ranges = dataclasses.replace(PLAIN, wall_mm=(wall, wall), air_hu=(-950.0, -950.0))
    hollowed = hollow_out(hu, mask, np.random.default_rng(0), spacing, ranges)
    assert hollowed[distance < 10 - wall - 2.5] == pytest.approx(-950, abs=70)
    # What is no longer tissue has the volume of a ball that is smaller by the wall.
    air = ((TISSUE - hollowed[mask]) / (TISSUE + 950)).sum() * np.prod(spacing)
    assert (6 * air / np.pi) ** (1 / 3) == pytest.approx(20 - 2 * wall, abs=1.2)


def test_nothing_outside_changes():
    hu, mask, distance = ball(14)
    for seed in range(10):
        hollowed = hollow_out(hu, mask, np.random.default_rng(seed))
        assert hollowed[distance > 8] == pytest.approx(hu[distance > 8], abs=1)
        assert hollowed[(distance < 7) & (distance > 6.4)].mean() > TISSUE - 150  # the wall is there
        assert hollowed[mask].min() < -500


def test_cavities_differ_and_follow_from_the_generator():
    hu, mask, _ = ball(16)
    again = [hollow_out(hu, mask, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(again[0], again[1])
    assert np.abs(again[0] - again[2]).max() > 300


def test_bubbles_are_apart_and_septa_cross_the_cavity():
    import cc3d

    hu, mask, _ = ball(24)
    bubbly = dataclasses.replace(PLAIN, bubbles=1.0)
    parts = [
        int(
            cc3d.connected_components(
                hollow_out(hu, mask, np.random.default_rng(s), ranges=bubbly) * mask < -450
            ).max()
        )
        for s in range(6)
    ]
    assert min(parts) >= 1
    assert max(parts) >= 3
    open_, crossed = (
        hollow_out(
            hu,
            mask,
            np.random.default_rng(3),
            ranges=dataclasses.replace(PLAIN, wall_mm=(2.0, 2.0), septa=septa),
        )
        for septa in (0.0, 1.0)
    )
    assert (crossed[mask] < -450).sum() < 0.95 * (open_[mask] < -450).sum()


@pytest.mark.parametrize(("diameter", "inside"), [(4, TISSUE), (12, -600.0)], ids=["small", "ground glass"])
def test_small_and_subsolid_nodules_are_left_alone(diameter, inside):
    hu, mask, _ = ball(diameter, inside=inside)
    assert hollow_out(hu, mask, np.random.default_rng(0)) is None
    assert hollow_out(hu, np.zeros_like(mask), np.random.default_rng(0)) is None
