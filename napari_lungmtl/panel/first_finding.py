"""The first finding of a run is selected and shown, unless the person has gone elsewhere meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from napari.components import ViewerModel
from qtpy.QtCore import QObject, Signal

from ..layers.follower import coalesced
from ..layers.view_state import ViewState, remember
from ..reviewed_images import ReviewedImage
from .run import RunSection

PREPARE_MS = 20
"""Milliseconds after the start of a run: a person sees first that it has begun. Networks begin later (`run.BEGIN_MS`)."""


class FirstFinding(QObject):
    """Selects what a run found first, in the order of the list, as soon as anything is shown.

    Parameters
    ----------
    viewer
        Where a person may have moved: slice, plane and camera are compared with those at the start of the run.
    run
        The section that says when a run starts and what it found.
    current
        The image that is looked at; what is found in another one is not selected.
    """

    shown = Signal()

    def __init__(
        self, viewer: ViewerModel, run: RunSection, current: Callable[[], ReviewedImage | None]
    ) -> None:
        super().__init__(run)
        self._viewer, self._run, self._current = viewer, run, current
        self._at_start: ViewState | None = None
        self._found: ReviewedImage | None = None
        self._prepared: ReviewedImage | None = None
        self._preparing = coalesced(self._prepare, PREPARE_MS)
        self._showing = coalesced(self._show)
        run.started.connect(self._on_started)
        run.found.connect(self._on_found)
        run.finished.connect(self._on_finished)
        for ended in (run.finished, run.runner.failed, run.runner.cancelled):
            ended.connect(self._on_ended)

    def abandon(self) -> None:
        """The window is going."""
        self._preparing.stop()
        self._showing.stop()

    def _on_started(self) -> None:
        self._at_start = remember(self._viewer)
        self._preparing.start()

    def _prepare(self) -> None:
        """Put the layer of rings in before networks work: to add one takes napari long, and three times as long beside them."""
        reviewed = self._current()
        if reviewed is not None and self._run.runs_on(reviewed):
            reviewed.rings.prepare()
            self._prepared = reviewed

    def _on_ended(self, _how: object = None) -> None:
        self._preparing.stop()
        prepared, self._prepared = self._prepared, None
        if prepared is not None:
            prepared.rings.withdraw()

    def _on_found(self, reviewed: ReviewedImage) -> None:
        """The next turn of the event loop shows it: to take findings in and to go to one of them would be one long wait."""
        self._found = reviewed
        self._showing.start()

    def _on_finished(self, _reviewed: object = None) -> None:
        if self._showing.isActive():
            self._showing.stop()
            self._show()

    def _show(self) -> None:
        reviewed, self._found = self._found, None  # its image may be closed, and is not kept
        if reviewed is None or reviewed is not self._current():
            return
        session = reviewed.session
        if session.selected is None and session.visible and remember(self._viewer) == self._at_start:
            session.select(session.visible[0].id)
            self.shown.emit()
