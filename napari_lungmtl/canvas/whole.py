"""A slice that fills the canvas goes on filling it when the canvas gets another size."""

from __future__ import annotations

from collections.abc import Callable

from napari.components import ViewerModel
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget

from ..layers import planes
from ..layers.follower import coalesced
from ..layers.gl_context import canvas_of

_WAIT = 30
"""Milliseconds: a layout comes to rest in several steps."""


class StaysWhole(QObject):
    """Fits what was all in view into the canvas's new size; what a person has zoomed stays.

    napari fits its first image before the controls of its layer have widened their side: both edges of a chest lay behind it, and
    as the slice was no longer all in view, each step to a finding moved it.

    Parameters
    ----------
    viewer
        Whose canvas it is.
    reads
        Whether an image is read: the views of others are left alone.
    """

    def __init__(self, viewer: ViewerModel, reads: Callable[[], bool]) -> None:
        super().__init__()
        self._viewer = viewer
        self._reads = reads
        self._fit = coalesced(self._fill, _WAIT)
        self._look: tuple[float, ...] = ()
        self._whole = self._filled = self._gone = False
        if len(
            viewer.layers
        ):  # the dock that is being made takes its width from the canvas before it is shown
            self._remember()

    def attach(self, window: QWidget) -> None:
        """Follow the size of a window's canvas."""
        canvas = canvas_of(window)
        if canvas is not None:
            canvas.installEventFilter(self)
            self._fit.start()

    def let_go(self) -> None:
        """Fit nothing from now on; no widget is touched."""
        self._fit.stop()
        self._gone, self._reads = True, lambda: False

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Remember, before the canvas takes its size, whether the slice fills it.

        Also before it is known whether an image is read: the controls of the first one widen their side until it is.
        """
        resizes = event is not None and event.type() == QEvent.Type.Resize
        if resizes and not self._gone and len(self._viewer.layers):
            if not self._fit.isActive() or self._seen() != self._look:
                self._remember()
            self._fit.start()
        return super().eventFilter(watched, event)

    def _remember(self) -> None:
        self._look, self._whole = self._seen(), self._is_whole()
        self._filled = planes.fills(self._viewer)

    def _fill(self) -> None:
        # Not where a case was opened, or a person has zoomed, since.
        if not self._reads() or self._seen() != self._look or not self._whole:
            return
        if self._filled or not planes.is_whole(self._viewer):
            planes.fit(self._viewer)

    def _is_whole(self) -> bool:
        return self._viewer.dims.ndisplay == 2 and planes.is_in_view(self._viewer)

    def _seen(self) -> tuple[float, ...]:
        dims, camera = self._viewer.dims, self._viewer.scene.camera
        return (camera.zoom, *camera.center, *dims.order, dims.ndisplay)
