"""The first finding of a run is selected and shown, unless the person has gone elsewhere meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from napari.components import ViewerModel
from qtpy.QtCore import QObject, Signal

from ..layers.view_state import ViewState, remember
from ..reviewed_images import ReviewedImage
from .run import RunSection


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
        self._viewer, self._current = viewer, current
        self._at_start: ViewState | None = None
        run.started.connect(self._on_started)
        run.found.connect(self._on_found)

    def _on_started(self) -> None:
        self._at_start = remember(self._viewer)

    def _on_found(self, reviewed: ReviewedImage) -> None:
        session = reviewed.session
        undecided = session.selected is None and reviewed is self._current() and bool(session.visible)
        if undecided and remember(self._viewer) == self._at_start:
            session.select(session.visible[0].id)
            self.shown.emit()
