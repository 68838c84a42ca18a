"""What the reader says of the selected nodule: verdict with a reason, how sure, what it is, a note; and who said what when."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from ...editing import commands
from ...session.review import is_reading, reviewer
from ...session.session import Session
from ...text.review import SURE, signed, story, sure, verdict
from ...training.findings import REASONS, Finding
from ..preferences import Preferences
from ..widgets.fold_out import FoldOut
from ..widgets.section import fill, label, tool_button

VERDICTS = (
    ("○ not reviewed", ("unreviewed", "")),
    ("✓ accepted", ("accepted", "")),
    ("✕ rejected", ("rejected", "")),
    *((f"✕ {reason}", ("rejected", reason)) for reason in REASONS),
)
KINDS = ("solid nodule", "part-solid nodule", "ground-glass nodule", "calcified nodule", "cavity", "mass")
"""Labels that are offered; others may be typed."""
_SHOWN = 12
"""Lines of the history; what is older stands in the file."""


class ReviewRows(QWidget):
    """Two rows of fields for the selection of a session, and whose word it is; each entry is one step of the history.

    Parameters
    ----------
    preferences
        Keeps the reader's name, which is asked for once, in a row of its own.
    """

    def __init__(self, preferences: Preferences) -> None:
        super().__init__()
        self._preferences = preferences
        self._session: Session | None = None
        self._finding: Finding | None = None
        self.verdict = _choice("Verdict", "Verdict, and why it is no nodule", [text for text, _ in VERDICTS])
        self.verdict.activated.connect(self._judge)
        self.sure = _choice("Confidence", "How sure you are", list(SURE.values()))
        self.sure.activated.connect(self._be_sure)
        self.kind = _choice("Label", "What it is, in a word or two", ["", *KINDS])
        self.kind.setEditable(True)
        line = self.kind.lineEdit()
        assert line is not None
        line.setPlaceholderText("what it is")
        line.editingFinished.connect(self._label)
        self.kind.activated.connect(self._label)
        self.note = QLineEdit()
        self.note.setPlaceholderText("note")
        self.note.setAccessibleName("Note")
        self.note.editingFinished.connect(self._note)
        for edit in (line, self.note):
            edit.returnPressed.connect(edit.clearFocus)  # keys are the window's again
        self.author = label("", "faint", wrap=True)
        self.history = FoldOut("History")
        self.lines = label("", "faint", wrap=True)
        self.lines.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.history.body.addWidget(self.lines)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        pairs: tuple[tuple[QWidget, QWidget], ...] = ((self.verdict, self.sure), (self.kind, self.note))
        for pair in pairs:
            row = QHBoxLayout()
            for field in pair:
                row.addWidget(field, 1)
            column.addLayout(row)
        self.asked = self._build_question()
        for widget in (self.asked, self.author, self.history):
            column.addWidget(widget)

    def show_finding(self, session: Session | None, finding: Finding | None) -> None:
        """Show what was said of a finding of a session; nothing where there is none."""
        self._session, self._finding = session, finding
        self.setVisible(finding is not None)
        if finding is None:
            return
        texts = {value: text for text, value in VERDICTS}
        _set(self.verdict, texts.get((finding.status, finding.reason), f"✕ {verdict(finding)}"))
        _set(self.sure, sure(finding.confidence))
        _set(self.kind, finding.label)
        if not self.note.hasFocus() or self.note.text() != finding.note:
            fill(self.note, finding.note)
        self.asked.setVisible(not self._preferences.reviewer and not is_reading())
        self.author.setText(signed(finding))
        lines = story(finding)
        older = [f"… {len(lines) - _SHOWN} older ones are in the file"] if len(lines) > _SHOWN else []
        self.lines.setText("\n".join(lines[:_SHOWN] + older))
        self.history.setVisible(bool(lines))

    # ---- the reader's name

    def _build_question(self) -> QWidget:
        question = QWidget()
        row = QHBoxLayout(question)
        row.setContentsMargins(0, 0, 0, 0)
        self.name = QLineEdit()
        fill(self.name, reviewer())
        self.name.setAccessibleName("Your name")
        self.name.setToolTip("Asked once: it stands beside all that you change from now on")
        self.name.returnPressed.connect(self._keep_name)
        self.keep_name = tool_button("Keep", "Sign with this name from now on", self._keep_name)
        for widget in (label("You sign as", "faint"), self.name, self.keep_name):
            row.addWidget(widget)
        return question

    def _keep_name(self) -> None:
        self._preferences.name_reviewer(self.name.text())
        self.name.clearFocus()
        self.asked.setVisible(not self._preferences.reviewer)

    # ---- commands

    def _judge(self, row: int) -> None:
        if self._session is None or self._finding is None:
            return
        known = VERDICTS[row][1] if row < len(VERDICTS) else (self._finding.status, self._finding.reason)
        status, reason = known
        commands.judge(self._session, commands.lesions(self._session), status, reason)  # type: ignore[arg-type]

    def _be_sure(self, row: int) -> None:
        values = list(SURE)
        if row < len(values):
            self._say(confidence=values[row])

    def _label(self, _row: int = 0) -> None:
        self._say(label=self.kind.currentText().strip())

    def _note(self) -> None:
        """Of the nodule that it was written for, also when another has been chosen by a click meanwhile."""
        session, finding, text = self._session, self._finding, self.note.text().strip()
        if session is not None and finding is not None and finding.note != text:
            commands.say(session, [finding.id], note=text)

    def _say(self, **fields: Any) -> None:
        session, finding = self._session, self._finding
        if session is None or finding is None:
            return
        if any(getattr(finding, name) != value for name, value in fields.items()):
            commands.say(session, commands.lesions(session), **fields)


def _choice(name: str, tip: str, texts: list[str]) -> QComboBox:
    box = QComboBox()
    box.addItems(texts)
    box.setAccessibleName(name)
    box.setToolTip(tip)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus if not texts[0] else Qt.FocusPolicy.TabFocus)
    box.setMinimumContentsLength(8)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box


def _set(box: QComboBox, text: str) -> None:
    """Show a text; one that is not offered is added at the end, and goes with the next."""
    if box.currentText() == text:
        return
    if box.isEditable():
        box.setEditText(text)
        if (line := box.lineEdit()) is not None:
            line.setCursorPosition(0)
        return
    if box.findText(text) < 0:
        box.addItem(text)
    box.setCurrentText(text)
