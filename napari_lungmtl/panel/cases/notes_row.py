"""Tags and a note on the case that is marked in the list."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from ...session.case_notes import CaseNotes
from ..widgets.section import fill
from .case import Case


class NotesRow(QWidget):
    """Two fields; what is typed is said when the person goes on."""

    said = Signal(object, object)  # Case, CaseNotes

    def __init__(self) -> None:
        super().__init__()
        self._case: Case | None = None
        self.tags, self.note = QLineEdit(), QLineEdit()
        self.tags.setPlaceholderText("Tags, by commas")
        self.tags.setToolTip("Words for this case, by commas; the filter above finds them")
        self.note.setPlaceholderText("Note on this case")
        self.note.setToolTip("A line on this case; it is kept beside the image")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for field, stretch in ((self.tags, 2), (self.note, 3)):
            field.setMinimumWidth(60)
            field.editingFinished.connect(self._say)
            row.addWidget(field, stretch)

    def show_case(self, case: Case | None) -> None:
        """Show what is said of a case; what was typed on the one before it is kept."""
        if case is self._case:
            return
        self._say()
        self._case = case
        self.setEnabled(case is not None)
        self.refresh()

    def refresh(self) -> None:
        """Show what is said of the case now."""
        notes = self._case.notes if self._case is not None else CaseNotes()
        fill(self.tags, ", ".join(notes.tags))
        fill(self.note, notes.note)

    def _say(self) -> None:
        case = self._case
        if case is None:
            return
        notes = CaseNotes.typed([self.tags.text()], self.note.text())
        if notes != case.notes:
            self.said.emit(case, notes)
