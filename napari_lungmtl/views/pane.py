"""One view beside the canvas: a plane of the volume, interpolated, with marks and crosshair, and what a hand does there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from weakref import ref

import numpy as np
from qtpy.QtCore import QEvent, QPointF, QSize, Qt, Signal
from qtpy.QtGui import QMouseEvent, QPainter, QPaintEvent, QPixmap, QWheelEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from ..canvas import words
from ..canvas.blocks import draw_scale, letters_of, write
from ..canvas.frame import Frame
from ..canvas.mouse import LATER, NOTCH, ZOOM
from ..training.imaging.image import Image
from ..training.imaging.slab import cut
from ..training.imaging.streamed import fraction_of
from .frame import sample
from .painting import SLAB_GROUND, SLAB_LETTERS, paint_crosshair, paint_marks, picture
from .scene import Scene

_NARROW = 220
"""Pixels of width below which the plane's coordinate would run into the letter in the middle."""
_NO, _CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


class ViewPane(QWidget):
    """Shows one plane through the point that all views share.

    A click or a drag moves that point, the wheel steps through the plane's own slices, Ctrl and the wheel zoom, a drag with
    the right button changes the window, a double click asks for the plane on the large canvas.

    Parameters
    ----------
    plane
        ``"axial"``, ``"coronal"`` or ``"sagittal"``.
    """

    moved = Signal(object)  # dict[int, float]: world coordinates by axis
    stepped = Signal(int, int)  # world axis, slices
    windowed = Signal(float, float)  # pixels to the right and upwards
    zoomed = Signal(float)  # factor
    chosen = Signal(str)  # the plane
    hovered = Signal(object)  # world point (z, y, x) under the mouse

    def __init__(self, plane: str) -> None:
        super().__init__()
        self.plane = plane
        self.scene: Scene | None = None
        self.scale: Callable[[], float] = self.fitting
        """Says how many millimetres a pixel has where nothing is enlarged."""
        self.frame = Frame.of_plane(plane)
        self._turned = 0.0
        self._from: QPointF | None = None
        self._sampled: tuple[object, ...] = ()
        self._values = np.zeros((0, 0), np.float32)
        self._corner = (0, 0)
        self._painted: tuple[object, ...] = ()
        self._pixmap = QPixmap()
        self._held: tuple[object, ...] = ()
        self._truths = False
        self._under = QPixmap()
        self.setAccessibleName(f"{plane} view")
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys go on working where they did
        self._font = letters_of(self)

    def minimumSizeHint(self) -> QSize:
        """Wide enough for the texts."""
        return QSize(140, 140)

    def show_scene(self, scene: Scene | None) -> None:
        """Show another scene, or nothing; painted with the next turn of the event loop."""
        self.scene = scene
        self.update()

    def fitting(self) -> float:
        """Millimetres of a pixel with which all of the volume is in the pane; 0 where it shows none."""
        if self.scene is None:
            return 0.0
        return Frame.of_plane(self.plane).fitting(self.scene.image, (self.height(), self.width())).mm

    # ---- paint

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Paint the plane, what lies over it, and who is where."""
        painter = QPainter(self)
        scene = self.scene
        if scene is None:
            painter.fillRect(self.rect(), Qt.GlobalColor.black)
        if scene is not None:
            self._follow(scene)
            painter.drawPixmap(QPointF(0, 0), self._ground(scene, self.devicePixelRatioF()))
            paint_crosshair(painter, self.frame, scene.point)
            self._write(painter, scene)
        painter.end()

    def _follow(self, scene: Scene) -> None:
        """Hold the plane so that the volume fills the pane, or, enlarged, so that the point is in view."""
        whole = scene.frame(Frame.of_plane(self.plane)).fitting(scene.image, (self.height(), self.width()))
        mm = self.scale() / scene.zoom
        if scene.zoom <= 1:
            self.frame = replace(whole, mm=mm)
            return
        former = self.frame
        shown = np.array([scene.point[axis] for axis in whole.axes])
        # What is under the crosshair stays where it is on the screen.
        middle = shown + (np.asarray(former.center) - shown) * (mm / former.mm)
        self.frame = replace(whole, center=(float(middle[0]), float(middle[1])), mm=mm).holding(scene.point)

    def _ground(self, scene: Scene, ratio: float) -> QPixmap:
        """All that lies below crosshair and texts, painted where any of it has changed: a step in one plane leaves the other."""
        picture = self._bring(scene, ratio)
        held = (self._painted, self.frame, scene.findings, scene.selection)
        if held != self._held or scene.truths or self._truths:
            size = self.size() * ratio
            if self._under.size() != size:
                self._under = QPixmap(size)
            self._under.setDevicePixelRatio(ratio)
            self._under.fill(Qt.GlobalColor.black)
            painter = QPainter(self._under)
            row, column = self._corner  # of what was brought just now
            painter.drawPixmap(QPointF(column / ratio, row / ratio), picture)
            paint_marks(painter, self.frame, scene.marks(self.frame))
            painter.end()
            self._held, self._truths = held, bool(scene.truths)
        return self._under

    def _bring(self, scene: Scene, ratio: float) -> QPixmap:
        """The plane's pixels, cut and interpolated only where something has changed."""
        axis = self.frame.order[0]
        frame = replace(
            self.frame,
            mm=self.frame.mm / ratio,
            size=(round(self.height() * ratio), round(self.width() * ratio)),
        )
        # Not by its id, which the next study may have; voxels of a study on a server may still come.
        wanted = (ref(scene.image), fraction_of(scene.image), scene.slab, frame)
        if wanted != self._sampled:
            plane: Image = cut(scene.image, axis, frame.position, scene.slab)
            self._values, self._corner = sample(frame, plane)
            self._sampled = wanted
        looks = (wanted, scene.limits, scene.table)
        if looks != self._painted:
            self._pixmap = QPixmap.fromImage(picture(self._values, scene.limits, scene.table))
            self._pixmap.setDevicePixelRatio(ratio)
            self._painted = looks
        return self._pixmap

    def _write(self, painter: QPainter, scene: Scene) -> None:
        painter.setFont(self._font)
        wide, high = float(self.width()), float(self.height())
        axis, sides = self.frame.order[0], self.frame.sides
        for text, across, down in (
            (sides["top"], 0.5, 0.0),
            (sides["bottom"], 0.5, 1.0),
            (sides["left"], 0.0, 0.5),
            (sides["right"], 1.0, 0.5),
        ):
            write(painter, text, wide, high, across, down)
        name = self.plane.capitalize()
        if wide >= _NARROW:
            name += f"\n{words.place_on(axis, scene.point[axis])}"
        below = write(painter, name, wide, high, 0.0, 0.0).bottom()
        if scene.slab.kind:
            painter.translate(0.0, below)
            write(painter, scene.slab.words, wide, high, 0.0, 0.0, SLAB_LETTERS, SLAB_GROUND)
            painter.translate(0.0, -below)
        length = words.bar_length(self.frame.mm, wide)
        draw_scale(painter, length / self.frame.mm, f"{length:g} mm", wide, high)

    # ---- hand

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Move the point, or begin to change the window."""
        if event is None or self.scene is None:
            return
        if event.button() == Qt.MouseButton.LeftButton:
            self.moved.emit(self._place(event.position()))
        elif event.button() == Qt.MouseButton.RightButton:
            self._from = event.position()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Go on with either, or say what lies under the mouse."""
        if event is None or self.scene is None:
            return
        position = event.position()
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.moved.emit(self._place(position))
        elif event.buttons() & Qt.MouseButton.RightButton and self._from is not None:
            moved, self._from = position - self._from, position
            self.windowed.emit(moved.x(), -moved.y())
        self.hovered.emit(self.frame.to_world(position.x(), position.y()))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """End a drag."""
        self._from = None

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Ask for the plane on the large canvas."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(self.plane)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Step through slices; with Ctrl, zoom."""
        if event is None or self.scene is None:
            return
        steps = event.angleDelta().y() / NOTCH
        event.accept()
        if event.modifiers() == _CTRL:
            self.zoomed.emit(ZOOM**steps)
        elif event.modifiers() == _NO:
            self._turned += steps
            whole = int(self._turned)  # touchpads turn by parts of a step
            self._turned -= whole
            if whole:
                self.stepped.emit(self.frame.order[0], -whole * LATER[self.plane])

    def leaveEvent(self, event: QEvent | None) -> None:
        """Begin the next turn of the wheel anew."""
        self._turned = 0.0
        super().leaveEvent(event)

    def _place(self, position: QPointF) -> dict[int, float]:
        """World coordinates under the mouse along the pane's own axes."""
        world = self.frame.to_world(position.x(), position.y())
        return {axis: world[axis] for axis in self.frame.axes}
