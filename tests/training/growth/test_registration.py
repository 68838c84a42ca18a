"""Registration of lungs: a real chest, moved and turned by known amounts, on other voxels and on axes that lie askew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from napari_lungmtl.training.growth.compare import compare
from napari_lungmtl.training.growth.errors import ComparisonError
from napari_lungmtl.training.growth.registration import Registration, register
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.errors import ImageError
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.resample import resample
from napari_lungmtl.training.inference.predictor import finish

NODULES = np.array([(-200.99, 59.89, -45.80), (-103.74, 20.21, -88.56)])
"""Of LIDC-IDRI-0063, z y x in mm (``ct/whole/nodules.csv``)."""


@pytest.fixture(scope="module")
def scan(lungmtl_data) -> Image:
    """Coarser than it was scanned, for the tests' sake."""
    return resample(read_image(lungmtl_data / "ct" / "whole" / "LIDC-IDRI-0063.nii.gz"), (2.5, 1.6, 1.6))


def turn(*degrees: float) -> np.ndarray:
    """Rotation (x, y, z) by angles about the three axes."""
    euler = sitk.Euler3DTransform()
    euler.SetRotation(*np.deg2rad(degrees))
    return np.array(euler.GetMatrix()).reshape(3, 3)


def askew(image: Image, rotation: np.ndarray, shift: np.ndarray, path: Path) -> Image:
    """The patient turned (about the world's origin) and shifted, x y z: the voxels as they are, on turned axes, in a file."""
    out = sitk.GetImageFromArray(image.voxels)
    out.SetSpacing(image.scale[::-1])
    out.SetDirection(rotation.ravel().tolist())
    out.SetOrigin((rotation @ np.array(image.origin[::-1]) + shift).tolist())
    sitk.WriteImage(out, str(path))
    return read_image(path)


def test_a_prior_on_turned_axes_is_registered_to_two_millimetres(scan, tmp_path):
    rotation, shift = turn(4, -3, 6), np.array([12.0, -20.0, 35.0])
    prior = askew(scan, rotation, shift, tmp_path / "turned.nii")
    truth = (NODULES[:, ::-1] @ rotation.T + shift)[:, ::-1]
    found = finish(register(scan, prior))
    assert np.linalg.norm(found.to_prior(NODULES) - truth, axis=1).max() < 2.0
    assert np.linalg.norm(found.to_present(truth) - NODULES, axis=1).max() < 2.0
    np.testing.assert_allclose(found.to_present(found.to_prior(NODULES)), NODULES, atol=1e-6)
    assert found.overlap > 0.9


def test_thick_slices_elsewhere_are_registered_alike_every_time(scan):
    prior = replace(resample(scan, (5.0, 2.0, 2.0)))
    prior = replace(prior, origin=tuple(np.array(prior.origin) + (-60.0, 15.0, 25.0)))
    found = finish(register(scan, prior))
    off = found.to_prior(NODULES) - (NODULES + (-60.0, 15.0, 25.0))
    assert np.linalg.norm(off, axis=1).max() < 2.0
    again = finish(register(scan, prior))  # sums in one order, no random samples
    np.testing.assert_array_equal(found.matrix, again.matrix)
    np.testing.assert_array_equal(found.offset, again.offset)


def test_halves_of_a_chest_that_share_nothing_are_refused(scan):
    """The upper lungs as the prior of the lower ones: laid over each other they are no match."""
    lower = replace(scan, voxels=scan.voxels[30:52])
    few = replace(scan, voxels=scan.voxels[-22:], origin=tuple(scan.to_world((scan.shape[0] - 22, 0, 0))))
    with pytest.raises(ComparisonError, match="slices stay linked by position"):
        finish(register(lower, few))


def test_what_cannot_be_a_prior_is_refused_in_a_sentence(scan):
    radiograph = Image(np.zeros((50, 40), np.uint8), "DX", (0.2, 0.2))
    with pytest.raises(ComparisonError, match="The prior study is no CT volume"):
        finish(compare(scan, radiograph, (), ()))
    with pytest.raises(ComparisonError, match="the present study itself"):
        finish(compare(scan, scan, (), ()))
    empty = replace(scan, voxels=np.full((8, 60, 60), -1000, np.int16), series_uid="other")
    with pytest.raises(ImageError, match="no lung was found"):
        finish(compare(scan, empty, (), ()))


def test_the_inverse_of_an_affine_map_is_exact():
    rng = np.random.default_rng(0)
    found = Registration(np.eye(3) + 0.1 * rng.normal(size=(3, 3)), 30 * rng.normal(size=3))
    points = 100 * rng.normal(size=(4, 5, 3))
    np.testing.assert_allclose(found.to_present(found.to_prior(points)), points, atol=1e-9)
    assert found.overlap is None
    np.testing.assert_array_equal(Registration.by_position().to_prior(points), points)
