"""The close-ups: orientation, millimetres, outline, grey levels; on phantoms whose every voxel is known, and on scans."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.findings import Box, Finding, Mask
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.close_up import PLANES, bar_length, cut, field_of_view
from napari_lungmtl.training.imaging.image import Image

from ..stand_ins.nodule_cards import balls, closeup, judged, outline, shown

SAMPLES = Path(__file__).parents[2] / "sample_data"
DATA = os.environ.get("LUNGMTL_DATA")


@settings(max_examples=40, deadline=None)
@given(
    spacing=st.tuples(*[st.floats(0.5, 3)] * 3),
    center=st.tuples(*[st.floats(-20, 20)] * 3),
    field=st.floats(10, 60),
    plane=st.sampled_from(PLANES),
)
def test_a_cut_has_the_values_of_its_world_points(spacing, center, field, plane):
    """In a volume that holds a linear function of the place, interpolation is exact; outside is outside."""
    shape = (24, 30, 28)
    origin = tuple(-(n - 1) * s / 2 for n, s in zip(shape, spacing))
    place = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1) * spacing + origin
    slope = np.array([1.0, -3.0, 7.0])
    image = Image((place @ slope).astype(np.float32), "CT", spacing, origin)
    cut_ = cut(image, center, plane, field, 20)
    low, high = image.extent
    for row, column in ((0, 0), (3, 15), (10, 10), (19, 19), (19, 2)):
        world = np.array(center)
        world[plane.down[0]] += plane.down[1] * ((row + 0.5) / 20 - 0.5) * field
        world[plane.right[0]] += plane.right[1] * ((column + 0.5) / 20 - 0.5) * field
        inner = np.all((world >= low + np.array(spacing) / 2) & (world <= high - np.array(spacing) / 2))
        if inner:
            assert cut_[row, column] == pytest.approx(world @ slope, abs=0.02)
        elif np.any((world < low - 1e-6) | (world > high + 1e-6)):
            assert np.isnan(cut_[row, column])


PLACES = (
    # mm (z, y, x) from the centre to where it must appear (right, up) in the planes that contain it
    ((0, 0, 9), {0: (9, 0), 1: (9, 0)}),  # the patient's left: right in axial and coronal
    ((0, -9, 0), {0: (0, 9), 2: (-9, 0)}),  # the front: up in axial, left in sagittal
    ((9, 0, 0), {1: (0, 9), 2: (0, 9)}),  # the head: up in coronal and sagittal
)


def test_right_is_left_front_and_head_are_up(window):
    for offset, places in PLACES:
        image = replace(balls({offset: 5.0}), series_uid=f"ball {offset}")
        card, _ = shown(window, image, judged((-150.0, 40.0, 0.0), 6.0))
        for number in range(3):
            pixels = closeup(card, number)
            side = pixels.shape[0]
            scale = side / 30.0
            for right, up in ((9, 0), (-9, 0), (0, 9), (0, -9)):
                y, x = round(side / 2 - up * scale), round(side / 2 + right * scale)
                bright = pixels[y - 2 : y + 3, x - 2 : x + 3].mean() > 200
                assert bright == (places.get(number) == (right, up)), (offset, number, right, up)


def test_outline_and_nodule_have_their_size_in_millimetres_and_the_same_middle(window):
    for diameter in (6.0, 12.0, 25.0):
        image = replace(balls({(0, 0, 0): diameter}), series_uid=f"{diameter} mm")
        card, _ = shown(window, image, judged((-150.0, 40.0, 0.0), diameter))
        _has_its_size(card, diameter)


def _has_its_size(card, diameter: float) -> None:
    field = max(30.0, 2.2 * diameter)
    for number in range(3):
        pixels = closeup(card, number)
        side = pixels.shape[0]
        ring = outline(pixels)
        assert len(ring) > 20
        radii = np.linalg.norm(ring - side / 2, axis=1) * field / side
        assert np.abs(radii - diameter / 2).max() < 1.6 * field / side
        row = pixels[side // 2, :, 1]  # green: the outline has little of it
        column = pixels[:, side // 2, 1]
        # voxels are 0.8 mm in the plane, 2 mm from slice to slice
        for line, voxel in ((row, 0.8), (column, 0.8 if number == 0 else 2.0)):
            middle = line[int(0.2 * side) : int(0.8 * side)] > 127
            assert abs(middle.sum() * field / side - diameter) < voxel + 2 * field / side


def test_an_off_centre_sphere_is_outlined_where_it_was_put_and_not_where_the_nodule_is(window):
    card, _ = shown(window, balls({(0, 0, 6): 6.0}), judged((-150.0, 40.0, 0.0), 6.0))
    pixels = closeup(card, 0)
    side = pixels.shape[0]
    assert np.abs(outline(pixels).mean(axis=0) - side / 2).max() < 1
    bright = 20 + np.argwhere(pixels[25:85, 20:].min(axis=-1) > 200)[:, 1].mean()  # right of the letter
    assert (bright + 0.5 - side / 2) * 30 / side == pytest.approx(6.0, abs=0.5)


def test_the_scale_bar_has_the_length_that_it_names_and_grey_levels_are_the_layers(window):
    _, dock = window
    card, _ = shown(window, balls({}), judged((-150.0, 40.0, 0.0), 6.0))
    pixels = closeup(card, 0)
    side = pixels.shape[0]
    line = pixels[side - 6].min(axis=-1) > 150
    runs = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(int), [0]])))
    longest = max(np.diff(runs)[::2])
    assert bar_length(30.0) == 10
    assert longest * 30 / side == pytest.approx(10.0, abs=0.8)
    layer = dock.reviewed.layer
    layer.contrast_limits = (-1500, -500)
    assert closeup(card, 0)[30, 30].tolist() == [127] * 3
    layer.contrast_limits = (-2000, 0)
    assert closeup(card, 0)[30, 30].tolist() == [127] * 3
    layer.contrast_limits = (-1000, 0)
    assert closeup(card, 0)[30, 30].tolist() == [0] * 3


def test_the_field_grows_with_the_nodule_within_limits():
    image = balls({})
    assert [field_of_view(image, d) for d in (4, 13, 20, 40, 200)] == pytest.approx([30, 30, 44, 88, 120])
    assert [bar_length(f) for f in (15.0, 30.0, 60.0, 120.0)] == [5, 10, 20, 20]


def test_beyond_the_image_it_is_dark(window):
    image = balls({})
    bright = replace(image, voxels=np.full_like(image.voxels, 100))
    low, _ = image.extent
    card, _ = shown(window, bright, judged((float(low[0]), 40.0, 0.0), 6.0))
    coronal = closeup(card, 1)
    side = coronal.shape[0]
    assert coronal[side // 4, side // 4].min() > 240
    assert coronal[3 * side // 4, side // 4].tolist() == [0] * 3


def test_a_box_on_a_radiograph_has_one_closeup(window):
    image = Image(np.full((300, 260), 0.5, np.float32), "DX", (0.4, 0.4), (0.0, 0.0), series_uid="dx")
    card, _ = shown(window, image, Finding(Box((40.0, 50.0), (60.0, 62.0)), score=0.9))
    assert [p.isVisibleTo(card) for p in card.closeups.pictures] == [True, False, False]
    pixels = closeup(card, 0)
    extent = np.ptp(outline(pixels), axis=0) * 60.0 / pixels.shape[0]
    assert extent == pytest.approx([20, 12], abs=1.0)
    assert not card.button.isVisibleTo(card)


def test_a_mask_is_outlined_along_its_rim(window):
    block = Mask.from_array(np.ones((6, 10, 20), bool), (2.0, 0.8, 0.8), (-155.0, 36.4, -7.6))
    card, _ = shown(window, balls({}), Finding(block, score=0.9))
    field = field_of_view(balls({}), block.diameter)
    for number, wanted in ((0, (8.0, 16.0)), (1, (12.0, 16.0)), (2, (12.0, 8.0))):
        pixels = closeup(card, number)
        extent = (np.ptp(outline(pixels), axis=0) + 1) * field / pixels.shape[0]
        assert extent == pytest.approx(wanted, abs=0.8)


@pytest.mark.parametrize("real", [False, True])
def test_the_outline_encloses_a_nodule_of_a_scan(window, real):
    if real:
        if not DATA or not (Path(DATA) / "dicom" / "LIDC-IDRI-0003").is_dir():
            pytest.skip("LUNGMTL_DATA does not lead to the test data")
        image = read_image(Path(DATA) / "dicom" / "LIDC-IDRI-0003")
        finding = judged((-190.46, 76.90, 72.29), 21.45)
    else:
        image = read_image(SAMPLES / "ct")
        finding = max(read_findings(SAMPLES / "ct_truth.lungmtl.json"), key=lambda f: f.diameter)
    card, _ = shown(window, replace(image, source=None), finding)
    field = field_of_view(image, finding.diameter)
    for number in range(3):
        pixels = closeup(card, number)
        side = pixels.shape[0]
        y, x = np.indices((side, side)) + 0.5 - side / 2
        distance = np.hypot(y, x) * field / side
        inside = pixels[distance < 0.3 * finding.diameter].mean()
        around = pixels[(distance > 0.6 * finding.diameter) & (distance < 0.75 * finding.diameter)].mean()
        assert inside > around + 60, number
    assert set(finding.attributes) == {scale.name for scale, _ in card.bars.shown()}
