"""Memory of closed images comes back, also of those that the garbage collector has been told to pass over."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import QTimer

from ..training.inference.quiet_import import reclaim, settle, times_settled

IDLE_MS = 20_000
"""So long nobody has moved anything when the process is searched for what is left of closed images: it takes half a second."""

TURNS_MS = 200
"""From then until what is left is settled again."""


class ClosedImages:
    """Reclaims layers that were settled (`quiet_import.settle`) while they were open and have gone since, in a quiet moment.

    All others are found by napari itself, which collects garbage whenever a layer goes.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._since: WeakKeyDictionary[Layer, int] = WeakKeyDictionary()
        for layer in viewer.layers:
            self._since[layer] = 0
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(IDLE_MS)
        self._timer.timeout.connect(self._reclaim)
        self._settling = (
            QTimer()
        )  # Qt lets some things go, and what they hold, with the turns of its event loop
        self._settling.setSingleShot(True)
        self._settling.setInterval(TURNS_MS)
        self._settling.timeout.connect(self._settle)
        self.due = False
        """Whether there is something to be reclaimed."""
        self._connections: list[tuple[Any, Any]] = [
            (viewer.layers.events.inserted, self._on_inserted),
            (viewer.layers.events.removed, self._on_removed),
            *((event, self._later) for event in (viewer.dims.events.point, viewer.cursor.events.position)),
        ]
        for signal, slot in self._connections:
            signal.connect(slot)

    def close(self) -> None:
        """Stop listening."""
        self._timer.stop()
        if self._settling.isActive():
            self._settle()
        self._settling.stop()
        for signal, slot in self._connections:
            signal.disconnect(slot)

    def _on_inserted(self, event: Any) -> None:
        self._since[event.value] = times_settled()

    def _on_removed(self, event: Any) -> None:
        if self._since.pop(event.value, 0) < times_settled():
            self.due = True
        self._later()

    def _later(self, _event: object = None) -> None:
        if self.due:
            self._timer.start()  # anew: somebody is at work

    def _reclaim(self) -> None:
        self.due = False
        reclaim()
        self._settling.start()

    def _settle(self) -> None:
        reclaim()  # not only collect: an import may have settled in between what the event loop has let go since
        settle()
