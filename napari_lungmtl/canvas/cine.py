"""Cine: the slices of the view by themselves, forth and back, until a hand is laid on the picture."""

from __future__ import annotations

from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from qtpy.QtCore import QEvent, QObject, Qt, QTimer, Signal
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QWidget

from ..layers import planes
from ..layers.gl_context import canvas_of

SPEEDS = (1, 60)
"""Slices per second, fewest and most."""
START = 15
FASTER = 1.25
"""Factor of a key press."""


class Cine(QObject):
    """Plays the slices of whichever plane is seen, and turns round at the ends.

    It stops where a person goes to another slice, or presses the left button on the canvas: what is drawn, painted, gripped or
    measured there belongs to the slice under the hand. Window and zoom can be changed while it plays.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    """

    changed = Signal()
    """It plays, has stopped, turned round, or has another speed."""

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: ImageLayer | None = None
        self.direction = 0
        self.speed = START
        self._left: tuple[int, float] | None = None  # axis and place of the slice that it showed last
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._step)

    @property
    def can_play(self) -> bool:
        """Whether there are slices to go through."""
        dims = self._viewer.dims
        return self._layer is not None and self._layer.ndim == 3 and dims.ndisplay == 2

    def set_layer(self, layer: ImageLayer | None) -> None:
        """Another image is seen, or none: it stands still."""
        self.stop()
        self._layer = layer

    def attach(self, window: QWidget) -> None:
        """Watch the hands on the canvas of a window; the last one that does is asked first, and keeps nothing from the others."""
        canvas = canvas_of(window)
        if canvas is not None:
            canvas.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Stop for the left button."""
        pressed = event is not None and event.type() == QEvent.Type.MouseButtonPress
        if pressed and isinstance(event, QMouseEvent) and event.button() == Qt.MouseButton.LeftButton:
            self.stop()
        return False

    def toggle(self, direction: int) -> None:
        """Play in a direction (1 or -1), or stop where it plays in that already."""
        if self.direction == direction:
            self.stop()
        elif self.can_play:
            self.direction, self._left = direction, None
            self._timer.start(round(1000 / self.speed))
            self.changed.emit()

    def stop(self) -> None:
        """Stay at the present slice."""
        self._timer.stop()
        if self.direction:
            self.direction = 0
            self.changed.emit()

    def set_speed(self, speed: float) -> None:
        """Play so many slices per second, within `SPEEDS`."""
        self.speed = round(min(max(speed, SPEEDS[0]), SPEEDS[1]))
        self._timer.setInterval(round(1000 / self.speed))
        self.changed.emit()

    def change_speed(self, steps: int) -> None:
        """Play faster (1) or slower (-1), by at least one slice per second."""
        wanted = self.speed * FASTER**steps
        self.set_speed(wanted if abs(wanted - self.speed) >= 1 else self.speed + steps)

    def _step(self) -> None:
        if not self.can_play:
            self.stop()
            return
        axis = self._viewer.dims.order[0]
        before = self._viewer.dims.point[axis]
        if self._left is not None and self._left[0] == axis and self._left[1] != before:
            self.stop()  # a person has gone elsewhere
            return
        planes.step(self._viewer, axis, self.direction)
        if self._viewer.dims.point[axis] == before:  # the last slice
            self.direction = -self.direction
            planes.step(self._viewer, axis, self.direction)
            self.changed.emit()
        self._left = axis, self._viewer.dims.point[axis]
