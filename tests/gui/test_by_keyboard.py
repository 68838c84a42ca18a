"""The dock without a mouse: every section opens by Tab and Space, and Tab goes from top to bottom."""

from __future__ import annotations

from itertools import pairwise

import pytest
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QFocusEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractSpinBox, QApplication, QToolButton

from napari_lungmtl.panel.widgets.fold_out import FoldOut
from napari_lungmtl.panel.widgets.quiet_list import QuietList
from napari_lungmtl.panel.widgets.tab_order import stops

from ..stand_ins.dock_input import press


def titles(dock) -> list[QToolButton]:
    """Of the sections, and of what folds out in them."""
    sections = [section._title for section in dock.sections if section._title.isVisible()]
    return sections + [
        fold.button for section in dock.sections for fold in section.content.findChildren(FoldOut)
    ]


def section_of(dock, widget) -> int:
    return next(i for i, section in enumerate(dock.sections) if section.isAncestorOf(widget))


def test_every_title_is_reached_by_tab_opens_by_space_and_leaves_the_keys_alone(after_run):
    _, dock = after_run
    assert all(title.focusPolicy() == Qt.FocusPolicy.TabFocus for title in titles(dock))
    session, section = dock.reviewed.session, dock.hand_on
    section._title.setFocus(Qt.FocusReason.TabFocusReason)
    for is_open in (True, False, True):
        press(dock, Qt.Key.Key_Space)
        assert section.content.isVisible() == is_open
    press(dock, Qt.Key.Key_N)
    press(dock, Qt.Key.Key_R)
    assert (session.selected, session.findings["f1"].status) == ("f1", "rejected")
    assert QApplication.focusWidget() is section._title


def test_tab_goes_from_top_to_bottom_through_what_was_folded(after_run):
    _, dock = after_run
    for section in reversed(dock.sections):
        section.set_open(True)
    held = [w for w in stops(dock) if any(s.isAncestorOf(w) for s in dock.sections)]
    places = [section_of(dock, widget) for widget in held]
    assert all(a <= b for a, b in pairwise(places))
    assert len(set(places)) > 12
    for number, section in enumerate(dock.sections):
        own = [widget for widget, place in zip(held, places, strict=True) if place == number]
        if section._title in own:
            assert own[0] is section._title


def test_all_that_a_person_can_change_is_reached_by_tab(after_run):
    _, dock = after_run
    for section in dock.sections:
        section.set_open(True)
    reached = stops(dock)
    for kind in (QAbstractSpinBox, QuietList):
        for widget in dock.findChildren(kind):
            assert widget in reached, widget.toolTip() or widget.accessibleName()
    texts = {widget.text() for widget in reached if hasattr(widget, "text")}
    assert {"Open folder…", "Report…", "Import…", "Archive…", "Characterise"} <= texts


@pytest.mark.parametrize("row", [-1, 1])
def test_tab_into_a_list_chooses_nothing_and_the_arrows_do(qtbot, row):
    rows = QuietList()
    qtbot.addWidget(rows)
    rows.addItems(["a", "b", "c"])
    rows.setCurrentRow(row)
    chosen: list[int] = []
    rows.currentRowChanged.connect(chosen.append)
    rows.focusInEvent(QFocusEvent(QEvent.Type.FocusIn, Qt.FocusReason.TabFocusReason))
    assert (rows.currentRow(), chosen) == (row, [])
    QTest.keyClick(rows, Qt.Key.Key_Down)
    assert chosen == [row + 1]
