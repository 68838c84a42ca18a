"""One map of a network as a small picture: grey levels, outlines, and the world point under the mouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QImage, QMouseEvent, QPainter, QPen, QPixmap
from qtpy.QtWidgets import QLabel

from ...layers.spheres.rows import ACCENT
from ...training.imaging.close_up import gray
from ...training.inference.inside.feature_maps import Extent, FeatureMap, MapGroup
from ..widgets.qt import sure

BESIDE = QColor(40, 60, 90)
"""What lies beside the map: no grey level."""


@dataclass(frozen=True, eq=False)
class Field:
    """A square of a map's plane: half of its side is `reach` world units, `center` in the middle.

    Pictures of one place have one field, whatever the size of their cells.
    """

    map: FeatureMap
    center: np.ndarray
    reach: float

    @classmethod
    def around(cls, one: FeatureMap, place: Sequence[float], reach: float) -> Field:
        """The part of a map around a place: of a volume the slice that lies nearest."""
        return cls(one.slice_at(place), np.asarray(place, float), reach)

    @classmethod
    def whole(cls, one: FeatureMap) -> Field:
        """All of a map, of a volume its middle slice."""
        center = one.to_world((np.array(one.values.shape) - 1) / 2)
        plane = one.slice_at(center)
        sides = np.array(plane.values.shape) * np.linalg.norm(plane.steps, axis=1)
        return cls(plane, center, float(sides.max()) / 2)

    def to_world(self, at: np.ndarray) -> np.ndarray:
        """World positions (…, n) of places (…, 2) in the square, from −1 (top, left) to 1."""
        return self.center + np.asarray(at, float) @ self._directions * self.reach

    def to_square(self, world: np.ndarray) -> np.ndarray:
        """Places (…, 2) in the square of world positions (…, n)."""
        return (np.asarray(world, float) - self.center) @ self._directions.T / self.reach

    def values(self, pixels: int) -> np.ndarray:
        """(pixels, pixels) float32 of the nearest cells; NaN beside the map."""
        along = (np.arange(pixels) + 0.5) / pixels * 2 - 1
        at = np.stack(np.meshgrid(along, along, indexing="ij"), -1)
        index = np.rint(self.map.to_index(self.to_world(at))).astype(int)
        shape = np.array(self.map.values.shape)
        inside = np.all((index >= 0) & (index < shape), axis=-1)
        index = np.clip(index, 0, shape - 1)
        return np.where(inside, self.map.values[index[..., 0], index[..., 1]], np.float32(np.nan))

    def range(self, group: MapGroup) -> tuple[float, float]:
        """Values that are black and white: the group's, or the least and the largest that are seen."""
        if group.limits is not None:
            return group.limits
        seen = self.values(64)
        seen = seen[np.isfinite(seen)]
        return (float(seen.min()), float(seen.max())) if seen.size else (0.0, 1.0)

    def crossed(self, extent: Extent) -> float:
        """How large the ball in a box is where the plane cuts it, as a part of its diameter; 0 where it does not."""
        low, high = np.asarray(extent, float)
        offset = (low + high) / 2 - self.center
        offset = offset - (offset @ self._directions.T) @ self._directions
        away = 2 * float(np.linalg.norm(offset)) / max(float((high - low).max()), 1e-6)
        return float(np.sqrt(max(1 - away**2, 0.0)))

    @property
    def _directions(self) -> np.ndarray:
        steps = np.asarray(self.map.steps, float)
        return steps / np.linalg.norm(steps, axis=1, keepdims=True)


class MapPicture(QLabel):
    """A square picture of a field; a click says which world point it shows."""

    clicked = Signal(object)
    """World position, a tuple."""

    def __init__(self, field: Field, limits: tuple[float, float], side: int) -> None:
        super().__init__()
        self.field = field
        self.limits = limits
        self._side = side
        self._proposals: Sequence[tuple[Extent, bool]] = ()
        self.setFixedSize(side, side)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._drawn = self._levels()
        self._render()

    def outline(self, proposals: Sequence[tuple[Extent, bool]]) -> None:
        """Draw proposals over the map, where they cross its plane, each with whether it is a strong line."""
        self._proposals = proposals
        self._render()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Tell which point of the world was clicked."""
        pressed = sure(event)
        if pressed.button() == Qt.MouseButton.LeftButton:
            at = np.array([pressed.position().y(), pressed.position().x()]) / self._side * 2 - 1
            self.clicked.emit(tuple(self.field.to_world(at).tolist()))

    def _levels(self) -> QImage:
        pixels = round(self._side * self.devicePixelRatioF())
        values = self.field.values(pixels)
        levels = np.repeat(gray(values, self.limits)[..., None], 3, axis=2)
        levels[~np.isfinite(values)] = BESIDE.getRgb()[:3]
        drawn = QImage(
            np.ascontiguousarray(levels).tobytes(), pixels, pixels, 3 * pixels, QImage.Format.Format_RGB888
        )
        drawn = drawn.copy()
        drawn.setDevicePixelRatio(self.devicePixelRatioF())
        return drawn

    def _render(self) -> None:
        picture = QPixmap.fromImage(self._drawn)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for extent in self.field.map.outlines:
            painter.setPen(_pen(True))
            painter.drawRect(self._box(extent))
        for extent, strong in self._proposals:
            painter.setPen(_pen(strong))
            if len(extent[0]) == 2:
                painter.drawRect(self._box(extent))
            elif (part := self.field.crossed(extent)) > 0:
                box, shrink = self._box(extent), 1 - part
                dx, dy = box.width() / 2 * shrink, box.height() / 2 * shrink
                painter.drawEllipse(box.adjusted(dx, dy, -dx, -dy))
        painter.end()
        self.setPixmap(picture)

    def _box(self, extent: Extent) -> QRectF:
        corners = (self.field.to_square(np.asarray(extent)) + 1) / 2 * self._side
        (y0, x0), (y1, x1) = corners.min(axis=0), corners.max(axis=0)
        return QRectF(QPointF(x0, y0), QPointF(x1, y1))


def _pen(strong: bool) -> QPen:
    color = QColor.fromRgbF(*ACCENT)
    if not strong:
        color.setAlphaF(0.6)
    return QPen(color, 1.6 if strong else 1.0, Qt.PenStyle.SolidLine if strong else Qt.PenStyle.DotLine)
