"""A question about a place: a click with Alt held on the canvas or on a pane beside it, or the next plain click once asked for."""

from __future__ import annotations

from collections.abc import Callable

from napari.components import ViewerModel
from qtpy.QtCore import QEvent, QObject, QPointF, Qt, Signal
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QWidget

from ..layers.gl_context import canvas_of
from ..training.imaging.image import Image
from .frame import Frame

_CLICK = 3.0
"""Pixels that a click may move."""


class Questions(QObject):
    """Takes clicks that are questions before napari and the tools do.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    image
        Gives the image that is looked at, or None.
    """

    asked = Signal(object)
    """World point (z, y, x) or (y, x) of the image."""
    waiting_changed = Signal(bool)

    def __init__(self, viewer: ViewerModel, image: Callable[[], Image | None]) -> None:
        super().__init__()
        self._viewer, self._image = viewer, image
        self._frames: dict[QWidget, Callable[[], Frame | None]] = {}
        self._pressed: QPointF | None = None
        self.waiting = False

    def attach(self, window: QWidget) -> None:
        """Listen to the canvas of a window."""
        canvas = canvas_of(window)
        if canvas is not None:
            self.listen_to(canvas, lambda: self._on_canvas(canvas))

    def listen_to(self, widget: QWidget, frame: Callable[[], Frame | None]) -> None:
        """Listen to a widget that shows a plane of the image as `frame` says."""
        self._frames[widget] = frame
        widget.installEventFilter(self)

    def let_go(self) -> None:
        """Take no more questions; no widget is touched."""
        self._frames.clear()
        self._pressed = None

    def wait(self, waiting: bool) -> None:
        """Take the next plain click for a question, or no longer."""
        if waiting != self.waiting:
            self.waiting = waiting
            for widget in self._frames:
                widget.setCursor(Qt.CursorShape.WhatsThisCursor) if waiting else widget.unsetCursor()
            self.waiting_changed.emit(waiting)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Act on what is ours; True keeps it from others."""
        if not isinstance(event, QMouseEvent) or not isinstance(watched, QWidget):
            return False
        kind = event.type()
        if kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick):
            ours = event.modifiers() == Qt.KeyboardModifier.AltModifier or self.waiting
            if event.button() != Qt.MouseButton.LeftButton or not ours or self._frame(watched) is None:
                return False
            self._pressed = event.position()
            return True
        if self._pressed is None:
            return False
        if kind == QEvent.Type.MouseButtonRelease and event.button() == Qt.MouseButton.LeftButton:
            moved = event.position() - self._pressed
            self._pressed = None
            self.wait(False)
            frame = self._frame(watched)
            if frame is not None and max(abs(moved.x()), abs(moved.y())) <= _CLICK:
                self.asked.emit(frame.to_world(event.position().x(), event.position().y()))
            return True
        return kind == QEvent.Type.MouseMove

    def _frame(self, widget: QWidget) -> Frame | None:
        frame = self._frames.get(widget)
        return None if frame is None else frame()

    def _on_canvas(self, canvas: QWidget) -> Frame | None:
        image = self._image()
        if image is None:
            return None
        return Frame.of_canvas(self._viewer, (canvas.height(), canvas.width()), image.ndim)
