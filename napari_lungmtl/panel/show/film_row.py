"""The row *Film* of the section *show*: turn, mirror and invert a radiograph, and how it is shown now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ...reviewed_images import ReviewedImage
from ...session.session import Session
from ...shortcuts import tooltip
from ...training.imaging.radiograph.orientation import AS_STORED, Orientation
from ..widgets.section import label, tool_button
from .heat_map_row import CAPTION

CHANGES: Mapping[str, Callable[[Orientation], Orientation]] = {
    "turn_left": lambda o: o.turned(1),
    "turn_right": lambda o: o.turned(-1),
    "mirror": Orientation.flipped,
    "invert": Orientation.negative,
}
"""What each action makes of how a radiograph is looked at."""
_FACES = {"turn_left": "⟲ 90°", "turn_right": "⟳ 90°", "mirror": "Mirror", "invert": "Invert"}


def change(session: Session | None, action: str) -> None:
    """Turn, mirror or invert the session's radiograph; nothing happens to a CT."""
    if session is not None and session.image is not None and session.image.ndim == 2:
        session.orient(CHANGES[action](session.orientation))


class FilmRow(QWidget):
    """Four buttons, and a line that says how the radiograph is turned; hidden for a CT."""

    def __init__(self) -> None:
        super().__init__()
        self._session: Session | None = None
        caption = QLabel("Film")
        caption.setFixedWidth(CAPTION)
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(caption)
        self.buttons = {
            action: tool_button(face, tooltip(action), partial(self._change, action))
            for action, face in _FACES.items()
        }
        for button in self.buttons.values():
            row.addWidget(button)
        row.addStretch(1)
        self.state = label("", "faint", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.state)

    def set_reviewed(self, reviewed: ReviewedImage | None) -> None:
        """Turn this image from now on."""
        self.release()
        flat = reviewed is not None and reviewed.radiograph is not None
        self.setVisible(flat)
        if reviewed is not None and flat:
            self._session = reviewed.session
            self._session.events.findings.connect(self._show)
        self._show()

    def _change(self, action: str) -> None:
        change(self._session, action)

    def release(self) -> None:
        """Stop listening; no widget is touched."""
        session, self._session = self._session, None
        if session is not None:
            session.events.findings.disconnect(self._show)

    def _show(self, _findings: object = None) -> None:
        orientation = self._session.orientation if self._session is not None else AS_STORED
        words = orientation.words
        self.state.setText(f"Shown {words}; files keep the film's own orientation." if words else "")
        self.state.setVisible(bool(words))
