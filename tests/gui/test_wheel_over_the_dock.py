"""The wheel over the dock scrolls the dock, and changes nothing that it passes over."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractSlider, QApplication, QComboBox, QScrollBar, QSpinBox, QWidget

from napari_lungmtl.panel.widgets.wheel import WheelGuard, wheel_controls

from ..stand_ins.real_wheel import turn_wheel


def value(control: QWidget) -> int:
    return control.currentIndex() if isinstance(control, QComboBox) else control.value()


@pytest.fixture
def small(after_run):
    """The dock in a window too low for it, so that it can scroll."""
    viewer, dock = after_run
    size = viewer.window.geometry()[2:]
    viewer.window.resize(1100, 600)
    QApplication.processEvents()
    yield dock
    viewer.window.resize(*size)


def test_the_wheel_over_any_control_scrolls_the_dock_and_changes_nothing(small, qtbot):
    dock = small
    dock.cohort.set_open(True)
    bar = dock._scroll.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    controls = [each for each in wheel_controls(dock) if each.isVisible()]
    kinds = {type(each).__name__ for each in controls}
    assert {"QSlider", "QComboBox", "DeviceBox"} <= kinds
    thresholds, session = dock.reviewed.session.thresholds, dock.reviewed.session
    for control in controls:
        dock.findings.table.setFocus()
        bar.setValue(0)
        before = value(control)
        turn_wheel(control)
        assert value(control) == before, control.toolTip()
        assert bar.value() > 0, control.toolTip()
        turn_wheel(control, 1)
        assert value(control) == before, control.toolTip()
        assert not control.hasFocus()
    assert session.thresholds == thresholds


def test_a_slider_with_the_focus_is_turned(small, qtbot):
    dock = small
    slider = dock.show_section.score.slider
    slider.setFocus()
    qtbot.waitUntil(slider.hasFocus)
    before = slider.value()
    turn_wheel(slider)
    assert slider.value() < before


def test_no_control_of_the_dock_is_left_out(small):
    """Whoever adds a slider or a box finds it guarded, or this fails."""
    dock = small
    for section in dock.sections:
        section.set_open(True)
    guarded = set(wheel_controls(dock))
    for widget in dock.findChildren(QWidget):
        if isinstance(widget, QAbstractSlider | QComboBox) and not isinstance(widget, QScrollBar):
            assert widget in guarded
            assert widget.focusPolicy() != Qt.FocusPolicy.WheelFocus


def test_spin_boxes_are_guarded_too(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    spin = QSpinBox(parent)
    spin.setValue(5)
    WheelGuard(parent)
    parent.show()
    qtbot.waitExposed(parent)
    turn_wheel(spin, 1)
    assert spin.value() == 5
