"""Buttons and speed of cine."""

from __future__ import annotations

from functools import partial

from qtpy.QtWidgets import QHBoxLayout, QSpinBox, QWidget

from ...canvas.cine import SPEEDS, Cine
from ...shortcuts import tooltip
from ..widgets.section import label, tool_button


class CineRow(QWidget):
    """Plays backwards, plays forwards, and how fast."""

    def __init__(self, cine: Cine, caption: int) -> None:
        super().__init__()
        self._cine = cine
        self.back = tool_button("◀", tooltip("cine back"), partial(cine.toggle, -1))
        self.forth = tool_button("▶", tooltip("cine"), partial(cine.toggle, 1))
        for button in (self.back, self.forth):
            button.setCheckable(True)
        self.speed = QSpinBox()
        self.speed.setRange(*SPEEDS)
        self.speed.setSuffix(" slices/s")
        self.speed.setKeyboardTracking(False)
        self.speed.setAccessibleName("Speed of cine")
        self.speed.setToolTip(f"{tooltip('cine slower')}\n{tooltip('cine faster')}")
        self.speed.valueChanged.connect(cine.set_speed)
        word = label("Cine")
        word.setFixedWidth(caption)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for widget in (word, self.back, self.forth, self.speed):
            row.addWidget(widget)
        row.addStretch(1)
        cine.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        self.back.setChecked(self._cine.direction < 0)
        self.forth.setChecked(self._cine.direction > 0)
        blocked = self.speed.blockSignals(True)
        self.speed.setValue(self._cine.speed)
        self.speed.blockSignals(blocked)
