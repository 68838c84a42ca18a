"""The picture of the prior study: the plane that the canvas shows of the present one, as large, and with its own marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from qtpy.QtCore import Signal
from qtpy.QtGui import QPainter

from ..canvas import words
from ..canvas.blocks import write
from ..text.cases import case_name, elide, study_date
from ..views.painting import SLAB_GROUND, SLAB_LETTERS
from ..views.pane import ViewPane
from ..views.scene import Scene

_LINE = 30


class PriorPane(ViewPane):
    """Shows one plane of a CT at a scale and round a middle that are given; which plane can change."""

    placed = Signal(object)
    """World point (z, y, x) of the prior study that a person pressed on."""

    def __init__(self) -> None:
        super().__init__("axial")
        self.linked = ""
        """How its slices are linked, in words."""
        self._middle: Sequence[float] = (0.0, 0.0, 0.0)
        self._mm = 1.0
        self._names_nobody = False
        self.setAccessibleName("prior study")
        self.moved.connect(self._place_of)

    def hold(self, plane: str, middle: Sequence[float], mm: float) -> None:
        """Show a plane, a world point (z, y, x) of the prior in its middle, at so many millimetres a pixel."""
        self.plane, self._middle, self._mm = plane, tuple(middle), mm
        self.update()

    @contextmanager
    def naming_nobody(self) -> Iterator[None]:
        """For as long as a picture is taken that must not tell whose it is."""
        self._names_nobody = True
        try:
            yield
        finally:
            self._names_nobody = False

    def _follow(self, scene: Scene) -> None:
        super()._follow(scene)
        down, right = (float(self._middle[axis]) for axis in self.frame.order[1:])
        self.frame = replace(self.frame, center=(down, right), mm=self._mm)

    def _place_of(self, place: dict[int, float]) -> None:
        if self.scene is not None:
            self.placed.emit(tuple(place.get(axis, self.scene.point[axis]) for axis in range(3)))

    def _write(self, painter: QPainter, scene: Scene) -> None:
        super()._write(painter, scene)
        wide, high = float(self.width()), float(self.height())
        axis = self.frame.order[0]
        name = () if self._names_nobody else (elide(case_name(scene.image), _LINE), study_date(scene.image))
        text = "\n".join(("Prior study", *filter(None, (*name, self.linked))))
        write(painter, text, wide, high, 1.0, 0.0)
        low, top = scene.image.extent
        if not low[axis] <= scene.point[axis] <= top[axis]:
            beyond = words.where(scene.image, axis, scene.point[axis]).partition(" · ")[0]
            write(painter, beyond, wide, high, 0.5, 0.9, SLAB_LETTERS, SLAB_GROUND)
