"""What a study is to be: who reads, which cases, in which modes, and where it is logged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ...session.review import reviewer
from ...training.reader_study.plan import Design
from ..widgets.section import eliding, label, tool_button
from .study import Plan

_MOST_SEEDS = 999_999


class SetupForm(QWidget):
    """A form in five lines; `asked` comes with a `Plan` when a person presses Start."""

    asked = Signal(object)  # Plan
    folder_chosen = Signal(object)  # Path

    def __init__(self) -> None:
        super().__init__()
        self.folder: Path | None = None
        self._log_folder: Path | None = None
        self.reader = QLineEdit(reviewer())
        self.reader.setToolTip("Who reads: the log and the marks bear this name")
        self.design = QComboBox()
        self.design.addItems([str(design) for design in Design])
        self.design.setToolTip(
            "When the networks' marks are shown; what they are was found before the study begins"
        )
        self.design.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.design.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.seed = QSpinBox()
        self.seed.setRange(0, _MOST_SEEDS)
        self.seed.setToolTip("The order of the cases is drawn by this number and the reader's name")
        self.cases, self.log = eliding(), eliding()
        self.choose = tool_button(
            "Cases…", "Choose the folder with the scans or radiographs to be read", self._ask_cases
        )
        self.choose_log = tool_button(
            "Log in…", "Choose the folder that log and marks are kept in", self._ask_log
        )
        self.start = QPushButton("Start")
        self.start.setObjectName("primary")
        self.start.setToolTip(
            "Close what is open, and show the first case; an unfinished study of this reader goes on"
        )
        self.start.clicked.connect(self._ask)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        rows: tuple[tuple[QWidget, QWidget], ...] = (
            (label("Reader"), self.reader),
            (self.choose, self.cases),
            (label("Mode"), self.design),
            (label("Seed"), self.seed),
            (self.choose_log, self.log),
        )
        for row, (left, right) in enumerate(rows):
            grid.addWidget(left, row, 0, Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(right, row, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(grid)
        column.addWidget(self.start, 0, Qt.AlignmentFlag.AlignLeft)
        self.reader.textChanged.connect(self._show)
        self._show()

    def set_folder(self, folder: Path) -> None:
        """Take the folder with the cases; the log goes beside it where nobody says otherwise."""
        self.folder = folder.absolute()
        self.folder_chosen.emit(self.folder)
        self._show()

    def set_log_folder(self, folder: Path) -> None:
        """Take the folder for log and marks."""
        self._log_folder = folder.absolute()
        self._show()

    @property
    def log_folder(self) -> Path | None:
        """Where the log goes: beside the folder of cases, not in it, where it would be searched for images."""
        if self._log_folder is not None or self.folder is None:
            return self._log_folder
        return self.folder.with_name(f"{self.folder.name}-readings")

    def _ask(self) -> None:
        if self.folder is not None and self.log_folder is not None:
            name, design = self.reader.text().strip(), Design(self.design.currentText())
            self.asked.emit(Plan(name, self.folder, design, self.seed.value(), self.log_folder))

    def _ask_cases(self) -> None:
        _ask_folder(self, "Cases of the study", self.folder, self.set_folder)

    def _ask_log(self) -> None:
        _ask_folder(self, "Folder for log and marks", self.log_folder, self.set_log_folder)

    def _show(self) -> None:
        for text, path, none in (
            (self.cases, self.folder, "no folder chosen"),
            (self.log, self.log_folder, "beside the cases"),
        ):
            text.setText(str(path) if path is not None else none)
            text.setToolTip(text.text())
        self.start.setEnabled(self.folder is not None and bool(self.reader.text().strip()))


def _ask_folder(parent: QWidget, title: str, at: Path | None, take: Callable[[Path], None]) -> None:
    path = QFileDialog.getExistingDirectory(parent, title, str(at or ""))
    if path:
        take(Path(path))
