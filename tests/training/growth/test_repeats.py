"""Volumes by repeated measurement: phantoms of known size, and pairs of real nodules with known growth."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from napari_lungmtl.training.data.public.luna16_nodules import to_hu
from napari_lungmtl.training.data.simulation.follow_up import grow, scan_again
from napari_lungmtl.training.findings.measurements.segment import NoEdgeError
from napari_lungmtl.training.growth.change import GREW, change_of
from napari_lungmtl.training.growth.repeats import (
    at_common_spacing,
    measure_repeatedly,
    noise_of,
    part_around,
)
from napari_lungmtl.training.imaging.image import Image

from ...stand_ins.nodule_phantoms import MIDDLE, nodule_phantom

phantom = functools.cache(nodule_phantom)


def measured(image: Image, diameter: float, center=MIDDLE):
    return measure_repeatedly(part_around(image, center, diameter), center, diameter)


def test_a_volume_is_near_the_truth_and_the_same_every_time():
    found = measured(phantom((4, 4, 4)), 8.0)
    assert found.volume == pytest.approx(4 / 3 * np.pi * 64, rel=0.12)
    assert found.is_whole
    assert 0 < found.log_spread < 0.2
    assert measured(phantom((4, 4, 4)), 8.0) == found


def test_noise_is_measured_in_the_air():
    for noise in (10.0, 40.0):
        assert noise_of(phantom((5, 5, 5), noise=noise)) == pytest.approx(noise, rel=0.15)


def test_thin_slices_are_averaged_to_thick_ones():
    thin, thick = phantom((5, 5, 5)), phantom((5, 5, 5), (2.5, 0.75, 0.75))
    first, second = at_common_spacing(thin, thick)
    assert first.scale == second.scale == (2.5, 0.75, 0.75)
    assert second is thick
    assert at_common_spacing(thin, thin) == (thin, thin)


def test_a_mark_beside_every_tissue_is_said_to_have_no_edge():
    with pytest.raises(NoEdgeError):
        measured(phantom((5, 5, 5)), 4.0, tuple(np.add(MIDDLE, 14.0)))
    with pytest.raises(NoEdgeError, match="outside of the scan"):
        part_around(phantom((5, 5, 5)), (900.0, 0.0, 0.0), 8.0)


@pytest.mark.parametrize("factor", [0.6, 1.5, 2.0])
def test_a_ball_grows_by_what_it_is_told(factor):
    image = grow(phantom((5, 5, 5), noise=0.0), MIDDLE, 7.0, factor)
    found = measured(image, 10.0 * factor ** (1 / 3))
    assert found.volume == pytest.approx(factor * 4 / 3 * np.pi * 125, rel=0.12)


def test_a_second_scan_stays_where_it_was():
    image = phantom((5, 5, 5), noise=0.0)
    again = scan_again(image, (0.5, -0.3, 0.2), 2.5, 10.0, np.random.default_rng(0))
    dense = again.voxels > -400
    assert again.to_world(np.argwhere(dense).mean(axis=0)) == pytest.approx(MIDDLE, abs=0.3)
    assert again.scale == (2.5, 0.75, 0.75)
    lung = np.linalg.norm(again.to_world(np.moveaxis(np.indices(again.shape), 0, -1)) - MIDDLE, axis=-1) > 12
    assert again.voxels[lung].std() == pytest.approx(10.0, rel=0.2)


def test_held_out_nodules_are_told_apart_only_where_they_grew(luna16_cubes):
    """A small version of ``experiments/growth``: nodules of fold 0, on which nothing was calibrated."""
    claimed = covered = 0
    chosen = [c for c in luna16_cubes if c.fold == "0" and 6 <= float(c.row["diameter_mm"]) <= 10][:3]
    for number, cube in enumerate(chosen):
        rng = np.random.default_rng(number)
        center = cube.truth[np.linalg.norm(cube.truth[:, :3] - 24.5, axis=1).argmin()]
        place, diameter = center[:3].tolist(), float(center[3])
        image = Image(to_hu(cube.voxels), "CT", (1.0, 1.0, 1.0))
        before = measured(scan_again(image, (0, 0, 0), 1.0, 20.0, rng), diameter, place)
        same = measured(scan_again(image, (0.5, 0.5, 0.5), 1.0, 30.0, rng), diameter, place)
        grown = grow(image, place, 0.7 * diameter + 2, 2.0)
        larger = measured(scan_again(grown, (0.2, 0.1, 0.4), 1.0, 20.0, rng), 1.26 * diameter, place)
        claimed += change_of(before, same).verdict == GREW
        low, high = change_of(before, larger).interval
        covered += low <= 1.0 <= high
    assert claimed == 0
    assert covered >= 2
