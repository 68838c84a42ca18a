"""Axes and volume of nodules whose size is known: free, on a vessel, on the chest wall, of ground glass."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from napari_lungmtl.training.findings.measurements.nodule import measure_nodule
from napari_lungmtl.training.findings.measurements.segment import NoEdgeError
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.image import Image

from ....stand_ins.nodule_phantoms import MIDDLE, nodule_phantom, vessel, wall

THIN, THICK = (1.0, 0.75, 0.75), (2.5, 0.75, 0.75)


phantom = functools.cache(nodule_phantom)


def ball(*radii: float) -> float:
    return 4 / 3 * np.pi * float(np.prod(radii))


@pytest.mark.parametrize(
    ("radii", "spacing", "hu", "mm", "volume"),
    [
        ((10, 10, 10), THIN, 40, 0.3, 0.04),
        ((10, 10, 10), THICK, 40, 0.3, 0.06),
        ((5, 5, 5), THIN, 40, 0.4, 0.08),
        ((5, 5, 5), THICK, 40, 0.5, 0.12),
        ((3, 3, 3), THIN, 40, 0.5, 0.18),
        ((6, 10, 6), THIN, 40, 0.5, 0.06),
        ((6, 6, 6), THIN, -550, 0.4, 0.08),  # ground glass
        ((15, 15, 15), THICK, 40, 0.4, 0.04),
    ],
)
@pytest.mark.parametrize("marked", [(0, 0, 0, 1.0), (0.3, -0.4, 0.4, 0.75), (-0.3, 0.4, 0.3, 1.3)])
def test_a_free_nodule_has_its_true_axes_and_volume(radii, spacing, hu, mm, volume, marked):
    """However badly the sphere marks it: a third of a radius beside the middle, three quarters or 1.3 times as large."""
    image = phantom(radii, spacing, hu)
    off, factor = np.multiply(marked[:3], min(radii) / 2), marked[3]
    found = measure_nodule(image, np.add(MIDDLE, off), 2 * float(np.mean(radii)) * factor, "f1")
    assert found.values["long"] == pytest.approx(2 * max(radii), abs=mm)
    assert found.values["short"] == pytest.approx(2 * min(radii[1:]), abs=mm)
    assert found.values["volume"] == pytest.approx(ball(*radii), rel=volume)
    assert not any("touches" in note for note in found.notes)
    assert found.axis == 0
    assert found.finding == "f1"
    assert found.position in [
        pytest.approx(z) for z in image.origin[0] + np.arange(len(image.voxels)) * spacing[0]
    ]
    (a, b), (c, d) = np.asarray(found.points)[:, 1:].reshape(2, 2, 2)
    assert abs((b - a) @ (d - c)) < 1e-6 * found.values["long"] ** 2
    assert np.linalg.norm(b - a) == pytest.approx(found.values["long"])
    assert len(found.outline) > 10


def test_a_vessel_is_cut_off():
    found = measure_nodule(nodule_phantom((8, 8, 8), beside=vessel(1.5)), MIDDLE, 16)
    assert found.values["short"] == pytest.approx(16, abs=0.5)
    assert found.values["long"] == pytest.approx(16, abs=1.5)  # a stump of the vessel stays
    assert found.values["volume"] == pytest.approx(ball(8, 8, 8), rel=0.05)


@pytest.mark.parametrize("depth", [0.0, 3.0])
def test_the_chest_wall_is_cut_off_along_the_lung_and_said(depth):
    """Of a ball that is partly in the wall, the cap that bulges into the lung."""
    found = measure_nodule(nodule_phantom((6, 6, 6), beside=wall(depth)), MIDDLE, 12)
    height = 6 + depth
    assert found.values["volume"] == pytest.approx(np.pi * height**2 * (18 - height) / 3, rel=0.15)
    assert any("pleura or chest wall" in note for note in found.notes)


def test_where_no_edge_is_it_says_so():
    image = nodule_phantom((6, 6, 6))
    with pytest.raises(NoEdgeError, match="too alike"):
        measure_nodule(image, np.subtract(MIDDLE, (0, 15, 15)), 6)
    with pytest.raises(NoEdgeError, match="no aerated lung"):
        measure_nodule(Image(np.full((40, 40, 40), 40, np.int16), "CT", THIN), (20, 15, 15), 8)
    with pytest.raises(NoEdgeError, match="outside of the CT"):
        measure_nodule(image, (500, 0, 0), 6)
    with pytest.raises(NoEdgeError, match="Only nodules in a CT"):
        measure_nodule(Image(np.zeros((9, 9)), "DX"), (4, 4), 6)


def test_a_nodule_at_the_end_of_the_scan_is_said():
    image = nodule_phantom((8, 8, 8))
    half = Image(image.voxels[: len(image.voxels) // 2 + 2], "CT", image.spacing, image.origin)
    assert any("end of the CT" in note for note in measure_nodule(half, MIDDLE, 16).notes)


def test_the_largest_nodule_of_a_real_ct_is_measured(lungmtl_data):
    """LIDC-IDRI-0003: four readers' outlines give 21.5 mm."""
    image = read_image(lungmtl_data / "dicom" / "LIDC-IDRI-0003")
    found = measure_nodule(image, (-190.5, 76.25, 72.0), 21.5)
    assert 15 < found.values["short"] <= found.values["long"] < 32
    assert -200 < found.values["mean"] < 60
