"""Run on all: one case after the other, each result in its own file or session; what fails is said; Cancel loses nothing."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_lungmtl.panel.cases.model import FINDINGS, SCORE, STATE
from napari_lungmtl.session.case_summary import stored_summary
from napari_lungmtl.session.sidecar import Sidecar
from napari_lungmtl.training.findings import Finding, Findings, Provenance, Sphere
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.inference.predictor import PredictorError, Progress

from ..stand_ins.case_folder import cell, click_row, load, names, wait_for, write_scan
from ..stand_ins.dock_input import press

NAMES = ("anna", "berta", "carla")


@pytest.fixture
def by_case(predictor, monkeypatch):
    """A detector that finds one nodule in each scan, with a score by its tissue, and refuses what has none of them."""
    scores = {40: 0.9, 140: 0.8, 240: 0.7}

    def run(image):
        yield Progress(0.5, "detecting")
        tissue = int(image.voxels[0, 0, 0])
        if tissue not in scores:
            raise PredictorError(f"{image.source} is no chest: open another one.")
        yield Progress(1.0, "detecting")
        found = Finding(
            Sphere((-85.0, 25.0, 0.0), 8.0),
            scores[tissue],
            id=str(tissue),
            provenance=Provenance("fake", "1.0"),
        )
        return Findings((found,), models=({"name": "fake", "version": "1.0"},))

    monkeypatch.setattr(predictor, "run", run)
    return predictor


@pytest.fixture
def listed(window, by_case, tmp_path, qtbot):
    """A folder of three scans and one in which the detector fails, none of them open."""
    viewer, dock = window
    viewer.layers.clear()
    for number, name in enumerate(NAMES):
        write_scan(tmp_path / "cases" / f"{name}.nii.gz", 40 + 100 * number)
    write_scan(tmp_path / "cases" / "bert_knee.nii.gz", 999)
    load(dock, tmp_path / "cases", qtbot)
    return viewer, dock


def run_on_all(dock, qtbot) -> str:
    """Press the button, and wait for the end."""
    with qtbot.waitSignal(dock.cases.batch.ended, timeout=60_000) as ended:
        dock._scroll.ensureWidgetVisible(dock.cases.run_all)
        QTest.mouseClick(dock.cases.run_all, Qt.MouseButton.LeftButton)
    return ended.args[0]


def stored(dock, name: str) -> Findings:
    """What is in the file of a case."""
    case = next(case for case in dock.cases.model.cases if case.name == name)
    return read_findings(Sidecar.of_series(case.series).path)


def test_each_result_goes_to_its_own_file_and_the_one_that_fails_is_said(listed, qtbot):
    viewer, dock = listed
    stages = []
    dock.cases.batch.progressed.connect(lambda _case, fraction, stage: stages.append((fraction, stage)))
    assert run_on_all(dock, qtbot) == "Done: 3 of 4 run, 1 failed."
    assert "bert_knee.nii.gz is no chest" in dock.cases.message.text()
    assert [(cell(dock, n, FINDINGS), cell(dock, n, SCORE), cell(dock, n, STATE)) for n in NAMES] == [
        ("1", "0.90", "unread"),
        ("1", "0.80", "unread"),
        ("1", "0.70", "unread"),
    ]
    assert [stored(dock, name)[0].id for name in NAMES] == ["40", "140", "240"]
    assert all(stored(dock, name).image.series_uid == name for name in NAMES)
    assert len(viewer.layers) == 0
    fractions = [fraction for fraction, _ in stages]
    assert fractions == sorted(fractions)
    assert stages[0][1].startswith("1 of 4 · anna")
    assert not dock.cases.progress.isVisible()
    # Once more: only what failed is tried again.
    assert run_on_all(dock, qtbot) == "Done: 0 of 1 run, 1 failed."


def test_a_case_that_is_open_takes_its_result_beside_what_a_person_said(listed, qtbot):
    """And one with a file keeps what is in it."""
    _, dock = listed
    for name in ("anna", "berta"):
        click_row(dock, name)
        wait_for(dock, name, qtbot)
        dock.reviewed.session.add(Finding(Sphere((-95.0, 12.0, -12.0), 5.0), id=f"of {name}"))
    berta = dock.reviewed
    for name in ("carla", "bert_knee"):
        click_row(dock, name)
        wait_for(dock, name, qtbot)
    qtbot.waitUntil(lambda: berta.layer not in dock.viewer.layers, timeout=60_000)
    run_on_all(dock, qtbot)
    assert {f.id for f in stored(dock, "anna")} == {"of anna", "40"}
    assert {f.id for f in stored(dock, "berta")} == {"of berta", "140"}
    carla = next(s for s in dock.reviewed_images if s.layer.name == "carla")
    assert [f.id for f in carla.session.findings] == ["240"]
    assert carla.session.can_undo
    assert cell(dock, "berta", STATE) == "in work"
    carla.session.save()
    assert [f.id for f in stored(dock, "carla")] == ["240"]


def test_what_a_run_found_is_judged_at_once_by_the_truth_beside(listed, qtbot, tmp_path):
    """And the truth is laid: beside the case that is looked at, and beside others when they are."""
    _, dock = listed
    lines = ["seriesuid,coordX,coordY,coordZ,diameter_mm", "anna,0,25,-85,8", "berta,10,15,-75,8"]
    (tmp_path / "cases" / "annotations.csv").write_text("\n".join(lines))
    for name in ("berta", "anna"):
        click_row(dock, name)
        wait_for(dock, name, qtbot)
        assert dock.reviewed.truth.truth is None
    run_on_all(dock, qtbot)
    figures = {}
    for order in ("missed", "false alarm"):
        dock.cases.model.set_order(order, True)
        figures[order] = [cell(dock, name, SCORE) for name in NAMES]
    assert figures == {"missed": ["0", "1", ""], "false alarm": ["", "0.80", ""]}
    assert [f.center for f in dock.reviewed.truth.truth.nodules] == [(-85.0, 25.0, 0.0)]
    click_row(dock, "berta")
    wait_for(dock, "berta", qtbot)
    assert [f.center for f in dock.reviewed.truth.truth.nodules] == [(-75.0, 15.0, 10.0)]
    click_row(dock, "carla")
    wait_for(dock, "carla", qtbot)
    assert dock.reviewed.truth.truth is None


def test_a_case_that_nobody_opened_has_its_truth_after_a_run(listed, qtbot, tmp_path):
    _, dock = listed
    text = "seriesuid,coordX,coordY,coordZ,diameter_mm\nberta,10,15,-75,8\n"
    (tmp_path / "cases" / "annotations.csv").write_text(text)
    run_on_all(dock, qtbot)
    dock.cases.model.set_order("missed", True)
    assert [cell(dock, name, SCORE) for name in NAMES] == ["", "1", ""]
    click_row(dock, "berta")
    wait_for(dock, "berta", qtbot)
    assert len(dock.reviewed.truth.truth.nodules) == 1


def test_cancel_keeps_what_is_done_and_the_next_run_goes_on_from_there(listed, qtbot, by_case, monkeypatch):
    _, dock = listed
    dock.cases.batch.taken.connect(lambda case: case.name == "anna" and _click_cancel(dock))
    assert run_on_all(dock, qtbot).startswith("Cancelled: 1 of 4")
    assert dock.cases.run_all.isEnabled()
    others = [case for case in dock.cases.model.cases if case.name != "anna"]
    assert all(stored_summary(case.series).findings is None for case in others)
    assert run_on_all(dock, qtbot) == "Done: 2 of 3 run, 1 failed."


def _click_cancel(dock) -> None:
    QTest.mouseClick(dock.cases.progress.cancel, Qt.MouseButton.LeftButton)


def test_a_run_on_one_waits_and_a_damaged_file_is_left_alone(listed, qtbot):
    _, dock = listed
    case = next(case for case in dock.cases.model.cases if case.name == "berta")
    file = Sidecar.of_series(case.series).path
    file.write_text("{")
    click_row(dock, "carla")
    wait_for(dock, "carla", qtbot)
    said = []

    def press_run(*_) -> None:
        if not said:
            dock.run.start()
            said.append(dock.run.message.text())

    dock.cases.batch.progressed.connect(press_run)
    words = run_on_all(dock, qtbot)
    assert said == ["Run on all is going on: wait for its end, or cancel it."]
    assert words == "Done: 2 of 4 run, 2 failed."
    assert "berta.lungmtl.json is damaged" in dock.cases.message.text()
    assert file.read_text() == "{"


def test_only_what_is_listed_is_run_and_done_ones_with_news_are_open_again(listed, qtbot):
    _, dock = listed
    click_row(dock, "anna")
    wait_for(dock, "anna", qtbot)
    press(dock, Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier)
    assert cell(dock, "anna", STATE) == "done"
    QTest.keyClicks(dock.cases.filter.words, "anna")
    assert names(dock) == ["anna"]
    assert run_on_all(dock, qtbot) == "Done: 1 of 1 run."
    assert cell(dock, "anna", STATE) == "unread"
    assert not dock.cases.done.isChecked()
    assert replace(dock.reviewed.session.findings, done_by="") == dock.reviewed.session.findings


def test_a_case_is_opened_while_another_is_run(listed, qtbot, by_case, monkeypatch):
    """Also on one core, where Qt would let one worker wait for the other."""
    _, dock = listed
    run, opened = by_case.run, []

    def until_opened(image):
        for _ in range(600):  # at most a minute
            if opened:
                break
            time.sleep(0.1)
            yield Progress(0.1, "detecting")
        return (yield from run(image))

    monkeypatch.setattr(by_case, "run", until_opened)
    dock.cases.batch.progressed.connect(lambda *_: dock.cases.opener.asked or click_row(dock, "carla"))
    dock.cases.opener.opened.connect(opened.append)
    assert run_on_all(dock, qtbot) == "Done: 3 of 4 run, 1 failed."
    assert [case.name for case in opened] == ["carla"]
    assert [f.id for f in dock.reviewed.session.findings] == ["240"]
