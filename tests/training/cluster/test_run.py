"""The window, tags of GPUs, what is remembered, and what is said, without processes and networks."""

from __future__ import annotations

import os
import sys
from collections import Counter
from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.case_list.read import is_case_list, read_case_list
from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.cluster import find as find_module
from napari_lungmtl.training.cluster import writer as writer_module
from napari_lungmtl.training.cluster.came_of import came_of
from napari_lungmtl.training.cluster.connect import running_cluster
from napari_lungmtl.training.cluster.content import content_hash
from napari_lungmtl.training.cluster.find import Finder
from napari_lungmtl.training.cluster.index import open_index, rows
from napari_lungmtl.training.cluster.rows import COLUMNS, TEXT, finding_rows
from napari_lungmtl.training.cluster.run import AHEAD, ClusterRun
from napari_lungmtl.training.cluster.task import ALREADY, DONE, FAILED, ClusterError, Options, Outcome, Study
from napari_lungmtl.training.cluster.writer import IndexWriter
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Sphere
from napari_lungmtl.training.findings.formats.errors import SaveError
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.imaging import Image, write_volume
from napari_lungmtl.training.imaging.dicom.write_series import write_series
from napari_lungmtl.training.imaging.scan import list_series
from napari_lungmtl.training.imaging.series import Series

distributed = pytest.importorskip("distributed")
pytest.importorskip("pyarrow")


def work(study: Study, options: Options) -> Outcome:
    """Name the tags of the worker that it runs on."""
    tags = distributed.get_worker().state.total_resources
    return Outcome(study.label, DONE, key=study.label, sentence=",".join(tags))


@pytest.fixture(scope="module")
def client():
    """One worker with a GPU's tag, in this process."""
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=2,
            processes=False,
            dashboard_address="127.0.0.1:0",
            resources={"GPU": 1},
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.parametrize("device", ["auto", "cuda:0"])
def test_no_more_studies_are_held_than_a_few_for_each_thread(client, device):
    made, taken, most = 0, [], 0

    def found():
        nonlocal made, most
        for number in range(60):
            made += 1
            most = max(most, made - len(taken))
            yield Study.of(Series(f"1.{number}", path=Path("/nowhere")))

    ClusterRun(client, Options(Path(), (), device=device), taken.append, work).predict(found())
    assert len({outcome.key for outcome in taken}) == len(taken) == 60
    assert most <= 2 * AHEAD
    assert {outcome.sentence for outcome in taken} == {"GPU"}


def test_a_result_that_died_with_its_worker_is_no_end_without_a_word():
    """Dask raises while it is fetched what came of its being done anew, also that this killed a worker too."""

    def future(status, error=None):
        return SimpleNamespace(status=status, result=Mock(side_effect=error, return_value=7))

    assert came_of(future("finished")).result == 7
    assert came_of(future("error", distributed.KilledWorker("k", None, 1))).died
    broken = came_of(future("error", ValueError("no number")))
    assert (str(broken.error), broken.died) == ("no number", False)
    for status, error in (("cancelled", CancelledError()), ("finished", OSError("timed out"))):
        with pytest.raises(ClusterError, match="scheduler went away"):
            came_of(future(status, error))


def test_workers_may_come_when_there_is_work(tmp_path):
    """A batch system starts none before, and its queue may be long."""
    said, taken = [], []
    with (
        distributed.LocalCluster(
            n_workers=0,
            threads_per_worker=2,
            processes=False,
            dashboard_address="127.0.0.1:0",
            protocol="tcp",
        ) as cluster,
        running_cluster(cluster.scheduler_address, said.append, wait_for_workers=0.1) as client,
    ):
        assert "no workers yet" in said[0]

        def found():
            cluster.scale(1)
            yield Study.of(Series("1.2", path=Path("/nowhere")))

        ClusterRun(client, Options(tmp_path, ()), taken.append, work).predict(found())
    assert [one.status for one in taken] == [DONE]


def outcome(number: int, status: str = DONE, sentence: str = "") -> Outcome:
    uid = f"1.2.{number}"
    findings = Findings((Finding(Sphere((1, 2, 3), 9), number / 10, id=uid),), ImageReference(uid))
    found = finding_rows(findings, uid, f"{uid}.json") if status == DONE else ()
    return Outcome(
        f"/a/{uid}", status, sentence, uid, f"{uid}.json", {"series_uid": uid, "findings": 1}, found
    )


def test_an_index_grows_by_files_and_tells_each_study_once(tmp_path, monkeypatch):
    one, two = IndexWriter(tmp_path, "0.1"), IndexWriter(tmp_path, "0.1")
    for number, writer in ((1, one), (2, two), (3, one), (3, one)):
        writer.add(outcome(number))
    one.add(outcome(4, FAILED, "damaged"))
    with monkeypatch.context() as broken:
        broken.setattr(writer_module, "write_atomically", full_disk)
        with pytest.raises(SaveError, match="no room"):
            one.flush()
    one.flush()
    two.flush()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.parquet")}
    assert len(before) == 4

    # A client that comes later: what was told is not told again, what its predecessor could not tell is made from the files.
    later = IndexWriter(tmp_path, "0.1")
    lost = Findings((Finding(Sphere((1, 2, 3), 9), 0.9, id="lost"),), ImageReference("1.2.9"))
    write_findings(lost, tmp_path / "lost.lungmtl.json")
    later.add(Outcome("/a/1.2.9", ALREADY, "", "lost", "lost.lungmtl.json"))
    later.add(outcome(1))
    later.add(outcome(4, FAILED, "damaged"))
    later.flush()
    assert {path: path.read_bytes() for path in before} == before
    index = open_index(tmp_path)
    assert Counter(index.studies.to_table()["status"].to_pylist()) == {DONE: 4, FAILED: 1}
    assert index.failed()["sentence"].to_pylist() == ["damaged"]
    best = rows(index.findings, ["id"], by="probability", most=2)
    assert best["id"].to_pylist() == ["lost", "1.2.3"]
    assert {f.name for f in index.findings.schema} == {*COLUMNS, "day"}
    assert set(TEXT) <= set(COLUMNS)

    cases = tmp_path / "index" / "studies"
    assert is_case_list(cases)
    assert {case.series_uid for case in read_case_list(cases)} == {
        "1.2.1",
        "1.2.2",
        "1.2.3",
        "1.2.4",
        "1.2.9",
    }

    later.add(outcome(4))
    later.flush()
    assert open_index(tmp_path).failed().num_rows == 0


def test_an_index_takes_every_column_every_name_and_a_damaged_file(tmp_path):
    """Votes are text; a name of a file may be no UTF-8; findings that a power cut left in pieces fail alone."""
    votes = {"malignancy": (0.1, 0.2, 0.4, 0.2, 0.1)}
    uid = "M\udcfcller"  # as Python reads a name in Latin-1
    findings = Findings((Finding(Sphere((1, 2, 3), 9), 0.5, id="a", votes=votes),), ImageReference(uid))
    found = finding_rows(findings, "k", "a.json")
    made = Outcome(f"/a/{uid}", DONE, "", "k", "a.json", {"series_uid": uid}, found)
    damaged = Outcome("/a/b", ALREADY, "", "l", "b.lungmtl.json")
    (tmp_path / "b.lungmtl.json").write_text("{")
    writer = IndexWriter(tmp_path, "0.1")
    assert writer.add(made) is made
    assert (told := writer.add(damaged)).status == FAILED
    assert "predicts it again when that file is gone" in told.sentence
    writer.flush()
    for again in (IndexWriter(tmp_path, "0.1"), writer):
        again.add(made)
        again.add(damaged)
        again.flush()
    index = open_index(tmp_path)
    assert index.studies.count_rows() == 2
    (row,) = index.findings.to_table().to_pylist()
    assert row["malignancy_votes"] == "0.1 0.2 0.4 0.2 0.1"
    assert row["seriesuid"] == "M\\udcfcller"
    moved = tmp_path / "a.json"
    write_findings(findings, moved)
    writer.add(Outcome("/b/copy", ALREADY, "", "k", "a.json", {"path": "/b/copy"}))
    writer.flush()
    assert "/b/copy" in open_index(tmp_path).studies.to_table()["path"].to_pylist(), "a copy is where it is"


@pytest.mark.parametrize("use", [open_index, lambda out: IndexWriter(out, "0.1")])
def test_a_damaged_file_of_an_index_is_named_with_what_to_do(tmp_path, use):
    writer = IndexWriter(tmp_path, "0.1")
    writer.add(outcome(1))
    writer.flush()
    (file,) = (tmp_path / "index" / "studies").rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ClusterError, match=rf"{file.name}.* Move the folder index away"):
        use(tmp_path)


def full_disk(path, _data):
    raise SaveError(f"{path}: no room")


def test_content_is_bytes_and_not_names_or_dates(tmp_path):
    image = Image(np.full((4, 5, 6), -1000, np.int16), "CT", (2.0, 1.0, 1.0), (-100, 10, 20))

    def content(folder: str) -> str:
        return content_hash(list_series(tmp_path / folder / "ct.mhd")[0])

    for name in ("a", "b"):
        write_volume(image, tmp_path / name / "ct.mhd")
    os.utime(tmp_path / "b" / "ct.mhd", (1, 1))
    assert content("a") == content("b")
    pixels = next(p for p in (tmp_path / "b").iterdir() if p.suffix in (".raw", ".zraw"))
    pixels.write_bytes(pixels.read_bytes()[:-1] + b"x")  # a file of its own, of the same size as before
    assert content("a") != content("b")


def test_what_is_no_study_is_told_and_the_others_are_found(tmp_path):
    voxels = np.full((4, 5, 6), -1000, np.int16)
    image = Image(voxels, "CT", (2.0, 1.0, 1.0), (-100, 10, 20), "1.2.3")
    write_series(image, tmp_path / "p1" / "one")
    write_series(image, tmp_path / "p2" / "copy")
    write_volume(image, tmp_path / "loose.mha")
    (tmp_path / "p3").mkdir()
    (tmp_path / "p3" / "notes.txt").write_text("nothing")
    (tmp_path / "empty.mha").touch()
    (tmp_path / "out" / "results").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "out")
    (tmp_path / "none").mkdir()
    (nothing,) = Finder([tmp_path / "none"], {"CT"}, tmp_path / "out")
    assert "no image" in nothing.sentence, "an empty folder is told"
    (tmp_path / "none").rmdir()
    finder = Finder([tmp_path, tmp_path], {"CT"}, tmp_path / "out")
    found = list(finder)
    studies = [one.with_files().path.name for one in found if isinstance(one, Study)]
    assert studies == ["loose.mha", "one"]
    told = {Path(one.label.partition(" (")[0]).name: one for one in found if isinstance(one, Outcome)}
    assert set(told) == {"empty.mha", "copy", "p3"}
    assert "p1" in told["copy"].sentence
    assert "no image" in told["p3"].sentence
    assert finder.expected == 5


def test_links_that_go_round_end_no_run_and_double_no_study(tmp_path):
    image = Image(np.full((4, 5, 6), -1000, np.int16), "CT", (2.0, 1.0, 1.0), (-100, 10, 20), "1.2.3")
    root = tmp_path / "root"
    write_volume(image, root / "p" / "scan.mha")
    (root / "round").symlink_to("round")
    (root / "up").symlink_to("..")
    (root / "here").symlink_to(".")
    studies, told = [], []
    for one in Finder([root], {"CT"}, tmp_path / "out"):
        (studies if isinstance(one, Study) else told).append(one)
    assert [study.label for study in studies] == [str(root / "p" / "scan.mha")]
    assert ["round" in one.sentence for one in told] == [True]


def test_a_root_that_may_not_be_looked_into_is_one_row(tmp_path, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "closed").mkdir()
    monkeypatch.setattr(find_module.os, "scandir", refused)
    (one,) = Finder([tmp_path / "closed"], {"CT"}, tmp_path / "out")
    assert one.status == FAILED
    assert "ermission" in one.sentence


def test_what_cannot_be_is_one_sentence(tmp_path, monkeypatch):
    def said(*options: str) -> str:
        result = CliRunner().invoke(app, ["predict", str(tmp_path), "--out", str(tmp_path / "out"), *options])
        assert result.exit_code == 1
        return result.stderr

    assert "neither a scheduler's file nor an address" in said("--cluster", "somewhere")
    assert "--series" in said("--workers", "2", "--series", "1.2")
    assert "leave one of them out" in said("--workers", "2", "--cluster", "tcp://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert 'pip install "napari-lungmtl[cluster]"' in said("--workers", "2")
