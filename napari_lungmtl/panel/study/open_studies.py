"""The list of open images, where there are several: one is seen, the others wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from napari.layers import Layer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QWidget

from ...shortcuts import tooltip
from ..widgets.section import label, tool_button


class StudyList(QWidget):
    """A box that lists the open images and names the one on the canvas, its number, and arrows to the next.

    Parameters
    ----------
    choose
        Called with the layer that a person chose.
    step
        Called with 1 or -1.
    """

    def __init__(self, choose: Callable[[Layer], object], step: Callable[[int], object]) -> None:
        super().__init__()
        self._choose = choose
        self._layers: list[Layer] = []
        self._own_place = ""
        self.box = QComboBox()
        self.box.setAccessibleName("Open images")
        self.box.setToolTip("Open images; the canvas shows this one")
        self.box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMaxVisibleItems(30)
        self.box.activated.connect(self._on_activated)
        self.place = label("", "faint")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.box, 1)
        row.addWidget(self.place)
        row.addWidget(tool_button("‹", tooltip("previous study"), lambda: step(-1)))
        row.addWidget(tool_button("›", tooltip("next study"), lambda: step(1)))
        self.hide()

    def show_layers(self, listed: Sequence[tuple[Layer, str]], current: Layer | None) -> None:
        """List images by their words, and mark the current one; a single one needs no list."""
        self._layers = [layer for layer, _ in listed]
        texts = [words for _, words in listed]
        if texts != [self.box.itemText(n) for n in range(self.box.count())]:
            self.box.clear()
            self.box.addItems(texts)
        number = next((n for n, layer in enumerate(self._layers) if layer is current), -1)
        self.box.setCurrentIndex(number)
        self._own_place = f"{number + 1} of {len(texts)}"
        self.show_place(None)

    def show_place(self, place: tuple[int, int] | None) -> None:
        """Say where in a folder's list the case stands, which then names it; None lists the open images again."""
        self.box.setVisible(place is None)
        self.place.setText(self._own_place if place is None else f"case {place[0]} of {place[1]}")
        self.setVisible(place is not None or len(self._layers) > 1)

    def _on_activated(self, number: int) -> None:
        self._choose(self._layers[number])
