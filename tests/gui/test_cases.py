"""The list of cases in a real window: what a folder holds, the next one by key, and nothing of one patient with another."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from napari.layers import Layer
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lungmtl.panel.cases.model import FINDINGS, SCORE, STATE
from napari_lungmtl.panel.cases.opener import KEPT
from napari_lungmtl.session.case_summary import stored_summary
from napari_lungmtl.training.findings import Finding, Sphere
from napari_lungmtl.training.imaging.read import read_series

from ..stand_ins.case_folder import (
    SHIFT,
    cell,
    click_row,
    load,
    names,
    shown,
    wait_for,
    write_film,
    write_scan,
)
from ..stand_ins.dock_input import press
from ..stand_ins.pace import pace

BALL = Sphere((-85.0, 25.0, 0.0), 10.0)


@pytest.fixture
def folder(tmp_path):
    """Three scans, a film, and a film that is cut off."""
    for number, name in enumerate(("anna", "berta", "carla")):
        write_scan(tmp_path / "cases" / "ct" / f"{name}.nii.gz", 40 + 100 * number)
    write_film(tmp_path / "cases" / "films" / "dora.png")
    (tmp_path / "cases" / "films" / "emil.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return tmp_path / "cases"


@pytest.fixture
def empty(window):
    """The window without an image."""
    viewer, dock = window
    viewer.layers.clear()
    return viewer, dock


def picture(viewer) -> np.ndarray:
    QApplication.processEvents()
    return viewer.screenshot(canvas_only=True, flash=False)


def test_a_folder_is_listed_beside_what_is_open_and_a_click_opens(window, folder, qtbot):
    viewer, dock = window
    own = dock.reviewed.layer
    assert not dock.cases.table.isVisible()
    load(dock, folder, qtbot)
    assert names(dock) == ["1.2.3", "anna", "berta", "carla", "dora", "emil.png"]
    assert [cell(dock, name, STATE) for name in names(dock)] == ["unread"] * 5 + ["unreadable"]
    assert "emil.png" in dock.cases.model.rows[-1].problem
    assert dock.cases.message.text() == "1 file cannot be read: its row says why."
    assert dock.cases.summary.text() == "6 cases"
    inner = dock._scroll.widget()
    assert inner.minimumSizeHint().width() <= dock._scroll.viewport().width()  # nothing is cut off
    click_row(dock, "berta")
    wait_for(dock, "berta", qtbot)
    assert dock.study_section.name.text() == "Image  berta"
    assert dock.study_section.studies.place.text() == "case 3 of 6"
    assert not own.visible
    assert own in viewer.layers
    dock.cases.table.setFocus()
    QTest.keyClick(dock.cases.table, Qt.Key.Key_Down)
    QTest.keyClick(dock.cases.table, Qt.Key.Key_Return)
    wait_for(dock, "carla", qtbot)
    click_row(dock, "emil.png")
    assert "emil.png" in dock.cases.message.text()
    assert shown(dock) == "carla"
    qtbot.waitUntil(
        lambda: all(case.thumbnail is not None for case in dock.cases.model.rows[:5]), timeout=60_000
    )
    assert dock.cases.model.rows[1].thumbnail.width() == 40


def test_keys_go_through_the_list_and_the_next_is_read_ahead(empty, folder, qtbot):
    """Over the one that cannot be read, and round at the ends; two stay open, and what was done is saved."""
    viewer, dock = empty
    load(dock, folder, qtbot)
    press(dock, Qt.Key.Key_N, SHIFT)
    wait_for(dock, "anna", qtbot)
    qtbot.waitUntil(lambda: dock.cases.opener.ahead is not None, timeout=60_000)
    assert dock.cases.opener.ahead.name == "berta"
    dock.reviewed.session.add(Finding(BALL, id="a"))
    press(dock, Qt.Key.Key_D, SHIFT)
    assert dock.cases.done.isChecked()
    press(dock, Qt.Key.Key_N, SHIFT)
    assert shown(dock) == "berta"  # at once: it was there
    press(dock, Qt.Key.Key_N, SHIFT)
    wait_for(dock, "carla", qtbot)
    opened = [case for case in dock.cases.model.cases if case.series is not None]
    qtbot.waitUntil(lambda: sum(case.layer is not None for case in opened) == KEPT, timeout=60_000)
    anna = opened[0]
    assert (cell(dock, "anna", STATE), cell(dock, "anna", FINDINGS)) == ("done", "1")
    assert (stored_summary(anna.series).state, stored_summary(anna.series).findings) == ("done", 1)
    assert not [layer for layer in viewer.layers if layer.name == "anna"]
    press(dock, Qt.Key.Key_N, SHIFT)
    wait_for(dock, "dora", qtbot)
    assert [layer.name for layer in dock.reviewed_images.layers] == ["dora"]  # pixels are not kept beside mm
    closed = [vars(case) for case in dock.cases.model.cases if case.layer is None]
    assert not [name for case in closed for name, value in case.items() if isinstance(value, Layer)]
    press(dock, Qt.Key.Key_N, SHIFT)
    wait_for(dock, "anna", qtbot)
    assert [f.id for f in dock.reviewed.session.findings] == ["a"]
    press(dock, Qt.Key.Key_P, SHIFT)
    wait_for(dock, "dora", qtbot)


def test_nothing_of_one_patient_is_shown_with_another(empty, folder, qtbot):
    """Not a pixel on the canvas, not a finding in the table, not a name: also where both are read again."""
    viewer, dock = empty
    load(dock, folder, qtbot)
    click_row(dock, "berta")
    wait_for(dock, "berta", qtbot)
    alone = picture(viewer)
    click_row(dock, "anna")
    wait_for(dock, "anna", qtbot)
    dock.reviewed.session.add(Finding(BALL, id="a"))
    marked = picture(viewer)
    assert (marked != alone).any()
    dock.reviewed.session.select(None)
    marked = picture(viewer)
    press(dock, Qt.Key.Key_N, SHIFT)
    wait_for(dock, "berta", qtbot)
    np.testing.assert_array_equal(picture(viewer), alone)
    assert len(dock.reviewed.session.findings) == 0
    assert dock.findings.table.model().rowCount() == 0
    assert dock.study_section.name.text() == "Image  berta"
    assert dock.corners.texts["who"].split("\n")[0] == "berta"
    assert cell(dock, "berta", FINDINGS) == "–"
    for name in ("carla", "dora"):
        click_row(dock, name)
        wait_for(dock, name, qtbot)
    qtbot.waitUntil(lambda: not [layer for layer in viewer.layers if layer.name == "anna"], timeout=60_000)
    click_row(dock, "anna")
    wait_for(dock, "anna", qtbot)
    # Rings keep their width on the screen only roughly, and the canvas may have grown since they were drawn.
    np.testing.assert_allclose(picture(viewer).astype(int), marked, atol=32)


def test_cases_are_filtered_and_sorted_by_hand(empty, folder, qtbot):
    _, dock = empty
    load(dock, folder, qtbot)
    click_row(dock, "carla")
    wait_for(dock, "carla", qtbot)
    dock.reviewed.session.add(Finding(BALL, 0.7, id="a").with_(status="accepted"))
    assert cell(dock, "carla", SCORE) == "0.70"
    assert dock.cases.summary.text() == "5 cases · 1 in work"
    header = dock.cases.table.horizontalHeader()
    at = header.sectionViewportPosition(SCORE) + 5
    dock._scroll.ensureWidgetVisible(dock.cases.table)
    QTest.mouseClick(
        header.viewport(),
        Qt.MouseButton.LeftButton,
        pos=header.viewport().rect().topLeft() + type(header.pos())(at, 8),
    )
    assert names(dock)[0] == "carla"
    assert dock.cases.filter.order.currentText() == "by score"
    QTest.keyClicks(dock.cases.filter.words, "radiograph")
    assert names(dock) == ["carla", "dora"]  # what is seen stays listed
    dock.cases.filter.words.clear()
    dock.cases.filter.state.setFocus()
    QTest.keyClick(dock.cases.filter.state, Qt.Key.Key_Down)  # unread
    assert set(names(dock)) == {"anna", "berta", "dora", "carla"}
    QTest.keyClicks(dock.cases.filter.order, "by na")
    QTest.keyClick(dock.cases.filter.order, Qt.Key.Key_Return)
    QTest.mouseClick(dock.cases.filter.turn, Qt.MouseButton.LeftButton)
    assert names(dock)[-1] in ("anna", "dora")


def test_what_cannot_be_saved_stays_open(empty, folder, qtbot, monkeypatch):
    viewer, dock = empty
    load(dock, folder, qtbot)
    click_row(dock, "anna")
    wait_for(dock, "anna", qtbot)
    anna = dock.reviewed
    monkeypatch.setattr(anna.session, "save", lambda **_: False)
    anna.session.add(Finding(BALL, id="a"))
    for name in ("berta", "dora"):
        click_row(dock, name)
        wait_for(dock, name, qtbot)
    qtbot.waitUntil(lambda: dock.cases.message.text().startswith("anna cannot be saved"), timeout=60_000)
    assert anna.layer in viewer.layers


def test_two_hundred_cases_are_listed_at_once_and_opened_without_heaping_up(empty, tmp_path, qtbot):
    _, dock = empty
    for number in range(200):
        write_film(tmp_path / "many" / f"film{number:03}.png", 50 + number)
    began = time.process_time()  # of the processor: a machine that does other work is no slower program
    load(dock, tmp_path / "many", qtbot)
    assert len(names(dock)) == 200
    assert time.process_time() - began < 5 * pace()  # 0.3 s on an idle machine
    spent = []
    for number in range(6):
        began = time.thread_time()
        press(dock, Qt.Key.Key_N, SHIFT)
        wait_for(dock, f"film{number:03}", qtbot)
        spent.append(time.thread_time() - began)
        qtbot.waitUntil(lambda: len(dock.reviewed_images.layers) <= KEPT + 2, timeout=60_000)
    qtbot.waitUntil(lambda: len(dock.reviewed_images.layers) == KEPT, timeout=60_000)
    assert np.median(spent[-3:]) < 5 * max(np.median(spent[:3]), 0.1)  # no slower with each


def test_who_goes_on_quickly_has_one_read_at_a_time_and_comes_where_the_last_key_led(
    empty, folder, qtbot, monkeypatch
):
    """However many are passed over: their images would fill the memory."""
    _, dock = empty
    reading, most, keys_pressed = [], [], threading.Event()

    def slowly(path, series):
        reading.append(path)
        most.append(len(reading))
        keys_pressed.wait(60)
        reading.remove(path)
        return read_series(path, series)

    monkeypatch.setattr("napari_lungmtl.panel.cases.opener.read_series", slowly)
    load(dock, folder, qtbot)
    for _ in range(3):
        press(dock, Qt.Key.Key_N, SHIFT)
    assert dock.cases.message.text() == "Opening carla …"
    keys_pressed.set()
    wait_for(dock, "carla", qtbot)
    qtbot.waitUntil(lambda: dock.cases.opener.ahead is not None, timeout=60_000)
    assert max(most) == 1
    assert len(most) == 3  # the first, the one that was wanted, and the next one ahead
    assert [layer.name for layer in dock.reviewed_images.layers] == ["carla"]
