"""Close-ups of one finding: three planes through its centre at true millimetres, with outline, scale bar and orientation.

They are cut from the image itself and not from the canvas, so they show what the networks read, whatever the window's
zoom and plane. One on a radiograph.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from qtpy.QtCore import QPoint, QPointF, QRectF, Qt
from qtpy.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QResizeEvent,
)
from qtpy.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget
from scipy import ndimage

from ...layers.spheres.rows import ACCENT
from ...training.findings import Box, Finding, Mask, Sphere
from ...training.imaging.close_up import PLANES, Plane, bar_length, cut, field_of_view, flat, gray
from ...training.imaging.image import Image
from ...training.imaging.radiograph.orientation import AS_STORED, Orientation
from ..widgets.qt import sure
from ..widgets.section import label

SIDES = (112, 150, 200)
"""Sides (logical pixels) of a close-up; the widest that fits the dock thrice is taken, 112 at 380 pixels."""
_GAP = 4
_OUTLINE = QColor.fromRgbF(*ACCENT)  # as the selected sphere in the image
_HEAT, _HEAT_ALPHA = (255, 120, 20), 190
"""Colour of a map over a close-up, and its opacity where the map is highest."""


class CloseUps(QWidget):
    """The close-ups in a row, each under the name of its plane."""

    def __init__(self) -> None:
        super().__init__()
        self._image: Image | None = None
        self._finding: Finding | None = None
        self._limits = (0.0, 1.0)
        self._orientation = AS_STORED
        self._side = SIDES[0]
        self._cuts: list[np.ndarray] = []
        self._drawn: tuple[object, ...] = ()
        self.heat: Image | None = None
        self.pictures = tuple(QLabel() for _ in PLANES)
        self._names = tuple(label(plane.name, "faint") for plane in PLANES)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(_GAP)
        grid.setVerticalSpacing(1)
        for column, (name, picture) in enumerate(zip(self._names, self.pictures, strict=True)):
            name.setAlignment(Qt.AlignmentFlag.AlignCenter)
            grid.addWidget(name, 0, column)
            grid.addWidget(picture, 1, column)
        self.words = label(wrap=True)  # by the closeup there may be less room than a line needs
        """What stands beside the only picture of a radiograph's finding."""
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.words.setContentsMargins(6, 0, 0, 0)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.words.hide()
        grid.addWidget(self.words, 1, 1, 1, len(PLANES))
        grid.setColumnStretch(len(PLANES), 1)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_finding(
        self,
        image: Image,
        finding: Finding,
        limits: tuple[float, float],
        orientation: Orientation = AS_STORED,
    ) -> None:
        """Cut and draw the planes through a finding; its centre has as many coordinates as the image axes.

        A radiograph is held and inverted as `orientation` says.
        """
        self._image, self._finding, self._limits, self._orientation = image, finding, limits, orientation
        self._render()

    def set_limits(self, limits: tuple[float, float]) -> None:
        """Show other grey levels (low, high) of the same planes."""
        self._limits = limits
        self._render()

    def show_heat(self, heat: Image | None) -> None:
        """Lay a map (0–1) over the planes, or none."""
        if heat is not self.heat:
            self.heat = heat
            self._render()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Take the widest size that fits."""
        super().resizeEvent(event)
        # Growing needs room to spare: a scroll bar that comes with the taller picture must not make it shrink again.
        width = sure(event).size().width()
        fits = [s for s in SIDES if 3 * s + 2 * _GAP + (20 if s > self._side else 0) <= width]
        side = max(fits, default=SIDES[0])
        if side != self._side:
            self._side = side
            self._render()

    def _render(self) -> None:
        image, finding = self._image, self._finding
        if image is None or finding is None:
            return
        planes = PLANES if image.ndim == 3 else (flat(self._orientation),)
        side = self._side if image.ndim == 3 else self._side * 3 // 2
        ratio = self.devicePixelRatioF()
        pixels = round(side * ratio)
        field = field_of_view(image, finding.diameter)
        wanted = (image, finding.geometry, pixels, self._orientation)
        if wanted != self._drawn:  # else only the window changed
            self._cuts = [cut(image, finding.center, plane, field, pixels) for plane in planes]
            self._drawn = wanted
        for shown, (picture, name) in enumerate(zip(self.pictures, self._names, strict=True)):
            picture.setVisible(shown < len(planes))
            name.setVisible(shown < len(planes) and bool(planes[shown].name))
        self.words.setVisible(image.ndim == 2)
        for picture, plane, values in zip(self.pictures, planes, self._cuts, strict=False):
            levels = gray(values, self._limits)
            if self._orientation.inverted:
                levels = np.where(np.isnan(values), 0, 255 - levels).astype(np.uint8)
            drawn = QImage(levels.tobytes(), pixels, pixels, pixels, QImage.Format.Format_Grayscale8).copy()
            drawn = drawn.convertToFormat(QImage.Format.Format_RGB32)
            if self.heat is not None and image.ndim == 3:
                heat = cut(self.heat, finding.center, plane, field, pixels)
                _lay_over(drawn, np.where(np.isnan(values), 0, heat))  # beyond the scan there is none
            drawn.setDevicePixelRatio(ratio)
            font = QFont(self.font())
            font.setPixelSize(self.fontInfo().pixelSize())
            _annotate(drawn, plane, finding, image, field, side, font)
            picture.setPixmap(QPixmap.fromImage(drawn))
            picture.setFixedSize(side, side)
            picture.setToolTip(f"{plane.name}: {plane.meaning}" if plane.meaning else "")


def _lay_over(picture: QImage, heat: np.ndarray) -> None:
    """Lay a map (pixels, pixels) of 0–1 over a picture: the higher, the more of a warm colour."""
    alpha = (np.clip(np.nan_to_num(heat), 0, 1) * _HEAT_ALPHA).astype(np.uint32)
    red, green, blue = (alpha * c // 255 for c in _HEAT)
    layer = np.ascontiguousarray((alpha << 24) | (red << 16) | (green << 8) | blue)
    side = len(layer)
    painter = QPainter(picture)
    shown = QImage(layer.tobytes(), side, side, 4 * side, QImage.Format.Format_ARGB32_Premultiplied)
    painter.drawImage(0, 0, shown)
    painter.end()


def _annotate(
    picture: QImage, plane: Plane, finding: Finding, image: Image, field: float, side: int, font: QFont
) -> None:
    """Draw outline, letters and scale bar; `side` is in the painter's (logical) pixels."""
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    _outline(painter, plane, finding, field, side)
    text = QFontMetricsF(font)
    if plane.left:
        _write(painter, 3, side / 2 + text.capHeight() / 2, plane.left)
        _write(painter, (side - text.horizontalAdvance(plane.top)) / 2, 3 + text.capHeight(), plane.top)
    length = bar_length(field)
    units = "px" if image.spacing is None else "mm"
    end, base = 5 + length * side / field, side - 6
    bar = QPainterPath(QPointF(5, base - 3))
    for x, y in ((5, base), (end, base), (end, base - 3)):
        bar.lineTo(x, y)
    for color, width in ((Qt.GlobalColor.black, 3.0), (Qt.GlobalColor.white, 1.2)):
        painter.strokePath(bar, QPen(color, width))
    _write(painter, end + 4, base + 1, f"{length} {units}")
    painter.end()


def _outline(painter: QPainter, plane: Plane, finding: Finding, field: float, side: int) -> None:
    """The circle, rectangle or rim of the finding."""
    scale = side / field
    geometry, middle = finding.geometry, QPointF(side / 2, side / 2)
    painter.setPen(QPen(_OUTLINE, 1.4))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if isinstance(geometry, Sphere):
        painter.drawEllipse(middle, geometry.diameter / 2 * scale, geometry.diameter / 2 * scale)
    elif isinstance(geometry, Box):
        sides = np.subtract(geometry.high, geometry.low) * scale
        height, width = float(sides[plane.down[0]]), float(sides[plane.right[0]])
        painter.drawRect(QRectF(middle.x() - width / 2, middle.y() - height / 2, width, height))
    elif isinstance(geometry, Mask):
        grid = Image(geometry.to_array().astype(np.uint8), "", geometry.spacing, geometry.origin)
        inside = cut(grid, geometry.center, plane, field, side, order=0) > 0.5
        for y, x in np.argwhere(inside & ~ndimage.binary_erosion(inside)):
            painter.fillRect(int(x), int(y), 1, 1, _OUTLINE)


def _write(painter: QPainter, x: float, baseline: float, text: str) -> None:
    """White text with a dark rim: legible over air and over bone."""
    letters, left, top = _letters(text, painter.font().toString(), sure(painter.device()).devicePixelRatioF())
    painter.drawImage(QPoint(round(x + left), round(baseline + top)), letters)


@lru_cache(maxsize=128)
def _letters(text: str, font: str, ratio: float) -> tuple[QImage, float, float]:
    """Letters with their rim, and where their picture begins from the start of the line that they stand on.

    Tracing the outlines of letters took most of a close-up's time, and there are few words.
    """
    look = QFont()
    look.fromString(font)
    path = QPainterPath()
    path.addText(0, 0, look, text)
    box = path.boundingRect().adjusted(-2, -2, 2, 2).toAlignedRect()
    picture = QImage(box.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(-box.left(), -box.top())
    painter.strokePath(path, QPen(QColor(0, 0, 0, 200), 3.0))
    painter.fillPath(path, Qt.GlobalColor.white)
    painter.end()
    return picture, float(box.left()), float(box.top())
