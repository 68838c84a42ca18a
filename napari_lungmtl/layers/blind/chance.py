"""The layer of chances: how likely a nodule would be found at each place of the lungs, right over the image."""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from napari.utils.colormaps import Colormap

from ...session.session import Session
from ...training.blind.trials import Grid, Trial, chance_map
from ..follower import Connection, LayerFollower, coalesced
from ..heat_map import EVIDENCE

OPACITY = 0.5
STOPS = {0.0: (0.90, 0.38, 0.0, 1.0), 0.5: (0.94, 0.88, 0.35, 0.75), 1.0: (0.20, 0.55, 0.85, 0.35)}
"""RGBA by chance: seldom found orange and plain, always found blue and faint; told apart by every kind of eyes."""
_OUTSIDE = 0.04
"""Part of the scale below the chance of 0, for what has none: it is not drawn."""
_WAIT = 250
"""Milliseconds in which changes are drawn once."""


class ChanceLayer(LayerFollower[ImageLayer]):
    """Draws the chance of detection at the session's threshold of the score, in slices, while its image is reviewed.

    Parameters
    ----------
    viewer, session
        As for a `LayerFollower`.
    below
        The image's layer, which the chances lie on.
    """

    def __init__(self, viewer: ViewerModel, session: Session, below: ImageLayer) -> None:
        self.trials: tuple[Trial, ...] = ()
        self.grid: Grid | None = None
        self.chance: np.ndarray | None = None
        """float32 on the grid, 0–1; NaN where there is none."""
        self.title = "chance of detection"
        self._below = below
        self._soon = coalesced(self.draw, _WAIT)
        super().__init__(viewer, session)

    def set_trials(self, grid: Grid | None, trials: tuple[Trial, ...], title: str = "") -> None:
        """Show what other grafts tell; none take the layer out."""
        self.grid, self.trials = grid, trials
        self.title = title or self.title
        if grid is None or not trials:
            self._soon.stop()
            self.chance = None
            self._take_out()
        elif not self._soon.isActive():
            self._soon.start()

    def draw(self) -> None:
        """Compute the chances and draw them now."""
        if self.grid is None or not self.trials or self._below not in self.viewer.layers:
            return
        self.chance = chance_map(self.trials, self.session.thresholds.score, self.grid)
        values = np.nan_to_num(_OUTSIDE + (1 - _OUTSIDE) * self.chance, nan=0.0)
        if self.layer is not None:
            self.layer.data = values
        elif not self.deleted:
            self._insert(self._make(values, self.grid), self.viewer.layers.index(self._below) + 1)

    def close(self) -> None:
        """Stop following, and take the layer out."""
        self._soon.stop()
        super().close()

    def _make(self, values: np.ndarray, grid: Grid) -> ImageLayer:
        return ImageLayer(
            values,
            name=self.title,
            scale=grid.spacing,
            translate=grid.origin,
            units=(self._units(),) * values.ndim,
            colormap=colormap(),
            contrast_limits=(0.0, 1.0),
            blending="translucent_no_depth",
            opacity=OPACITY,
            interpolation2d="nearest",  # between a place with a chance and one without there is none
            projection_mode="none",
            metadata={EVIDENCE: True},
        )

    def _session_events(self) -> list[Connection]:
        return [(self.session.events.thresholds, self._on_thresholds), *super()._session_events()]

    def _view_events(self) -> list[Connection]:
        return [(self.viewer.dims.events.ndisplay, self._on_display), *super()._view_events()]

    def _on_display(self, _event: object = None) -> None:
        self._show_or_hide()

    def _on_thresholds(self, _thresholds: object = None) -> None:
        if self.trials:
            self._soon.start()

    def _is_shown(self) -> bool:
        flat = self.viewer.dims.ndisplay == 2  # in 3-D it would hide what lies in the lungs
        return flat and super()._is_shown()


def colormap() -> Colormap:
    """napari's colour map of the layer: nothing for what has no chance, then `STOPS`."""
    nothing = (0.0, 0.0, 0.0, 0.0)
    places = [0.0, 0.75 * _OUTSIDE, *(_OUTSIDE + (1 - _OUTSIDE) * stop for stop in STOPS)]
    places[2] = 0.9 * _OUTSIDE
    return Colormap([nothing, nothing, *STOPS.values()], controls=places, name="chance of detection")
