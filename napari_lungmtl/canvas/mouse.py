"""The mouse as reading rooms have it: the wheel steps through slices, Ctrl and wheel zoom, a drag with the right button windows."""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from napari.utils.notifications import show_info
from qtpy.QtCore import QEvent, QObject, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QWidget

from ..layers import planes, window_presets
from ..layers.gl_context import canvas_of

BY_MOUSE = (
    QEvent.Type.MouseButtonPress,
    QEvent.Type.MouseButtonDblClick,
    QEvent.Type.MouseButtonRelease,
    QEvent.Type.MouseMove,
)
NOTCH = 120
"""What Qt calls a step of the wheel, in eighths of a degree."""
ZOOM = 1.15
"""Factor of a step."""
LATER = {"axial": -1, "coronal": 1, "sagittal": 1}
"""Which way slices go when the wheel is turned towards the hand: to the feet, to the back, to the patient's left."""


class ReadingMouse(QObject):
    """Takes the wheel and the right button before napari does; switched off, all is napari's own.

    In 3-D, and where there are no slices, the wheel zooms as napari's does. While a tool draws, the right button is the tool's.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._layer: ImageLayer | None = None
        self._turned = 0.0
        self._from: QPointF | None = None
        self.on = True

    def toggle(self) -> None:
        """Give wheel and right button back to napari, or take them, and say so."""
        self.on = not self.on
        own = "Wheel: slices; Ctrl+wheel: zoom; right drag: window."
        show_info(own if self.on else "The mouse is napari's own again: the wheel zooms.")

    def attach(self, window: QWidget) -> None:
        """Listen to the canvas of a window."""
        canvas = canvas_of(window)
        if canvas is not None:
            canvas.installEventFilter(self)

    def set_layer(self, layer: ImageLayer | None) -> None:
        """Window another image, or none."""
        self._layer, self._from = layer, None

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Act on what is ours; True keeps it from napari."""
        if not self.on or self._layer is None or not isinstance(watched, QWidget):
            return False
        # Its type first: Python may still hold an event that was where this one is, and take it for a mouse's.
        kind = event.type() if event is not None else None
        if kind == QEvent.Type.Wheel and isinstance(event, QWheelEvent):
            return self._turn(watched, event)
        return kind in BY_MOUSE and isinstance(event, QMouseEvent) and self._drag(event)

    # ---- wheel

    def _turn(self, canvas: QWidget, event: QWheelEvent) -> bool:
        steps = event.angleDelta().y() / NOTCH
        modifiers = event.modifiers()
        if modifiers == Qt.KeyboardModifier.ControlModifier and self._viewer.dims.ndisplay == 2:
            self._zoom(canvas, event.position(), ZOOM**steps)
            return True
        if modifiers != Qt.KeyboardModifier.NoModifier or not self._has_slices():
            return False
        self._turned += steps
        whole = int(self._turned)  # touchpads turn by parts of a step
        self._turned -= whole
        if whole:
            later = LATER.get(planes.current(self._viewer) or "", 1)
            planes.step(self._viewer, self._viewer.dims.order[0], -whole * later)
        return True

    def _has_slices(self) -> bool:
        return self._layer is not None and self._layer.ndim == 3 and self._viewer.dims.ndisplay == 2

    def _zoom(self, canvas: QWidget, at: QPointF, factor: float) -> None:
        """Zoom, and keep what is under the cursor there."""
        camera = self._viewer.scene.camera
        down, right = camera.orientation2d
        away = np.array([at.y() - canvas.height() / 2, at.x() - canvas.width() / 2])
        away *= (1 if down == "down" else -1, 1 if right == "right" else -1)
        middle = np.asarray(camera.center[-2:]) + away / camera.zoom - away / (camera.zoom * factor)
        camera.zoom *= factor
        camera.center = (*camera.center[:-2], *middle.tolist())

    # ---- right button

    def _drag(self, event: QMouseEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.RightButton:
            if self._is_drawing():
                return False
            self._from = event.position()
            return True
        if self._from is None:
            return False
        if kind == QEvent.Type.MouseMove and event.buttons() & Qt.MouseButton.RightButton:
            moved, self._from = event.position() - self._from, event.position()
            self._window(moved.x(), -moved.y())
            return True
        if kind == QEvent.Type.MouseButtonRelease and event.button() == Qt.MouseButton.RightButton:
            self._from = None
            return True
        return False

    def _is_drawing(self) -> bool:
        """Whether a layer has a tool in hand that may have its own use of the right button."""
        active = self._viewer.layers.selection.active
        mode = str(getattr(active, "mode", "pan_zoom"))
        return mode not in ("pan_zoom", "select", "transform")

    def _window(self, right: float, up: float) -> None:
        if self._layer is not None:
            window_presets.drag(self._layer, right, up)
