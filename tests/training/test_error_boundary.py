"""Whatever goes wrong has one sentence that names the file; only a wish to stop goes through."""

import errno
import gzip
import json
import logging
import os
import socket
import struct
import zipfile
import zlib
from pathlib import Path
from xml.etree.ElementTree import ParseError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training import log_file
from napari_lungmtl.training.data.arrays import open_arrays
from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.error_boundary import (
    UnforeseenError,
    as_sentences,
    foreseen,
    reads,
    require_regular,
    sentence,
)
from napari_lungmtl.training.errors import MOST, LungmtlError, printable
from napari_lungmtl.training.findings.formats.atomic import write_atomically
from napari_lungmtl.training.findings.formats.coco import read_coco
from napari_lungmtl.training.findings.formats.csv_file import read_csv
from napari_lungmtl.training.findings.formats.errors import SaveError
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.findings.formats.luna16 import read_annotations, read_series
from napari_lungmtl.training.imaging import list_series, read_image
from napari_lungmtl.training.inference.weights import read_card


class PanicException(BaseException):
    """What pyo3 raises for a panic in Rust: no Exception."""


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (PanicException("index out of bounds"), "a.dcm: PanicException: index out of bounds"),
        (MemoryError("Unable to allocate 1 TiB"), "a.dcm needs more memory than there is"),
        (RecursionError(), "a.dcm is nested too deeply"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "a.dcm is no text"),
        (OSError(errno.ENOSPC, "No space left on device", "out.json"), "a.dcm: out.json cannot be written"),
        (PermissionError(errno.EACCES, "Permission denied", "/x/a.dcm"), "/x/a.dcm may not be opened"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.dcm"), "a.dcm does not exist"),
        (zipfile.BadZipFile("Bad magic number"), r"a.dcm is damaged \(Bad magic number\)"),
        (zlib.error("incorrect data check"), "a.dcm is damaged"),
        (gzip.BadGzipFile("Not a gzipped file"), "a.dcm is damaged"),
        (json.JSONDecodeError("Expecting value", "", 0), "a.dcm is damaged"),
        (ParseError("no element found"), "a.dcm is damaged"),
        (struct.error("unpack requires 4 bytes"), "a.dcm is damaged"),
        (EOFError(), r"a.dcm is damaged \(EOFError\)"),
        (KeyError("0"), "a.dcm: KeyError: '0'"),
        (ValueError("two\nlines"), "a.dcm: ValueError: two lines"),
    ],
)
def test_errors_become_sentences(error: BaseException, says: str):
    with pytest.raises(UnforeseenError, match=says) as caught, as_sentences("a.dcm"):
        raise error
    assert caught.value.__cause__ is error
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_wish_to_stop_goes_through(stop: type[BaseException]):
    with pytest.raises(stop), as_sentences("a.dcm"):
        raise stop


def test_a_sentence_of_a_reader_stays():
    told = DatasetError("a.csv: line 3")
    with pytest.raises(DatasetError) as caught, as_sentences("b", SaveError):
        raise told
    assert caught.value is told
    assert foreseen(told)
    assert not foreseen(PanicException())


def test_a_missing_extra_is_foreseen():
    with (
        pytest.raises(UnforeseenError, match=r"pip install \"napari-lungmtl\[networks\]\""),
        as_sentences("x"),
    ):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")


@pytest.fixture
def special(tmp_path: Path):
    """A pipe, a socket and devices."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    os.mkfifo(tmp_path / "pipe")
    server = socket.socket(socket.AF_UNIX)
    folder = os.getcwd()
    os.chdir(tmp_path)  # a socket's path must be short
    server.bind("socket")
    os.chdir(folder)
    yield {"a named pipe": tmp_path / "pipe", "a socket": tmp_path / "socket", "a device": Path("/dev/zero")}
    server.close()


READERS = (read_image, list_series, read_findings, read_csv, read_annotations, read_series, read_coco)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_readers_open_no_pipe_socket_or_device(special, read):
    for kind, path in special.items():
        with pytest.raises(LungmtlError, match=f"{path} is {kind}, no file"):
            read(path)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "suffix", [".dcm", ".mhd", ".nii.gz", ".nrrd", ".png", ".tif", ".zarr", ".IMG", ".json"]
)
def test_a_suffix_makes_no_file_of_a_pipe(special, suffix):
    path = special["a named pipe"].with_name(f"x{suffix}")
    os.mkfifo(path)
    for read in (read_image, list_series):
        with pytest.raises(LungmtlError, match=r"is a named pipe, no file"):
            read(path)


@pytest.mark.timeout(20)
def test_weights_arrays_and_outputs_open_none_either(special, tmp_path):
    pipe = special["a named pipe"]
    os.mkfifo(tmp_path / "w.json")
    with pytest.raises(LungmtlError, match=r"w\.json is a named pipe"):
        read_card(tmp_path / "w.safetensors")
    with pytest.raises(DatasetError, match="is a named pipe"), open_arrays(pipe):
        pass
    for path in (pipe, Path("/dev/null")):
        with pytest.raises(SaveError, match="no file: save"):
            write_atomically(path, b"x")
    assert pipe.is_fifo()
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("read", READERS[2:], ids=lambda read: read.__name__)
def test_a_folder_is_no_file(tmp_path, read):
    with pytest.raises(LungmtlError, match=f"{tmp_path} cannot be read"):
        read(tmp_path)


def test_require_regular_passes_files_folders_and_what_is_not_there(tmp_path):
    (tmp_path / "a").write_text("")
    for path in (tmp_path, tmp_path / "a", tmp_path / "b", "a\0b"):
        require_regular(path)


def test_a_reader_is_asked_by_position_or_by_name():
    @reads(DatasetError)
    def read(path: Path, add: int = 0) -> int:
        return int(str(path)) + add

    assert read("1", add=2) == read(path="1", add=2) == 3
    with pytest.raises(DatasetError, match="x: ValueError"):
        read("x")


def test_arrays_that_are_damaged_missing_or_others(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(3))
    with open_arrays(path) as archive:
        assert archive["x"].tolist() == [0, 1, 2]
    with (
        pytest.raises(DatasetError, match=r"a.npz is damaged \(y is not a file in the archive\)"),
        open_arrays(path) as archive,
    ):
        archive["y"]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DatasetError, match=r"a\.npz is damaged"), open_arrays(path):
        pass
    with pytest.raises(DatasetError, match=r"b\.npz does not exist"), open_arrays(tmp_path / "b.npz"):
        pass


def test_the_log_keeps_the_traceback(tmp_path, monkeypatch):
    log = logging.getLogger(log_file.NAME)
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log_file, "log_path", lambda: tmp_path / "new" / "lungmtl.log")
    said: list[str] = []
    log_file.keep_log(terminal=False, tell=said.append)
    log_file.keep_log(terminal=False, tell=said.append)
    try:
        with as_sentences("a.dcm"):
            raise PanicException("index out of bounds")
    except LungmtlError as error:
        log_file.log_error(error, "a.dcm")
    log.warning("%d rows are there twice", 2)
    text = (tmp_path / "new" / "lungmtl.log").read_text()
    assert text.count("PanicException: index out of bounds") >= 2
    assert text.count("Traceback") == 2
    assert said == ["2 rows are there twice"]


def test_the_terminal_has_the_sentence_of_a_refusal_and_the_traceback_of_what_nobody_foresaw(
    tmp_path, monkeypatch, capsys
):
    log = logging.getLogger(log_file.NAME)
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log_file, "log_path", lambda: tmp_path / "lungmtl.log")
    log_file.keep_log(terminal=True)
    for error in (
        LungmtlError("a.dcm is no image: choose another file"),
        ZeroDivisionError("division by zero"),
    ):
        try:
            raise error
        except Exception as raised:
            log_file.log_error(raised, "a.dcm")
    said = capsys.readouterr().err
    assert said.startswith(
        "a.dcm: a.dcm is no image: choose another file\na.dcm: division by zero\nTraceback"
    )
    assert (tmp_path / "lungmtl.log").read_text().count("Traceback") == 2


@given(st.text(max_size=3 * MOST) | st.binary(max_size=3 * MOST).map(lambda data: data.decode("latin-1")))
def test_whatever_a_file_holds_a_message_is_printable_and_bounded(text):
    for said in (str(LungmtlError(text)), sentence(ValueError(text), "a.csv")):
        assert len(said) <= MOST + 30
        assert all(c.isprintable() or c == "\n" for c in said)
    if text.isprintable() and len(text) <= MOST:
        assert printable(text) == text


def test_what_a_binary_file_holds_where_a_name_is_expected_is_shown_as_escapes(tmp_path):
    header = b"ObjectType = Image\nNDims = 3\nDimSize = \x1b[2J\x00\x80\xff 4\nElementType = MET_SHORT\n"
    (tmp_path / "a.mhd").write_bytes(header + b"ElementDataFile = a.raw\n")
    with pytest.raises(LungmtlError) as error:
        read_image(tmp_path / "a.mhd")
    assert str(error.value).isprintable()
    assert "a.mhd" in str(error.value)
