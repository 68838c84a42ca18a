"""A dialog that reads one file in the background, tells what is in it, and takes it when asked to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QDialog, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from ...jobs.worker import Steps, Worker
from .section import eliding, label, set_role, tool_button


class ReadingDialog(QDialog):
    """File, progress, words, warnings, and two buttons; subclasses ask for the file, show what was read, and take it.

    Parameters
    ----------
    title, hint, take
        Of the window, in the place of a file's name, and on the button that takes it.
    most
        Warnings that are shown; the others are counted, and hover.
    parent
        Beside which it opens.
    """

    def __init__(self, title: str, hint: str, take: str, most: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self._most = most
        self.worker = Worker("The file could not be read", self)
        self.file = eliding("faint")
        self.file.setText(hint)
        self.choose = tool_button("File…", "Choose the file", self._ask)
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.hide()
        self.words, self.problems = label("", wrap=True), label("", "warning", wrap=True)
        self.problems.hide()
        self.take = QPushButton(take)
        self.take.setObjectName("primary")
        self.take.setDefault(True)
        self.take.setEnabled(False)
        self.shut = QPushButton("Close")
        self.shut.setAutoDefault(False)
        self.take.clicked.connect(self.take_in)
        self.shut.clicked.connect(self.close)
        self.worker.finished.connect(self._show)
        self.worker.failed.connect(self._on_failed)

    def lay_out(self, below: Sequence[QWidget] = ()) -> None:
        """Put its parts below each other, and further ones above the buttons."""
        row = QHBoxLayout()
        row.addWidget(self.choose)
        row.addWidget(self.file, 1)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addLayout(row)
        for widget in (self.bar, self.words, self.problems, *below):
            column.addWidget(widget)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.take)
        buttons.addWidget(self.shut)
        column.addStretch(1)
        column.addLayout(buttons)

    def read(self, path: Path, begin: Callable[[], Steps[Any]]) -> None:
        """Read a file in the background; what `begin`'s generator returns is shown."""
        self._show(None)
        self.file.setText(path.name)
        self.file.setToolTip(str(path))
        self.bar.show()
        self.worker.start(begin, str(path))

    def warn(self, lines: Sequence[str]) -> None:
        """Show what a person should know before it is taken."""
        more = len(lines) - self._most
        self.problems.setText("\n".join([*lines[: self._most], *([f"and {more} more"] if more > 0 else [])]))
        self.problems.setToolTip("\n".join(lines))
        self.problems.setVisible(bool(lines))

    def take_in(self) -> None:
        """Take what was read, and close."""
        raise NotImplementedError

    def done(self, result: int) -> None:
        """Closed: nothing that is still being read is taken."""
        self.worker.abandon()
        super().done(result)

    def _ask(self) -> None:
        raise NotImplementedError

    def _show(self, read: Any) -> None:
        raise NotImplementedError

    def _on_failed(self, words: str) -> None:
        self._show(None)
        set_role(self.words, "error")
        self.words.setText(words)
