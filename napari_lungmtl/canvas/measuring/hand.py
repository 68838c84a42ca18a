"""The mouse that measures: draws with the tool in hand, grips ends and lines of what is there, and keeps the drawing in step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.components import ViewerModel
from qtpy.QtCore import QEvent, QObject, QPointF, Qt, Signal
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QWidget

from ...layers.follower import coalesced
from ...layers.gl_context import canvas_of
from ...session import measuring
from ...session.session import Session
from ...text.measurements import lines
from ...training.findings import Measurement
from ...training.findings.measurements import measure as reading
from ...training.findings.measurements.measurement import Kind
from ...training.imaging.image import Image
from ...training.imaging.slab import Slab
from ..frame import Frame
from ..mouse import BY_MOUSE
from ..view_events import view_events
from .overlay import MeasurementsOverlay
from .strokes import is_on, on_slice, pulled, strokes_of

CLICK = 4.0
"""Pixels: a press that is let go within them was a click, and the shape goes on with the next one."""
_DRAFT = "draft"
_POINTS: dict[str, int] = {"line": 2, "angle": 3, "ellipse": 2, "rectangle": 2, "axes": 2}
"""Places that a person gives; the short axis comes by itself, to be moved."""


@dataclass
class _Grip:
    """A measurement that is being moved: by a handle, or as a whole (`handle` None)."""

    before: Measurement
    now: Measurement
    handle: int | None
    start: QPointF


class MeasuringHand(QObject):
    """Takes the left button where a tool is in hand, or where the mouse is over a measurement; all else is napari's.

    Drawn by dragging, or by a click for each place. A tool is put away when its shape is done. Measurements are hidden with the
    overlays, and in 3-D.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    shown_slab
        Tells which slab of a volume the canvas shows, if it shows no slice: that is what is measured.
    """

    tool_changed = Signal(object)
    """The kind that is drawn next, or None."""
    chosen_changed = Signal(object)
    """Id of the selected measurement, or None."""

    def __init__(self, viewer: ViewerModel, shown_slab: Callable[[], Slab] = Slab) -> None:
        super().__init__()
        self._viewer, self._shown_slab = viewer, shown_slab
        self._session: Session | None = None
        self._canvas: QWidget | None = None
        self.overlay = MeasurementsOverlay()
        self.tool: Kind | None = None
        self.chosen: str | None = None
        self._fixed: list[tuple[float, ...]] = []
        self._slice: tuple[int | None, float] = (None, 0.0)
        self._floating: tuple[float, ...] | None = None
        self._pressed: QPointF | None = None
        self._grip: _Grip | None = None
        self._has_cursor = False
        self._later = coalesced(self.draw)
        for event in view_events(viewer):
            event.connect(self._draw_later)

    def attach(self, window: QWidget) -> None:
        """Lie over the canvas of a window, and listen to it."""
        canvas = canvas_of(window)
        if canvas is not None:
            self._canvas = canvas
            self.overlay.setParent(canvas)
            self.overlay.setGeometry(canvas.rect())
            self.overlay.lower()  # below napari's notifications
            self.overlay.show()
            canvas.installEventFilter(self)
            self._draw_later()

    def set_session(self, session: Session | None) -> None:
        """Measure on another image, or on none."""
        if self._session is not None:
            for signal, slot in self._session_events(self._session):
                signal.disconnect(slot)
        self._session = session
        if session is not None:
            for signal, slot in self._session_events(session):
                signal.connect(slot)
        self.take(None)
        self.choose(None)
        self._draw_later()

    def take(self, tool: Kind | None) -> None:
        """Take a tool in hand, or put it away; a shape that is half drawn is dropped."""
        self._fixed, self._floating, self._pressed = [], None, None
        if self._grip is not None:
            self._grip = None
        if tool != self.tool:
            self.tool = tool
            self.tool_changed.emit(tool)
        self._show_cursor(Qt.CursorShape.CrossCursor if tool is not None else None)
        self._draw_later()

    def choose(self, id: str | None) -> None:
        """Select a measurement, or none."""
        if id != self.chosen:
            self.chosen = id
            self.chosen_changed.emit(id)
            self._draw_later()

    def let_go(self) -> None:
        """Stop listening; no widget is touched."""
        self._later.stop()
        for event in view_events(self._viewer):
            event.disconnect(self._draw_later)
        if self._session is not None:
            for signal, slot in self._session_events(self._session):
                signal.disconnect(slot)
        self._session = self._canvas = None

    def _session_events(self, session: Session) -> list[tuple[Any, Callable[..., Any]]]:
        events = session.events
        return [
            (events.findings, self._on_findings),
            (events.thresholds, self._draw_later),
            (events.overlays, self._draw_later),
            (events.image, self._draw_later),
            (events.selected, self._on_finding_selected),
        ]

    def _on_findings(self, _findings: object = None) -> None:
        if self._session is not None and measuring.find(self._session.findings, self.chosen) is None:
            self.choose(None)
        self._draw_later()

    def _on_finding_selected(self, id: str | None) -> None:
        """Delete acts on what was chosen last."""
        if id is not None:
            self.choose(None)

    # ---- drawing

    @property
    def _image(self) -> Image | None:
        return self._session.image if self._session is not None else None

    @property
    def frame(self) -> Frame | None:
        """The slice on the canvas; None where nothing can be measured."""
        image = self._image
        if image is None or self._canvas is None:
            return None
        frame = Frame.of_canvas(self._viewer, (self._canvas.height(), self._canvas.width()), image.ndim)
        return on_slice(frame, image) if frame is not None else None

    def _draw_later(self, _event: object = None) -> None:
        if self._canvas is not None:  # not yet in a window, or no longer
            self._later.start()

    def draw(self) -> None:
        """Bring the drawing up to date now."""
        session, frame, image = self._session, self.frame, self._image
        if session is None or frame is None or image is None or not session.overlays_shown:
            self.overlay.draw((), None)
            return
        shown = [
            self._grip.now if self._grip is not None and m.id == self._grip.now.id else m
            for m in self._known()
        ]
        draft = self._draft(frame)
        shown += [] if draft is None else [draft]
        self.overlay.draw(
            ((m, strokes_of(m, frame), self._words(m, image)) for m in shown if is_on(m, frame, image)),
            _DRAFT if draft is not None else self.chosen,
        )

    def _words(self, measurement: Measurement, image: Image) -> tuple[str, ...]:
        """What stands beside it; over a slab, values of a slice are told apart from what is seen."""
        if not measurement.values:
            return ()
        said = lines(measurement, image.units, image.modality == "CT")
        other = "mean" in measurement.values and not measurement.slab.kind and self._shown_slab().kind
        return (*said, "of one slice") if other else said

    def _known(self) -> tuple[Measurement, ...]:
        return self._session.findings.measurements if self._session is not None else ()

    def _draft(self, frame: Frame) -> Measurement | None:
        """What is being drawn, as far as it is there, with its values."""
        image = self._image
        self._drop_if_elsewhere(frame)
        if image is None or self.tool is None or not self._fixed or self._floating is None:
            return None
        points = [*self._fixed, self._floating]
        if self.tool == "angle" and len(points) == 2:  # the first arm
            return reading.measure(image, "line", points, frame.axis).with_(id=_DRAFT, values={}, plane="")
        return reading.measure(
            image, self.tool, self._complete(points, frame), frame.axis, self._shown_slab()
        ).with_(id=_DRAFT)

    def _complete(self, points: list[tuple[float, ...]], frame: Frame) -> list[tuple[float, ...]]:
        """The points of a measurement from the places that a person gave: the short axis is half of the long one, across it."""
        if self.tool != "axes":
            return points
        start, end = np.asarray(points[0]), np.asarray(points[1])
        y, x = sorted(frame.axes)
        across = np.zeros(len(start))
        across[y], across[x] = -(end - start)[x], (end - start)[y]
        middle = (start + end) / 2
        return [*points, tuple(middle - across / 4), tuple(middle + across / 4)]

    # ---- mouse

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Act on what is ours; True keeps it from napari."""
        if self._canvas is None:
            return False
        if event is not None and event.type() == QEvent.Type.Resize and isinstance(watched, QWidget):
            self.overlay.setGeometry(watched.rect())
            self._draw_later()
        # Its type first: Python may still hold an event that was where this one is, and take it for a mouse's.
        if event is None or event.type() not in BY_MOUSE or not isinstance(event, QMouseEvent):
            return False
        if self._session is None:
            return False
        frame = self.frame
        if frame is None or not self._session.overlays_shown:
            return False
        self._drop_if_elsewhere(frame)
        kind, at = event.type(), event.position()
        if kind == QEvent.Type.MouseMove:
            return self._move(frame, at, event.buttons())
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        if kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick):
            return self._press(frame, at)
        return kind == QEvent.Type.MouseButtonRelease and self._release(frame, at)

    def _press(self, frame: Frame, at: QPointF) -> bool:
        if not self._fixed:
            found = self._under(frame, at)
            if found is not None:
                self.choose(found[0].id)
                self._grip = _Grip(found[0], found[0], found[1], at)
                return True
        if self.tool is None:
            self.choose(None)
            return False
        self._floating = frame.to_world(at.x(), at.y())
        self._pressed = at
        if not self._fixed:
            self._fixed, self._slice = [self._floating], (frame.axis, frame.position)
        elif not self._is_near_last(frame, at):
            self._fix(frame)
        self._draw_later()
        return True

    def _move(self, frame: Frame, at: QPointF, buttons: Qt.MouseButton) -> bool:
        if self._grip is not None and buttons & Qt.MouseButton.LeftButton:
            self._drag(self._grip, frame, at)
            return True
        if self.tool is not None and self._fixed:
            self._floating = frame.to_world(at.x(), at.y())
            self._draw_later()
            return bool(buttons & Qt.MouseButton.LeftButton)
        if buttons == Qt.MouseButton.NoButton:
            found = self._under(frame, at)
            over = None if found is None else Qt.CursorShape.PointingHandCursor
            if found is not None and found[1] is None:
                over = Qt.CursorShape.SizeAllCursor
            self._show_cursor(over or (Qt.CursorShape.CrossCursor if self.tool is not None else None))
        return False

    def _release(self, frame: Frame, at: QPointF) -> bool:
        if self._grip is not None:
            grip, self._grip = self._grip, None
            if grip.now != grip.before and self._session is not None:
                measuring.change(self._session, grip.now)
            self._draw_later()
            return True
        if self.tool is None or self._pressed is None:
            return False
        was, self._pressed = self._pressed, None
        if len(self._fixed) == 1 and _way(was, at) > CLICK:  # dragged: the first line ends here
            self._floating = frame.to_world(at.x(), at.y())
            self._fix(frame)
        return True

    def _fix(self, frame: Frame) -> None:
        """The floating place is given; with the last one the measurement is kept, and the tool put away."""
        tool, place = self.tool, self._floating
        if tool is None or place is None or self._session is None:
            return
        self._fixed.append(place)
        if len(self._fixed) < _POINTS[tool]:
            return
        points = self._complete(self._fixed, frame)
        measurement = measuring.draw(self._session, tool, points, frame.axis, self._shown_slab())
        self.take(None)
        if measurement is not None:
            self.choose(measurement.id)

    def _drop_if_elsewhere(self, frame: Frame) -> None:
        """A shape lies on one slice: one that was begun on another than is seen now is dropped."""
        if self._fixed and self._slice != (frame.axis, frame.position):
            self._fixed, self._floating, self._pressed = [], None, None

    def _is_near_last(self, frame: Frame, at: QPointF) -> bool:
        """A second click in the same place is no length."""
        x, y = frame.to_screen(self._fixed[-1])
        return _way(QPointF(x, y), at) <= CLICK

    def _drag(self, grip: _Grip, frame: Frame, at: QPointF) -> None:
        if grip.handle is None:
            by = np.subtract(frame.to_world(at.x(), at.y()), frame.to_world(grip.start.x(), grip.start.y()))
            now = reading.shifted(grip.before, by)
        else:
            now = pulled(grip.before, grip.handle, frame.to_world(at.x(), at.y()), frame.axes)
        if self._image is not None and _way(grip.start, at) > 1:
            grip.now = reading.remeasured(self._image, now)
        self._draw_later()

    def _under(self, frame: Frame, at: QPointF) -> tuple[Measurement, int | None] | None:
        """The measurement under the mouse and its handle (None for the whole), the selected one first.

        While a layer has a tool of its own in hand, what it paints over is not gripped.
        """
        active = self._viewer.layers.selection.active
        mode = str(getattr(active, "mode", "pan_zoom"))
        if self.tool is None and mode not in ("pan_zoom", "select", "transform"):
            return None
        image = self._image
        shown = [m for m in self._known() if image is not None and is_on(m, frame, image)]
        shown.sort(key=lambda m: m.id != self.chosen)
        laid_out = [(m, strokes_of(m, frame)) for m in shown]
        for measurement, strokes in laid_out:
            handle = strokes.handle_at(at.x(), at.y())
            if handle is not None:
                return measurement, handle
        if self.tool is not None:  # a new shape may begin on a line
            return None
        label = self.overlay.label_at(at.x(), at.y())
        for measurement, strokes in laid_out:
            if measurement.id == label or strokes.is_at(at.x(), at.y()):
                return measurement, None
        return None

    def _show_cursor(self, shape: Qt.CursorShape | None) -> None:
        """Napari sets a cursor of its own on the canvas: it comes back when this one goes."""
        if self._canvas is None:
            return
        if shape is not None:
            self._canvas.setCursor(shape)
        elif self._has_cursor:
            self._canvas.unsetCursor()
        self._has_cursor = shape is not None


def _way(one: QPointF, other: QPointF) -> float:
    return float(np.hypot(one.x() - other.x(), one.y() - other.y()))
