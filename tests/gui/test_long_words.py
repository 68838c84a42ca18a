"""Long names, labels and notes: their beginning is seen, and nothing runs under anything else."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QFontMetrics
from qtpy.QtWidgets import QApplication, QStyle, QStyleOptionSpinBox

from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.panel.cases.notes_row import NotesRow
from napari_lungmtl.session.case_notes import CaseNotes

from ..stand_ins.dock_input import press, rest

LONG = "PHANTOM-CT-with-a-very-long-patient-identifier-" * 6


def test_a_long_patient_id_ends_before_the_letter_of_the_side(window, image):
    viewer, dock = window
    corners = dock.corners
    add_image_layer(viewer, replace(image, series_uid="7.8.9", metadata={"patient_id": LONG}))
    rest(50)
    assert corners.texts["top"] == "A"
    top = [box for box in corners.rectangles() if box[0] < 20]
    assert len(top) == 2
    assert top[0][3] < top[1][1]
    assert corners._who().split("\n")[0].endswith("…")
    press(dock, Qt.Key.Key_0)  # in 3-D no letter stands there
    rest(50)
    first = corners.rectangles()[0]
    assert corners.width() / 2 < first[3] <= corners.width()
    press(dock, Qt.Key.Key_7)


def test_unknown_days_between_two_studies_can_be_read_beside_swap(window):
    _, dock = window
    section = dock.prior
    section.set_open(True)
    for widget in (section.days_label, section.days, section.swap, section.again):
        widget.show()
    rest(20)
    days = section.days
    option = QStyleOptionSpinBox()
    days.initStyleOption(option)
    field = days.style().subControlRect(
        QStyle.ComplexControl.CC_SpinBox, option, QStyle.SubControl.SC_SpinBoxEditField, days
    )
    assert days.text() == "unknown"
    words = QFontMetrics(days.font()).horizontalAdvance("unknown")
    assert min(field.width(), days.lineEdit().width()) >= words + 4  # QLineEdit's own margins


@pytest.mark.parametrize("name", ["note", "label"])
def test_the_beginning_of_a_long_note_or_label_is_seen_in_the_card(after_run, name):
    _, dock = after_run
    session = dock.reviewed.session
    press(dock, Qt.Key.Key_N)
    session.edit(change=[session.findings["f1"].with_(**{name: LONG})])
    QApplication.processEvents()
    review = dock.card.review
    edit = review.note if name == "note" else review.kind.lineEdit()
    assert (edit.text(), edit.cursorPosition()) == (LONG, 0)


def test_the_beginning_of_tags_and_notes_of_a_case_is_seen(qtbot, monkeypatch):
    row = NotesRow()
    qtbot.addWidget(row)
    monkeypatch.setattr(row, "_case", SimpleNamespace(notes=CaseNotes.typed([LONG], LONG)))
    row.refresh()
    assert [(edit.text(), edit.cursorPosition()) for edit in (row.tags, row.note)] == [(LONG, 0), (LONG, 0)]
