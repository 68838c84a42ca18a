"""What the views' scene adds to napari's canvas: the crosshair, and outlines that none of its layers draws."""

from __future__ import annotations

from dataclasses import replace

from napari.components import ViewerModel
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QPainter, QPaintEvent
from qtpy.QtWidgets import QWidget

from ..canvas.frame import Frame
from ..training.findings import Finding, Sphere
from .painting import paint_crosshair, paint_marks
from .scene import Scene


class CanvasMarks(QWidget):
    """Lies over the canvas and lets the mouse through.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self.scene: Scene | None = None
        self.crosshair = False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()

    def attach(self, canvas: QWidget) -> None:
        """Lie over a canvas."""
        self.setParent(canvas)
        self.setGeometry(canvas.rect())
        self.lower()  # below the texts
        canvas.installEventFilter(self)

    def show_scene(self, scene: Scene | None, crosshair: bool) -> None:
        """Show another scene, with or without the crosshair."""
        self.scene, self.crosshair = scene, crosshair
        shown = scene is not None and self.parent() is not None and bool(crosshair or self._missing(scene))
        if self.isVisible() != shown:
            self.setVisible(shown)
        self.update()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the canvas's size."""
        if event is not None and event.type() == QEvent.Type.Resize and isinstance(watched, QWidget):
            self.setGeometry(watched.rect())
        return super().eventFilter(watched, event)

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw outlines and crosshair."""
        scene = self.scene
        frame = Frame.of_canvas(self._viewer, (self.height(), self.width()))
        if scene is None or frame is None or self._viewer.dims.ndim != 3:
            return
        painter = QPainter(self)
        rest = replace(scene, findings=self._missing(scene), truths=())
        paint_marks(painter, frame, rest.marks(scene.frame(frame)))
        if self.crosshair:
            paint_crosshair(painter, frame, scene.point)
        painter.end()

    def _missing(self, scene: Scene) -> list[Finding]:
        """Masks: spheres have their rings."""
        return [f for f in scene.findings if not isinstance(f.geometry, Sphere)]
