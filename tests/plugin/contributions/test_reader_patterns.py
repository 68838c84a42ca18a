"""The manifest's patterns are those of the format table, DICOM's and our own; what does not fit goes back to napari."""

from pathlib import Path

import numpy as np
import pytest
from npe2 import PluginManager, PluginManifest
from PIL import Image

from napari_lungmtl.contributions import reader, truth
from napari_lungmtl.contributions.reader import CLAIMED, LONGEST_NAME
from napari_lungmtl.training.errors import LungmtlError
from napari_lungmtl.training.imaging.dicom.write_series import write_series

from ...house import ROOT
from ...stand_ins.chests import chest

IDENTIFIERS = {"1.2.*", "1.3.*", "2.16.*", "2.25.*", "*.1.2.840.*", "*.1.3.6.1.*"}
"""Slices are often named by their identifier, with no suffix."""
NUMBERED = {f"*.{'[0-9]' * n}" for n in range(1, 7)}
WITHOUT_SUFFIX = {"[!.]" * n for n in range(1, LONGEST_NAME + 1)}


@pytest.fixture
def manager() -> PluginManager:
    manager = PluginManager()
    manager.register(PluginManifest.from_distribution("napari-lungmtl"))
    return manager


def test_the_manifest_claims_what_the_table_reads():
    manifest = PluginManifest.from_file(ROOT / "napari_lungmtl" / "napari.yaml")
    (contributed,) = manifest.contributions.readers or []
    patterns = set(contributed.filename_patterns)
    named = IDENTIFIERS | NUMBERED | WITHOUT_SUFFIX
    assert patterns > named
    # Patterns heed case, and JSRT's files are named in capitals.
    images = {f"*{suffix}" for suffix in (*CLAIMED, ".IMG", ".lungmtl.json")}
    assert patterns - named == images | {*truth.NAMES, *truth.READERS}


@pytest.mark.parametrize(
    "name", ["I10", "IM000001", "IMG-0001-00001", "a" * 40, "image.0001", "CT.1.3.6.1.9", "X.TIFF"]
)
def test_names_as_cds_and_archives_give_them(manager: PluginManager, tmp_path: Path, name: str):
    found = manager.iter_compatible_readers([str(tmp_path / "folder.with.dots" / name)])
    assert [r.command for r in found] == ["napari-lungmtl.read"]


@pytest.mark.parametrize("name", ["I10", "IM000001", "image.0001", "A.DCM", "1.2.840.1"])
def test_dicom_under_any_name_is_opened(tmp_path: Path, name: str):
    (file, *_) = write_series(chest(), tmp_path / "all")
    (tmp_path / name).write_bytes(file.read_bytes())
    read = reader.get_reader(str(tmp_path / name))
    assert read is not None
    ((voxels, _, kind),) = read(str(tmp_path / name))
    assert kind == "image"
    np.testing.assert_array_equal(voxels[0], chest().voxels[0])


def test_dicom_without_preamble_is_told_by_its_tags(tmp_path: Path):
    (file, *_) = write_series(chest(), tmp_path / "all")
    (tmp_path / "I10").write_bytes(file.read_bytes()[132:])
    assert reader.get_reader(str(tmp_path / "I10")) is not None


@pytest.mark.parametrize("suffix", [".tif", ".TIFF", ".bmp", ".BMP", ".PNG"])
def test_pictures_are_opened(tmp_path: Path, suffix: str):
    # Row 0 is at the top, and dark is air: values as they are in the file.
    values = (np.arange(90 * 80).reshape(90, 80) % 251).astype(np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    path = tmp_path / f"b{suffix}"
    Image.fromarray(values).save(
        path, format={".tif": "TIFF", ".tiff": "TIFF"}.get(suffix.lower(), suffix[1:].upper())
    )
    read = reader.get_reader(str(path))
    assert read is not None
    ((pixels, _, kind),) = read(str(path))
    assert kind == "image"
    np.testing.assert_array_equal(pixels, values)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("README", b"Read me first.\n"),
        ("cells.tif", b"II*\0"),
        ("cells.tif", b"no picture at all"),
        ("a.bmp", b""),
        ("Makefile", b"all:\n"),
        ("empty", b""),
        ("log.1", b"x" * 400),
        ("notes.txt", b"x"),
        ("half", b"\x08\x00\x05\x00"),
    ],
)
def test_what_is_none_of_ours_goes_back(tmp_path: Path, name: str, data: bytes):
    (tmp_path / name).write_bytes(data)
    assert reader.get_reader(str(tmp_path / name)) is None
    assert reader.get_reader([str(tmp_path / name)]) is None
    assert reader.get_reader(str(tmp_path)) is None


def test_pipes_and_devices_go_back_unopened(tmp_path: Path):
    import os

    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    for name in ("pipe", "x.dcm", "x.mhd", "x.lungmtl.json"):
        os.mkfifo(tmp_path / name)
        assert reader.get_reader(str(tmp_path / name)) is None
    assert reader.get_reader(str(tmp_path)) is None
    assert reader.get_reader("/dev/zero") is None


def test_of_a_list_the_others_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    monkeypatch.setattr(reader, "show_error", said.append)
    good = write_series(chest(), tmp_path / "good")[0]
    bad = tmp_path / "bad.dcm"
    bad.write_bytes(good.read_bytes()[:400])
    read = reader.get_reader([str(bad), str(good)])
    assert read is not None
    layers = read([str(bad), str(good)])
    assert [kind for *_, kind in layers] == ["image"]
    assert len(said) == 1
    assert "bad.dcm" in said[0]
    with pytest.raises(LungmtlError, match=r"bad\.dcm"):
        read([str(bad)])


def test_a_codec_that_panics_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class PanicException(BaseException):
        pass

    def panic(path: Path, **_options: object):
        raise PanicException("index out of bounds")

    good = write_series(chest(), tmp_path)[0]
    monkeypatch.setattr(reader, "open_image", panic)
    with pytest.raises(LungmtlError, match=r"\.dcm: PanicException: index out of bounds"):
        reader._read(str(good))


@pytest.mark.parametrize("name", ["slice.png", "slice.jpg", "slice.tif", ".slice"])
def test_a_slice_under_the_name_of_a_picture(tmp_path, name):
    write_series(chest(), tmp_path / "series")
    slice_ = next((tmp_path / "series").glob("*.dcm"))
    (tmp_path / name).write_bytes(slice_.read_bytes())
    read = reader.get_reader(str(tmp_path / name))
    assert read is not None
    assert read(str(tmp_path / name))[0][0].ndim == 3


def test_an_xml_is_ours_where_readers_of_lidc_wrote_it(tmp_path: Path):
    (tmp_path / "a.xml").write_text("<?xml version='1.0'?><svg/>")
    (tmp_path / "b.xml").write_text("<?xml version='1.0'?><LidcReadMessage/>")
    assert reader.get_reader(str(tmp_path / "a.xml")) is None
    assert reader.get_reader(str(tmp_path / "b.xml")) is not None
