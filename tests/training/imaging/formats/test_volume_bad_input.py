"""Volume files and stores that are damaged, odd or cannot be written."""

import os

import numpy as np
import pytest
import SimpleITK as sitk
import zarr

from napari_lungmtl.training.imaging import Image, ImageError, list_series, read_image, write_volume
from napari_lungmtl.training.imaging.errors import (
    BadGeometryError,
    CorruptFileError,
    EmptyFileError,
    ImageWriteError,
    UnsupportedShapeError,
)

from ....stand_ins.marked_volumes import brightest, marked


@pytest.mark.parametrize("suffix", [".mha", ".nii", ".nii.gz", ".nrrd", ".mhd", ".png", ".jpg"])
def test_empty_file(tmp_path, suffix):
    (tmp_path / f"a{suffix}").touch()
    with pytest.raises(EmptyFileError, match=f"a{suffix} is empty"):
        read_image(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", [".mha", ".nii", ".nii.gz", ".nrrd"])
@pytest.mark.parametrize("keep", [0.02, 0.5, 0.98])
def test_cut_off(tmp_path, suffix, keep):
    path = write_volume(marked(shape=(20, 30, 30)), tmp_path / f"a{suffix}")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(ImageError, match=f"a{suffix}.*(copy it again|check that the file)"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".mha", ".nii.gz", ".nrrd", ".png"])
def test_garbage(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(CorruptFileError, match=f"a{suffix}"):
        read_image(tmp_path / f"a{suffix}")


def test_mhd_without_its_pixels(tmp_path):
    path = write_volume(marked(), tmp_path / "a.mhd")
    (tmp_path / "a.raw").unlink()
    with pytest.raises(ImageError, match=r"a\.mhd"):
        read_image(path)


def test_time_series_and_colours_are_refused_with_a_way_out(tmp_path):
    moments = sitk.JoinSeries([sitk.GetImageFromArray(np.zeros((4, 5, 6), np.int16))] * 3)
    sitk.WriteImage(moments, str(tmp_path / "radiograph.nii.gz"))
    with pytest.raises(UnsupportedShapeError, match=r"radiograph\.nii\.gz has 4 axes.*one volume per file"):
        read_image(tmp_path / "radiograph.nii.gz")
    sitk.WriteImage(
        sitk.GetImageFromArray(np.zeros((4, 5, 6, 3), np.uint8), isVector=True), str(tmp_path / "rgb.mha")
    )
    with pytest.raises(UnsupportedShapeError, match=r"rgb\.mha has 3 values per voxel"):
        read_image(tmp_path / "rgb.mha")


def test_one_moment_is_a_volume(tmp_path):
    voxels = marked().voxels
    volume = sitk.JoinSeries([sitk.GetImageFromArray(voxels)])
    sitk.WriteImage(volume, str(tmp_path / "a.nii.gz"))
    np.testing.assert_array_equal(
        np.sort(read_image(tmp_path / "a.nii.gz").voxels, None), np.sort(voxels, None)
    )


def test_oblique_volume_is_resampled(tmp_path):
    from scipy.spatial.transform import Rotation

    index = np.moveaxis(np.indices((40, 40, 40)), 0, -1)
    values = (1000 * np.exp(-((index - [18, 22, 20]) ** 2).sum(axis=-1) / 50)).astype(np.int16)
    volume = sitk.GetImageFromArray(values)
    volume.SetDirection(Rotation.from_euler("zyx", [25, 10, -8], degrees=True).as_matrix().ravel().tolist())
    volume.SetSpacing((0.9, 0.9, 1.5))
    volume.SetOrigin((5.0, -7.0, 11.0))
    sitk.WriteImage(volume, str(tmp_path / "a.nii.gz"))
    image = read_image(tmp_path / "a.nii.gz")
    truth = volume.TransformIndexToPhysicalPoint((20, 22, 18))[::-1]
    assert "oblique" in image.warnings[0]
    points = image.to_world(np.moveaxis(np.indices(image.shape), 0, -1))
    weight = image.voxels / image.voxels.sum()
    assert np.linalg.norm((points * weight[..., None]).sum(axis=(0, 1, 2)) - truth) < 0.1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float64])
def test_types_become_int16_or_float32_without_loss(tmp_path, dtype):
    values = np.arange(120).reshape(4, 5, 6).astype(dtype)
    if dtype in (np.uint16, np.int32):
        values[0, 0, 0] = 60_000
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "a.mha"))
    read = read_image(tmp_path / "a.mha").voxels
    assert read.dtype == (np.int16 if dtype == np.uint8 else np.float32)
    np.testing.assert_array_equal(read, values)


def test_picture_as_mha_is_two_dimensional(tmp_path):
    picture = sitk.GetImageFromArray(np.arange(30, dtype=np.int16).reshape(5, 6))
    picture.SetSpacing((0.2, 0.3))
    sitk.WriteImage(picture, str(tmp_path / "a.mha"))
    image = read_image(tmp_path / "a.mha")
    assert image.shape == (5, 6)
    assert image.spacing == pytest.approx((0.3, 0.2))


# -- OME-Zarr ---------------------------------------------------------------------------------------------------


def test_plain_zarr_array_has_no_spacing(tmp_path):
    zarr.save_array(str(tmp_path / "a.zarr"), np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    image = read_image(tmp_path / "a.zarr")
    assert image.spacing is None
    assert image.shape == (2, 3, 4)
    assert "does not state its voxel size" in image.warnings[0]


@pytest.mark.parametrize("break_it", ["no multiscales", "no array", "no metadata at all"])
def test_incomplete_store(tmp_path, break_it):
    path = write_volume(marked(), tmp_path / "a.zarr")
    group = zarr.open_group(str(path), mode="r+")
    if break_it == "no multiscales":
        group.attrs["multiscales"] = []
    elif break_it == "no array":
        del group["0"]
    else:
        (path / ".zgroup").write_text("{")
    with pytest.raises(CorruptFileError, match=r"a\.zarr"):
        read_image(path)


def test_units_that_are_no_length(tmp_path):
    path = write_volume(marked(), tmp_path / "a.zarr")
    group = zarr.open_group(str(path), mode="r+")
    multiscales = group.attrs["multiscales"]
    multiscales[0]["axes"][0]["unit"] = "parsec"
    group.attrs["multiscales"] = multiscales
    with pytest.raises(BadGeometryError, match="parsec"):
        read_image(path)


def test_several_channels(tmp_path):
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2)
    group.create_array("0", data=np.zeros((3, 4, 5, 6), np.int16))
    axes = [{"name": n} for n in "czyx"]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": [{"path": "0"}]}]
    with pytest.raises(UnsupportedShapeError, match="3 entries along axis 'c'"):
        read_image(tmp_path / "a.zarr")


def test_stores_in_a_folder_are_listed(tmp_path):
    image = marked(series_uid="1.2.3")
    write_volume(image, tmp_path / "below" / "a.zarr")
    (series,) = list_series(tmp_path)
    assert (series.uid, series.modality, series.shape) == ("1.2.3", "CT", image.shape)
    np.testing.assert_allclose(brightest(read_image(tmp_path)), brightest(image))


# -- writing ----------------------------------------------------------------------------------------------------


def test_unknown_suffix_and_missing_spacing(tmp_path):
    with pytest.raises(ImageWriteError, match=r"a\.tif was not written: its suffix"):
        write_volume(marked(), tmp_path / "a.tif")
    with pytest.raises(ImageWriteError, match="no spacing"):
        write_volume(Image(np.zeros((3, 3, 3), np.int16)), tmp_path / "a.mha")


@pytest.mark.parametrize("suffix", [".mha", ".nii.gz", ".nrrd", ".mhd", ".zarr"])
def test_where_nothing_can_be_written(tmp_path, suffix):
    (tmp_path / "file").touch()
    with pytest.raises(ImageWriteError, match=f"a{suffix} could not be written"):
        write_volume(marked(), tmp_path / "file" / f"a{suffix}")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
def test_disk_full_keeps_the_old_file(tmp_path, suffix):
    path = write_volume(marked(), tmp_path / f"a{suffix}")
    before = path.read_bytes()
    os.symlink("/dev/full", tmp_path / f".a.partial{suffix}")
    with pytest.raises(ImageWriteError, match="could not be written"):
        write_volume(marked(index=(2, 2, 2)), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("suffix", [".mha", ".zarr", ".nii.gz"])
def test_replacing_leaves_nothing_behind(tmp_path, suffix):
    write_volume(marked(), tmp_path / f"a{suffix}")
    new = marked(index=(4, 4, 4))
    write_volume(new, tmp_path / f"a{suffix}")
    np.testing.assert_allclose(brightest(read_image(tmp_path / f"a{suffix}")), brightest(new))
    assert [p.name for p in tmp_path.iterdir()] == [f"a{suffix}"]
