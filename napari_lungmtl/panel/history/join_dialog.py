"""*Join…*: what another person did to the same image, before it becomes one with what was done here."""

from __future__ import annotations

from pathlib import Path

from napari.utils.notifications import show_info
from qtpy.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from ...jobs.worker import Worker, one_step
from ...session.log.joins import Theirs, counts, joined, read_theirs, sentences, take
from ...session.session import Session
from ...training.findings import ImageReference
from ..widgets.section import eliding, label, set_role, tool_button

FILES = "Findings and logs (*.lungmtl.json *.lungmtl.log.jsonl)"
MOST_LINES = 8
"""Sentences that are shown; the others are counted, and hover."""


class JoinDialog(QDialog):
    """Reads another person's file in the background, tells what would become of both, and joins them when asked to.

    Parameters
    ----------
    session
        Of the image under review.
    parent
        Beside which it opens.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Join another person's findings")
        self._session = session
        self.theirs: Theirs | None = None
        self.worker = Worker("The file could not be read", self)
        self.file = eliding("faint")
        self.file.setText("another person's *.lungmtl.json of this image, its log beside it")
        self.choose = tool_button("File…", "Choose the file", self._ask)
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.hide()
        self.words, self.disputes = label("", wrap=True), label("", "warning", wrap=True)
        self.disputes.hide()
        self.take = QPushButton("Join")
        self.take.setObjectName("primary")
        self.take.setDefault(True)
        self.take.setEnabled(False)
        self.shut = QPushButton("Close")
        self.shut.setAutoDefault(False)
        self._lay_out()
        self.take.clicked.connect(self.take_in)
        self.shut.clicked.connect(self.close)
        self.worker.finished.connect(self._show)
        self.worker.failed.connect(self._on_failed)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.choose)
        row.addWidget(self.file, 1)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addLayout(row)
        for widget in (self.bar, self.words, self.disputes):
            column.addWidget(widget)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.take)
        buttons.addWidget(self.shut)
        column.addStretch(1)
        column.addLayout(buttons)
        self.resize(480, 260)

    def open_file(self, path: Path) -> None:
        """Read a file in the background."""
        image, saving = self._session.image, self._session.saving
        if image is None:
            return
        self._session.save()  # our own log tells where both part
        self._show(None)
        self.file.setText(path.name)
        self.file.setToolTip(str(path))
        self.bar.show()
        own, logs, reference = self._session.sidecar, saving.logs, ImageReference.of(image)
        self.worker.start(lambda: one_step(read_theirs, path, own, logs, reference), str(path))

    def take_in(self) -> None:
        """Join, say what was done, and close."""
        if self.theirs is None:
            return
        both = take(self._session, self.theirs)
        self._session.save()
        show_info(f"{self.theirs.path.name}: {counts(both)}.")
        self.close()

    def done(self, result: int) -> None:
        """Closed: nothing that is still being read is taken."""
        self.worker.abandon()
        super().done(result)

    def _ask(self) -> None:
        folder = str(self._session.sidecar.parent) if self._session.sidecar is not None else ""
        path, _ = QFileDialog.getOpenFileName(self, "Another person's findings of this image", folder, FILES)
        if path:
            self.open_file(Path(path))

    def _on_failed(self, words: str) -> None:
        self._show(None)
        set_role(self.words, "error")
        self.words.setText(words)

    def _show(self, theirs: Theirs | None) -> None:
        self.bar.hide()
        self.theirs = theirs
        self.take.setEnabled(theirs is not None)
        set_role(self.words, "")
        lines: list[str] = []
        if theirs is None:
            self.words.setText("")
        else:
            both = joined(theirs, self._session.findings)
            self.words.setText(f"{_source(theirs)}\nFor this window: {counts(both)}.")
            lines = sentences(both, theirs)
        more = len(lines) - MOST_LINES
        self.disputes.setText("\n".join(lines[:MOST_LINES] + ([f"and {more} more"] if more > 0 else [])))
        self.disputes.setToolTip("\n".join(lines))
        self.disputes.setVisible(bool(lines))


def _source(theirs: Theirs) -> str:
    """Whose it is, and from where on both went their own ways."""
    who, n = theirs.who or "somebody", theirs.commands
    did = f"{n} command{'s' if n != 1 else ''} by {who}" if n else f"Findings of {who}"
    if theirs.since:
        return f"{did}. Both came from what there was on {theirs.since[:10]} at {theirs.since[11:16]}."
    return (
        f"{did}. No log tells where both parted: their values' histories do, and nothing counts as taken out."
    )
