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


def test_clicks_take_several_rows_and_accept_and_reject_act_on_all(after_run):
    _, dock = after_run
    session = dock.reviewed.session
    click(dock, 0)
    click(dock, 2, Qt.KeyboardModifier.ShiftModifier)
    assert session.selection == ("f1", "f2", "f3")
    assert set(dock.reviewed.binding.layer.selected_data) == {0, 1, 2}
    press(dock, Qt.Key.Key_R)
    assert {i for i, s in status(dock).items() if s == "rejected"} == {"f1", "f2", "f3"}
    undo = dock.findings._buttons["undo"]
    assert undo.toolTip().startswith("Undo: rejected 1, 2 and 3")
    click(dock, 1)
    QTest.mouseClick(undo, Qt.MouseButton.LeftButton)
    assert set(status(dock).values()) == {"unreviewed"}
    assert session.selection == ("f1", "f2", "f3")
    assert dock.findings.summary.text() == "↶ rejected 1, 2 and 3"
    click(dock, 0)
    click(dock, 2, CTRL)
    press(dock, Qt.Key.Key_A)
    assert {i for i, s in status(dock).items() if s == "accepted"} == {"f1", "f3"}
    assert session.selected == "f3"
    assert dock.findings.summary.text() == "3"


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


def test_undo_says_what_it_undid_and_brings_the_selection_back(after_run):
    _, dock = after_run
    session = dock.reviewed.session
    session.select_all(("f1", "f2"))
    press(dock, Qt.Key.Key_R)
    session.select("f3")
    press(dock, Qt.Key.Key_Z, CTRL)
    assert {f.status for f in session.findings} == {"unreviewed"}
    assert session.selection == ("f1", "f2")
    numbers = sorted(session.findings[id].number for id in ("f1", "f2"))
    assert dock.findings.summary.text() == f"↶ rejected {numbers[0]} and {numbers[1]}"


def test_numbers_stay_at_a_second_run(after_run, predictor, qtbot):
    _, dock = after_run
    moved = [f.with_(id=f"again{n}", score=1 - f.score) for n, f in enumerate(predictor.findings)]
    predictor.findings = predictor.findings.with_items(tuple(moved[::-1]))
    before = {f.center: f.number for f in dock.reviewed.session.findings}
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
    assert {f.center: f.number for f in dock.reviewed.session.findings} == before


def test_what_a_person_drew_or_pasted_has_no_score(after_run):
    """napari's own paste ends in an exception where slices are shown."""
    viewer, dock = after_run
    layer, session = dock.reviewed.binding.layer, dock.reviewed.session
    assert "Done" in dock.run.message.text()
    layer.add(np.array([[-150.0, 40.0, 10.0]]) / layer.scale)
    assert (column(dock, 0)[-1], column(dock, 1)[-1]) == ("6", "")
    assert layer.features["label"].iloc[-1] == "by hand"
    viewer.layers.selection.active = layer
    layer.mode = "select"
    session.select("f1")
    canvas = dock.corners.parentWidget()
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_C, CTRL)
    viewer.dims.set_point(0, -120.0)
    QTest.keyClick(canvas, Qt.Key.Key_V, CTRL)
    pasted = session.findings[-1]
    assert (len(session.findings), pasted.diameter, pasted.network_score) == (7, 21.0, None)
    assert pasted.center[0] == pytest.approx(-120.0, abs=1.3)
    press(dock, Qt.Key.Key_Z, CTRL)
    assert dock.run.message.text() == ""  # it spoke of another state


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
