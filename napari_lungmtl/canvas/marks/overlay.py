"""Captions and the table of attributes over napari's canvas, in step with view and session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from napari.components import ViewerModel
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QPainter, QPaintEvent
from qtpy.QtWidgets import QWidget

from ...layers.rectangle import Rectangle
from ...session.session import Session
from ...training.findings import Finding
from ..frame import Frame
from ..view_events import view_events
from . import painter as marks_painter
from .scene import Scene, lay_out, marks_on

Connection = tuple[Any, Callable[..., object]]
Findings = Callable[[], Sequence[Finding]]


class MarkTexts(QWidget):
    """Says beside each mark on the slice what it is, and shows the attributes of the selected nodule.

    Painted by Qt over the canvas, and laid out when it is painted: it is never behind what it lies over, and many changes
    cost one layout. Pictures of the canvas alone, as napari saves them, hold the marks and not these texts.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    taken
        Tells which rectangles of the canvas other texts have.
    """

    def __init__(self, viewer: ViewerModel, taken: Callable[[], Sequence[Rectangle]] = tuple) -> None:
        super().__init__()
        self._viewer, self._taken = viewer, taken
        self._session: Session | None = None
        self._marked: Findings = tuple
        self._truth: Findings = tuple
        self._dragged: Any = None
        self._scene, self._stale = Scene(), False
        self._with_table = True
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for event, slot in self._view_events():
            event.connect(slot)
        self.hide()

    def attach(self, canvas: QWidget) -> None:
        """Lie over a canvas."""
        self.setParent(canvas)
        self.setGeometry(canvas.rect())
        self.lower()  # below napari's notifications
        canvas.installEventFilter(self)
        self.show()

    def follow(
        self,
        session: Session | None,
        marked: Findings = tuple,
        truth: Findings = tuple,
        dragged: Any = None,
    ) -> None:
        """Speak of another image, or of none.

        Parameters
        ----------
        session
            The image's.
        marked, truth
            Tell which of its findings are drawn, where they are now, and the true nodules that are drawn too: they are not
            covered either.
        dragged
            A signal that `marked` has changed and the session has not.
        """
        for event, slot in self._session_events():
            event.disconnect(slot)
        self._session, self._marked, self._truth, self._dragged = session, marked, truth, dragged
        for event, slot in self._session_events():
            event.connect(slot)
        self.later()

    def show_table(self, shown: bool) -> None:
        """Show or hide the table of attributes."""
        self._with_table = shown
        self.later()

    def let_go(self) -> None:
        """Stop listening; no widget is touched."""
        for event, slot in (*self._view_events(), *self._session_events()):
            event.disconnect(slot)
        self._session = self._dragged = None
        self._marked = self._truth = tuple

    @property
    def scene(self) -> Scene:
        """What there is to paint now."""
        if self._stale:
            self._scene, self._stale = self._lay_out(), False
        return self._scene

    def outlines(self) -> list[Rectangle]:
        """Where the marks on the canvas lie: what texts of others must not cover."""
        session, frame = self._session, self._frame()
        if session is None or frame is None or not session.overlays_shown:
            return []
        return [mark.shape.rectangle for mark in marks_on(session, frame, self._marked())]

    def later(self, _event: object = None) -> None:
        """Lay out anew with the next frame."""
        self._stale = True
        self.update()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the canvas's size."""
        if event is not None and event.type() == QEvent.Type.Resize and isinstance(watched, QWidget):
            self.setGeometry(watched.rect())
            self.later()
        return super().eventFilter(watched, event)

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw what there is."""
        scene = self.scene
        if scene.captions or scene.table is not None:
            painter = QPainter(self)
            marks_painter.paint(painter, scene)
            painter.end()

    def _view_events(self) -> list[Connection]:
        removed = self._viewer.layers.events.removed
        return [(event, self.later) for event in (*view_events(self._viewer), removed)]

    def _session_events(self) -> list[Connection]:
        if self._session is None:
            return []
        events = self._session.events
        news = [events.image, events.findings, events.thresholds, events.selection, events.overlays]
        if self._dragged is not None:
            news.append(self._dragged)
        return [(event, self.later) for event in news]

    def _frame(self) -> Frame | None:
        image = self._session.image if self._session is not None else None
        if image is None:
            return None
        return Frame.of_canvas(self._viewer, (self.height(), self.width()), image.ndim)

    def _lay_out(self) -> Scene:
        session, frame = self._session, self._frame()
        if session is None or frame is None:
            return Scene()
        return lay_out(
            session,
            frame,
            marks_painter.measure,
            findings=self._marked(),
            with_table=self._with_table,
            taken=self._taken(),
            truth=self._truth(),
        )
