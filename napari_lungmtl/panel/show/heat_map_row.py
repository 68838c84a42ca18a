"""The row *Heat map* of the section *show*: off, or the evidence of one network."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ...layers import heat_map
from ...reviewed_images import Study
from ..section import label

OFF = "off"


class HeatMapRow(QWidget):
    """A box to choose from; hidden where no network at hand has evidence for such an image."""

    def __init__(self) -> None:
        super().__init__()
        self.device = lambda: "auto"
        """Tells where to compute."""
        self._heat: heat_map.HeatMapLayer | None = None
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
        row.addWidget(QLabel("Heat map"))
        row.addWidget(self.box, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.state)

    def set_study(self, study: Study | None) -> None:
        """Offer what there is for the study's image."""
        self.release()
        image = study.session.image if study is not None else None
        offers = heat_map.choices(image) if image is not None else {}
        self.box.clear()
        self.box.addItem(OFF, None)
        for name, title in offers.items():
            self.box.addItem(title, name)
        self.setVisible(bool(offers))
        if study is not None and study.radiograph is not None:
            self._heat = study.radiograph.heat
            self._heat.changed.connect(self._show)
            self._show()

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
