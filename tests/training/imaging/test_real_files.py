"""Real files: where the published annotations say the nodules are, there they are."""

import csv

import nibabel
import numpy as np
import pytest

from napari_lungmtl.training.imaging import list_series, read_image
from napari_lungmtl.training.imaging.errors import SeveralSeriesError, TruncatedFileError


def test_lidc_nodule_is_where_luna16_says(lungmtl_data):
    image = read_image(lungmtl_data / "dicom" / "LIDC-IDRI-0003")
    assert image.shape == (11, 512, 512)
    assert image.spacing == pytest.approx((2.5, 0.820312, 0.820312))
    assert image.origin == pytest.approx((-204.0, -210.0, -228.800003))
    assert image.series_uid.endswith("170706757615202213033480003264")
    assert image.modality == "CT"
    assert image.window == (-600.0, 1600.0)
    assert image.warnings == ()
    points = image.to_world(np.argwhere(np.ones(image.shape, bool)).reshape(*image.shape, 3))
    nodule = np.array([-190.46, 76.90, 72.29])
    inside = np.linalg.norm(points - nodule, axis=-1) < 8
    shell = (np.linalg.norm(points - nodule, axis=-1) > 20) & (np.linalg.norm(points - nodule, axis=-1) < 25)
    assert np.median(image.voxels[inside]) > -100  # solid tissue within …
    assert np.median(image.voxels[shell]) < -500  # … lung around


def test_folder_of_two_patients_asks_which(lungmtl_data, tmp_path):
    import shutil

    for patient in ("LIDC-IDRI-0002", "LIDC-IDRI-0003"):
        shutil.copytree(lungmtl_data / "dicom" / patient, tmp_path / patient)
    with pytest.raises(SeveralSeriesError, match="2 series") as caught:
        read_image(tmp_path)
    listed = list_series(tmp_path)
    assert [s.uid for s in caught.value.series] == [s.uid for s in listed]
    assert {s.n_slices for s in listed} == {11, 12}
    for series in listed:
        image = read_image(tmp_path, series=series.uid)
        assert image.series_uid == series.uid
        assert image.shape == series.shape
        assert image.spacing == pytest.approx(series.spacing)
        assert series.files[0].stem == f"{image.origin[0]:.6f}"


def test_minimal_headers(lungmtl_data):
    image = read_image(lungmtl_data / "ct" / "lungmask")
    assert image.shape == (2, 512, 512)
    assert image.spacing == (1.0, 0.625, 0.625)
    assert image.modality == ""


def test_jpeg2000_series_equals_pydicom(lungmtl_data):
    from pydicom import dcmread

    folder = lungmtl_data / "ct" / "totalsegmentator" / "example_ct_dicom"
    image = read_image(folder)
    assert image.shape == (20, 512, 512)
    assert image.spacing == (2.0, 0.9765625, 0.9765625)
    path = list_series(folder)[0].files[3]
    ds = dcmread(path)
    assert image.to_world((3, 0, 0)) == pytest.approx(list(ds.ImagePositionPatient)[::-1])
    np.testing.assert_array_equal(image.voxels[3], np.maximum(ds.pixel_array.astype(int) - 1024, -1024))


def test_nifti_agrees_with_nibabel(lungmtl_data):
    path = lungmtl_data / "ct" / "totalsegmentator" / "example_ct.nii.gz"
    image, other = read_image(path), nibabel.load(path)
    values = np.asarray(other.dataobj)
    for ijk in np.random.default_rng(0).integers(0, values.shape, (20, 3)):
        right, anterior, superior = (other.affine @ [*ijk, 1])[:3]
        index = image.to_index((superior, -anterior, -right))
        np.testing.assert_allclose(index, np.round(index), atol=1e-3)
        assert image.voxels[tuple(np.round(index).astype(int))] == values[tuple(ijk)]
    assert image.series_uid == "example_ct"


def test_luna16_cubes_lie_where_their_nodules_are(lungmtl_data):
    with open(lungmtl_data / "luna16_nodules" / "nodules.csv") as file:
        nodules = {(row["seriesuid"], row["k"]): row for row in csv.DictReader(file)}
    reversed_axes = checked = 0
    for mask_path in sorted((lungmtl_data / "node21_generation" / "nodule_patches").glob("*_seg_*.mha")):
        uid, k = mask_path.stem.split("_seg_")
        row = nodules.get((uid, k))
        if row is None:
            continue
        mask = read_image(mask_path)
        cube = read_image(mask_path.with_name(f"{uid}_dcm_{k}.mha"))
        assert cube.series_uid == f"{uid}_dcm_{k}"
        center = cube.to_world(np.argwhere(mask.voxels > 0).mean(axis=0))
        truth = [float(row[c]) for c in ("coordZ", "coordY", "coordX")]
        assert np.linalg.norm(center - truth) < 3
        reversed_axes += row["direction_xy"] == "-1"
        checked += 1
    assert checked >= 15
    assert reversed_axes >= 1


def test_truncated_file(lungmtl_data):
    with pytest.raises(TruncatedFileError, match=r"truncated\.dcm is cut off.*copy it again"):
        read_image(lungmtl_data / "dicom" / "broken" / "truncated.dcm")


def test_truncated_slice_in_a_series_is_bridged(lungmtl_data, tmp_path):
    import shutil

    whole = lungmtl_data / "dicom" / "LIDC-IDRI-0002"
    for path in whole.iterdir():
        source = lungmtl_data / "dicom" / "broken" / "truncated.dcm" if path.stem == "-87.000000" else path
        shutil.copy(source, tmp_path / path.name)
    image, intact = read_image(tmp_path), read_image(whole)
    assert image.shape == intact.shape
    assert image.spacing == pytest.approx(intact.spacing)
    k = round(image.to_index((-87.0, 0, 0))[0])
    others = [i for i in range(12) if i != k]
    np.testing.assert_array_equal(image.voxels[others], intact.voxels[others])
    between = (intact.voxels[k - 1].astype(float) + intact.voxels[k + 1]) / 2
    np.testing.assert_allclose(image.voxels[k], between, atol=0.51)
    assert "-87.000000.dcm is cut off" in image.warnings[0]
    assert "1 slice(s) are missing" in image.warnings[1]


def test_radiograph(lungmtl_data):
    from pydicom.pixels import pixel_array

    path = next((lungmtl_data / "cxr").glob("*.dcm"))
    image = read_image(path)
    # JPEG decoders may differ by a level: the same one.
    np.testing.assert_array_equal(image.voxels, pixel_array(path, decoding_plugin="pillow"))
    assert image.spacing == (0.168, 0.168)
    assert image.modality == "CR"


def test_pictures_grey_and_with_alpha(lungmtl_data):
    from skimage.io import imread

    for path in sorted((lungmtl_data / "cxr" / "nih").glob("*.png"))[:30]:
        image, other = read_image(path), imread(path)
        assert image.ndim == 2
        assert image.spacing is None
        assert image.units == "pixel"
        gray = other if other.ndim == 2 else other[..., 0]  # the RGBA ones are grey in disguise
        np.testing.assert_allclose(image.voxels, gray, atol=1)
