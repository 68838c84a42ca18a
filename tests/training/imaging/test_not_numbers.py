"""Voxels that are no finite number: counted, made air, and never met by what works on images."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
import zarr

from napari_lungmtl.training.api.datasets import sample_ct
from napari_lungmtl.training.imaging import Image, read_image, write_volume
from napari_lungmtl.training.imaging.ct.lung_field import lung_field
from napari_lungmtl.training.imaging.errors import CorruptFileError
from napari_lungmtl.training.imaging.radiograph.network_input import make_radiograph_input

from ...stand_ins.dicom_radiographs import radiograph
from ...stand_ins.linear_fields import field, nifti_bytes, stored

BAD = [np.nan, np.inf, -np.inf, np.finfo(np.float32).max]


def volume(bad: float, count: int = 3) -> np.ndarray:
    values = field().voxels.astype(np.float32)
    values[2, 3, :count] = bad
    return values


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("suffix", [".mha", ".mhd", ".nii", ".nii.gz", ".nrrd"])
def test_every_volume_format(tmp_path, suffix, bad):
    path = tmp_path / f"a{suffix}"
    image = sitk.GetImageFromArray(volume(bad))
    image.SetSpacing((1.25, 1.5, 2.5))
    sitk.WriteImage(image, str(path))
    read = read_image(path)
    assert f"3 of 960 voxels of a{suffix} are no numbers" in " ".join(read.warnings)
    assert np.count_nonzero(read.voxels == -1024) == 3
    assert np.isfinite(read.voxels).all()
    whole = volume(bad)
    np.testing.assert_array_equal(
        np.sort(read.voxels[read.voxels > -1024]), np.sort(whole[np.abs(whole) < 1e30])
    )


@pytest.mark.parametrize(("fill", "count"), [(np.nan, 243), (-1000.0, 3)])
def test_zarr_and_its_fill_value(tmp_path, fill, count):
    array = zarr.create_array(
        str(tmp_path / "a.zarr"), shape=(8, 10, 12), chunks=(2, 10, 12), dtype="f4", fill_value=fill
    )
    array[:6] = volume(np.nan)[:6]
    read = read_image(tmp_path / "a.zarr")
    assert np.isfinite(read.voxels).all()
    assert "lacks 1 of its 4 chunks" in " ".join(read.warnings)
    assert f"{count} of 960 voxels" in " ".join(read.warnings)


def test_a_rim_is_air_and_never_water(tmp_path):
    values = field().voxels.astype("<f4")
    values[:, 0], values[:, :, -1] = np.nan, np.nan
    head, _ = nifti_bytes(stored(), datatype=16, bitpix=32)
    (tmp_path / "a.nii").write_bytes(head + values.tobytes())
    read = read_image(tmp_path / "a.nii").voxels
    assert (read[np.isnan(values)] == -1024).all()
    np.testing.assert_array_equal(read[np.isfinite(values)], values[np.isfinite(values)])


def test_nothing_spreads_where_a_volume_is_resampled(tmp_path):
    head, _ = nifti_bytes(
        stored(), datatype=16, bitpix=32, srow=[[1.2, 0.4, 0, 0], [-0.4, 1.4, 0, 0], [0, 0, 2.5, 0]]
    )
    (tmp_path / "a.nii").write_bytes(head + volume(np.nan).tobytes())
    read = read_image(tmp_path / "a.nii")
    assert np.isfinite(read.voxels).all()
    assert "3 of 960" in " ".join(read.warnings)


def test_a_radiograph_gets_its_darkest_grey(tmp_path):
    values = radiograph().voxels.astype(np.float32) + 7
    clean = read_image(write_volume(Image(values, spacing=(0.2, 0.2)), tmp_path / "b.mha"))
    values[4, 5] = np.nan
    for shape in (values.shape, (1, *values.shape)):
        sitk.WriteImage(sitk.GetImageFromArray(values.reshape(shape)), str(tmp_path / "a.mha"))
        read = read_image(tmp_path / "a.mha")
        assert read.voxels[4, 5] == values[np.isfinite(values)].min()
        assert "1 of 9,900 voxels of a.mha are no numbers" in read.warnings[0]
        assert make_radiograph_input(read).pixels.shape == make_radiograph_input(clean).pixels.shape


def test_tiff(tmp_path):
    import tifffile

    values = np.add.outer(np.arange(40.0), np.arange(50.0)).astype(np.float32) + 1
    values[3, 4] = np.inf
    tifffile.imwrite(tmp_path / "a.tif", values)
    read = read_image(tmp_path / "a.tif")
    assert read.voxels[3, 4] == 1
    assert "1 of 2,000 voxels" in " ".join(read.warnings)


def test_numbers_too_large_for_32_bits_are_none(tmp_path):
    values = volume(0).astype(np.float64)
    values[0, 0, 0] = 1e300
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "a.mha"))
    read = read_image(tmp_path / "a.mha")
    assert read.voxels.min() == -1024
    assert "1 of 960 voxels" in " ".join(read.warnings)


def test_more_than_half_is_refused(tmp_path):
    values = volume(np.nan)
    values[:5] = np.nan
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "a.mha"))
    with pytest.raises(CorruptFileError, match=r"a\.mha has .* of 960 voxels that are no numbers"):
        read_image(tmp_path / "a.mha")
    with pytest.raises(CorruptFileError, match="no numbers"):
        Image(np.full((4, 5, 6), np.nan, np.float32))


def test_an_image_made_in_python_holds_numbers():
    values = volume(np.nan)
    image = Image(values, modality="CT", spacing=(2.5, 1.5, 1.25), warnings=("before",))
    assert np.isfinite(image.voxels).all()
    assert np.isnan(values).any(), "the caller's own array stays as it is"
    assert image.warnings[0] == "before"
    assert image.warnings[1].startswith("3 of 960 voxels of The image are no numbers")
    whole = field()
    assert Image(whole.voxels).voxels is whole.voxels


def test_one_voxel_does_not_hide_the_lungs():
    image = read_image(sample_ct())
    values = image.voxels.astype(np.float32)
    values[40, 140, 100] = np.nan
    clean = lung_field(image)
    holed = lung_field(replace(image, voxels=values))
    assert clean.sum() > 100_000
    assert np.mean(clean != holed) < 0.001
