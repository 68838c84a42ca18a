"""A layer whose voxels come from a server while it is looked at: read in the background, what is looked at first."""

from __future__ import annotations

import logging
import time

from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from napari.utils.notifications import show_error, show_warning
from qtpy.QtCore import QObject, QTimer

from ..jobs.worker import Steps, Worker
from ..training.imaging.formats.ome_zarr.stream import Stream
from ..training.imaging.streamed import StreamedImage, rest_of
from .window_presets import apply, first_window, presets

log = logging.getLogger("napari_lungmtl")
TICK_MS = 50
"""Between two looks at what has come."""
EVERY = 0.25
"""Seconds between two redraws of views that cut through all slices."""
_going: set[LayerFilling] = set()


class LayerFilling(QObject):
    """Reads the rest of an image, and draws its layers again as it comes; ends with it, or when its last layer is gone.

    Parameters
    ----------
    viewer
        That shows it, or will.
    image
        The image, known by its layers' metadata.
    """

    def __init__(self, viewer: ViewerModel, image: StreamedImage) -> None:
        super().__init__()
        assert isinstance(image.stream, Stream)
        self._viewer, self._image, self._stream = viewer, image, image.stream
        self._warnings, self._limits = image.warnings, first_window(image)
        self._seen, self._was_here, self._drawn = False, False, 0.0
        self._worker = Worker("The study could not be read", self)
        self._worker.finished.connect(self._on_whole)
        self._worker.failed.connect(self._on_failed)
        self._worker.cancelled.connect(self._end)
        # Not by the worker's reports, of which some are left out: after the last one the server may be silent for long.
        self._ticks = QTimer(self)
        self._ticks.setInterval(TICK_MS)
        self._ticks.timeout.connect(self._on_tick)
        self._ticks.start()
        self._later = QTimer(self)
        self._later.setInterval(1000)
        self._later.timeout.connect(self._on_later)
        viewer.dims.events.point.connect(self._look)
        _going.add(self)
        self._look()
        self._worker.start(lambda: _read(image), image.series_uid)

    def _layers(self) -> list[ImageLayer]:
        return [
            layer
            for layer in self._viewer.layers
            if isinstance(layer, ImageLayer) and any(v is self._image for v in layer.metadata.values())
        ]

    def _look(self, _event: object = None) -> None:
        """What is looked at is read next."""
        if self._viewer.dims.ndim >= 3 and self._layers():
            point = self._viewer.dims.point[-3:]
            self._stream.near = round(float(self._image.to_index(point)[0]))
            self._was_here = False  # it may come while napari cuts the slice

    def _on_tick(self) -> None:
        layers = self._layers()
        if not layers:
            if self._seen:  # it was closed
                self._worker.cancel()
            return
        if not self._seen:
            self._seen = True
            self._look()
        now = time.monotonic()
        is_axial = (
            self._viewer.dims.ndisplay == 2 and self._viewer.dims.order[0] == self._viewer.dims.ndim - 3
        )
        here = self._stream.has(self._stream.near)
        if is_axial and here and not self._was_here:
            self._draw(layers)
        elif now - self._drawn > EVERY:
            if not is_axial:
                self._draw(layers)
            self._drawn = now
            for layer in layers:  # other views of its grey values, and what the canvas says of it
                layer.events.contrast_limits()
        self._was_here = here

    def _draw(self, layers: list[ImageLayer]) -> None:
        for layer in layers:
            layer.refresh(thumbnail=False, highlight=False, extent=False)

    def _on_whole(self, _result: object = None) -> None:
        for layer in self._layers():
            limits = presets(self._image)["Full"]
            untouched = tuple(layer.contrast_limits) == tuple(self._limits)
            layer.contrast_limits_range = limits
            apply(layer, first_window(self._image) if untouched else tuple(layer.contrast_limits))
            layer.refresh()
            layer.events.contrast_limits()
        if said := [w for w in self._image.warnings if w not in self._warnings]:
            show_warning(" ".join(said))
        self._end()

    def _on_failed(self, message: str) -> None:
        part = f"{self._stream.fraction:.0%}"
        show_error(f"{message} Of this study {part} was read; Run asks for the rest again.")
        self._ticks.stop()
        self._later.start()

    def _on_later(self) -> None:
        """Somebody else may have read the rest."""
        if self._stream.is_whole:
            self._on_whole()
        elif not self._layers():
            self._end()

    def _end(self) -> None:
        self._ticks.stop()
        self._later.stop()
        self._viewer.dims.events.point.disconnect(self._look)
        _going.discard(self)
        self.deleteLater()


def _read(image: StreamedImage) -> Steps[None]:
    yield from rest_of(image)
