"""A trace of a turned radiograph, asked in the world of the radiograph as its file holds it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..findings import Box
from ..findings.turned import geometry_as_stored
from ..imaging.radiograph.orientation import WorldMap
from .answer import Answer, Place, Trace


@dataclass(frozen=True, eq=False)
class TurnedTrace:
    """A `Trace` of what networks saw turned.

    Parameters
    ----------
    trace
        In the turned image's world.
    world
        Leads from there to the stored image's.
    """

    trace: Trace
    world: WorldMap

    @property
    def model(self) -> str:
        """The network's name."""
        return self.trace.model

    @property
    def version(self) -> str:
        """Of its weights."""
        return self.trace.version

    @property
    def nbytes(self) -> int:
        """Memory that it holds."""
        return self.trace.nbytes

    def answer(self, place: Place) -> Answer:
        """Say which mark is at a place of the stored image, or why the run made none."""
        answer = self.trace.answer(self._turned(place))
        mark = None if answer.mark is None else geometry_as_stored(answer.mark, self.world)
        return replace(answer, place=place, mark=mark)

    def _turned(self, place: Place) -> Place:
        nodule = place.nodule
        if isinstance(nodule, Box):
            corners = np.array([self._point(nodule.low), self._point(nodule.high)])
            nodule = Box(tuple(corners.min(0)), tuple(corners.max(0)))
        return Place(tuple(self._point(place.point)), nodule)

    def _point(self, stored: tuple[float, ...]) -> np.ndarray:
        """A position (y, x) of the stored image's world in the turned one's: both maps are affine."""
        zero, down, right = self.world.to_stored([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])
        return np.linalg.solve(np.stack([down - zero, right - zero], axis=1), np.asarray(stored) - zero)
