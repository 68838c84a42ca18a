"""Listing what is in a folder, by headers alone."""

import sys
from pathlib import Path

import numpy as np
import pytest

from napari_lungmtl.training.imaging import list_series, read_image, write_volume
from napari_lungmtl.training.imaging.dicom.write_series import write_series
from napari_lungmtl.training.imaging.errors import (
    ImageNotFoundError,
    NoImagesError,
    SeriesNotFoundError,
    SeveralSeriesError,
)

from ...stand_ins.marked_volumes import brightest, marked


@pytest.fixture
def tree(tmp_path):
    """Two CT series and a volume file in nested folders, with things that are no images."""
    chest = marked(series_uid="1.2.3.1", metadata={"patient_id": "P1", "series_description": "Lunge 1 mm"})
    head = marked(shape=(4, 8, 9), origin=(50.0, 0.0, 0.0), series_uid="1.2.3.2")
    write_series(chest, tmp_path / "P1" / "chest", shuffle=True)
    write_series(head, tmp_path / "P1" / "head")
    write_volume(marked(index=(3, 3, 3)), tmp_path / "P2" / "scan.7.mhd")
    (tmp_path / "P1" / "chest" / "readme.txt").write_text("not an image " * 30)
    (tmp_path / "P1" / ".DS_Store").write_bytes(b"x")
    return tmp_path


def test_nested_tree(tree):
    chest, head, volume = list_series(tree)
    assert (chest.uid, head.uid, volume.uid) == ("1.2.3.1", "1.2.3.2", "scan.7")
    assert (chest.description, chest.patient_id, chest.modality) == ("Lunge 1 mm", "P1", "CT")
    assert (chest.n_slices, head.n_slices, volume.n_slices) == (6, 4, 6)
    assert chest.shape == volume.shape == (6, 8, 9)
    assert chest.spacing == pytest.approx((2.5, 0.7, 0.8))
    assert volume.spacing == pytest.approx((2.5, 0.7, 0.8))
    assert chest.path == tree / "P1" / "chest"
    assert "readme.txt" in chest.warnings[0]
    assert head.warnings == ()
    assert "Lunge 1 mm" in str(chest)
    assert "2.5 × 0.7 × 0.8 mm" in str(chest)


def test_each_listed_series_can_be_chosen(tree):
    with pytest.raises(SeveralSeriesError, match=r"3 series.*\n.*Lunge 1 mm") as caught:
        read_image(tree)
    assert caught.value.series == tuple(list_series(tree))
    for series in caught.value.series:
        image = read_image(tree, series=series.uid)
        assert image.series_uid == series.uid
        assert image.shape == series.shape


def test_unknown_choice_names_what_there_is(tree):
    with pytest.raises(SeriesNotFoundError, match=r"no series 9\.9.*1\.2\.3\.1"):
        read_image(tree, series="9.9")


def test_one_file_stands_for_its_series(tree):
    image = read_image(tree / "P1" / "chest" / "0003.dcm")
    np.testing.assert_allclose(brightest(image), brightest(marked()), atol=0.01)
    assert image.shape == (6, 8, 9)
    assert image.metadata["patient_id"] == "P1"


def test_one_file_among_two_series_in_a_folder(tmp_path):
    first, second = marked(series_uid="1.2.1"), marked(shape=(3, 8, 9), series_uid="1.2.2")
    write_series(first, tmp_path)
    for file in write_series(second, tmp_path / "x"):
        file.rename(tmp_path / f"b{file.name}")
    assert read_image(tmp_path / "0001.dcm").shape == (6, 8, 9)
    assert read_image(tmp_path / "b0001.dcm").shape == (3, 8, 9)
    assert [s.uid for s in list_series(tmp_path / "b0001.dcm")] == ["1.2.2"]


def test_files_of_one_name_and_a_damaged_one(tmp_path):
    first, second = marked(), marked(shape=(5, 6, 7))
    write_volume(first, tmp_path / "scan.mha")
    write_volume(second, tmp_path / "scan.nii")
    write_volume(marked(series_uid="1.2.3"), tmp_path / "store.zarr")
    (tmp_path / "bad.nrrd").write_text("NRRD0004")
    listed = list_series(tmp_path)
    assert sorted(s.uid for s in listed) == ["1.2.3", "scan", "scan.nii"]
    for series in listed:
        assert read_image(tmp_path, series=series.uid).shape == series.shape


def test_findings_beside_a_series_are_no_strangers(tmp_path):
    write_series(marked(), tmp_path)
    (tmp_path / "1.2.3.lungmtl.json").write_text("{}" * 100)
    assert read_image(tmp_path).warnings == ()


def test_a_chosen_series_comes_from_its_own_folder(tree):
    assert read_image(tree, series="1.2.3.1").source == tree / "P1" / "chest"
    assert read_image(tree / "P1" / "chest").source == tree / "P1" / "chest"


def test_picture(tmp_path):
    import SimpleITK as sitk

    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((5, 6), np.uint8)), str(tmp_path / "a.png"))
    (series,) = list_series(tmp_path / "a.png")
    assert (series.shape, series.spacing, series.uid) == ((5, 6), None, "a")


@pytest.mark.skipif(sys.platform != "linux", reason="counts bytes in /proc")
def test_listing_reads_headers_only(tmp_path):
    big = marked(shape=(6, 512, 512))
    write_series(big, tmp_path)
    list_series(tmp_path)  # imports
    before = _bytes_read()
    assert list_series(tmp_path)[0].n_slices == 6
    assert _bytes_read() - before < 6 * 32_000  # of 6 × 525,000


def test_listing_needs_no_pixels(tmp_path):
    for file in write_series(marked(shape=(6, 64, 64)), tmp_path):
        file.write_bytes(file.read_bytes()[:2000])
    assert list_series(tmp_path)[0].shape == (6, 64, 64)


def test_description_in_a_foreign_character_set(tmp_path):
    from pydicom import dcmread

    for file in write_series(marked(), tmp_path):
        ds = dcmread(file)
        ds.SpecificCharacterSet = "ISO_IR 192"
        ds.SeriesDescription = "Thorax 肺 Ü"
        ds.save_as(file)
    assert list_series(tmp_path)[0].description == "Thorax 肺 Ü"


def test_nothing_there(tmp_path):
    assert list_series(tmp_path) == []
    with pytest.raises(NoImagesError, match="holds no image"):
        read_image(tmp_path)
    with pytest.raises(ImageNotFoundError, match="does not exist"):
        read_image(tmp_path / "nothing")
    with pytest.raises(ImageNotFoundError, match="does not exist"):
        list_series(tmp_path / "nothing")


def test_import_is_light():
    import subprocess

    code = (
        "import sys, napari_lungmtl.training.imaging; "
        "print([m for m in ('SimpleITK', 'pydicom', 'zarr', 'torch', 'scipy') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def _bytes_read() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("rchar")).split()[1])
