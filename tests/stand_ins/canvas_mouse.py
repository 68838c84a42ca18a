"""A hand with a real mouse on the canvas, at world points."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lungmtl.canvas.frame import Frame

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
Point = Sequence[float]


def canvas_frame(viewer, canvas) -> Frame:
    """Where a volume lies on the canvas."""
    return Frame.of_canvas(viewer, (canvas.height(), canvas.width()))


class CanvasMouse:
    """Presses, moves and lets go over the canvas of a dock's viewer; world points (z, y, x) or (y, x)."""

    def __init__(self, dock) -> None:
        self.hand = dock.measure.hand
        self.canvas = dock.corners.parentWidget()

    def at(self, point: Point) -> QPoint:
        """The pixel over a world point."""
        x, y = self.hand.frame.to_screen(point)
        return QPoint(round(float(x)), round(float(y)))

    def world(self, pixel: QPoint) -> tuple[float, ...]:
        """The world point under a pixel."""
        return self.hand.frame.to_world(pixel.x(), pixel.y())

    def drag(
        self, start: Point, end: Point, steps: int = 4, while_held: Callable[[], object] = bool
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Press, move, let go; the world points under the pixels that the mouse was at. Something may happen `while_held`."""
        a, b = self.at(start), self.at(end)
        ends = self.world(a), self.world(b)
        self._send(QEvent.Type.MouseButtonPress, QPointF(a), LEFT, LEFT)
        for k in range(1, steps + 1):
            self._send(QEvent.Type.MouseMove, QPointF(a + (b - a) * (k / steps)), NONE, LEFT)
            while_held()
        self._send(QEvent.Type.MouseButtonRelease, QPointF(b), LEFT, NONE)
        return ends

    def click(self, point: Point) -> tuple[float, ...]:
        """Move there and click."""
        pixel = self.at(point)
        place = self.world(pixel)
        self._send(QEvent.Type.MouseMove, QPointF(pixel), NONE, NONE)
        QTest.mouseClick(self.canvas, LEFT, pos=pixel)
        return place

    def _send(self, kind: QEvent.Type, at: QPointF, button: Qt.MouseButton, held: Qt.MouseButton) -> None:
        event = QMouseEvent(
            *(kind, at, self.canvas.mapToGlobal(at), button, held, Qt.KeyboardModifier.NoModifier)
        )
        QApplication.sendEvent(self.canvas, event)
