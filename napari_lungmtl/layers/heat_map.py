"""The heat map layer: where on a radiograph a network saw evidence, right over the image and under everything else."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from psygnal import Signal

from ..jobs.worker import Worker, one_step
from ..session.session import Session
from ..training.imaging.image import Image
from ..training.inference import chain, predictor, registry
from ..training.inference.suitability import suits
from .follower import LayerFollower

EVIDENCE = "lungmtl_evidence"
"""Key of the metadata of a heat map's layer: it is no image under review."""
OPACITY = 0.6


def choices(image: Image) -> dict[str, str]:
    """Networks at hand whose evidence on a radiograph can be shown, by name, and what is shown: ``DHN objectness``."""
    if image.ndim != 2:
        return {}
    at_hand = (info for info in registry.models() if info.heat_map and suits(info, image))
    return {info.name: f"{info.title} {info.heat_map}" for info in at_hand}


class HeatMapLayer(LayerFollower[ImageLayer]):
    """Computes a network's evidence off the GUI thread, once, and shows it while the radiograph is the one that is reviewed.

    Parameters
    ----------
    viewer, session
        As for a `LayerFollower`.
    below
        The radiograph's layer, which the heat map lies on.
    """

    changed = Signal()
    """`name`, `busy` or `problem` has changed."""

    def __init__(self, viewer: ViewerModel, session: Session, below: ImageLayer) -> None:
        self.name: str | None = None
        self.problem = ""
        self._below = below
        self._by_weights: dict[tuple[str, Path | None], predictor.HeatMap] = {}
        self._orientation = session.orientation
        self._work = Worker("The heat map could not be computed")
        self._work.finished.connect(self._on_finished)
        self._work.failed.connect(self._on_failed)
        super().__init__(viewer, session)

    @property
    def busy(self) -> bool:
        """Whether a map is being computed."""
        return self._work.running

    def show(self, name: str | None, device: str = "auto") -> None:
        """Show a network's map, or none."""
        image = self.session.image
        self._work.cancel()
        self._take_out()
        self.name, self.problem = name if image is not None else None, ""
        if self.session.orientation != self._orientation:  # networks look at it as it is turned
            self._by_weights.clear()
        if self.name is not None and image is not None:
            self._weights = self.name, registry.own_weights(self.name)
            if self._weights in self._by_weights:
                self._add_layer(self._by_weights[self._weights])
            else:
                orientation = self._orientation = self.session.orientation
                self._work.start(partial(one_step, chain.heat_map, image, self.name, device, orientation))
        self.changed.emit()

    def close(self) -> None:
        """Stop computing and following, and take the layer out."""
        self._work.cancel()
        super().close()

    def _on_finished(self, evidence: predictor.HeatMap) -> None:
        if self.name is not None:
            self._by_weights[self._weights] = evidence
            self._add_layer(evidence)
        self.changed.emit()

    def _on_failed(self, message: str) -> None:
        self.name, self.problem = None, message
        self.changed.emit()

    def _add_layer(self, evidence: predictor.HeatMap) -> None:
        image, layers = self.session.image, self.viewer.layers
        if image is None or self._below not in layers:
            return
        values, origin = cropped(evidence, image)
        layer = ImageLayer(
            values,
            name=f"heat map: {evidence.title}",
            scale=evidence.spacing,
            translate=origin,
            units=(self._units(),) * 2,
            colormap="inferno",  # even steps of lightness: read alike by every kind of eyes
            contrast_limits=(0.0, 1.0),
            blending="additive",  # what is no evidence leaves the radiograph as it is
            opacity=OPACITY,
            interpolation2d="linear",
            metadata={EVIDENCE: True},
        )
        layer.colorbar.visible = True  # what a colour means
        layer.colorbar.position = "top_right"  # where nothing is written over a radiograph
        self._insert(layer, layers.index(self._below) + 1)

    def _on_gone(self) -> None:
        self.name = None
        self.changed.emit()


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
