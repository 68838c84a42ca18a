"""The row *Slab* of the section *show*, and the button of the linked views: both hidden where there is no volume."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

from ...shortcuts import tooltip
from ...training.imaging.slab import KINDS, LEAST, MOST, Slab
from ...views.linked import LinkedViews
from ..widgets.section import label
from .heat_map_row import CAPTION

_OFF = "Slices"
_TIPS = {
    _OFF: "One slice at a time",
    "MIP": "Brightest value of the slab: vessels and small nodules",
    "mean": "Mean of the slab: less noise",
    "minIP": "Darkest value of the slab: airways, emphysema",
}


class SlabRow(QWidget):
    """Kind and thickness of the slab, live.

    Parameters
    ----------
    views
        What shows it.
    """

    def __init__(self, views: LinkedViews) -> None:
        super().__init__()
        self._views = views
        self.kind = QComboBox()
        self.kind.addItems([_OFF, *KINDS])
        for row, tip in enumerate(_TIPS.values()):
            self.kind.setItemData(row, tip, Qt.ItemDataRole.ToolTipRole)
        self.kind.setToolTip(tooltip("slab"))
        self.kind.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.kind.activated.connect(self._choose)
        self.thickness = QSlider(Qt.Orientation.Horizontal)
        self.thickness.setRange(round(LEAST), round(MOST))
        self.thickness.setPageStep(5)
        self.thickness.setToolTip(f"{tooltip('thinner')}\n{tooltip('thicker')}")
        self.thickness.setAccessibleName("Thickness of the slab")
        self.thickness.valueChanged.connect(self._move)
        kept = self.thickness.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.thickness.setSizePolicy(kept)
        self.words = label()
        self.words.setFixedWidth(self.words.fontMetrics().horizontalAdvance("00 mm") + 6)
        caption = QLabel("Slab")
        caption.setFixedWidth(CAPTION)
        row_ = QHBoxLayout(self)
        row_.setContentsMargins(0, 0, 0, 0)
        row_.addWidget(caption)
        row_.addWidget(self.kind)
        row_.addWidget(self.thickness, 1)
        row_.addWidget(self.words)
        views.changed.connect(self._show)
        self._show()

    def _choose(self, row: int) -> None:
        self._views.show_slab(Slab("" if row == 0 else list(KINDS)[row - 1], self._views.slab.thickness))

    def _move(self, thickness: int) -> None:
        self._views.show_slab(Slab(self._views.slab.kind, thickness))

    def _show(self) -> None:
        slab = self._views.slab
        self.setVisible(self._views.has_planes)
        self.kind.setCurrentText(slab.kind or _OFF)
        self.thickness.setVisible(bool(slab.kind))
        self.words.setVisible(bool(slab.kind))
        self.words.setText(f"{slab.thickness:g} mm")
        was = self.thickness.blockSignals(True)
        self.thickness.setValue(round(slab.thickness))
        self.thickness.blockSignals(was)


class LinkedButton(QToolButton):
    """Shows all three planes, or one.

    Parameters
    ----------
    views
        What shows them.
    """

    def __init__(self, views: LinkedViews) -> None:
        super().__init__()
        self._views = views
        self.setText("all")
        self.setCheckable(True)
        self.setToolTip(tooltip("linked views"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(views.link)
        views.changed.connect(self._show)

    def _show(self) -> None:
        self.setChecked(self._views.on)
