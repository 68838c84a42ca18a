"""Nine planes: true millimetres in all directions, the patient's sides where they belong, one function for every source."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.crossval.nodule_cubes import MIDDLE, nodule_cube
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.imaging.values import window_to_unit
from napari_lungmtl.training.networks.mtcnn.config import PAPER, SHIPPED
from napari_lungmtl.training.networks.mtcnn.predictor import cube_views
from napari_lungmtl.training.networks.mtcnn.views import AXES, NAMES, offsets, sample_views

SIDE = 50
centers = st.tuples(*[st.floats(22.5, 27.5)] * 3)


def views(volume, center, field=40.0, pixels=40):
    """(9, n, n) of one cube of 1 mm."""
    where = torch.from_numpy(offsets(field, pixels)).float()
    cube = torch.from_numpy(np.asarray(volume, np.float32))[None]
    return sample_views(cube, torch.tensor([center], dtype=torch.float32), where)[0].numpy()


def distances(center):
    return np.linalg.norm(np.indices((SIDE,) * 3) - np.asarray(center)[:, None, None, None], axis=0)


def soft_ball(center, diameter):
    """1 inside, 0 outside, half way at the surface."""
    return np.clip(diameter / 2 - distances(center) + 0.5, 0, 1)


def test_three_orthogonal_and_six_diagonal_planes():
    assert len(NAMES) == len(set(NAMES)) == len(AXES) == 9
    assert np.allclose(AXES @ AXES.transpose(0, 2, 1), np.eye(2))
    normals = np.cross(AXES[:, 0], AXES[:, 1])
    for i in range(9):
        for j in range(i):
            assert abs(normals[i] @ normals[j]) < 0.75, "no plane twice"
    along_axes = (np.abs(normals) > 1e-6).sum(1)
    assert list(along_axes) == [1] * 3 + [2] * 6


@settings(max_examples=15, deadline=None)
@given(centers, st.floats(6, 30))
def test_a_sphere_is_a_disc_of_its_diameter_in_every_view(center, diameter):
    found = views(soft_ball(center, diameter), center)
    assert np.allclose(2 * np.sqrt(found.sum((1, 2)) / np.pi), diameter, atol=0.35)
    grid = np.arange(40) - 19.5
    weight = found.sum((1, 2))
    assert np.allclose((found * grid[:, None]).sum((1, 2)) / weight, 0, atol=0.1)
    assert np.allclose((found * grid).sum((1, 2)) / weight, 0, atol=0.1)


@settings(max_examples=15, deadline=None)
@given(
    centers,
    st.tuples(*[st.floats(-1, 1)] * 3),
    st.floats(20, 40),
    st.integers(20, 64),
)
def test_a_linear_field_keeps_its_gradient_per_mm_in_every_view(center, slope, field, pixels):
    """Both axes of every plane are millimetres: the values are the field at the places that `offsets` says."""
    ramp = np.tensordot(slope, np.indices((SIDE,) * 3), 1)
    found = views(ramp, center, field, pixels)
    places = np.asarray(center) + offsets(field, pixels)
    inside = np.all((places >= 0) & (places <= SIDE - 1), axis=-1)
    assert np.allclose(found[inside], (places @ np.asarray(slope))[inside], atol=2e-3)
    step = field / pixels
    for view, (rows, columns) in zip(offsets(field, pixels), AXES, strict=True):
        assert np.allclose(np.diff(view, axis=0), step * rows)
        assert np.allclose(np.diff(view, axis=1), step * columns)


def test_an_ellipsoid_shows_its_axes_where_they_belong():
    """Half axes 12 mm (z), 8 mm (y) and 5 mm (x)."""
    z, y, x = np.indices((SIDE,) * 3) - MIDDLE
    body = ((z / 12) ** 2 + (y / 8) ** 2 + (x / 5) ** 2 <= 1).astype(np.float32)
    found = views(body, (MIDDLE,) * 3)
    tall, wide = (found > 0.5).any(2).sum(1), (found > 0.5).any(1).sum(1)
    assert np.allclose([tall[0], wide[0]], [16, 10], atol=1)
    assert np.allclose([tall[1], wide[1]], [24, 10], atol=1)
    assert np.allclose([tall[2], wide[2]], [24, 16], atol=1)
    # Halfway between two half axes a and b an ellipse reaches ab·√(2 / (a² + b²)).
    for view, (a, b), length in ((3, (12, 8), tall), (5, (12, 5), wide), (7, (8, 5), wide)):
        reach = a * b * np.sqrt(2 / (a * a + b * b))
        assert np.allclose([length[view], length[view + 1]], 2 * reach, atol=1.5)


def test_the_patients_sides():
    """Marks towards the head, the back and the patient's left appear at the top, where the back is, and on the right."""
    volume = np.zeros((SIDE,) * 3)
    volume[40:43, 24:26, 24:26] = 1  # to the head
    volume[24:26, 35:38, 24:26] = 2  # to the back
    volume[24:26, 24:26, 30:33] = 3  # to the left
    found = views(volume, (MIDDLE,) * 3)

    def place(view, value):
        rows, columns = np.nonzero(np.abs(found[view] - value) < 0.4)
        return rows.mean() - 19.5, columns.mean() - 19.5

    assert place(0, 2)[0] > 8
    assert place(0, 3)[1] > 4
    assert place(1, 1)[0] < -12
    assert place(1, 3)[1] > 4
    assert place(2, 1)[0] < -12
    assert place(2, 2)[1] > 8


def test_intensities():
    hu = torch.tensor([-3000.0, -1000.0, -300.0, 400.0, 3000.0])
    assert torch.allclose(window_to_unit(hu, *PAPER.hu_range), torch.tensor([0.0, 0.0, 0.5, 1.0, 1.0]))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.5, 0.7, 0.7), (0.8, 1.3, 0.9)])
@pytest.mark.parametrize("point", [(-210.3, 35.8, -61.2), (-200.0, 20.5, -70.0)])
def test_a_training_cube_and_a_scan_of_another_grid_give_the_same_views(spacing, point):
    """The same anatomy at the same LPS point, once as a stored cube and once as a scan with its own spacing and origin."""

    def hu(z, y, x):
        dz, dy, dx = z - point[0], y - point[1], x - point[2]
        ball = 1 / (1 + np.exp((np.sqrt(dz**2 + dy**2 + dx**2) - 7) / 1.5))
        vessel = np.exp(-((dy - 9) ** 2 + (dx + 4) ** 2) / 40)
        return -850 + 800 * ball + 500 * vessel + 3 * dz

    origin = np.array(point) - (25.3, 24.6, 25.1)
    cube = hu(*(np.indices((SIDE,) * 3) + origin[:, None, None, None]))
    first = np.array(point) - (51.7, 47.2, 49.9)
    shape = tuple(int(100 / s) for s in spacing)
    scan = hu(*(np.indices(shape) * np.array(spacing)[:, None, None, None] + first[:, None, None, None]))
    image = Image(scan.astype(np.float32), "CT", spacing, tuple(first), "1.2.3")
    used, padded = nodule_cube(image, point)
    assert padded == 0
    from_scan = cube_views(used, np.full(3, MIDDLE), SHIPPED)
    from_cube = cube_views(cube, np.array(point) - origin, SHIPPED)
    difference = (from_scan - from_cube).abs()
    assert difference.mean() < 0.006
    assert difference.max() < 0.08
