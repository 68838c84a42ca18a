"""The slider *Prevalence* of the section *show*: in how many radiographs a nodule is seen where the person works."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QSlider, QWidget

from ..widgets.section import label
from .verdict import percent

STEPS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
"""Shares of radiographs with a nodule, from a screening clinic to a test set with as many with as without."""
_CAPTION, _MEANING = 128, 66
"""Widths of the texts in pixels: those of the thresholds."""


class PrevalenceSlider(QWidget):
    """A slider over `STEPS` in one line with its caption."""

    moved = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._caption, self._meaning = label(), label("", "faint")
        self._caption.setFixedWidth(_CAPTION)
        self._meaning.setFixedWidth(_MEANING)
        self._meaning.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, len(STEPS) - 1)
        self.slider.setPageStep(2)
        self.slider.setAccessibleName("Prevalence")
        self.slider.setToolTip(
            "In how many of 100 radiographs a nodule is seen where you work: screening under 1, a hospital about 10, "
            "a test set 50. The chance in the banner follows; what is suspected does not change."
        )
        self.slider.valueChanged.connect(lambda place: self.moved.emit(STEPS[place]))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._caption)
        row.addWidget(self.slider, 1)
        row.addWidget(self._meaning)

    def set_value(self, prevalence: float) -> None:
        """Show a prevalence (0–1) without reporting it back."""
        self._caption.setText(f"Prevalence {percent(prevalence)}")
        self._meaning.setText(f"1 in {1 / prevalence:.3g}")
        place = int(np.argmin(np.abs(np.log(np.array(STEPS) / prevalence))))
        if place != self.slider.value():
            blocked = self.slider.blockSignals(True)
            self.slider.setValue(place)
            self.slider.blockSignals(blocked)
