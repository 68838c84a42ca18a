"""Lengths, angles, areas and values against what is known of the image."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training.findings import Measurement
from napari_lungmtl.training.findings.measurements.measure import measure, moved, remeasured, shifted
from napari_lungmtl.training.findings.measurements.measurement import numbered
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.slab import KINDS, Slab

place = st.floats(-200, 200)
CT = Image(np.zeros((8, 60, 80), np.int16), "CT", (2.5, 0.9, 0.6), (-100.0, 10.0, -30.0))


def test_a_line_between_two_points_of_an_oblique_anisotropic_volume_has_its_true_length(tmp_path):
    """The patient lies turned by 25° about the long axis of the table, in voxels of 0.7 × 0.9 × 2 mm."""
    a = np.radians(25)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn * (0.7, 0.9, 2.0), (-20, -30, 40)
    index = np.stack(np.meshgrid(np.arange(70), np.arange(60), np.arange(9), indexing="ij"), axis=-1)
    world = index @ affine[:3, :3].T + affine[:3, 3]
    ends = np.array([affine[:3, :3] @ i + affine[:3, 3] for i in ((15.3, 12.6, 4), (50.8, 41.1, 4))])
    blobs = sum(np.exp(-((world - end) ** 2).sum(axis=-1) / (2 * 1.5**2)) for end in ends)
    nibabel.save(
        nibabel.Nifti1Image((1000 * blobs - 1000).astype(np.int16), affine), tmp_path / "oblique.nii"
    )
    image = read_image(tmp_path / "oblique.nii")
    where = np.argwhere(image.voxels > -950)
    weights = image.voxels[tuple(where.T)] + 1000.0
    points = image.to_world(where)
    first = points[:, 1] < np.average(points[:, 1], weights=weights)
    found = [np.average(points[side], axis=0, weights=weights[side]) for side in (first, ~first)]
    z = round(float(found[0][0]), 1)
    line = measure(image, "line", [(z, *end[1:]) for end in found], 0)
    assert line.values["length"] == pytest.approx(np.linalg.norm(ends[1] - ends[0]), abs=0.15)


@given(st.sampled_from([0, 1, 2]), place, *((st.tuples(place, place),) * 2))
def test_a_line_is_as_long_as_its_ends_are_apart(axis, position, one, other):
    points = [np.insert(np.array(end, float), axis, position) for end in (one, other)]
    found = measure(CT, "line", points, axis)
    assert found.values["length"] == pytest.approx(np.hypot(*np.subtract(one, other)))
    assert found.position == position
    assert measure(CT, "line", points[::-1], axis).values == pytest.approx(found.values)
    assert remeasured(CT, shifted(found, (3.0, -4.0, 5.0))).values == pytest.approx(found.values, abs=1e-6)


@given(st.floats(1, 179), st.floats(0, 360), st.floats(1, 90), st.floats(1, 90))
def test_an_angle_is_that_between_its_arms_whatever_their_lengths(angle, turned, one, other):
    a, b = np.radians(turned), np.radians(turned + angle)
    ends = [(one * np.sin(a), one * np.cos(a)), (0, 0), (other * np.sin(b), other * np.cos(b))]
    found = measure(CT, "angle", [(-100.0, y, x) for y, x in ends], 0)
    assert found.values["angle"] == pytest.approx(angle, abs=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_ellipse_over_a_disc_of_known_hu_reads_its_values_in_every_plane(axis):
    spacing, origin = (2.0, 0.9, 0.6), (-100.0, 10.0, -30.0)
    voxels = np.full((60, 90, 130), -800, np.int16)
    image = Image(voxels, "CT", spacing, origin)
    middle = image.to_world((30, 45, 65))
    steps = [
        np.arange(n) * s + o - m for n, s, o, m in zip(voxels.shape, spacing, origin, middle, strict=True)
    ]
    z, y, x = np.meshgrid(*steps, indexing="ij", sparse=True)
    ball = z**2 + y**2 + x**2 <= 12**2
    voxels[ball] = np.where(np.indices(voxels.shape).sum(axis=0) % 2, 110, 90)[ball]  # a chessboard: 100 ± 10
    a, b = (i for i in range(3) if i != axis)
    low, high = middle.copy(), middle.copy()
    low[[a, b]] -= (8.0, 6.0)
    high[[a, b]] += (8.0, 6.0)
    found = measure(image, "ellipse", [low, high], axis)
    assert found.values["mean"] == pytest.approx(100, abs=1)
    assert found.values["std"] == pytest.approx(10, abs=0.1)
    assert (found.values["min"], found.values["max"]) == (90, 110)
    assert found.values["area"] == pytest.approx(np.pi * 8 * 6)
    square = measure(image, "rectangle", [low, high], axis)
    assert square.values["area"] == pytest.approx(16 * 12)
    assert square.values["mean"] == pytest.approx(100, abs=1)
    wide = measure(
        image,
        "ellipse",
        [middle - 40.0 * (np.arange(3) != axis), middle + 40.0 * (np.arange(3) != axis)],
        axis,
    )
    assert wide.values["min"] == -800
    next_slice = np.zeros(3)
    next_slice[axis] = 14.0  # beyond the ball
    outside = measure(image, "ellipse", [low + next_slice, high + next_slice], axis)
    assert outside.values["max"] == -800


def test_a_region_counts_the_pixels_whose_centres_it_holds():
    values = np.arange(20.0).reshape(4, 5)
    film = Image(values, "DX", (2.0, 1.0))
    square = measure(film, "rectangle", [(1.9, 0.9), (4.1, 3.1)])
    np.testing.assert_allclose(square.values["mean"], values[1:3, 1:4].mean())
    np.testing.assert_allclose(square.values["std"], values[1:3, 1:4].std())
    tiny = measure(film, "ellipse", [(2.3, 1.2), (2.4, 1.3)])
    assert tiny.values["mean"] == values[1, 1]
    away = measure(film, "rectangle", [(50, 50), (60, 60)])
    assert set(away.values) == {"area"}


@pytest.mark.parametrize(
    ("spacing", "metadata", "length", "plane"),
    [
        (None, {}, 50.0, ""),
        ((0.2, 0.4), {"spacing_plane": "detector"}, 20.0, "at the detector"),
        ((0.2, 0.4), {"spacing_plane": "body", "magnification": 1.25}, 20.0, "calibrated"),
        (
            (0.2, 0.4),
            {"spacing_plane": "detector", "magnification": 1.25},
            16.0,
            "magnified by 1.25, divided out",
        ),
        ((0.2, 0.4), {}, 20.0, "plane not stated"),
    ],
)
def test_lengths_on_films_say_in_which_plane_they_hold(spacing, metadata, length, plane):
    film = Image(np.zeros((100, 100)), "DX", spacing, metadata=metadata)
    line = measure(film, "line", [film.to_world((10, 20)), film.to_world((10, 70))])
    assert line.values["length"] == pytest.approx(length)
    assert line.plane == plane
    region = measure(film, "rectangle", [film.to_world((10, 20)), film.to_world((20, 70))])
    assert region.values["area"] == pytest.approx(length * (10 if spacing is None else length / 10))
    assert measure(film, "angle", [(0, 0), (0, 5), (5, 5)]).plane == ""


@given(st.tuples(place, place), st.tuples(place, place), st.integers(0, 3), st.tuples(place, place))
def test_axes_stay_perpendicular_whichever_end_is_moved(one, other, index, to):
    if np.hypot(*np.subtract(one, other)) < 1:
        return
    start, end = (np.array((-100.0, *p)) for p in (one, other))
    across = np.array((0.0, -(end - start)[2], (end - start)[1])) / 5
    axes = measure(CT, "axes", [start, end, (start + end) / 2 - across, (start + end) / 2 + across], 0)
    after = moved(axes, index, (0.0, *to))
    a, b, c, d = np.asarray(after.points)
    assert (b - a) @ (d - c) == pytest.approx(
        0, abs=1e-6 * (1 + np.linalg.norm(b - a) * np.linalg.norm(d - c))
    )
    assert after.position == -100.0
    if index < 2 and np.hypot(*np.subtract(to, axes.points[1 - index][1:])) > 1e-3:
        np.testing.assert_allclose(after.points[index][1:], to)


def test_what_a_person_moves_is_no_longer_the_edge_that_was_found():
    axes = Measurement(
        "axes",
        ((0, 0, 0), (0, 0, 10), (0, -3, 5), (0, 3, 5)),
        0,
        {"long": 10, "short": 6, "volume": 300},
        outline=((0, 0, 0), (0, 3, 5)),
        notes=("It touches vessels.",),
    )
    after = remeasured(CT, moved(axes, 3, (0, 4, 5)))
    assert after.values == pytest.approx({"long": 10, "short": 7})
    assert after.outline == after.notes == ()
    assert after.id == axes.id


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"kind": "star"}, "unknown kind"),
        ({"points": ((0, 0, 0),)}, "has 2 points"),
        ({"points": ((0, 0, 0), (1, 0, 0))}, "on one slice"),
        ({"axis": None}, "2 coordinates"),
        ({"axis": 5}, "axis 0, 1 or 2"),
        ({"points": ((0, 0, 0), (0, 0, np.inf))}, "finite"),
        ({"values": {"hue": 1.0}}, "unknown values hue"),
    ],
)
def test_what_is_no_measurement_is_refused(fields, why):
    with pytest.raises(ValueError, match=why):
        Measurement(**({"kind": "line", "points": ((0, 0, 0), (0, 3, 4)), "axis": 0} | fields))


def test_numbers_go_on_from_the_highest():
    line = Measurement("line", ((0, 0), (3, 4)))
    first, second = numbered((line.with_(number=4), line.with_(id="b")))
    assert (first.number, second.number) == (4, 5)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("kind", list(KINDS))
def test_a_region_on_a_slab_reads_the_projection_that_is_seen(axis, kind):
    voxels = np.random.default_rng(3).integers(-1000, 400, (20, 20, 20)).astype(np.int16)
    image = Image(voxels, "CT", (2.0, 2.0, 2.0), (-50.0, 10.0, 20.0))
    ends = [image.to_world(index) for index in ((8, 8, 8), (12, 12, 12))]
    ends[1][axis] = ends[0][axis]
    region = measure(image, "rectangle", ends, axis, Slab(kind, 8.0))
    held = voxels.take(range(6, 11), axis).astype(float)
    seen = KINDS[kind](held, axis=axis)[8:13, 8:13]
    assert region.values["mean"] == pytest.approx(seen.mean(), rel=1e-6)
    assert (region.values["min"], region.values["max"]) == pytest.approx((seen.min(), seen.max()))
    assert remeasured(image, region).values == region.values
    plain = measure(image, "rectangle", ends, axis)
    assert plain.values["max"] == voxels.take(8, axis)[8:13, 8:13].max()
