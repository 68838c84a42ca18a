"""Hard cases in a real window: evaluations as lists, their place, marks and truth, figures, tags and notes, lists saved."""

import json
import time

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from napari_lungmtl import app
from napari_lungmtl.panel.cases.model import SCORE
from napari_lungmtl.session.case_notes import CaseNotes, read_notes
from napari_lungmtl.session.sidecar import Sidecar
from napari_lungmtl.training.case_list.read import read_case_list
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.imaging import read_image

from ..stand_ins.case_folder import SHIFT, cell, click_row, load, names, wait_for, write_film, write_scan
from ..stand_ins.dock_input import press
from ..stand_ins.pace import pace

PLACE = (-85.0, 25.0, 0.0)
HEAD = "seriesuid,coordX,coordY,coordZ,diameter_mm\n"


@pytest.fixture
def empty(window):
    """The window without an image."""
    viewer, dock = window
    viewer.layers.clear()
    return viewer, dock


def row(path, **values):
    found = [{"score": 0.9, "center_zyx_mm": [-80.0, 20.0, -5.0], "diameter_mm": 6.0}]
    uid = path.name.partition(".")[0]
    return {
        "name": uid,
        "path": str(path),
        "series_uid": uid,
        "nodules": 1,
        "threshold": 0.6,
        "found": found,
        **values,
    }


def evaluation(path, rows):
    path.write_text(
        json.dumps({"network": "net", "weights": "net 0.1 abc", "metrics": {}, "cases_detail": rows})
    )
    return path


@pytest.fixture
def report(tmp_path):
    """Three scans: one missed, one hit with a false alarm, one of which nobody knows the truth; and one that is gone."""
    scans = [write_scan(tmp_path / "ct" / f"{name}.nii.gz") for name in ("anna", "berta", "carla")]
    z, y, x = PLACE
    rows = [
        row(scans[0], missed=0, highest_false_alarm=0.9, distance_mm=2.0, truth=[[-80.0, 20.0, -5.0, 8.0]]),
        row(scans[1], missed=1, at_x=x, at_y=y, at_z=z, truth=[[*PLACE, 10.0]], distance_mm=8.66),
        row(scans[2], nodules=None, truth=None),
        row(tmp_path / "gone.mha", missed=1, truth=[], highest_false_alarm=0.2),
    ]
    return evaluation(tmp_path / "report.json", rows)


def choose_order(dock, words):
    """As a hand does: with the keys of the box."""
    box = dock.cases.filter.order
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    while box.currentText() != words:
        before = box.currentIndex()
        QTest.keyClick(box, Qt.Key.Key_Down)
        assert box.currentIndex() > before


def test_an_evaluation_opens_as_a_list_and_leads_to_the_worst_place(empty, report, qtbot):
    viewer, dock = empty
    load(dock, report, qtbot)
    assert names(dock) == ["gone", "berta", "anna", "carla"]  # the hardest first
    assert "gone.mha is no longer there" in dock.cases.model.rows[0].problem
    choose_order(dock, "by missed")
    assert names(dock) == ["gone", "berta", "anna", "carla"]
    head = dock.cases.model.headerData(SCORE, Qt.Orientation.Horizontal)
    assert (head, [cell(dock, name, SCORE) for name in names(dock)]) == ("Missed", ["1", "1", "0", ""])
    choose_order(dock, "by false alarm")
    assert [cell(dock, name, SCORE) for name in names(dock)] == ["0.90", "0.20", "", ""]
    QTest.keyClicks(dock.cases.filter.words, "missed>0 distance>5")
    assert names(dock) == ["berta"]
    dock.cases.filter.words.clear()
    click_row(dock, "berta")
    wait_for(dock, "berta", qtbot)
    session = dock.reviewed.session
    assert [(f.center, f.provenance) for f in session.findings] == [
        ((-80.0, 20.0, -5.0), Provenance("net", "0.1"))
    ]
    assert session.thresholds.score == 0.6
    assert [f.geometry for f in dock.reviewed.truth.truth.nodules] == [Sphere(PLACE, 10.0)]
    assert dock.compare.summary.text() == "0 of 1 found, 1 false"
    np.testing.assert_allclose(viewer.dims.point[0], PLACE[0])
    viewer.dims.set_point(0, -95.0)
    click_row(dock, "carla")
    wait_for(dock, "carla", qtbot)
    assert dock.reviewed.truth.truth is None
    assert len(dock.reviewed.session.findings) == 1
    click_row(dock, "berta")
    wait_for(dock, "berta", qtbot)
    assert viewer.dims.point[0] == -95.0  # as it was left
    assert dock.cases.model.current.figures.missed == 1  # what was published stays


def test_tags_and_a_note_stay_with_the_case_and_a_list_is_saved(empty, report, qtbot, tmp_path, monkeypatch):
    _, dock = empty
    load(dock, report, qtbot)
    click_row(dock, "berta")
    wait_for(dock, "berta", qtbot)
    QTest.keyClicks(dock.cases.hard.notes.tags, "ground glass, =vessel,")
    QTest.keyClick(dock.cases.hard.notes.tags, Qt.Key.Key_Return)
    QTest.keyClicks(dock.cases.hard.notes.note, "@ask again")
    click_row(dock, "anna")  # whoever goes on has said it
    wait_for(dock, "anna", qtbot)
    assert dock.cases.hard.notes.tags.text() == ""
    notes = CaseNotes(("ground glass", "=vessel"), "@ask again")
    assert read_notes(Sidecar(read_image(tmp_path / "ct" / "berta.nii.gz"))) == notes
    QTest.keyClicks(dock.cases.filter.words, "glass")
    assert names(dock) == ["berta", "anna"]  # the one that is seen, too
    choose_order(dock, "by missed")
    target = tmp_path / "hard"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    dock.cases.hard.save.trigger()
    saved = read_case_list(tmp_path / "hard.csv")
    assert [(case.name, case.tags, case.note) for case in saved] == [
        ("berta", *vars(notes).values()),
        ("anna", (), ""),
    ]
    assert "'=vessel" not in saved[0].tags
    assert ",'@ask again" in (tmp_path / "hard.csv").read_text()
    assert (saved[0].at, saved[0].figures.missed) == (PLACE[::-1], 1)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(tmp_path / "hard.csv")], ""))
    dock.cases.filter.words.clear()
    dock.cases.hard.open.trigger()
    qtbot.waitUntil(lambda: not dock.cases.search.running)
    assert names(dock) == ["berta", "anna"]
    dock.cases.load([tmp_path / "ct"])
    qtbot.waitUntil(lambda: not dock.cases.search.running)
    click_row(dock, "berta")
    wait_for(dock, "berta", qtbot)
    assert dock.cases.hard.notes.tags.text() == "ground glass, =vessel"
    assert dock.cases.hard.notes.note.text() == "@ask again"
    dock.cases.hard.notes.tags.clear()
    dock.cases.hard.notes.note.clear()
    QTest.keyClick(dock.cases.hard.notes.note, Qt.Key.Key_Return)
    assert not list((tmp_path / "ct").glob("*.case.json"))


def test_saved_findings_are_judged_by_the_truth_that_lies_beside(empty, tmp_path, qtbot):
    """Figures of a case without truth are empty, and follow what a person does to an open one."""
    _, dock = empty
    for name in ("anna", "berta"):
        path = write_scan(tmp_path / "ct" / f"{name}.nii.gz")
        image = read_image(path)
        found = Finding(Sphere(PLACE, 6.0), 0.8, provenance=Provenance("net", "0.1"), id="f")
        reference = ImageReference.of(image)
        write_findings(
            Findings((found,), reference, models=({"name": "net", "version": "0.1"},)), Sidecar(image).path
        )
    (tmp_path / "ct" / "annotations.csv").write_text(f"{HEAD}anna,0,25,-80,8\n")
    load(dock, tmp_path / "ct", qtbot)
    choose_order(dock, "by false alarm")
    assert [(name, cell(dock, name, SCORE)) for name in names(dock)] == [("anna", "0.80"), ("berta", "")]
    click_row(dock, "anna")
    wait_for(dock, "anna", qtbot)
    assert len(dock.reviewed.truth.truth.nodules) == 1
    choose_order(dock, "by missed")
    assert cell(dock, "anna", SCORE) == "1"
    dock.reviewed.session.change("f", geometry=Sphere((-80.0, 25.0, 1.0), 6.0))
    qtbot.waitUntil(lambda: cell(dock, "anna", SCORE) == "0")
    choose_order(dock, "by distance")
    assert cell(dock, "anna", SCORE) == "1.0"
    dock.reviewed.session.set_thresholds(score=0.9)
    assert not dock.cases.hard._judging.isActive()  # what is looked at makes no case harder
    click_row(dock, "berta")
    wait_for(dock, "berta", qtbot)
    assert (dock.reviewed.truth.truth, cell(dock, "berta", SCORE)) == (None, "")


def test_a_thousand_cases_are_listed_within_two_seconds_and_the_next_is_there_at_once(empty, tmp_path, qtbot):
    _, dock = empty
    folder = tmp_path / "many"
    first = write_film(folder / "film0000.png")
    reference = ImageReference(first.stem, str(first), "", (60, 50), None, (0.0, 0.0), "pixel")
    write_findings(Findings((), reference, models=({"name": "net"},)), folder / "film0000.lungmtl.json")
    text = (folder / "film0000.lungmtl.json").read_text()
    rows = []
    for number in range(1000):
        path = folder / f"film{number:04}.png"
        path.write_bytes(first.read_bytes())
        (folder / f"{path.stem}.lungmtl.json").write_text(text.replace(first.stem, path.stem))
        rows.append(row(path, found=[], missed=number % 3, highest_false_alarm=number / 1000))
    slow = pace()
    spent = clock()
    load(dock, evaluation(tmp_path / "report.json", rows), qtbot)
    choose_order(dock, "by missed")
    assert spent() < 4 * slow  # most of it goes to a window that is drawn by the processor, and not by ours
    assert len(names(dock)) == 1000
    assert names(dock)[:2] == ["film0998", "film0995"]
    press(dock, Qt.Key.Key_N, SHIFT)
    wait_for(dock, "film0998", qtbot)
    qtbot.waitUntil(lambda: dock.cases.opener.ahead is not None)
    spent = clock()
    press(dock, Qt.Key.Key_N, SHIFT)
    wait_for(dock, "film0995", qtbot)
    assert spent() < 1 * slow
    for last in (
        False,
        False,
        True,
    ):  # drawn by the processor, a window takes half as long again now and then
        spent = clock()
        load(dock, folder, qtbot)
        if (took := spent()) < 5 * slow:
            break
        assert not last, took
    assert len(names(dock)) == 1000


def clock():
    """Counts the seconds of the processor, of all threads: on an idle machine they pass no faster than those of the wall."""
    began = time.process_time()
    return lambda: time.process_time() - began


def test_the_command_line_opens_lists_findings_and_places(
    report, tmp_path, monkeypatch, shared_viewer, window
):
    """``lungmtl view PATH --findings report.json --at=x,y,z``, as the report's page says it."""
    viewer, dock = window
    monkeypatch.setattr(app, "_window", lambda: (viewer, dock))
    monkeypatch.setattr(app.napari, "run", lambda: None)
    app.open_window([tmp_path / "ct" / "berta.nii.gz"], findings=report, at=PLACE[::-1])
    assert [f.provenance.model for f in dock.reviewed.session.findings] == ["net"]
    assert [f.center for f in dock.reviewed.truth.truth.nodules] == [PLACE]
    np.testing.assert_allclose(viewer.dims.point[0], PLACE[0])
    app.open_window([report])
    assert dock.cases.paths == (report,)
    with pytest.raises(app.ViewError, match="x,y,z in mm of a scan"):
        app.open_window([tmp_path / "ct" / "anna.nii.gz"], at=(1.0, 2.0))
    other = write_scan(tmp_path / "ct" / "dora.nii.gz")
    with pytest.raises(app.ViewError, match="says nothing about"):
        app.open_window([other], findings=report)
