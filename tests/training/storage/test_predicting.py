"""`lungmtl predict` from a server to a server: the results are those that a folder gets."""

import csv
import io
import json
import os
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import napari_lungmtl as lm
from napari_lungmtl.training.cli import app as cli
from napari_lungmtl.training.cluster import worker
from napari_lungmtl.training.cluster.index import open_index
from napari_lungmtl.training.cluster.reuse.found import indexed_results
from napari_lungmtl.training.cluster.task import ALREADY, DONE, Options, Study
from napari_lungmtl.training.cluster.writer import IndexWriter
from napari_lungmtl.training.findings.formats.errors import SaveError
from napari_lungmtl.training.imaging import Image, list_series, write_volume
from napari_lungmtl.training.imaging.dicom.write_series import write_series
from napari_lungmtl.training.inference import registry

from ...stand_ins.blob_detector import INFO, BlobDetector
from ...stand_ins.chunked_store import write_chunked
from ...stand_ins.fresh_models import fresh_model_store
from .conftest import PASSWORD, upload


@pytest.fixture
def detector(monkeypatch):
    detector = BlobDetector()
    monkeypatch.setattr(registry, "models", lambda: (INFO,))
    monkeypatch.setattr(registry, "load_predictor", lambda name, device="auto", weights=None: detector)
    fresh_model_store(monkeypatch)
    return detector


@pytest.fixture
def archive(served) -> Path:
    """A tree: a DICOM case, a store, a broken volume beside a good one, and a note."""
    voxels = np.full((20, 24, 24), -900, np.int16)
    voxels[9:12, 10:13, 11:14] = 40
    for number, name in enumerate(("case ä/dicom", "case b/ct.ome.zarr", "case c/ct.mha")):
        image = Image(voxels, "CT", (2.0, 1.0, 1.0), (-40.0, 3.0, 5.0), series_uid=f"1.2.3.{number}")
        path = served / name
        path.parent.mkdir(parents=True)
        if name.endswith("zarr"):
            write_chunked(image, path, (4, 24, 24))
        elif name.endswith("mha"):
            write_volume(image, path)
            (path.parent / "bad.mha").write_bytes(path.read_bytes()[:-60])
        else:
            write_series(image, path)
    (served / "notes.txt").write_text("nothing to see")
    return served


def lungmtl(*arguments):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


def told(findings):
    """Where the findings of a result are, and how sure."""
    return sorted((f.center, f.score) for f in findings)


def test_a_tree_on_s3_is_predicted_to_s3_as_folders_are(s3, archive, detector, tmp_path):
    upload(s3, archive, "bucket-of-a-test/archive")
    before = set(os.listdir())
    result = lungmtl(
        "predict",
        "s3://bucket-of-a-test/archive",
        "--out",
        "s3://bucket-of-a-test/results ä",
        "--json",
        tmp_path / "s.json",
    )
    assert result.exit_code == 1  # the broken one
    assert "s3://bucket-of-a-test/archive/case c/bad.mha" in result.output
    assert str(tmp_path) not in result.output
    local = lungmtl("predict", archive, "--out", tmp_path / "out")
    assert local.exit_code == 1
    assert set(os.listdir()) == before
    paths = [case["path"] for case in json.loads((tmp_path / "s.json").read_text())["cases"]]
    names = ("case c/ct.mha", "case b/ct.ome.zarr", "case ä/dicom")
    assert sorted(paths) == sorted(f"s3://bucket-of-a-test/archive/{name}" for name in names)
    names = {path.rpartition("/")[2] for path in s3.ls("bucket-of-a-test/results ä")}
    assert names == set(os.listdir(tmp_path / "out"))
    for file in (tmp_path / "out").glob("*.lungmtl.json"):
        mine = lm.read_findings(f"s3://bucket-of-a-test/results ä/{file.name}")
        assert told(mine) == told(lm.read_findings(file))
        assert len(mine) == 1
    tables = [
        s3.cat("bucket-of-a-test/results ä/findings.csv").decode(),
        (tmp_path / "out" / "findings.csv").read_text(),
    ]
    rows = [sorted(map(str, csv.DictReader(io.StringIO(text)))) for text in tables]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 3


def test_ssh_to_ssh_names_no_password(ssh, archive, served, detector, tmp_path):
    result = lungmtl("predict", f"{ssh}/case b", "--out", f"{ssh}/out", "--json", tmp_path / "s.json")
    assert result.exit_code == 0, result.output
    files = [served / "out" / "findings.csv", *(served / "out").glob("*.json"), tmp_path / "s.json"]
    assert len(files) == 3
    for text in (result.output, *(file.read_text() for file in files)):
        assert PASSWORD not in text
        assert "%40" not in text
    assert json.loads((tmp_path / "s.json").read_text())["cases"][0]["path"].startswith("sftp://me@127.0.0.1")
    assert not list(served.rglob("*.tmp"))


def test_a_place_that_cannot_be_written_is_refused_before_anything_runs(s3, web, archive, detector):
    for out, words in {
        "s3://no-such-bucket/x": "the bucket no-such-bucket does not exist",
        web.url("x"): "Nothing can be written to http",
    }.items():
        result = lungmtl("predict", archive, "--out", out)
        assert result.exit_code == 1
        assert words in " ".join(result.output.split())
    result = lungmtl("predict", archive, "--out", "s3://bucket-of-a-test/x", "--format", "dicom-sr")
    assert "--format dicom-sr" in result.output
    assert not detector.seen
    with pytest.raises(SaveError, match="no-such-bucket"):
        lm.write_findings(lm.Findings(), "s3://no-such-bucket/x.lungmtl.json")


def test_workers_and_the_index_write_to_s3(s3, archive, detector, monkeypatch):
    (archive / "case c" / "bad.mha").unlink()
    out = Path("s3://bucket-of-a-test/many")
    options = Options(out, (), version=version("napari-lungmtl"))
    studies = [Study.of(series) for series in list_series(archive)]
    outcomes = [worker.predict_study(study, options) for study in studies]
    assert [o.status for o in outcomes] == [DONE] * 3
    writer = IndexWriter(out, options.version)
    for outcome in outcomes[:2]:
        writer.add(outcome)
    writer.flush()
    again = [worker.predict_study(study, options) for study in studies]
    assert [o.status for o in again] == [ALREADY] * 3
    second = IndexWriter(out, options.version)  # whose client died before it told the third
    for outcome in again:
        second.add(outcome)
    second.flush()
    index = open_index(out)
    assert sorted(index.studies.to_table(["findings"])["findings"].to_pylist()) == [1, 1, 1]
    assert index.findings.count_rows() == 3
    assert detector.seen == 3
    results = indexed_results(out)
    files = results.files([(study.series.path, (study.series.uid,)) for study in studies])
    assert [len(lm.read_findings(file)) for file in files.values()] == [1, 1, 1]
