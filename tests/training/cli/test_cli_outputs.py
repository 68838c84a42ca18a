"""What commands write is whole, or refused before the work: streams, tables of two runs, folders that cannot be written to."""

import errno
import io
import json
import sys
import tempfile

import filelock
import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli import app as cli
from napari_lungmtl.training.cli import common, predict_batch
from napari_lungmtl.training.error_boundary import sentence
from napari_lungmtl.training.findings import Findings, ImageReference, ImageScore
from napari_lungmtl.training.imaging import Image, write_volume
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import ModelInfo, Progress

from ...stand_ins.fresh_models import fresh_model_store


class Finder:
    info = ModelInfo("stub", "Stub", "tests", ("CT",), "1.0", 0.5)

    def run(self, image):
        yield Progress(0.1, "looking")
        score = ImageScore("stub", "1.0", 0.5, 0.5)
        return Findings((), ImageReference(image.series_uid, modality="CT"), image_scores=(score,))


def lungmtl(*arguments):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


@pytest.fixture
def scans(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "models", lambda: (Finder.info,))
    monkeypatch.setattr(registry, "load_predictor", lambda name, device="auto", weights=None: Finder())
    common.debug(False)
    fresh_model_store(monkeypatch)
    voxels = np.full((4, 5, 6), -1000, np.int16)
    for name in "ab":
        write_volume(Image(voxels, "CT", (2.0, 1.0, 1.0), (0, 0, 0)), tmp_path / f"{name}.mha")
    return [tmp_path / f"{name}.mha" for name in "ab"]


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_letters_that_a_terminal_lacks_cost_nothing(tmp_path, monkeypatch, scans, encoding):
    """Of the table's Ø, ≥ and ─ one is in no such encoding: as of redirected output on Windows."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    out, summary = tmp_path / "out", tmp_path / "s.json"
    monkeypatch.setattr(
        sys, "argv", ["lungmtl", "predict", str(scans[0]), "--out", str(out), "--json", str(summary)]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    sys.stdout.flush()
    assert not ended.value.code
    assert b"0 ? 0.5" in written.getvalue()
    assert (out / "images.csv").exists()
    assert json.loads(summary.read_text())["cases"]


def test_tables_are_written_before_they_are_shown(tmp_path, monkeypatch, scans):
    def fails(*_, **__):
        "Ø".encode("ascii")

    monkeypatch.setattr(predict_batch, "show_table", fails)
    result = lungmtl("predict", scans[0], "--out", tmp_path / "out", "--json", tmp_path / "s.json")
    assert result.exit_code == 1
    assert "has letters that ascii cannot write" in result.stderr
    assert (tmp_path / "out" / "images.csv").exists()
    assert (tmp_path / "s.json").exists()


def test_what_cannot_be_written_is_no_file_that_cannot_be_read():
    with pytest.raises(UnicodeEncodeError) as error:
        "Ø".encode("ascii")
    assert "set PYTHONIOENCODING=utf-8" in sentence(error.value)


def test_two_runs_do_not_write_to_one_folder_at_once(tmp_path, scans):
    """Each would write its own rows only, and one's be lost."""
    out = tmp_path / "out"
    out.mkdir()
    with filelock.FileLock(out / predict_batch.LOCK):
        result = lungmtl("predict", scans[0], "--out", out)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"lungmtl: another run writes to {out}: wait for its end, or choose another --out"
    ]
    assert lungmtl("predict", scans[0], "--out", out).exit_code == 0
    assert not (out / predict_batch.LOCK).exists()


def test_a_later_run_says_whose_rows_it_replaces(tmp_path, scans):
    out = tmp_path / "out"
    assert "replaced" not in lungmtl("predict", scans[0], "--out", out).stderr
    assert "replaced" not in lungmtl("predict", scans[0], "--out", out).stderr
    result = lungmtl("predict", scans[1], "--out", out)
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        f"lungmtl: warning: {out / 'images.csv'}: 1 row of cases of a former run are replaced; "
        "their *.lungmtl.json stay"
    ]
    assert {path.name for path in out.glob("*.lungmtl.json")} == {"a.lungmtl.json", "b.lungmtl.json"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("candidates", "--data", "DATA", "--folds", "0", "--out", "FILE"),
        ("evaluate", "ag3d", "--data", "DATA", "--json", "FILE"),
        ("evaluate", "ag3d", "--data", "DATA", "--report", "FOLDER"),
    ],
    ids=" ".join,
)
def test_a_disk_that_is_read_only_is_told_before_the_work(tmp_path, monkeypatch, arguments):
    def refused(**_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    places = {"DATA": tmp_path / "nothing", "FILE": tmp_path / "out" / "f", "FOLDER": tmp_path / "out"}
    result = lungmtl(*(places.get(part, part) for part in arguments))
    assert result.exit_code == 1
    assert f"{tmp_path / 'out'} cannot be made or written to (Read-only file system)" in result.stderr
