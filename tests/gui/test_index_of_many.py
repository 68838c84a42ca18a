"""The index of a run on many studies, opened in a real window: best findings first, conditions, a study with its findings."""

from pathlib import Path

import numpy as np
import pytest
from qtpy.QtTest import QTest

from napari_lungmtl.panel.cases import search as cases
from napari_lungmtl.panel.cases.many import ManyRow
from napari_lungmtl.training.cluster.rows import finding_rows
from napari_lungmtl.training.cluster.search import Conditions, search
from napari_lungmtl.training.cluster.task import DONE, Outcome
from napari_lungmtl.training.cluster.writer import IndexWriter
from napari_lungmtl.training.findings import Box, Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.imaging import read_image

from ..stand_ins.case_folder import click_row, load, names, write_film, write_scan

NETWORK = Provenance("net", "0.1")


def sphere(x, score, diameter, malignancy):
    return Finding(Sphere((-80.0, 20.0, x), diameter), score, malignancy=malignancy, provenance=NETWORK)


@pytest.fixture
def results(tmp_path):
    """Two scans and a radiograph with what a network found, in a folder of results with an index; and one that failed."""
    found = {
        write_scan(tmp_path / "a b" / "Müller.nii.gz"): [
            sphere(-10.0, 0.9, 5, 0.2),
            sphere(0.0, 0.4, 20, 0.9),
        ],
        write_scan(tmp_path / "b" / "berta.nii.gz"): [sphere(-5.0, 0.95, 8, 0.5)],
        write_film(tmp_path / "b" / "film.png"): [
            Finding(Box((9.0, 19.0), (19.0, 39.0)), 0.6, provenance=NETWORK)
        ],
    }
    out = tmp_path / "results"
    writer = IndexWriter(out, "0.1")
    for number, (path, items) in enumerate(found.items()):
        image = read_image(path)
        models = ({"name": "net", "version": "0.1"},)
        findings = Findings(tuple(items), ImageReference.of(image), models=models)
        file = f"ab/{number}.lungmtl.json"
        (out / "ab").mkdir(exist_ok=True, parents=True)
        write_findings(findings, out / file)
        row = {"path": str(path), "series_uid": image.series_uid, "findings": len(items)}
        row["best_score"] = max(f.score for f in items)
        key = f"key{number}"
        writer.add(Outcome(str(path), DONE, "", key, file, row, finding_rows(findings, key, file)))
    writer.add(Outcome(str(tmp_path / "c"), "failed", "It is damaged."))
    writer.flush()
    return out


def settle(dock, qtbot):
    """Until the index was searched with the conditions of now."""
    qtbot.waitUntil(
        lambda: not dock.cases.many._rest.isActive() and not dock.cases.search.running, timeout=60_000
    )


def test_the_index_is_searched_in_the_window_and_a_study_opens_with_its_findings(window, results, qtbot):
    viewer, dock = window
    viewer.layers.clear()
    load(dock, results, qtbot)
    many = dock.cases.many
    assert names(dock) == ["b/berta.nii.gz", "a b/Müller.nii.gz", "b/film.png"]  # by their best finding
    assert many.count.text() == "4 findings · 3 studies listed"
    assert [dock.cases.model.index(row, 1).data() for row in range(3)] == ["1", "2", "1"]

    many.order.setCurrentIndex(many.order.findData("malignancy"))
    many.least["malignancy"].setFocus()
    many.least["malignancy"].selectAll()
    QTest.keyClicks(many.least["malignancy"], "0.4")
    many.least["malignancy"].clearFocus()
    settle(dock, qtbot)
    assert names(dock) == ["a b/Müller.nii.gz", "b/berta.nii.gz"]
    assert many.count.text() == "2 of 4 findings · 2 studies listed"

    QTest.keyClicks(dock.cases.filter.words, "MÜLLER")
    settle(dock, qtbot)
    assert names(dock) == ["a b/Müller.nii.gz"]
    click_row(dock, "a b/Müller.nii.gz")
    qtbot.waitUntil(
        lambda: dock.reviewed is not None and dock.cases.model.current is not None, timeout=60_000
    )
    session = dock.reviewed.session
    assert sorted(f.score for f in session.findings) == [0.4, 0.9]
    assert [f.center for f in session.findings if f.malignancy == 0.9] == [(-80.0, 20.0, 0.0)]
    np.testing.assert_allclose(viewer.dims.point, (-80.0, 20.0, 0.0))  # the finding that it is listed for

    dock.cases.filter.words.clear()
    many.least["malignancy"].setValue(0.0)
    many.order.setCurrentIndex(many.order.findData("score"))
    settle(dock, qtbot)
    assert len(names(dock)) == 3
    click_row(dock, "b/film.png")
    qtbot.waitUntil(lambda: dock.reviewed.radiograph is not None, timeout=60_000)
    qtbot.waitUntil(lambda: len(dock.reviewed.session.findings) == 1)
    np.testing.assert_allclose(dock.reviewed.session.findings[0].center, (14.0, 29.0))
    np.testing.assert_allclose(viewer.camera.center[-2:], (14.0, 29.0), atol=1.0)

    (results / "ab" / "1.lungmtl.json").write_text("{")
    click_row(dock, "b/berta.nii.gz")
    qtbot.waitUntil(lambda: "1.lungmtl.json" in dock.cases.message.text(), timeout=60_000)
    assert not len(dock.reviewed.session.findings)  # said, and nothing of another study is shown


def test_a_damaged_index_is_told(window, results, qtbot):
    _, dock = window
    for path in results.glob("index/findings/*/*.parquet"):
        path.write_bytes(path.read_bytes()[:100])
    load(dock, results, qtbot)
    assert str(results) in dock.cases.message.text()
    assert "Traceback" not in dock.cases.message.text()


def test_words_go_with_the_kind_of_list(window, results, qtbot, tmp_path):
    _, dock = window
    load(dock, results, qtbot)
    dock.cases.filter.words.setText("Müller")
    settle(dock, qtbot)
    load(dock, tmp_path / "b", qtbot)
    assert set(names(dock)) <= {dock.reviewed.layer.name}  # what is open stays listed
    load(dock, results, qtbot)
    assert "a b/Müller.nii.gz" in names(dock)
    dock.cases.many.least["diameter"].setValue(90)
    settle(dock, qtbot)
    assert "No finding meets" in dock.cases.message.text()
    dock.cases.many.least["diameter"].setValue(0)
    settle(dock, qtbot)
    assert not dock.cases.message.text()


def test_figures_that_an_index_has_are_looked_for_and_others_denied(window, results, qtbot):
    viewer, dock = window
    viewer.layers.clear()
    load(dock, results, qtbot)
    words, count = dock.cases.filter.words, dock.cases.many.count
    assert "findings>3" in words.toolTip()
    assert "missed" not in words.toolTip()
    for asked, listed in (
        ("findings>1", ["a b/Müller.nii.gz"]),
        ("score<=0.9 Müller", ["a b/Müller.nii.gz"]),
        ("score<0.9 diameter>1", []),
        ("diameter<10", ["b/berta.nii.gz", "a b/Müller.nii.gz"]),
    ):
        words.setText(asked)
        settle(dock, qtbot)
        assert names(dock) == listed, asked
        assert "does not know" not in count.text()
    words.setText("missed>0 score>0.92")
    settle(dock, qtbot)
    assert names(dock) == ["b/berta.nii.gz"]
    assert "does not know missed>0" in count.text()


def test_conditions_wait_for_a_run_on_all(results, qtbot):
    runs = [True]
    row = ManyRow(lambda: runs[0])
    qtbot.addWidget(row)
    row.open([results])
    asked = []
    row.changed.connect(lambda: asked.append(row.conditions))
    row.order.setCurrentIndex(1)
    qtbot.waitUntil(lambda: "Run on all" in row.count.text())
    assert not asked
    runs.clear()
    runs.append(False)
    qtbot.waitUntil(lambda: bool(asked))
    assert asked[0].by == row.order.currentData() != "score"


def test_a_search_that_was_given_up_tells_no_count(results):
    counts: list = []
    found = cases.search([results], None, lambda *n: counts.append(n))
    assert [next(found), next(found)] == [None, None]  # before and after the index was searched
    found.close()
    assert not counts


def test_of_a_study_that_was_done_again_the_last_result_is_listed(results, tmp_path):
    path, moved = str(tmp_path / "b" / "berta.nii.gz"), str(tmp_path / "c" / "berta.nii.gz")
    uid = read_image(Path(path)).series_uid
    again = Findings((sphere(1.0, 0.2, 8, 0.1),))
    for place in (path, moved):  # and then its folder was moved
        writer = IndexWriter(results, "0.2")
        row = {"path": place, "series_uid": uid}
        writer.add(Outcome(place, DONE, "", "new", "ab/9.json", row, finding_rows(again, "new", "ab/9.json")))
        writer.flush()
        (last,) = [c for c in search(results, Conditions()).cases if c.name.endswith("berta.nii.gz")]
        assert (last.path, last.saved.file, last.at) == (
            Path(place),
            results / "ab/9.json",
            (1.0, 20.0, -80.0),
        )
