"""The heat map layer: where on a radiograph a network saw evidence, right over the image and under everything else."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from psygnal import Signal

from ..jobs.background import Background
from ..session.session import Session
from ..training.imaging.image import Image
from ..training.inference import chain, predictor, registry
from ..training.inference.suitability import suits
from .image import LAYER_UNITS

EVIDENCE = "lungmtl_evidence"
"""Key of the metadata of a heat map's layer: it is no image under review."""
OPACITY = 0.6


def choices(image: Image) -> dict[str, str]:
    """Networks at hand whose evidence on a radiograph can be shown, by name, and what is shown: ``DHN objectness``."""
    if image.ndim != 2:
        return {}
    at_hand = (info for info in registry.models() if info.heat_map and suits(info, image))
    return {info.name: f"{info.title} {info.heat_map}" for info in at_hand}


class HeatMap:
    """Computes a network's evidence off the GUI thread, once, and shows it while the radiograph is the one that is reviewed.

    Parameters
    ----------
    viewer, session
        The study.
    below
        The radiograph's layer, which the heat map lies on.
    """

    changed = Signal()
    """`name`, `busy` or `problem` has changed."""

    def __init__(self, viewer: ViewerModel, session: Session, below: ImageLayer) -> None:
        self.layer: ImageLayer | None = None
        self.name: str | None = None
        self.problem = ""
        self._viewer, self._session, self._below = viewer, session, below
        self._known: dict[str, predictor.HeatMap] = {}
        self._current = True
        self._work = Background()
        self._work.finished.connect(self._on_finished)
        self._work.failed.connect(self._on_failed)
        session.events.overlays.connect(self._show_visible)
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def busy(self) -> bool:
        """Whether a map is being computed."""
        return self._work.running

    def show(self, name: str | None, device: str = "auto") -> None:
        """Show a network's map, or none."""
        image = self._session.image
        self._work.cancel()
        self._take_out()
        self.name, self.problem = name if image is not None else None, ""
        if self.name is not None and image is not None:
            if self.name in self._known:
                self._add_layer(self._known[self.name])
            else:
                self._work.start(lambda: _steps(image, self.name or "", device))
        self.changed.emit()

    def set_current(self, current: bool) -> None:
        """Hide the map while another study is looked at."""
        self._current = current
        self._show_visible()

    def close(self) -> None:
        """Stop computing and following, and take the layer out."""
        self._work.cancel()
        self._session.events.overlays.disconnect(self._show_visible)
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self._take_out()

    def _on_finished(self, evidence: predictor.HeatMap) -> None:
        if self.name is not None:
            self._known[self.name] = evidence
            self._add_layer(evidence)
        self.changed.emit()

    def _on_failed(self, message: str) -> None:
        self.name, self.problem = None, message
        self.changed.emit()

    def _add_layer(self, evidence: predictor.HeatMap) -> None:
        image, layers = self._session.image, self._viewer.layers
        if image is None or self._below not in layers:
            return
        values, origin = cropped(evidence, image)
        selection, active = set(layers.selection), layers.selection.active
        layer = ImageLayer(
            values,
            name=f"heat map: {evidence.title}",
            scale=evidence.spacing,
            translate=origin,
            units=(str(image.metadata.get(LAYER_UNITS, image.units)),) * 2,
            colormap="inferno",  # even steps of lightness: read alike by every kind of eyes
            contrast_limits=(0.0, 1.0),
            blending="additive",  # what is no evidence leaves the radiograph as it is
            opacity=OPACITY,
            interpolation2d="linear",
            metadata={EVIDENCE: True},
        )
        layer.visible = self._current and self._session.overlays_shown
        layers.insert(layers.index(self._below) + 1, layer)
        layers.selection = selection
        layers.selection.active = active
        self.layer = layer

    def _take_out(self) -> None:
        layer, self.layer = self.layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _show_visible(self, _shown: object = None) -> None:
        if self.layer is not None:
            self.layer.visible = self._current and self._session.overlays_shown

    def _on_removed(self, event: object) -> None:
        if self.layer is not None and getattr(event, "value", None) is self.layer:
            self.layer, self.name = None, None
            self.changed.emit()


def _steps(image: Image, name: str, device: str) -> Generator[None, None, predictor.HeatMap]:
    yield
    return chain.heat_map(image, name, device)


def cropped(evidence: predictor.HeatMap, image: Image) -> tuple[np.ndarray, tuple[float, float]]:
    """Values and origin of the part that lies on the image: networks see a square, padded beside the radiograph."""
    low, high = image.extent
    first, past = [], []
    for axis in range(2):
        spacing, origin = evidence.spacing[axis], evidence.origin[axis]
        first.append(max(int(np.ceil((low[axis] - origin) / spacing - 1e-6)), 0))
        last = int(np.floor((high[axis] - origin) / spacing + 1e-6))
        past.append(min(last + 1, evidence.values.shape[axis]))
    part = evidence.values[first[0] : past[0], first[1] : past[1]]
    corner = tuple(o + f * s for o, f, s in zip(evidence.origin, first, evidence.spacing, strict=True))
    return part, (corner[0], corner[1])
