"""*Report…*: one page on the case for people, with calculators; what it will say is looked at before it is saved."""

from __future__ import annotations

import tempfile
from pathlib import Path

from psygnal import SignalInstance
from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QDesktopServices, QKeyEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ...jobs.worker import Steps, Worker
from ...session.changes import counted
from ...session.session import Session
from ...text.cases import case_name
from ...training.case_report.language import Language
from ...training.case_report.report import PICTURED, CaseReport, order, write_case_report
from ...training.export_options import Which
from ...training.findings.deidentify import Deidentifier
from ...training.findings.export import chosen
from ..widgets.qt import sure
from ..widgets.section import label, set_role, tool_button
from .calculators import Calculators

KINDS = {".pdf": "PDF", ".html": "HTML", ".dcm": "DICOM (the PDF, in the study)"}
HEIGHT = 680
"""Of the dialog with inputs of calculators, where a screen of 800 holds it."""
_WHICH = (Which.SHOWN, Which.KEPT, Which.ACCEPTED)


def write(report: CaseReport, path: Path) -> Steps[tuple[Path, list[str]]]:
    """Write a report; yield once before.

    Returns
    -------
    tuple
        The file, and sentences on what a person must look at.
    """
    yield
    return path, write_case_report(report, path)


class ReportDialog(QDialog):
    """Language, findings, calculators and file of a report on one session; it is written in the background.

    Parameters
    ----------
    session
        Of the image under review.
    parent
        Beside which it opens.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Report")
        self._session = session
        self.worker = Worker("The report could not be made", self)
        self._temporary = tempfile.TemporaryDirectory(prefix="lungmtl-report-")
        self._made: Path | None = None
        self.language, self.which, self.kind = QComboBox(), QComboBox(), QComboBox()
        for language in Language:
            self.language.addItem(language.words, language)
        for which in _WHICH:
            self.which.addItem(which.words, which)
        for suffix, words in KINDS.items():
            self.kind.addItem(words, suffix)
        self.hidden = QCheckBox("without names, dates, notes and paths")
        self.calculators = Calculators(session)
        self.folder, self.name = QLineEdit(str(_folder_of(session))), QLineEdit("report")
        self.choose = tool_button("Choose…", "Choose the folder", self._ask_folder)
        self.count, self.told = label("", "faint", wrap=True), label("", wrap=True)
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.preview, self.open_made = QPushButton("Preview"), QPushButton("Open")
        self.save_button, self.shut = QPushButton("Save"), QPushButton("Close")
        self.save_button.setObjectName("primary")
        self.save_button.setDefault(True)
        self._lay_out()
        self._connect()
        self._show_state()

    def _lay_out(self) -> None:
        image = self._session.image
        title = label(case_name(image) if image is not None else "", "name", wrap=True)
        where = QWidget()
        row = QHBoxLayout(where)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.folder, 1)
        row.addWidget(self.choose)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        for words, widget in (
            ("Language", self.language),
            ("Findings", self.which),
            ("De-identify", self.hidden),
            ("Calculators", self.calculators),
            ("Folder", where),
            ("File", self.name),
            ("Format", self.kind),
        ):
            form.addRow(words, widget)
        buttons = QHBoxLayout()
        for button in (self.preview, self.open_made):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self.save_button)
        self.shut.setAutoDefault(False)
        buttons.addWidget(self.shut)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addWidget(title)
        column.addLayout(form, 1)
        for label_ in (self.count, self.bar, self.told):
            column.addWidget(label_)
        column.addLayout(buttons)
        self.preview.setToolTip("Show the page in the browser; nothing is saved")
        self.bar.hide()
        self.open_made.hide()
        self.resize(620, 420)

    def _connect(self) -> None:
        self.which.activated.connect(self._show_state)
        self.kind.activated.connect(self._show_state)
        for edit in (self.folder, self.name):
            edit.textChanged.connect(self._show_state)
        self.calculators.changed.connect(self._on_calculators)
        self.preview.clicked.connect(self.show_preview)
        self.save_button.clicked.connect(self.save)
        self.open_made.clicked.connect(self._open)
        self.shut.clicked.connect(self.close)
        self.worker.finished.connect(self._on_written)
        self.worker.failed.connect(self._on_failed)
        events = self._session.events
        self._signals: tuple[SignalInstance, ...] = (events.findings, events.thresholds)
        for signal in self._signals:
            signal.connect(self._on_session)

    @property
    def report(self) -> CaseReport:
        """What would be written now."""
        session, image = self._session, self._session.image
        visible = {f.id for f in session.visible}
        shown = chosen(session.findings, self.which.currentData(), lambda f: f.id in visible)
        return CaseReport(
            session.findings,
            shown.items,
            image,
            case_name(image) if image is not None else "",
            self.language.currentData(),
            self.calculators.calculations,
            Deidentifier() if self.hidden.isChecked() else None,
            prevalence=session.thresholds.prevalence,
            which=self.which.currentData(),
        )

    @property
    def path(self) -> Path:
        """Where it goes: a name in the folder, whatever was typed, with the format's suffix."""
        name = Path(self.name.text().strip().replace("\\", "/")).name
        suffix = self.kind.currentData()
        stem = name[: -len(suffix)] if name.lower().endswith(suffix) else name
        return Path(self.folder.text()).expanduser() / f"{stem}{suffix}"

    def save(self) -> None:
        """Write the file in the background, from the findings as they are now."""
        if self.save_button.isEnabled():
            self._write(self.path)

    def show_preview(self) -> None:
        """Make the page in a folder that goes with the dialog, and show it in the browser."""
        self._write(Path(self._temporary.name) / "preview.html")

    def _write(self, path: Path) -> None:
        if self.worker.running:
            return
        report = self.report
        self.bar.show()
        self.open_made.hide()
        self._tell("making the report…", "faint")
        self.worker.start(lambda: write(report, path), str(path))
        self._show_state()

    def done(self, result: int) -> None:
        """Closed: what is being written is finished or not there at all."""
        self.worker.abandon()
        for signal in self._signals:
            signal.disconnect(self._on_session)
        self._signals = ()
        self._temporary.cleanup()
        super().done(result)

    # ---- what the worker says

    def _on_written(self, result: tuple[Path, list[str]]) -> None:
        self.bar.hide()
        self._made, look_at = result
        warning = " ".join(f"⚠ {one[:1].upper()}{one[1:]}." for one in look_at)
        if self._made.parent == Path(self._temporary.name):
            self._tell(f"The preview is in the browser. {warning}".strip(), "warning" if look_at else "faint")
            self._open()
        else:
            self._tell(f"Saved as {self._made}. {warning}".strip(), "warning" if look_at else "accepted")
            self.open_made.setVisible(self._made.suffix != ".dcm")
        self._show_state()

    def _on_failed(self, words: str) -> None:
        self.bar.hide()
        self._tell(words, "error")
        self._show_state()

    def _tell(self, words: str, role: str) -> None:
        set_role(self.told, role)
        self.told.setText(words)

    # ---- what is shown

    def _on_session(self, _value: object = None) -> None:
        self.calculators.refresh()

    def _on_calculators(self) -> None:
        self._show_state()
        if self.isVisible() and not self.calculators.area.isHidden() and self.height() < HEIGHT:
            self._grow()

    def _grow(self) -> None:
        """Make room for the inputs; on a low screen the dialog moves up, or its buttons would be below the edge."""
        frame = self.frameGeometry()
        room, title_bar = sure(self.screen()).availableGeometry(), frame.height() - self.height()
        height = min(HEIGHT, room.height() - title_bar)
        self.resize(self.width(), height)
        below = frame.top() + height + title_bar - (room.top() + room.height())
        if below > 0:
            self.move(frame.left(), frame.top() - below)

    def _show_state(self, _value: object = None) -> None:
        report = self.report
        told = order(report.shown)
        parts = [f"{counted(len(told))} in the report"]
        if len(told) > PICTURED:
            parts.append(f"pictures of the first {PICTURED}")
        rejected = sum(f.status == "rejected" for f in report.findings)
        if rejected:
            parts.append(f"{rejected} rejected, counted only")
        self.count.setText(", ".join(parts) + ".")
        there = self.name.text().strip() != "" and self.path.exists()
        self.save_button.setText("Replace" if there else "Save")
        self.save_button.setToolTip(f"{self.path} is there, and is replaced" if there else "")
        busy, stem = self.worker.running, self.path.stem.strip(". ")
        wrong = self.calculators.wrong
        self.save_button.setEnabled(bool(stem) and not busy and not self.path.is_dir() and not wrong)
        self.preview.setEnabled(not busy and not wrong)

    def _open(self) -> None:
        if self._made is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._made)))

    def _ask_folder(self) -> None:
        if folder := QFileDialog.getExistingDirectory(self, "Folder of the report", self.folder.text()):
            self.folder.setText(folder)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Return in a field says that it is done, and saves nothing."""
        if event is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return
        super().keyPressEvent(event)


def _folder_of(session: Session) -> Path:
    return session.sidecar.parent if session.sidecar is not None else Path.home()
