"""The row *Marks* of the section *show*: what is drawn of spheres beside their rings and captions."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QWidget

from ...reviewed_images import ReviewedImage
from ...shortcuts import tooltip
from ..preferences import Preferences
from .heat_map_row import CAPTION

_FACES = {"fill": "Fill", "attributes": "Attribute table"}


class MarksRow(QWidget):
    """A box for each switch; hidden for a radiograph, which has no spheres."""

    def __init__(self, preferences: Preferences) -> None:
        super().__init__()
        self._preferences = preferences
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        caption = QLabel("Marks")
        caption.setFixedWidth(CAPTION)
        row.addWidget(caption)
        self.boxes: dict[str, QCheckBox] = {}
        for name, face in _FACES.items():
            self.boxes[name] = box = QCheckBox(face)
            box.setToolTip(tooltip(name))
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            box.setChecked(preferences[name])
            box.clicked.connect(partial(preferences.switch, name))
            row.addWidget(box)
            row.addSpacing(8)
        row.addStretch(1)

    def set_reviewed(self, reviewed: ReviewedImage | None) -> None:
        """Stand beside another image."""
        self.setVisible(reviewed is not None and reviewed.radiograph is None)
        self._preferences.events.changed.connect(self._show, unique=True)
        for name in self.boxes:
            self._show(name, self._preferences[name])

    def release(self) -> None:
        """Stop listening; no widget is touched."""
        self._preferences.events.changed.disconnect(self._show, missing_ok=True)

    def _show(self, name: str, on: bool) -> None:
        self.boxes[name].setChecked(on)
