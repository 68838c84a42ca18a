"""Places of a radiograph that networks see turned: from the world of its file to the one they see, and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..imaging.radiograph.orientation import AS_STORED, WorldMap
from ..inference.view import View
from .candidates import Candidates


def to_turned(places: np.ndarray, view: View) -> np.ndarray:
    """Bring places (N, 4) of the stored image to the turned one; a CT's stay."""
    if view.seen == AS_STORED:
        return places
    world = WorldMap.of(view.stored, view.seen)
    first, down, right = world.to_stored([[0, 0], [1, 0], [0, 1]])
    back = np.linalg.inv(np.stack([down - first, right - first]))
    return _upright((places.reshape(-1, 2, 2) - first) @ back)


def as_stored(candidates: Candidates, view: View) -> Candidates:
    """Bring candidates of the turned image to the stored one."""
    if view.seen == AS_STORED:
        return candidates
    world = WorldMap.of(view.stored, view.seen)
    return replace(candidates, places=_upright(world.to_stored(candidates.places.reshape(-1, 2, 2))))


def _upright(corners: np.ndarray) -> np.ndarray:
    """Boxes (N, 4), low corners first, of any two opposite corners (N, 2, 2)."""
    return np.concatenate([corners.min(1), corners.max(1)], axis=1)
