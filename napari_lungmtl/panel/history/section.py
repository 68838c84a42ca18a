"""Section *history*: what was done to the image's findings, by whom and when; a click brings any state back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qtpy.QtWidgets import QWidget

from ...jobs.worker import Worker, one_step
from ...reviewed_images import ReviewedImage
from ...session.log.earlier import state_of, visits
from ...session.session import Session
from ...training.findings import Findings
from ...training.findings.log.file import LogError
from ...training.findings.log.record import Record
from ...training.findings.log.replay import Log
from ..hand_on.button import HandOnButton
from ..widgets.section import Section, label, set_role
from ..widgets.theme import Palette
from .join_dialog import JoinDialog
from .rows import Row, rows_before, rows_of
from .table import HistoryTable


@dataclass(frozen=True)
class Before:
    """What was done before the image was opened here, and the log that tells of it."""

    log: Log
    rows: Sequence[Row]


class HistorySection(Section):
    """The list of commands, the latest first; folded until somebody looks for one."""

    def __init__(self) -> None:
        super().__init__("history")
        self.table = HistoryTable()
        self.words = label("", "faint", wrap=True)
        self.words.hide()
        self.join = HandOnButton(
            "Join…",
            "What another person did to the same image, made one with what was done here",
            self._join_dialog,
        )
        self.head.addWidget(self.join)
        self.body.addWidget(self.table)
        self.body.addWidget(self.words)
        self.worker = Worker("The history could not be read", self)
        self.worker.finished.connect(self._on_read)
        self.worker.failed.connect(lambda words: self._say(words, "error"))
        self.table.chosen.connect(self.go_to)
        self._before: Before | None = None
        self.set_open(False)

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Be of another image."""
        self.worker.cancel()
        self.join.follow(reviewed)
        self._before = None
        self._say("")
        if reviewed is not None:
            self.listen(reviewed.session.events.findings, self._show)
            self.listen(reviewed.session.events.image, self._read)
        self._read()

    def set_open(self, shown: bool) -> None:
        """Unfold or fold it; only what is seen is read and listed."""
        super().set_open(shown)
        if hasattr(self, "_before"):
            self._read()

    def set_colors(self, colors: Palette) -> None:
        """Colours of the present theme."""
        self.table.history.colors = colors

    def let_go(self) -> None:
        """The dock goes: no dialog stays."""
        self.worker.abandon()
        self.join.close_dialog()

    def go_to(self, row: Row) -> None:
        """Bring the state of a row back, in one step of the history."""
        session = self._session
        if session is None or self.reviewed is None or row.look == "present" or not self.reviewed.settle():
            return
        findings = self._state(session, row.target)
        if findings is None:
            return
        before = session.findings
        session.go_to(findings, row.goes_to)
        same = session.findings is before
        self._say("That is what is shown already." if same else "", "faint")

    def _state(self, session: Session, target: Findings | Record | None) -> Findings | None:
        if not isinstance(target, Record):
            return target
        if self._before is None:
            return None
        try:
            return state_of(self._before.log, target, session.findings)
        except LogError as error:
            self._say(str(error), "error")
            return None

    def _join_dialog(self, reviewed: ReviewedImage, parent: QWidget) -> JoinDialog:
        dialog = JoinDialog(reviewed.session, parent)
        dialog.finished.connect(self._read)  # what was joined is in the log, and listed at once
        return dialog

    @property
    def _session(self) -> Session | None:
        return self.reviewed.session if self.reviewed is not None else None

    def _read(self, _value: object = None) -> None:
        """Read what was done before, off the GUI thread."""
        session = self._session
        self._show()
        if session is None or self.content.isHidden() or not session.saving.logs:
            return
        paths, window = session.saving.logs, session.saving.window
        self.worker.start(lambda: one_step(_read, paths, window), str(paths[0]))

    def _on_read(self, before: Before) -> None:
        self._before = before
        torn = before.log.torn
        self._say(f"{torn} damaged lines of the history were passed over." if torn > 1 else "", "warning")
        self._show()

    def _show(self, _value: object = None) -> None:
        session = self._session
        n = len(session.steps) if session is not None else 0
        self.summary.setText("" if not n else "one step" if n == 1 else f"{n} steps")
        if self.content.isHidden():
            return
        earlier = self._before.rows if self._before is not None else ()
        self.table.show_rows(rows_of(session, earlier) if session is not None else [])

    def _say(self, text: str, role: str = "faint") -> None:
        set_role(self.words, role)
        self.words.setText(text)
        self.words.setVisible(bool(text))


def _read(paths: tuple[Path, ...], window: str) -> Before:
    log = Log.read(*paths)
    return Before(log, rows_before(visits(log, (window,))))
