"""Bad input to the commands: one line each on standard error, the others go on, exit status 1, and never a hang."""

import errno
import json
import logging
import os
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training import imaging, log_file
from napari_lungmtl.training.cli import app as cli
from napari_lungmtl.training.cli import common
from napari_lungmtl.training.findings import Findings, ImageReference
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.imaging import Image, write_volume
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import ModelInfo, Progress
from napari_lungmtl.training.storage import files

from ...stand_ins.fresh_models import fresh_model_store


class PanicException(BaseException):
    """What pyo3 raises for a panic in Rust: no Exception."""


class Finder:
    info = ModelInfo("stub", "Stub", "tests", ("CT",), "1.0", 0.5)

    def run(self, image):
        yield Progress(0.1, "looking")
        return Findings((), ImageReference(image.series_uid, modality="CT"))


def lungmtl(*arguments):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


@pytest.fixture(autouse=True)
def finder(monkeypatch):
    monkeypatch.setattr(registry, "models", lambda: (Finder.info,))
    monkeypatch.setattr(registry, "load_predictor", lambda name, device="auto", weights=None: Finder())
    common.debug(False)
    fresh_model_store(monkeypatch)


@pytest.fixture
def scans(tmp_path):
    voxels = np.full((4, 5, 6), -1000, np.int16)
    for name in "abc":
        write_volume(Image(voxels, "CT", (2.0, 1.0, 1.0), (0, 0, 0)), tmp_path / f"{name}.mha")
    return [tmp_path / f"{name}.mha" for name in "abc"]


@pytest.fixture
def pipe(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def panicking(monkeypatch, path, error):
    whole = imaging.read_image

    def read(where, *, series=None, on_progress=None):
        if Path(where) == path:
            raise error
        return whole(where, series=series, on_progress=on_progress)

    monkeypatch.setattr(imaging, "read_image", read)


@pytest.mark.parametrize(
    "error", [PanicException("index out of bounds"), MemoryError(), RecursionError(), OSError(28, "full")]
)
def test_a_batch_goes_on_after_anything(tmp_path, monkeypatch, scans, error):
    log = tmp_path / "log" / "lungmtl.log"
    monkeypatch.setattr(logging.getLogger(log_file.NAME), "handlers", [])
    monkeypatch.setattr(log_file, "log_path", lambda: log)
    panicking(monkeypatch, scans[1], error)
    result = lungmtl("predict", *scans, "--out", tmp_path / "out", "--json", tmp_path / "s.json")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 2, lines
    assert str(scans[1]) in lines[0]
    assert lines[1] == "lungmtl: 1 of 3 inputs failed"
    summary = json.loads((tmp_path / "s.json").read_text())
    assert [case["case"] for case in summary["cases"]] == ["a", "c"]
    assert [failed["input"] for failed in summary["failed"]] == [str(scans[1])]
    assert type(error).__name__ in log.read_text()


@pytest.mark.parametrize("many", [(), ("--workers", "1")])
def test_a_folder_that_cannot_be_written_to_is_told_before_anything_runs(tmp_path, monkeypatch, scans, many):
    """After it, a night's work would be lost study by study."""

    def refused(**_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(files.tempfile, "TemporaryFile", refused)
    result = lungmtl("predict", *scans, "--out", tmp_path / "out", *many)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"lungmtl: {tmp_path / 'out'} cannot be made or written to (Read-only file system): choose another --out"
    ]


def test_a_person_stops_a_batch(tmp_path, monkeypatch, scans):
    panicking(monkeypatch, scans[1], KeyboardInterrupt())
    result = lungmtl("predict", *scans, "--out", tmp_path / "out")
    assert result.exit_code != 0
    # What is done is done, and written down.
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.lungmtl.json", "findings.csv"]


@pytest.mark.timeout(60)
def test_pipes_and_devices_among_the_inputs(tmp_path, scans, pipe):
    result = lungmtl("predict", pipe, "/dev/zero", scans[0], "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert [line.partition(", no file")[0] for line in result.stderr.splitlines()[:2]] == [
        f"lungmtl: {pipe} is a named pipe",
        "lungmtl: /dev/zero is a device",
    ]
    assert (tmp_path / "out" / "a.lungmtl.json").exists()


TABLE = "seriesuid,coordX,coordY,coordZ,diameter_mm,probability\n1.2,0,0,0,10,1\n"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("option", ["--truth", "--series", "--submission", "--excluded", "--json"])
@pytest.mark.parametrize("place", ["pipe", "/dev/zero", "folder"])
def test_froc_takes_files_only(tmp_path, pipe, option, place):
    (tmp_path / "t.csv").write_text(TABLE)
    (tmp_path / "folder").mkdir()
    files = dict.fromkeys(("--truth", "--series", "--submission", "--excluded"), tmp_path / "t.csv")
    files |= {option: tmp_path / place}
    result = lungmtl("froc", *(part for pair in files.items() for part in pair))
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert str(tmp_path / place) in result.stderr
    assert "is a folder" in result.stderr or "no file" in result.stderr or "cannot be read" in result.stderr


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "SCAN", "--out", "PIPE"),
        ("predict", "SCAN", "--out", "OUT", "--findings", "PIPE"),
        ("predict", "SCAN", "--out", "OUT", "--json", "PIPE"),
        ("models", "--json", "PIPE"),
        ("evaluate", "ag3d", "--data", "PIPE"),
        ("evaluate", "ag3d", "--data", "OUT", "--json", "PIPE"),
        ("candidates", "--data", "OUT", "--folds", "0", "--out", "PIPE"),
        ("candidates", "--data", "PIPE", "--folds", "0", "--out", "OUT/c.csv"),
        ("train", "ag3d", "--data", "OUT", "--out", "OUT/t", "--config", "PIPE"),
        ("report", "--data", "OUT", "--runs", "PIPE", "--out", "OUT/r"),
        ("simulate", "radiographs", "--prepared", "PIPE", "--out", "OUT/s"),
        ("simulate", "prepare", "--data", "PIPE", "--out", "OUT/p"),
        ("view", "SCAN", "--screenshot", "PIPE"),
    ],
    ids=" ".join,
)
def test_no_command_waits_for_a_pipe(tmp_path, scans, pipe, arguments):
    (tmp_path / "out").mkdir()
    places = {"SCAN": scans[0], "PIPE": pipe, "OUT": tmp_path / "out"}
    given = [
        str(a).replace("OUT", str(tmp_path / "out")) if a not in places else places[a] for a in arguments
    ]
    result = lungmtl(*given)
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("lungmtl: ")
    assert result.stderr.count("\n") == 1
    assert pipe.is_fifo()


def test_files_that_have_nothing_to_do_with_each_other(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE)
    for name, text, says in (
        ("series", "9.9\n", "none of the 1 series of .* is in .*truth.csv"),
        ("truth", "seriesuid,coordX,coordY,coordZ,diameter_mm\n", "lists no nodule"),
        ("submission", TABLE.replace("1.2,", "7,"), "none of the 1 series of .* is in .*submission.csv"),
    ):
        files = {kind: tmp_path / f"{kind}.csv" for kind in ("truth", "series", "submission")}
        for kind, path in files.items():
            path.write_text(text if kind == name else TABLE)
        result = lungmtl("froc", *(part for kind, path in files.items() for part in (f"--{kind}", path)))
        assert result.exit_code == 1
        assert result.stdout == ""
        assert re.search(says, result.stderr), result.stderr


def test_rows_that_are_there_twice_are_said(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE + TABLE.splitlines()[1] + "\n")
    result = lungmtl(
        "froc", *(p for o in ("--truth", "--series", "--submission") for p in (o, tmp_path / "t.csv"))
    )
    # The list of series has one twice: that is refused as before.
    assert result.exit_code == 1
    assert "lists 1.2 twice" in result.stderr
    (tmp_path / "s.csv").write_text("1.2\n")
    result = lungmtl(
        "froc",
        "--truth",
        tmp_path / "t.csv",
        "--series",
        tmp_path / "s.csv",
        "--submission",
        tmp_path / "t.csv",
    )
    assert result.exit_code == 0
    assert "1 scans, 1 nodules" in result.stdout
    assert f"lungmtl: {tmp_path / 't.csv'}: 1 rows are there twice and count once" in result.stderr


def test_a_command_that_writes_nothing_leaves_no_empty_folder(tmp_path, scans):
    out = tmp_path / "there" / "new" / "deep" / "a.lungmtl.json"
    (tmp_path / "there").mkdir()
    given = tmp_path / "b.lungmtl.json"
    write_findings(Findings(), given)
    assert lungmtl("import", given, "--image", scans[0], "--out", out, "--mistyped").exit_code == 2
    assert lungmtl("import", tmp_path / "none.dcm", "--image", scans[0], "--out", out).exit_code == 1
    assert (
        lungmtl("predict", tmp_path / "none.dcm", "--out", tmp_path / "there" / "results" / "a").exit_code
        == 1
    )
    assert list((tmp_path / "there").iterdir()) == []
    assert lungmtl("import", given, "--image", scans[0], "--out", out).exit_code == 0
    assert out.is_file()
    other = out.parent / "other"
    other.mkdir()
    lungmtl("import", given, "--image", scans[0], "--out", other / "a.lungmtl.json", "--mistyped")
    assert other.is_dir(), "it was there before"
