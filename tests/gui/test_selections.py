"""Several findings at once, with mouse and keys: selected in the table and in the layer, judged, deleted, taken back."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_lungmtl.panel.findings.columns import FOUND_BY
from napari_lungmtl.training.findings import Finding, Provenance, Sphere

from ..stand_ins.dock_input import column, press
from ..stand_ins.reviewed_radiographs import by_both, radiograph

NO, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


def click(dock, row: int, modifier=NO) -> None:
    """A real click on a row of the table."""
    table = dock.findings.table
    place = table.visualRect(table.model().index(row, 0)).center() + QPoint(1, 1)
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def status(dock) -> dict[str, str]:
    return {f.id: f.status for f in dock.reviewed.session.findings}


def test_shift_click_takes_a_range_and_reject_acts_on_all(after_run):
    _, dock = after_run
    click(dock, 0)
    click(dock, 2, Qt.KeyboardModifier.ShiftModifier)
    assert dock.reviewed.session.selection == ("f1", "f2", "f3")
    assert set(dock.reviewed.binding.layer.selected_data) == {0, 1, 2}
    press(dock, Qt.Key.Key_R)
    assert {i for i, s in status(dock).items() if s == "rejected"} == {"f1", "f2", "f3"}
    press(dock, Qt.Key.Key_Z, CTRL)
    assert set(status(dock).values()) == {"unreviewed"}
    assert dock.reviewed.session.selection == ("f1", "f2", "f3")


def test_ctrl_click_and_accept(after_run):
    _, dock = after_run
    click(dock, 0)
    click(dock, 2, CTRL)
    press(dock, Qt.Key.Key_A)
    assert {i for i, s in status(dock).items() if s == "accepted"} == {"f1", "f3"}
    assert dock.reviewed.session.selected == "f3"


def test_several_spheres_chosen_in_the_layer_are_judged_and_deleted(after_run):
    _, dock = after_run
    session = dock.reviewed.session
    for n in range(2):
        by = Provenance(person="me")
        session.add(Finding(Sphere((-150.0 + 10 * n, 30.0, 0.0), 9.0), provenance=by, id=f"mine{n}"))
    layer = dock.reviewed.binding.layer
    layer.selected_data = {0, 3, 4}
    assert set(session.selection) == {"f1", "mine0", "mine1"}
    press(dock, Qt.Key.Key_Delete)
    assert [f.id for f in session.findings] == ["f1", "f2", "f3", "f4", "f5"]
    press(dock, Qt.Key.Key_Z, CTRL)
    assert len(session.findings) == 7


def test_undo_says_what_it_undid_in_the_title_and_on_its_button(after_run):
    _, dock = after_run
    click(dock, 1)
    press(dock, Qt.Key.Key_R)
    undo = dock.findings._buttons["undo"]
    assert undo.toolTip().startswith("Undo: rejected 2")
    QTest.mouseClick(undo, Qt.MouseButton.LeftButton)
    assert dock.findings.summary.text() == "Undone: rejected 2"
    press(dock, Qt.Key.Key_N)
    press(dock, Qt.Key.Key_A)
    assert dock.findings.summary.text() == "3"


def test_done_goes_when_the_run_is_undone(after_run):
    _, dock = after_run
    assert "Done" in dock.run.message.text()
    press(dock, Qt.Key.Key_Z, CTRL)
    assert dock.run.message.text() == ""


def test_numbers_stay_at_a_second_run(after_run, predictor, qtbot):
    _, dock = after_run
    moved = [f.with_(id=f"again{n}", score=1 - f.score) for n, f in enumerate(predictor.findings)]
    predictor.findings = predictor.findings.with_items(tuple(moved[::-1]))
    before = {f.center: f.number for f in dock.reviewed.session.findings}
    with qtbot.waitSignal(dock.run.finished, timeout=20_000):
        dock.run.start()
    assert {f.center: f.number for f in dock.reviewed.session.findings} == before


def test_what_a_person_drew_has_no_score(after_run):
    _, dock = after_run
    layer = dock.reviewed.binding.layer
    layer.add(np.array([[-150.0, 40.0, 10.0]]) / layer.scale)
    assert column(dock, 0)[-1] == "6"
    assert column(dock, 1)[-1] == ""
    assert layer.features["label"].iloc[-1] == "by hand"


def test_a_pasted_sphere_becomes_a_finding(after_run, qtbot):
    viewer, dock = after_run
    layer = dock.reviewed.binding.layer
    viewer.layers.selection.active = layer
    layer.mode = "select"
    press(dock, Qt.Key.Key_N)
    native = dock.corners.parentWidget()
    QTest.keyClick(native, Qt.Key.Key_C, CTRL)
    viewer.dims.set_point(0, -120.0)
    QTest.keyClick(native, Qt.Key.Key_V, CTRL)
    qtbot.waitUntil(lambda: len(dock.reviewed.session.findings) == 6, timeout=5000)
    pasted = dock.reviewed.session.findings[-1]
    assert pasted.center[0] == pytest.approx(-120.0, abs=1.3)
    assert pasted.diameter == pytest.approx(21.0)
    assert pasted.network_score is None


@pytest.fixture
def marked(window):
    """A radiograph on which two networks agree on one lesion of three."""
    viewer, dock = window
    viewer.layers.clear()
    from napari_lungmtl.layers.image import add_image_layer

    film = radiograph()
    add_image_layer(viewer, film)
    dock.reviewed.session.replace_findings(by_both(film))
    return viewer, dock


def test_a_lesion_of_both_networks_is_one_row_and_judged_as_one(marked):
    _, dock = marked
    assert column(dock, FOUND_BY) == ["◆ both", "◇ DHN", "◇ MO-SegNet"]
    click(dock, 0)
    assert dock.reviewed.session.selection == ("m1", "d1")
    press(dock, Qt.Key.Key_R)
    assert {i for i, s in status(dock).items() if s == "rejected"} == {"d1", "m1"}
    assert column(dock, FOUND_BY)[0] == "◆ both"
    press(dock, Qt.Key.Key_Z, CTRL)
    dock.reviewed.session.select("m1")  # as a click on its box does
    press(dock, Qt.Key.Key_A)
    assert {i for i, s in status(dock).items() if s == "accepted"} == {"d1", "m1"}
    press(dock, Qt.Key.Key_N)
    assert dock.reviewed.session.selected == "d2"
