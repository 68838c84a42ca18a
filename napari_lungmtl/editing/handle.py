"""A handle on the rim of the selected sphere, and the wheel with Shift: both make it larger or smaller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from qtpy.QtCore import QEvent, QObject, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from qtpy.QtWidgets import QWidget

from ..canvas.frame import Frame
from ..canvas.mouse import NOTCH
from ..canvas.view_events import view_events
from ..layers.follower import coalesced
from ..layers.gl_context import canvas_of
from ..layers.planes import slab_reach
from ..layers.spheres.discs import STAND_OFF, beyond_faces, disc_radius
from ..layers.spheres.layer import SphereBinding
from ..session.session import Session
from ..training.findings import Finding, Sphere
from .commands import reshape, resized

SIDE = 14
"""Pixels of the screen along a side of what can be gripped; what is seen of it is smaller."""
STEP = 0.5
"""Millimetres of a step of the wheel."""
PAUSE = 300
"""Milliseconds after which turns of the wheel are one command."""
NEAR = 12.0
"""Pixels outside of the ring in which the wheel still is for the sphere."""


class ResizeHandle(QWidget):
    """A small square on the ring of the selected sphere. While it is dragged only the ring follows; letting go is one command.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._session: Session | None = None
        self._binding: SphereBinding | None = None
        self._connections: list[tuple[Any, Callable[..., object]]] = []
        self._changing: tuple[Finding, float] | None = None
        self._dragged = False
        self._place_soon = coalesced(self._place)
        self._turned = coalesced(self._take, PAUSE)
        self.setFixedSize(SIDE, SIDE)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setToolTip("Drag, or turn the wheel with Shift held: larger or smaller")
        self.hide()
        for event in view_events(viewer):
            event.connect(self._later)

    def attach(self, window: QWidget) -> None:
        """Lie on the canvas of a window."""
        canvas = canvas_of(window)
        if canvas is not None:
            self.setParent(canvas)
            canvas.installEventFilter(self)
            self._later()

    def follow(self, session: Session | None, binding: SphereBinding | None) -> None:
        """Resize the spheres of another image, or none."""
        self._stop_listening()
        self._session, self._binding = session, binding
        if session is not None and binding is not None:
            events = session.events
            self._connections = [
                (events.findings, self._forget),
                *(
                    (e, self._later)
                    for e in (events.image, events.selection, events.thresholds, events.overlays)
                ),
                (binding.dragged, self._later),
            ]
            for event, slot in self._connections:
                event.connect(slot)
        self._later()

    def let_go(self) -> None:
        """Stop listening; no widget is touched."""
        self._place_soon.stop()
        self._turned.stop()
        self._stop_listening()
        for event in view_events(self._viewer):
            event.disconnect(self._later)
        self._session = self._binding = None

    @property
    def sphere(self) -> Finding | None:
        """The selected sphere, where and as large as it is shown; None where none is on the slice."""
        session, binding = self._session, self._binding
        if session is None or binding is None or session.selected is None or not session.overlays_shown:
            return None
        return next((f for f in binding.present() if f.id == session.selected), None)

    # ---- mouse

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Grip it."""
        finding = self.sphere
        if event is not None and event.button() == Qt.MouseButton.LeftButton and finding is not None:
            self._take()
            self._changing, self._dragged = (finding, finding.diameter), False

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """The ring goes through the cursor."""
        canvas, frame = self.parentWidget(), self._frame()
        if event is None or self._changing is None or canvas is None or frame is None:
            return
        if event.buttons() & Qt.MouseButton.LeftButton:
            at = self.mapTo(canvas, event.position().toPoint())
            self._dragged = True
            center = self._changing[0].center
            away = np.subtract(frame.to_world(at.x(), at.y()), center)[list(frame.order[1:])]
            disc = max(float(np.hypot(*away)) - STAND_OFF, 0.0)
            self._preview(2 * float(np.hypot(disc, self._beyond(center, frame))))

    def mouseReleaseEvent(self, _event: QMouseEvent | None) -> None:
        """Make a command of it."""
        if self._dragged:
            self._take()
        self._changing = None

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """The wheel over the selected sphere, with Shift; and the size of the canvas."""
        kind = event.type() if event is not None else None
        if kind == QEvent.Type.Resize:
            self._later()
        if kind == QEvent.Type.Wheel and isinstance(event, QWheelEvent):
            return self._turn(event)
        return False

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Over the handle itself, with or without Shift."""
        if event is not None and self.sphere is not None:
            self._widen(event)
            event.accept()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """A small square that is seen on bright and dark."""
        painter = QPainter(self)
        painter.setPen(QPen(QColor(10, 10, 12), 1.5))
        painter.setBrush(QColor(255, 90, 255))
        painter.drawRect(QRectF(SIDE / 2 - 4, SIDE / 2 - 4, 8, 8))
        painter.end()

    def _turn(self, event: QWheelEvent) -> bool:
        finding, frame = self.sphere, self._frame()
        if event.modifiers() != Qt.KeyboardModifier.ShiftModifier or finding is None or frame is None:
            return False
        x, y = frame.to_screen(finding.center).tolist()
        away = event.position() - QPointF(x, y)
        if float(np.hypot(away.x(), away.y())) > finding.diameter / 2 / frame.mm + NEAR:
            return False
        self._widen(event)
        return True

    def _widen(self, event: QWheelEvent) -> None:
        finding = self.sphere
        if finding is not None:
            delta = event.angleDelta()
            steps = (delta.y() or delta.x()) / NOTCH  # some systems turn the wheel's axes with Shift
            before = self._changing if self._changing is not None else (finding, finding.diameter)
            self._changing = before
            self._preview(before[1] + STEP * steps)
            self._turned.start()

    # ---- what changes

    def _preview(self, diameter: float) -> None:
        if self._changing is None or self._binding is None:
            return
        finding = self._changing[0]
        assert isinstance(finding.geometry, Sphere)
        diameter = resized(finding.geometry, diameter).diameter
        self._changing = finding, diameter
        self._binding.preview(finding.id, diameter)

    def _take(self) -> None:
        """One command of all that was dragged or turned."""
        self._turned.stop()
        changing, self._changing = self._changing, None
        session, binding = self._session, self._binding
        if changing is None or session is None or binding is None:
            return
        finding, diameter = changing
        binding.preview(None)
        if any(f.id == finding.id for f in session.findings) and isinstance(finding.geometry, Sphere):
            reshape(session, finding.id, resized(finding.geometry, diameter))

    def _forget(self, _findings: object = None) -> None:
        """Something else has changed the findings meanwhile: what was not yet a command goes."""
        self._turned.stop()
        if self._changing is not None and self._binding is not None:
            self._changing = None
            self._binding.preview(None)
        self._later()

    # ---- where it lies

    def _later(self, _event: object = None) -> None:
        self._place_soon.start()

    def _frame(self) -> Frame | None:
        canvas = self.parentWidget()
        image = self._session.image if self._session is not None else None
        if canvas is None or image is None or image.ndim != 3:
            return None
        return Frame.of_canvas(self._viewer, (canvas.height(), canvas.width()))

    def _disc(self, finding: Finding, frame: Frame) -> float | None:
        """Radius (mm) of what is shown of a sphere; None where that is nothing, and no ring is about it."""
        image = self._session.image if self._session is not None else None
        if image is None:
            return None
        return disc_radius(finding.diameter, self._beyond(finding.center, frame), image.scale[frame.order[0]])

    def _beyond(self, center: Sequence[float], frame: Frame) -> float:
        """How far (mm) a sphere's centre is from what is shown: the slice, or the nearest face of a slab."""
        across = frame.order[0]
        reach = slab_reach(self._viewer, across)
        return beyond_faces(center[across] - frame.position, reach)

    def _place(self) -> None:
        finding, frame = self.sphere, self._frame()
        disc = self._disc(finding, frame) if finding is not None and frame is not None else None
        if finding is None or frame is None or disc is None:
            self.hide()
            return
        x, y = frame.to_screen(finding.center).tolist()
        self.move(round(x + (disc + STAND_OFF) / frame.mm - SIDE / 2), round(y - SIDE / 2))
        self.show()
        self.raise_()

    def _stop_listening(self) -> None:
        for event, slot in self._connections:
            event.disconnect(slot)
        self._connections = []
