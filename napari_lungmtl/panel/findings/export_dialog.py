"""*Export…*: which of the findings, in which format, and how many that are, before anything is written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from napari.utils.notifications import show_info
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QFileDialog, QVBoxLayout, QWidget

from ...session.session import Session
from ...training.error_boundary import as_sentences
from ...training.errors import LungmtlError
from ...training.export_options import ExportOptions
from ...training.findings import Findings
from ...training.findings.export import FILE_NAMES, chosen, export, tellable
from ...training.findings.held import loss_sentence
from ...training.inference.registry import characterisers
from ..widgets.form import Form
from ..widgets.qt import sure
from ..widgets.section import label, set_role


class ExportDialog(QDialog):
    """The form of `ExportOptions` for one session.

    Parameters
    ----------
    session
        Whose findings are written.
    parent
        The window that waits.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export findings")
        self._session = session
        self.form = Form(ExportOptions)
        self.form.container.changed.connect(self._show_count)
        self.message = label("", "faint", wrap=True)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        self.buttons.accepted.connect(self._ask_where)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (self.form.widget, self.message, self.buttons):
            layout.addWidget(widget)
        self.setMinimumWidth(340)
        self._show_count()

    @property
    def findings(self) -> Findings:
        """What would be written now."""
        return tellable(self._chosen, self.form.value.format)

    @property
    def _chosen(self) -> Findings:
        shown = {f.id for f in self._session.visible}
        return chosen(self._session.findings, self.form.value.which, lambda f: f.id in shown)

    def save(self, path: Path | str) -> None:
        """Write the file and close; where that fails, say why and stay."""
        findings = self.findings
        try:
            with as_sentences(path):
                said = export([findings], path, self.form.value.format, characterisers())
        except LungmtlError as error:
            set_role(self.message, "error")
            self.message.setText(str(error))
            return
        words = self.message.text().replace("will be", "were")
        show_info(" ".join([f"{Path(path).name}: {words}", *(f"{one}." for one in said)]))
        self.accept()

    def _ask_where(self) -> None:
        folder = self._session.sidecar.parent if self._session.sidecar is not None else Path.home()
        name = FILE_NAMES[self.form.value.format]
        path, _ = QFileDialog.getSaveFileName(self, "Export findings", str(folder / name))
        if path:
            self.save(path)

    def _show_count(self, _value: object = None) -> None:
        findings, shown = self.findings, {f.id for f in self._session.visible}
        status = Counter(f.status for f in findings)
        hidden = sum(f.id not in shown for f in findings)
        parts = [f"{counted(len(findings))} of {len(self._session.findings)} will be written"]
        parts += [f"{status[name]} of them {name}" for name in ("accepted", "rejected") if status[name]]
        parts += [f"{hidden} of them hidden by the thresholds"] if hidden else []
        left_out = len(self._chosen) - len(findings)
        if left_out:
            parts.append(
                f"{left_out} rejected left out, as {self.form.value.format.value} has no place for that"
            )
        set_role(self.message, "warning" if hidden or left_out or status["rejected"] else "faint")
        lost = loss_sentence([findings], self.form.value.format)
        self.message.setText(", ".join(parts) + "." + (f"\n{lost}." if lost else ""))
        sure(self.buttons.button(QDialogButtonBox.StandardButton.Save)).setEnabled(len(findings) > 0)


def counted(n: int) -> str:
    """``1 finding``, ``5 findings``."""
    return f"{n} finding" if n == 1 else f"{n} findings"
