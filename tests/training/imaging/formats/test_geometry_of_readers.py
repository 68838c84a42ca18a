"""A bright voxel at a known LPS point is found there, whichever way the file stores its axes."""

import tempfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.imaging import read_image, write_volume
from napari_lungmtl.training.imaging.dicom.write_series import write_series

from ....stand_ins.marked_volumes import Stored, brightest, flips, images, marked, orders, turned, write_dicom

few = settings(max_examples=25, deadline=None)


def check(image, path) -> None:
    read = read_image(path)
    np.testing.assert_allclose(brightest(read), brightest(image), atol=0.01)
    np.testing.assert_array_equal(read.voxels, image.voxels)
    np.testing.assert_allclose(read.spacing, image.spacing, rtol=1e-5)
    np.testing.assert_allclose(read.origin, image.origin, atol=1e-3)
    assert read.voxels.dtype == np.int16
    assert read.voxels.flags["C_CONTIGUOUS"]
    assert read.warnings == ()


def write_sitk(stored: Stored, path: Path) -> None:
    lengths = np.linalg.norm(stored.steps, axis=1)
    volume = sitk.GetImageFromArray(stored.voxels)
    volume.SetSpacing(lengths[::-1].tolist())
    volume.SetOrigin(stored.origin[::-1].tolist())
    volume.SetDirection((stored.steps / lengths[:, None])[::-1, ::-1].T.ravel().tolist())
    sitk.WriteImage(volume, str(path))


@given(image=images(), order=orders, flip=flips, seed=st.integers(0, 99))
@few
def test_dicom_in_any_orientation_and_slice_order(image, order, flip, seed):
    stored = turned(image, order, flip)
    numbers = [int(n) + 1 for n in np.random.default_rng(seed).permutation(len(stored.voxels))]
    with tempfile.TemporaryDirectory() as folder:
        write_dicom(stored, Path(folder), numbers)
        check(image, folder)


@pytest.mark.parametrize("first", ["feet", "head"])
def test_dicom_from_either_end(tmp_path, first):
    image = marked()
    count = image.shape[0]
    numbers = list(range(1, count + 1)) if first == "feet" else list(range(count, 0, -1))
    write_dicom(turned(image, (0, 1, 2), (False, False, False)), tmp_path, numbers)
    check(image, tmp_path)


@pytest.mark.parametrize("suffix", [".mhd", ".mha", ".nrrd", ".nii", ".nii.gz"])
@given(image=images(), order=orders, flip=flips)
@settings(max_examples=12, deadline=None)
def test_volume_files_in_any_orientation(suffix, image, order, flip):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"scan.1.2{suffix}"
        write_sitk(turned(image, order, flip), path)
        check(image, path)
        assert read_image(path).series_uid == "scan.1.2"


@given(image=images(), order=orders, flip=flips)
@settings(max_examples=12, deadline=None)
def test_nifti_in_ras_as_nibabel_writes_it(image, order, flip):
    stored = turned(image, order, flip)
    lps_to_ras = np.diag([-1.0, -1.0, 1.0])
    affine = np.eye(4)
    affine[:3, :3] = lps_to_ras @ stored.steps[:, ::-1].T
    affine[:3, 3] = lps_to_ras @ stored.origin[::-1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.nii.gz"
        nibabel.save(nibabel.Nifti1Image(stored.voxels, affine), path)
        check(image, path)


def test_mhd_with_reversed_x_and_y_as_in_luna16(tmp_path):
    image = marked()
    stored = turned(image, (0, 1, 2), (False, True, True))
    write_sitk(stored, tmp_path / "scan.mhd")
    assert "TransformMatrix = -1 0 0 0 -1 0 0 0 1" in (tmp_path / "scan.mhd").read_text(errors="ignore")
    check(image, tmp_path / "scan.mhd")


def write_ngff(stored: Stored, path: Path, version: str, unit: str, channel: bool) -> None:
    """OME-Zarr with z, y, x in the array's order, straight axes."""
    factor = {"millimeter": 1.0, "micrometer": 1000.0}[unit]
    names = ["xyz"[2 - int(np.argmax(np.abs(step)))] for step in stored.steps]
    scale = [float(np.abs(step).max()) * factor for step in stored.steps]
    shift = [float(stored.origin["zyx".index(name)]) * factor for name in names]
    voxels = stored.voxels
    axes = [{"name": name, "type": "space", "unit": unit} for name in names]
    if channel:
        voxels, scale, shift = voxels[None], [1.0, *scale], [0.0, *shift]
        axes = [{"name": "c", "type": "channel"}, *axes]
    group = zarr.open_group(str(path), mode="w", zarr_format=2 if version == "0.4" else 3)
    group.create_array("s0", data=voxels, chunks=tuple(min(4, n) for n in voxels.shape))
    # Half of the scale at the level and half for all levels: both count.
    multiscale = {
        "axes": axes,
        "datasets": [
            {
                "path": "s0",
                "coordinateTransformations": [
                    {"type": "scale", "scale": [s / 2 for s in scale]},
                    {"type": "translation", "translation": [t / 2 for t in shift]},
                ],
            }
        ],
        "coordinateTransformations": [{"type": "scale", "scale": [2.0] * len(scale)}],
    }
    if version == "0.4":
        group.attrs["multiscales"] = [{**multiscale, "version": "0.4"}]
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [multiscale]}


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@given(
    image=images(), order=orders, unit=st.sampled_from(["millimeter", "micrometer"]), channel=st.booleans()
)
@settings(max_examples=8, deadline=None)
def test_ome_zarr_versions_units_and_axis_orders(version, image, order, unit, channel):
    stored = turned(image, order, (False, False, False))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.ome.zarr"
        write_ngff(stored, path, version, unit, channel)
        check(image, path)
        assert read_image(path).series_uid == "scan"


def test_ome_zarr_axis_that_is_said_to_run_the_other_way(tmp_path):
    image = marked()
    write_volume(image, tmp_path / "scan.zarr")
    group = zarr.open_group(str(tmp_path / "scan.zarr"), mode="r+")
    multiscales = group.attrs["multiscales"]
    multiscales[0]["axes"][0]["orientation"]["value"] = "superior-to-inferior"
    group.attrs["multiscales"] = multiscales
    expected = brightest(image) * [-1, 1, 1]
    np.testing.assert_allclose(brightest(read_image(tmp_path / "scan.zarr")), expected, atol=1e-6)


@pytest.mark.parametrize("suffix", [".mhd", ".mha", ".nrrd", ".nii", ".nii.gz", ".zarr"])
@given(image=images())
@settings(max_examples=8, deadline=None)
def test_what_is_written_is_read_back(suffix, image):
    with tempfile.TemporaryDirectory() as folder:
        check(image, write_volume(image, Path(folder) / f"scan{suffix}"))


@pytest.mark.parametrize("suffix", [".mhd", ".nrrd", ".zarr"])
def test_floats_survive_writing(tmp_path, suffix):
    image = marked()
    image = type(image)(image.voxels.astype(np.float32) + 0.25, spacing=image.spacing, origin=image.origin)
    read = read_image(write_volume(image, tmp_path / f"scan{suffix}"))
    assert read.voxels.dtype == np.float32
    np.testing.assert_array_equal(read.voxels, image.voxels)


@given(image=images(), shuffle=st.booleans())
@few
def test_written_series_are_read_back(image, shuffle):
    with tempfile.TemporaryDirectory() as folder:
        write_series(image, folder, shuffle=shuffle)
        check(image, folder)


def test_writing_a_series_twice_gives_the_same_bytes_and_uids(tmp_path):
    image = marked(series_uid="1.2.3.4")
    first = write_series(image, tmp_path / "a")
    second = write_series(image, tmp_path / "b")
    assert [f.read_bytes() for f in first] == [f.read_bytes() for f in second]
    assert read_image(tmp_path / "a").series_uid == "1.2.3.4"
    assert len(set(read_image(tmp_path / "a").metadata["sop_instance_uids"])) == image.shape[0]


def test_compressed_series_are_read_back(tmp_path):
    image = marked(shape=(3, 40, 50))
    plain = write_series(image, tmp_path / "plain")
    files = write_series(image, tmp_path / "packed", compress=True)
    check(image, tmp_path / "packed")
    assert files[0].read_bytes() != plain[0].read_bytes()


def test_values_that_do_not_fit_are_refused(tmp_path):
    image = marked()
    wide = type(image)(image.voxels.astype(np.float32) + 40_000, spacing=image.spacing)
    with pytest.raises(ValueError, match="16-bit"):
        write_series(wide, tmp_path)
