"""Layers of a review stay where they are: findings are kept as places in the image, and would not go with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.notifications import show_info

from ..layers.follower import coalesced

PLACE = ("scale", "translate", "rotate", "shear", "affine")
"""What says where a layer lies."""
WORDS = "The image and its overlays stay where they are: findings are kept as places in it, and would not go with it."
Held = tuple[Layer, dict[str, np.ndarray], list[tuple[Any, Callable[..., object]]]]
"""A layer, its place, and what is listened to of it."""
_QUIET = 1000
"""Milliseconds for which moves that go on are not spoken of again."""


class StaysPut:
    """Puts back what napari's *Transform*, a script or another plugin moves, turns or scales, and says so once.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    reviewed
        The image layers under review: not all of them were read by this plugin.
    """

    def __init__(self, viewer: ViewerModel, reviewed: Callable[[], list[Layer]]) -> None:
        self._viewer, self._reviewed = viewer, reviewed
        self._held: dict[int, Held] = {}
        self._quiet = coalesced(lambda: None, _QUIET)
        self._look_soon = coalesced(self.look)
        self._busy = False
        for event in self._changes():
            event.connect(self._later)
        self.look()

    def look(self) -> None:
        """Hold what has come, and let go of what has gone."""
        held = {id(layer): layer for layer in (*self._reviewed(), *filter(_is_ours, self._viewer.layers))}
        for key in [key for key in self._held if key not in held]:
            self._release(key)
        for key, layer in held.items():
            if key not in self._held:
                self._hold(layer)

    def let_go(self) -> None:
        """Leave all layers alone."""
        self._look_soon.stop()
        self._quiet.stop()
        for event in self._changes():
            event.disconnect(self._later)
        for key in list(self._held):
            self._release(key)

    def _changes(self) -> tuple[Any, ...]:
        layers = self._viewer.layers
        # The active one too: a review may begin when a layer of another reader is chosen.
        return layers.events.inserted, layers.events.removed, layers.selection.events.active

    def _later(self, _event: object = None) -> None:
        self._look_soon.start()

    def _hold(self, layer: Layer) -> None:
        put_back: Callable[..., object] = partial(self._put_back, id(layer))
        connections = [(getattr(layer.events, name), put_back) for name in PLACE]
        for event, slot in connections:
            event.connect(slot)
        self._held[id(layer)] = layer, _place(layer), connections

    def _release(self, key: int) -> None:
        _, _, connections = self._held.pop(key)
        for event, slot in connections:
            event.disconnect(slot)

    def _put_back(self, key: int, _event: object = None) -> None:
        if self._busy or key not in self._held:
            return
        layer, place, _ = self._held[key]
        now = _place(layer)
        moved = [name for name in PLACE if not np.array_equal(now[name], place[name])]
        if not moved:
            return
        self._busy = True
        try:
            for name in moved:
                setattr(layer, name, place[name])
        finally:
            self._busy = False
        if not self._quiet.isActive():
            show_info(WORDS)
        self._quiet.start()


def _place(layer: Layer) -> dict[str, np.ndarray]:
    return {
        name: np.array(layer.affine.affine_matrix if name == "affine" else getattr(layer, name))
        for name in PLACE
    }


def _is_ours(layer: Layer) -> bool:
    return any(str(key).startswith("lungmtl_") for key in layer.metadata)
