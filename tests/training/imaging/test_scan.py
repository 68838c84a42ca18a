"""What is looked at before anything is opened: discs, pipes, links, and files whose name claims another format."""

import os
import shutil
import socket
import sys

import numpy as np
import pytest

from napari_lungmtl.training.imaging import list_series, read_image
from napari_lungmtl.training.imaging.errors import ImageNotFoundError, NoImagesError, UnreadableFileError

from ...stand_ins.linear_series import ct_slice, shift_of, stack, write

needs_pipes = pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in the file system")


def disc(folder, *, lower=False):
    """A DICOMDIR that lists a series of four slices, and a series that it does not list."""
    from pydicom.fileset import FileSet

    extra = {
        "StudyDate": "20200101",
        "StudyTime": "101010",
        "StudyID": "1",
        "SeriesNumber": 1,
        "PatientName": "P",
    }
    files = FileSet()
    for ds in stack(4, **extra):
        files.add(ds)
    files.write(folder)
    write([ct_slice(90, 500, SeriesInstanceUID="1.9")], folder / "other")
    if lower:
        for path in sorted(folder.rglob("*"), reverse=True):
            if path.name != "DICOMDIR":
                path.rename(path.with_name(path.name.lower()))
    return folder / "DICOMDIR"


@pytest.mark.parametrize("lower", [False, True])
def test_dicomdir_opens_what_it_lists(tmp_path, lower):
    image = read_image(disc(tmp_path, lower=lower))
    assert shift_of(image).tolist() == [0] * 4
    assert image.warnings == ()
    assert len(list_series(tmp_path / "DICOMDIR")) == 1
    assert len(list_series(tmp_path)) == 2


def test_dicomdir_of_another_name(tmp_path):
    disc(tmp_path).rename(tmp_path / "directory.bin")
    assert shift_of(read_image(tmp_path / "directory.bin")).tolist() == [0] * 4


def test_dicomdir_without_its_files(tmp_path):
    shutil.copy(disc(tmp_path / "cd"), tmp_path)
    with pytest.raises(
        NoImagesError, match=r"DICOMDIR is the directory of a disc and lists 4 file\(s\), of which 0"
    ):
        read_image(tmp_path / "DICOMDIR")


def test_dicomdir_with_a_file_missing(tmp_path):
    path = disc(tmp_path)
    sorted(p for p in tmp_path.rglob("*") if p.is_file() and p.name != "DICOMDIR" and "other" not in p.parts)[
        1
    ].unlink()
    image = read_image(path)
    assert any("1 of 4 files that DICOMDIR lists are not there" in w for w in image.warnings)


@needs_pipes
def test_pipes_and_sockets_are_passed_over(tmp_path, monkeypatch):
    write(stack(4), tmp_path)
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "scan.nii")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.dcm")
        (tmp_path / "zero.dcm").symlink_to("/dev/zero")
        (tmp_path / "round").symlink_to(tmp_path / "round")
        (tmp_path / "up").symlink_to(tmp_path)
        image = read_image(tmp_path)
        assert shift_of(image).tolist() == [0] * 4
        assert "pipe" in image.warnings[0]
        for name in ("pipe", "scan.nii", "socket.dcm", "zero.dcm"):
            with pytest.raises(UnreadableFileError, match="no file: save what it holds"):
                read_image(tmp_path / name)


@needs_pipes
def test_links_that_lead_nowhere(tmp_path):
    write(stack(4), tmp_path)
    (tmp_path / "gone.dcm").symlink_to(tmp_path / "nothing")
    assert "gone.dcm is a link that leads nowhere" in read_image(tmp_path).warnings[0]
    with pytest.raises(ImageNotFoundError, match="leads nowhere"):
        read_image(tmp_path / "gone.dcm")


def test_a_name_that_is_too_long(tmp_path):
    with pytest.raises(ImageNotFoundError, match=r"cannot be read|does not exist"):
        read_image(tmp_path / ("a" * 300))


@pytest.mark.parametrize(
    "suffix", [".png", ".jpg", ".tif", ".bmp", ".nii", ".nii.gz", ".nrrd", ".mha", ".mhd", ".IMG", ".txt"]
)
def test_dicom_under_the_name_of_another_format(tmp_path, suffix):
    files = write(stack(4), tmp_path, [f"{k}{suffix}" for k in range(4)])
    assert shift_of(read_image(files[0])).tolist() == [0] * 4
    assert [s.n_slices for s in list_series(tmp_path)] == [4]
    np.testing.assert_array_equal(read_image(tmp_path).voxels, read_image(files[2]).voxels)
