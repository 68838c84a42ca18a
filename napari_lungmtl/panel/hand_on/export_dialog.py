"""*Export…*: which of the findings, in which format and where; what that loses is said before anything is written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from psygnal import SignalInstance
from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QDesktopServices, QStandardItemModel
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

from ...jobs.worker import Worker
from ...session.changes import counted
from ...session.session import Session
from ...text.cases import case_name
from ...training.export_options import ExportOptions, Format
from ...training.findings import Findings
from ...training.findings.deidentify import Deidentifier
from ...training.findings.export import (
    FILE_NAMES,
    IN_DICOM,
    chosen,
    holdable,
    left_out_words,
    other_kinds,
    tellable,
)
from ...training.findings.hand_on import Handed, hand_on
from ...training.findings.held import loss_sentence
from ...training.inference.registry import characterisers
from ..widgets.form import Form
from ..widgets.section import eliding, label, set_role, tool_button


class ExportDialog(QDialog):
    """The form of `ExportOptions` for one session, and where the file goes; it is written in the background.

    Parameters
    ----------
    session
        Whose findings are written.
    parent
        Beside which it opens.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export findings")
        self._session = session
        self.worker = Worker("The export stopped", self)
        self.attached: tuple[Path, ...] = ()
        self._made: Path | None = None  # what was just written, and its name is still asked for
        self.form = Form(ExportOptions)
        self.hidden = QCheckBox("without names, dates, notes and paths")
        self.hidden.setToolTip("Identifiers are hashed: the same within one file, and nobody can guess back")
        self.folder, self.name = QLineEdit(str(_folder_of(session))), QLineEdit()
        self.choose = tool_button("Choose…", "Choose the folder", self._ask_folder)
        self.attach = tool_button(
            "Add…", "PDFs, pictures, heat-map volumes: written beside as DICOM of the study", self._ask_files
        )
        self.attachments = eliding("faint")
        self.count, self.lost = label("", "faint", wrap=True), label("", "faint", wrap=True)
        self.told = label("", wrap=True)
        self.show_folder = tool_button("Show folder", "Open the folder of the file", self._show_folder)
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.write = QPushButton("Export")
        self.write.setObjectName("primary")
        self.write.setDefault(True)
        self.shut = QPushButton("Close")
        self.shut.setAutoDefault(False)
        self._lay_out()
        self._name_file()
        self._grey_out()
        self.form.container.changed.connect(self._on_form)
        for edit in (self.folder, self.name):
            edit.textChanged.connect(self._show_state)
        self.hidden.toggled.connect(self._show_state)
        self.write.clicked.connect(self.save)
        self.shut.clicked.connect(self.close)
        self.worker.progressed.connect(lambda words: self._tell(f"{words}…", "faint"))
        self.worker.finished.connect(self._on_written)
        self.worker.failed.connect(self._on_failed)
        self._signals: tuple[SignalInstance, ...] = (session.events.findings, session.events.thresholds)
        for signal in self._signals:
            signal.connect(self._show_state)
        self._show_state()

    def _lay_out(self) -> None:
        image = self._session.image
        title = label(case_name(image) if image is not None else "", "name", wrap=True)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        for words, part in (("Findings", "which"), ("Format", "format")):
            form.addRow(words, self._combo(part))
        form.addRow("De-identify", self.hidden)
        form.addRow("Folder", _row(self.folder, self.choose))
        form.addRow("File", self.name)
        form.addRow("With it", _row(self.attachments, self.attach))
        buttons = QHBoxLayout()
        buttons.addWidget(self.show_folder)
        buttons.addStretch(1)
        buttons.addWidget(self.write)
        buttons.addWidget(self.shut)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addWidget(title)
        column.addLayout(form)
        for widget in (self.count, self.lost, self.bar, self.told):
            column.addWidget(widget)
        column.addStretch(1)
        column.addLayout(buttons)
        self.bar.hide()
        self.show_folder.hide()
        self.resize(520, 430)

    def _combo(self, part: str) -> QComboBox:
        combo = self.form.container[part].native
        assert isinstance(combo, QComboBox)
        return combo

    @property
    def findings(self) -> Findings:
        """What is handed to the writer, which leaves out what has no place in the format."""
        return tellable(self._chosen, self.form.value.format)

    @property
    def _chosen(self) -> Findings:
        shown = {f.id for f in self._session.visible}
        return chosen(self._session.findings, self.form.value.which, lambda f: f.id in shown)

    @property
    def path(self) -> Path:
        """Where it goes: a name in the folder, whatever was typed."""
        return Path(self.folder.text()).expanduser() / Path(self.name.text().strip().replace("\\", "/")).name

    def save(self) -> None:
        """Write the file in the background, from the findings as they are now."""
        if self.worker.running or not self.write.isEnabled():
            return
        findings, path, format = self.findings, self.path, self.form.value.format
        hide = Deidentifier() if self.hidden.isChecked() else None
        attach = self.attached if format in IN_DICOM else ()
        self.bar.show()
        self.show_folder.hide()
        self._tell("writing…", "faint")
        self.worker.start(
            lambda: hand_on([findings], path, format, hide, attach, characterisers()), str(path)
        )
        self._show_state()

    def done(self, result: int) -> None:
        """Closed: what is being written is finished or not there at all."""
        self.worker.abandon()
        for signal in self._signals:
            signal.disconnect(self._show_state)
        self._signals = ()
        super().done(result)

    # ---- what the worker says

    def _on_written(self, handed: Handed) -> None:
        self.bar.hide()
        self.show_folder.show()
        self._made = handed.path
        more = [f"{one[:1].upper()}{one[1:]}." for one in handed.said]
        more += [f"{file.name} is in {made.name}." for file, made in handed.attached]
        more += [f"⚠ {one[:1].upper()}{one[1:]}." for one in handed.look_at]
        words = " ".join([f"{counted(handed.count)} written to {handed.path}.", *more])
        self._tell(words, "warning" if handed.look_at else "accepted")
        self._show_state()

    def _on_failed(self, words: str) -> None:
        self.bar.hide()
        self._tell(words, "error")
        self._show_state()

    def _tell(self, words: str, role: str) -> None:
        set_role(self.told, role)
        self.told.setText(words)

    # ---- what is shown

    def _on_form(self, _value: object = None) -> None:
        self._name_file()
        self._show_state()

    def _name_file(self) -> None:
        """The usual name of the format, unless a person has given another."""
        if not self.name.text() or self.name.text() in FILE_NAMES.values():
            self.name.setText(FILE_NAMES[self.form.value.format])

    def _grey_out(self) -> None:
        """Formats that hold nothing of this image cannot be chosen, and say why."""
        combo = self._combo("format")
        model, image = combo.model(), self._session.image
        assert isinstance(model, QStandardItemModel)
        for row, format in enumerate(Format):
            why = ""
            if image is not None and (kinds := other_kinds(image.shape, format)):
                why = f"Holds {kinds} only"
            elif format in IN_DICOM and (image is None or not image.is_dicom):
                why = "Refers to the slices of a DICOM series, and this image is none"
            item = model.item(row)
            if item is not None and why:
                item.setEnabled(False)
                item.setToolTip(why)

    def _show_state(self, _value: object = None) -> None:
        format, findings = self.form.value.format, self.findings
        self._show_count(findings, format)
        self.lost.setText(f"{lost}." if (lost := loss_sentence([findings], format)) else "")
        self.lost.setVisible(bool(lost))
        self.attach.setEnabled(format in IN_DICOM)
        names = ", ".join(file.name for file in self.attached) if format in IN_DICOM else ""
        self.attachments.setText(names or ("nothing" if format in IN_DICOM else "goes with DICOM formats"))
        there = self.name.text().strip() != "" and self.path.exists()
        self.write.setText("Replace" if there else "Export")
        self.write.setToolTip(f"{self.path} is there, and is replaced" if there else "")
        ready = bool(len(findings) and self.name.text().strip() and not self.worker.running)
        self.write.setEnabled(ready and not self.path.is_dir())

    def _show_count(self, told: Findings, format: Format) -> None:
        findings = holdable(told, format)
        shown = {f.id for f in self._session.visible}
        status = Counter(f.status for f in findings)
        hidden = sum(f.id not in shown for f in findings)
        parts = [f"{counted(len(findings))} of {len(self._session.findings)} will be written"]
        parts += [f"{status[name]} of them {name}" for name in ("accepted", "rejected") if status[name]]
        parts += [f"{hidden} of them hidden by the thresholds"] if hidden else []
        parts += [left_out] if (left_out := left_out_words([self._chosen], format)) else []
        set_role(self.count, "warning" if hidden or left_out or status["rejected"] else "faint")
        self.count.setText(", ".join(parts) + ".")

    # ---- what is asked

    def _ask_folder(self) -> None:
        if folder := QFileDialog.getExistingDirectory(self, "Folder of the export", self.folder.text()):
            self.folder.setText(folder)

    def _ask_files(self) -> None:
        kinds = (
            "Reports, pictures, heat maps (*.pdf *.png *.jpg *.jpeg *.bmp *.tif *.nii *.nii.gz *.nrrd *.mha)"
        )
        files, _ = QFileDialog.getOpenFileNames(self, "What goes with it", self.folder.text(), kinds)
        self.attached = tuple(map(Path, files))
        self._show_state()

    def _show_folder(self) -> None:
        if self._made is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._made.parent)))


def _folder_of(session: Session) -> Path:
    return session.sidecar.parent if session.sidecar is not None else Path.home()


def _row(wide: QWidget, button: QWidget) -> QWidget:
    widget = QWidget()
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(wide, 1)
    row.addWidget(button, 0, Qt.AlignmentFlag.AlignRight)
    return widget
