"""The dock's last line: what is saved, who found it, and that this is for research; and the list of keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from napari.utils.notifications import show_warning
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from ..reviewed_images import ReviewedImage
from ..shortcuts import KEYS, tooltip
from ..training.findings.models import PRECISION, USUAL
from .widgets.section import Section, eliding, label, set_role, tool_button


class _FromAnyThread(QObject):
    """Autosave reports from its own thread; Qt's signals carry it to the window's."""

    saved = Signal(object)
    problem = Signal(str)


class Footer(Section):
    """``saved 12:04 · ag3d 0.1 · research use only``, a problem that saving has, and the keys behind ``?``."""

    unfolded = Signal()

    def __init__(self) -> None:
        super().__init__("")
        self._title.hide()
        self.summary.hide()
        self._bridge = _FromAnyThread(self)
        self._bridge.saved.connect(self._on_saved)
        self._bridge.problem.connect(self._show_problem)
        self.problem = label("", "error", wrap=True)
        self.problem.hide()
        self.line = eliding("faint")
        self._keys: QWidget | None = None  # made for who asks
        row = QHBoxLayout()
        row.addWidget(self.line, 1)
        row.addWidget(tool_button(" ? ", tooltip("help"), self.toggle_keys))
        self.body.addWidget(self.problem)
        self.body.addLayout(row)

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Show when the image's findings were saved and by which model its findings are."""
        self.problem.hide()
        if reviewed is not None:
            reviewed.session.take_in()
            self.listen(reviewed.session.events.saved, self._bridge.saved.emit)
            self.listen(reviewed.session.events.problem, self._bridge.problem.emit)
            self.listen(reviewed.session.events.findings, self._show_line)
        self._show_line()

    def toggle_keys(self) -> None:
        """Show or hide the list of keys."""
        if self._keys is None:
            self._keys = key_list()
            self._keys.hide()
            self.body.insertWidget(1, self._keys)
        self._keys.setVisible(self._keys.isHidden())
        if self._keys.isVisible():
            self.unfolded.emit()

    def _on_saved(self, _at: object) -> None:
        """Others may have saved as well: what they did is then in the file, and shown from now on."""
        if self.reviewed is not None:
            self.reviewed.session.take_in()
        self._show_line()

    def _show_line(self, _value: object = None) -> None:
        session = self.reviewed.session if self.reviewed is not None else None
        saved = session.saved_at if session is not None else None
        parts = [f"saved {saved:%H:%M}" if isinstance(saved, datetime) else "nothing to save"]
        known = session.findings.models if session is not None else ()
        models = [_words_of(model) for model in known]
        parts += models if len(models) < 2 else [f"{len(models)} models"]  # more do not fit into the line
        self.line.setText(" · ".join([*parts, "research use only"]))
        where = session.sidecar if session is not None else None
        self.line.setToolTip("\n".join([self.line.text(), *models, *([str(where)] if where else [])]))

    def _show_problem(self, text: str) -> None:
        set_role(self.problem, "error")
        self.problem.setText(text)
        self.problem.show()
        show_warning(text)


def _words_of(model: Mapping[str, Any]) -> str:
    """Name and version of a model, and its precision where it is not the usual one."""
    parts = [str(model.get(key, "")) for key in ("name", "version")]
    precision = str(model.get(PRECISION, USUAL))
    return " ".join(filter(None, [*parts, "" if precision == USUAL else f"({precision})"]))


def key_list() -> QWidget:
    """Every key and what it does, from the table of keys."""
    widget = QWidget()
    grid = QGridLayout(widget)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(2)
    for row, key in enumerate(KEYS):
        top = Qt.AlignmentFlag.AlignTop
        grid.addWidget(label(key.text, "name"), row, 0, top)
        grid.addWidget(label(key.description, "faint", wrap=True), row, 1, top)
    grid.setColumnStretch(1, 1)
    return widget
