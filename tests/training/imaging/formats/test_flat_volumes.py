"""Radiographs in volume formats, as NODE21 has them."""

import numpy as np
import pytest
import SimpleITK as sitk

from napari_lungmtl.training.imaging import list_series, read_image, write_volume
from napari_lungmtl.training.imaging.radiograph.network_input import make_radiograph_input

from ....stand_ins.dicom_radiographs import MARK, radiograph


def write(path, values, spacing, origin=None):
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(spacing[::-1])
    if origin:
        image.SetOrigin(origin[::-1])
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize(
    ("suffix", "slices"),
    # In NIfTI the patient's axes turn a volume.
    [
        (".nii", False),
        *((suffix, slices) for suffix in (".mha", ".mhd", ".nrrd") for slices in (False, True)),
    ],
)
def test_a_radiograph_in_a_volume_format_is_flat(tmp_path, suffix, slices):
    values = radiograph().voxels.astype(np.int16)
    path = write(
        tmp_path / f"n0001{suffix}",
        values[None] if slices else values,
        (1.0, 0.2, 0.3) if slices else (0.2, 0.3),
    )
    image = read_image(path)
    np.testing.assert_array_equal(image.voxels, values)
    np.testing.assert_allclose(image.spacing, (0.2, 0.3), rtol=1e-6)
    assert image.warnings == ()
    mark = image.to_world(np.unravel_index(np.argmax(image.voxels), image.shape))
    np.testing.assert_allclose(mark, (MARK[0] * 0.2, MARK[1] * 0.3), rtol=1e-5)
    assert make_radiograph_input(image).shape == values.shape


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (50.0, 50.0), (1.0, 1.0, 1.0)])
def test_a_made_up_pixel_size_is_not_believed(tmp_path, spacing):
    values = radiograph().voxels.astype(np.int16)
    path = write(tmp_path / "n0001.mha", values if len(spacing) == 2 else values[None], spacing)
    image = read_image(path)
    assert image.spacing is None
    assert image.origin == (0, 0)
    assert "n0001.mha states a pixel size of" in image.warnings[0]
    np.testing.assert_array_equal(image.voxels, values)
    if len(spacing) == 2:
        assert list_series(path)[0].spacing is None


def test_one_slice_of_ct_stays_a_volume(tmp_path):
    values = np.full((1, 64, 64), -1000, np.int16)
    values[:, 20:40, 20:40] = 40
    assert read_image(write(tmp_path / "slice.mha", values, (1.0, 0.7, 0.7))).ndim == 3


def test_what_is_written_is_read_back(tmp_path):
    image = radiograph(origin=(3.0, -4.5))
    read = read_image(write_volume(image, tmp_path / "a.mha"))
    np.testing.assert_array_equal(read.voxels, image.voxels)
    np.testing.assert_allclose(read.origin, image.origin)
    np.testing.assert_allclose(read.spacing, image.spacing)


@pytest.mark.parametrize("slices", [False, True])
def test_a_pixel_size_in_another_unit_is_doubted(tmp_path, slices):
    values = radiograph().voxels.astype(np.int16)
    spacing = (1.0, 0.0002, 0.0002) if slices else (0.0002, 0.0002)
    image = read_image(write(tmp_path / "a.mha", values[None] if slices else values, spacing))
    assert "far too small for a chest" in image.warnings[0]
