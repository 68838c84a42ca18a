"""Finding studies in a folder: one after the other, by headers, and those that cannot be read with their reason."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from napari_lungmtl.training.imaging import Image, Series, list_series, read_image, write_volume
from napari_lungmtl.training.imaging.errors import ImageNotFoundError
from napari_lungmtl.training.imaging.find import Unreadable, find_series
from napari_lungmtl.training.imaging.read import read_series

from ...stand_ins.linear_series import ct_slice, stack, write


def film(path: Path, value: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(np.full((40, 30), value, np.uint8)).save(path)
    return path


def found(path: Path) -> dict[str, Series]:
    """By identifier or path the last word on each series."""
    last = {}
    for each in find_series(path):
        if isinstance(each, Series):
            last[str(each.path) if each.path.is_file() else each.uid] = each
    return last


@pytest.fixture
def folder(tmp_path):
    """A CT, a volume, a film and a damaged file, each in a folder of its own, and what is none of these."""
    write(stack(4, SeriesInstanceUID="1.2.1", StudyDate="20000131"), tmp_path / "ct")
    write_volume(Image(np.zeros((3, 4, 5), np.int16), spacing=(1.0, 1.0, 1.0)), tmp_path / "nii" / "a.nii.gz")
    film(tmp_path / "films" / "b.png")
    (tmp_path / "films" / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "films" / "table.csv").write_text("a,b\n")
    return tmp_path


def test_all_kinds_are_found_and_the_damaged_one_has_its_reason(folder):
    everything = [each for each in find_series(folder) if each is not None]
    series = [each for each in everything if isinstance(each, Series)]
    assert {(s.uid, s.shape, s.date) for s in series} == {
        ("1.2.1", (4, 10, 12), "20000131"),
        ("a", (3, 4, 5), ""),
        ("b", (40, 30), ""),
    }
    (damaged,) = [each for each in everything if isinstance(each, Unreadable)]
    assert damaged.path == folder / "films" / "c.png"
    assert "c.png" in damaged.reason


def test_each_directory_is_told_before_the_next_is_read(folder):
    search = find_series(folder)
    assert next(search) is None  # the top has nothing of its own
    assert next(search).uid == "1.2.1"
    shutil.rmtree(folder / "films")
    rest = [each for each in search if each is not None]
    assert [type(each) for each in rest] == [Series, Unreadable]
    assert "films cannot be read" in rest[1].reason


def test_a_series_in_two_directories_is_told_again_whole(tmp_path):
    slices = stack(6, SeriesInstanceUID="1.2.1")
    write(slices[:2], tmp_path / "DIR1")
    write(slices[2:], tmp_path / "DIR2")
    told = [each for each in find_series(tmp_path) if each is not None]
    assert [(each.uid, each.n_slices) for each in told] == [("1.2.1", 2), ("1.2.1", 6)]
    assert told[-1] == list_series(tmp_path)[0]


def test_scouts_and_reports_are_nobodys_case(tmp_path):
    scout = {
        "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"],
        "ImageOrientationPatient": [1, 0, 0, 0, 0, -1],
    }
    write([ct_slice(0, position=[-10, 0, 60], SeriesInstanceUID="1.7.1", **scout)], tmp_path / "a")
    assert found(tmp_path) == {}


def test_previews_beside_a_scan_are_no_films(tmp_path):
    write(stack(4), tmp_path)
    film(tmp_path / "preview.png")
    assert list(found(tmp_path)) == ["1.2.3.4"]


def test_one_file_is_found_too_and_nothing_is_an_error(folder):
    assert list(found(folder / "films" / "b.png")) == [str(folder / "films" / "b.png")]
    with pytest.raises(ImageNotFoundError):
        list(find_series(folder / "nothing"))


def test_a_series_is_read_from_its_own_files_as_by_its_identifier(folder):
    """Also where the folder has several, and where one is divided."""
    phases = [ds for k in range(2) for ds in stack(4, shift=50 * k, AcquisitionNumber=k + 1)]
    write(phases, folder / "phases")
    for series in found(folder).values():
        image = read_series(series.path, series)
        expected = (
            read_image(series.path, series=series.uid)
            if not series.path.is_file()
            else read_image(series.path)
        )
        np.testing.assert_array_equal(image.voxels, expected.voxels)
        assert (image.series_uid, image.source, image.origin, image.warnings) == (
            expected.series_uid,
            expected.source,
            expected.origin,
            expected.warnings,
        )
