"""Small multiples of a network's maps: each group behind its title, one look for all networks."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from ...training.inference.inside.feature_maps import Extent, Inside, MapGroup
from ..widgets.fold_out import FoldOut
from ..widgets.section import eliding, label
from .picture import Field, MapPicture

WIDTH = 344
"""Logical pixels of a row of pictures."""
GAP = 4
OPEN = 3
"""So many groups are open at first; the deeper ones are a click away."""


class MapGroups(QWidget):
    """All maps of one place, group by group."""

    clicked = Signal(object)
    """World position under a click."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[MapPicture] = []
        self.folds: list[FoldOut] = []
        self._open: dict[str, bool] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(3)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def clear(self) -> None:
        """Show nothing."""
        self.pictures, self.folds = [], []
        while self._column.count():
            item = self._column.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def show_inside(self, inside: Inside, reach: float | None) -> None:
        """Show maps within `reach` world units of the place; None shows all of them."""
        self.clear()
        for number, group in enumerate(inside.groups):
            fold = FoldOut(group.title)
            fold.button.setChecked(self._open.get(group.title, number < OPEN))
            fold.toggled.connect(lambda shown, title=group.title: self._open.__setitem__(title, shown))
            fold.body.addWidget(self._explained(group))
            fold.body.addLayout(self._grid(group, inside, reach))
            self.folds.append(fold)
            self._column.addWidget(fold)

    def outline(self, outlines: Sequence[tuple[Extent, bool]], selected: Extent) -> None:
        """Draw proposals on the network's input, and what is looked at on every map of the place."""
        own = [(selected, True)]
        for picture in self.pictures:
            is_input = picture.property("input")
            picture.outline([*(outlines if is_input else ()), *(() if picture.property("whole") else own)])

    def _explained(self, group: MapGroup) -> QWidget:
        words = [group.note] if group.note else []
        if group.limits is not None:
            low, high = (f"{v:.4g}".replace("-", "−") for v in group.limits)
            words.append(f"Black {low}, white {high} {group.unit}".strip() + ".")
        else:
            words.append("Black and white: the values below each.")
        return label(" ".join(words), "faint", wrap=True)

    def _grid(self, group: MapGroup, inside: Inside, reach: float | None) -> QGridLayout:
        columns = 4 if len(group.maps) == 4 else 3
        side = (WIDTH - (columns - 1) * GAP) // columns
        grid = QGridLayout()
        grid.setHorizontalSpacing(GAP)
        grid.setVerticalSpacing(1)
        for number, one in enumerate(group.maps):
            whole = group.whole or reach is None
            field = Field.whole(one) if whole else Field.around(one, inside.place, reach or 1.0)
            picture = MapPicture(field, field.range(group), side)
            picture.setProperty("input", group is inside.groups[0])
            picture.setProperty("whole", group.whole)
            picture.setToolTip(f"{one.name}. A click moves the view there.")
            picture.clicked.connect(self.clicked)
            self.pictures.append(picture)
            row, column = 4 * (number // columns), number % columns
            grid.addWidget(picture, row, column)
            own = [] if group.limits is not None else [_range(picture.limits)]
            for below, text in enumerate((*short(one.name).split(" · "), *own)):
                words = eliding("faint")
                words.setText(text)
                words.setToolTip(one.name)
                words.setAlignment(Qt.AlignmentFlag.AlignCenter)
                words.setFixedWidth(side)
                grid.addWidget(words, row + 1 + below, column)
        grid.setColumnStretch(columns, 1)
        return grid


def short(name: str) -> str:
    """A map's name in the width of its picture: ``ax–cor +45°`` for ``axial–coronal +45°``."""
    if "–" not in name:
        return name
    return name.replace("axial", "ax").replace("coronal", "cor").replace("sagittal", "sag")


def _range(limits: tuple[float, float]) -> str:
    return "–".join(f"{v:.2g}" for v in limits)
