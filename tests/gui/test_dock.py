"""The way through the dock: run, thresholds, table, keys."""

from __future__ import annotations

import threading

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QComboBox, QLabel, QPushButton, QToolButton

from napari_lungmtl.layers import planes
from napari_lungmtl.panel.findings.section import ID
from napari_lungmtl.shortcuts import KEYS

from ..stand_ins.dock_input import column, press


def drawn(dock) -> np.ndarray:
    """Centres of the drawn spheres in world mm."""
    layer = dock.reviewed.binding.layer
    return np.array([layer.data_to_world(p) for p in layer.data]).reshape(-1, 3)


def test_a_run_draws_the_spheres_where_they_are_and_thresholds_hide_them(after_run, findings, predictor):
    _, dock = after_run
    expected = [f.center for f in findings if f.score >= 0.5]
    np.testing.assert_allclose(drawn(dock), expected, atol=1e-6)
    layer = dock.reviewed.binding.layer
    np.testing.assert_allclose(layer.size * layer.scale[-1], [21, 4, 12])
    assert dock.show_section.summary.text() == "3 of 5 shown"
    assert predictor.threads
    assert threading.get_ident() not in predictor.threads
    row = [column(dock, n)[0] for n in range(6)]
    assert row == ["1", "0.97", "21.0", "9", "−180, 30, −10", "○"]
    slider = dock.show_section.score.slider
    at_first = slider.value()
    slider.setValue(slider.minimum())
    assert len(drawn(dock)) == 5
    assert dock.show_section.summary.text() == "5 of 5 shown"
    assert dock.show_section.score.hides.text() == ""
    slider.setValue(slider.maximum())
    assert len(drawn(dock)) == 0
    assert dock.show_section.score.hides.text() == "hides 5"
    assert dock.findings.table.isHidden()
    slider.setValue(at_first)
    dock.show_section.diameter.slider.setValue(10)  # 5 mm
    assert dock.reviewed.session.thresholds.diameter == 5
    assert column(dock, 2) == ["21.0", "12.0"]
    assert dock.show_section.diameter.hides.text() == "hides 1"
    assert dock.show_section.score.hides.text() == "hides 2"


def test_table_keys_and_layer_select_alike_and_h_hides_overlays(after_run):
    _, dock = after_run
    dock.findings.table.sortByColumn(2, Qt.SortOrder.AscendingOrder)
    assert column(dock, 2) == ["4.0", "12.0", "21.0"]
    selected = []
    for _step in range(4):
        press(dock, Qt.Key.Key_N)
        selected.append(dock.reviewed.session.selected)
    assert selected == ["f2", "f3", "f1", "f2"]
    press(dock, Qt.Key.Key_P)
    assert dock.reviewed.session.selected == "f1"
    dock.reviewed.binding.layer.selected_data = {1}
    assert dock.reviewed.session.selected == "f2"
    rows = dock.findings.table.selectionModel().selectedRows()
    assert [row.data(ID) for row in rows] == ["f2"]
    press(dock, Qt.Key.Key_H)
    assert not dock.reviewed.binding.layer.visible
    assert not dock.show_section.overlays.isChecked()
    press(dock, Qt.Key.Key_H)
    assert dock.reviewed.binding.layer.visible


def test_the_view_goes_to_what_is_chosen_and_keeps_the_zoom(after_run, findings):
    viewer, dock = after_run
    viewer.reset_view()
    before = viewer.scene.camera.center
    press(dock, Qt.Key.Key_N)
    assert viewer.scene.camera.center == before
    dock.reviewed.session.select(None)
    viewer.scene.camera.zoom = 20
    table = dock.findings.table
    index = table.model().index(2, 0)
    QTest.mouseClick(
        table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(index).center() + QPoint(1, 1)
    )
    assert dock.reviewed.session.selected == index.data(ID) == "f3"
    center = findings["f3"].center
    assert abs(viewer.dims.point[0] - center[0]) <= 1.25
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], center[1:])
    assert viewer.scene.camera.zoom == 20
    dock.reviewed.session.select(None)
    viewer.dims.ndisplay = 3
    zoom = viewer.scene.camera.zoom
    press(dock, Qt.Key.Key_N)
    press(dock, Qt.Key.Key_N)
    np.testing.assert_allclose(viewer.scene.camera.center, findings["f2"].center)
    assert viewer.scene.camera.zoom == zoom


def test_keys_work_wherever_the_focus_is(after_run):
    viewer, dock = after_run
    session = dock.reviewed.session
    for focus in (dock.show_section.score.slider, dock.findings.table, None):
        if focus is not None:
            focus.setFocus()
        else:
            viewer.layers.selection.active = dock.reviewed.binding.layer  # whose own keys are a, p, Delete
        _accept_and_reject_by_keys(dock)
        while session.can_undo and any(f.status != "unreviewed" for f in session.findings):
            session.undo()
        session.select(None)
        assert len(session.findings) == 5


def _accept_and_reject_by_keys(dock) -> None:
    session = dock.reviewed.session
    press(dock, Qt.Key.Key_N)
    assert session.selected == "f1"
    press(dock, Qt.Key.Key_A)
    assert session.findings["f1"].status == "accepted"
    press(dock, Qt.Key.Key_N)
    press(dock, Qt.Key.Key_R)
    assert session.findings["f2"].status == "rejected"
    assert column(dock, 5) == ["✓", "✕", "○"]
    press(dock, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.findings["f2"].status == "unreviewed"
    press(dock, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert session.findings["f2"].status == "rejected"


def test_brackets_resize_but_not_while_painting(after_run):
    viewer, dock = after_run
    press(dock, Qt.Key.Key_N)
    press(dock, Qt.Key.Key_BracketRight)
    assert dock.reviewed.session.findings["f1"].diameter == 22
    viewer.add_labels(np.zeros((4, 4, 4), int))
    press(dock, Qt.Key.Key_BracketRight)
    press(dock, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert dock.reviewed.session.findings["f1"].diameter == 22
    press(dock, Qt.Key.Key_A)
    assert dock.reviewed.session.findings["f1"].status == "accepted"


def test_delete_takes_only_what_a_person_drew(after_run):
    from napari_lungmtl.training.findings import Finding, Provenance, Sphere

    _, dock = after_run
    session = dock.reviewed.session
    press(dock, Qt.Key.Key_N)
    press(dock, Qt.Key.Key_Delete)
    assert len(session.findings) == 5
    session.add(Finding(Sphere((-150.0, 30.0, 0.0), 9.0), provenance=Provenance(person="me"), id="mine"))
    press(dock, Qt.Key.Key_Delete)
    assert [f.id for f in session.findings] == ["f1", "f2", "f3", "f4", "f5"]


def test_help_presets_planes_text_and_theme(window):
    viewer, dock = window
    dock.footer.toggle_keys()
    texts = {widget.text() for widget in dock.footer.findChildren(QLabel) if widget.isVisible()}
    assert {key.description for key in KEYS} <= texts
    assert {key.text for key in KEYS} <= texts
    box = dock.show_section.window_preset
    assert box.currentText() == "Lung"
    box.setCurrentText("Mediastinum")
    box.activated.emit(box.currentIndex())
    assert tuple(viewer.layers[0].contrast_limits) == (-160, 240)
    viewer.layers[0].contrast_limits = (-100, 100)
    assert box.currentText() == "Custom"
    viewer.scene.camera.zoom = 7.0
    for plane, vertical in (("coronal", "up"), ("sagittal", "up"), ("axial", "down")):
        planes.show(viewer, plane)
        assert viewer.scene.camera.orientation[1] == vertical
        assert viewer.scene.camera.zoom == 7.0
    for section in dock.sections:
        section.set_open(True)
    for kind in (QLabel, QPushButton, QToolButton, QComboBox):
        for widget in dock.findChildren(kind):
            widget.ensurePolished()
            assert widget.font().pointSizeF() >= 10, (kind, widget.objectName())
    dark = dock.styleSheet()
    viewer.theme = "light"
    assert dock.styleSheet() != dark
    ground = viewer.window.screenshot(flash=False, canvas_only=True)[[2, -3], 2, :3]
    assert ground.max() < 30, "images are read on black"
    viewer.layers.clear()
    assert viewer.canvas.background_color_override is None


def test_the_table_swallows_no_letters(after_run):
    """A read-only table searches by letters; the window's keys come first."""
    _, dock = after_run
    table = dock.findings.table
    table.setFocus()
    before = column(dock, 0)
    press(dock, Qt.Key.Key_N)
    press(dock, Qt.Key.Key_A)
    assert dock.reviewed.session.findings["f1"].status == "accepted"
    assert column(dock, 0) == before
