"""The row *Heat map* of the section *show*: off, or the evidence of one network."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ...layers import heat_map
from ...reviewed_images import ReviewedImage
from ..widgets.section import label

OFF = "off"
CAPTION = 66
"""Pixels of what stands before a box: the boxes of the section begin in line."""


class HeatMapRow(QWidget):
    """A box to choose from; hidden where no network at hand has evidence for such an image."""

    def __init__(self) -> None:
        super().__init__()
        self.device = lambda: "auto"
        """Tells where to compute."""
        self._heat: heat_map.HeatMapLayer | None = None
        self._allowed = True
        self.box = QComboBox()
        self.box.setToolTip(
            "Where on the radiograph a network saw evidence of a nodule, drawn under the boxes"
        )
        self.box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        # A long title must not make the dock wider than its window.
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.activated.connect(self._choose)
        self.state = label("", "faint", wrap=True)
        row = QHBoxLayout()
        caption = QLabel("Heat map")
        caption.setFixedWidth(CAPTION)
        row.addWidget(caption)
        row.addWidget(self.box, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.state)

    def set_reviewed(self, reviewed: ReviewedImage | None) -> None:
        """Offer what there is for the image."""
        self.release()
        image = reviewed.session.image if reviewed is not None else None
        offers = heat_map.choices(image) if image is not None else {}
        self.box.clear()
        self.box.addItem(OFF, None)
        for name, title in offers.items():
            self.box.addItem(title, name)
        self.allow(self._allowed)
        if reviewed is not None and reviewed.radiograph is not None:
            self._heat = reviewed.radiograph.heat
            self._heat.changed.connect(self._show)
            self._show()

    def allow(self, allowed: bool) -> None:
        """Offer what there is, or nothing while a reader must not see it."""
        self._allowed = allowed
        self.setVisible(allowed and self.box.count() > 1)

    def release(self) -> None:
        """Stop listening; no widget is touched."""
        heat, self._heat = self._heat, None
        if heat is not None:
            heat.changed.disconnect(self._show)

    def _choose(self, _index: int) -> None:
        if self._heat is not None:
            self._heat.show(self.box.currentData(), self.device())

    def _show(self) -> None:
        heat = self._heat
        if heat is None:
            return
        self.box.setCurrentIndex(max(self.box.findData(heat.name), 0))
        self.state.setText("computing …" if heat.busy else heat.problem)
        self.state.setVisible(bool(self.state.text()))
