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
from ..layers.image import IMAGE
from ..reviewed_images import ReviewedImage, ReviewedImages
from ..session.session import Session

PLACE = ("scale", "translate", "rotate", "shear", "affine")
"""What says where a layer lies."""
WORDS = "The image and its overlays stay where they are: findings are kept as places in it, and would not go with it."
Held = tuple[Layer, dict[str, np.ndarray], list[tuple[Any, Callable[..., object]]]]
"""A layer, its place, and what is listened to of it."""
_QUIET = 1000
"""Milliseconds for which moves that go on are not spoken of again."""
_ANEW = 50
"""Milliseconds without a further move after which a review begins anew: scripts set one thing after the other, a drag goes on."""


class StaysPut:
    """Puts back what napari's *Transform*, a script or another plugin moves, turns or scales, and says so once.

    A layer of another reader may get its scale and place after it was added: while nothing was found on it, its review begins
    anew with these.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    images
        Those under review: not all of them were read by this plugin.
    """

    def __init__(self, viewer: ViewerModel, images: ReviewedImages) -> None:
        self._viewer, self._images = viewer, images
        self._held: dict[int, Held] = {}
        self._quiet = coalesced(lambda: None, _QUIET)
        self._look_soon = coalesced(self.look)
        self._anew = coalesced(self._begin_anew, _ANEW)
        self._busy = False
        # At once: what is held is where the layer lay when its image was made.
        images.events.listed.connect(self.look)
        for event in self._changes():
            event.connect(self._later)
        self.look()

    def look(self) -> None:
        """Hold what has come, and let go of what has gone."""
        layers = [reviewed.layer for reviewed in self._images]
        held = {id(layer): layer for layer in (*layers, *filter(_is_ours, self._viewer.layers))}
        for key in [key for key in self._held if key not in held]:
            self._release(key)
        for key, layer in held.items():
            if key not in self._held:
                self._hold(layer)

    def let_go(self) -> None:
        """Leave all layers alone."""
        for timer in (self._look_soon, self._quiet, self._anew):
            timer.stop()
        self._images.events.listed.disconnect(self.look)
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
        on_moved: Callable[..., object] = partial(self._on_moved, id(layer))
        connections = [(getattr(layer.events, name), on_moved) for name in PLACE]
        for event, slot in connections:
            event.connect(slot)
        self._held[id(layer)] = layer, _place(layer), connections

    def _release(self, key: int) -> None:
        _, _, connections = self._held.pop(key)
        for event, slot in connections:
            event.disconnect(slot)

    def _on_moved(self, key: int, _event: object = None) -> None:
        if self._busy or key not in self._held or not self._moved(key):
            return
        if self._is_free(key):
            self._anew.start()
        else:
            self._put_back(key)

    def _moved(self, key: int) -> list[str]:
        """What of a layer's place is another than when it was held; where it has other axes since, it is held anew."""
        layer, place, _ = self._held[key]
        now = _place(layer)
        if any(now[name].shape != place[name].shape for name in PLACE):
            self._release(key)
            self._hold(layer)
            return []
        return [name for name in PLACE if not np.array_equal(now[name], place[name])]

    def _is_free(self, key: int) -> bool:
        """Whether a layer that another reader made has nothing on it that would be left behind."""
        layer = self._held[key][0]
        reviewed = next((each for each in self._images if each.layer is layer), None)
        return reviewed is not None and layer.metadata.get(IMAGE) is None and _is_bare(reviewed)

    def _begin_anew(self) -> None:
        for key in list(self._held):
            if key not in self._held or not self._moved(key):
                continue
            layer = self._held[key][0]
            if not (self._is_free(key) and self._images.begin_anew(layer)):
                self._put_back(key)
            elif key in self._held:
                self._release(key)
                self._hold(layer)

    def _put_back(self, key: int) -> None:
        layer, place, _ = self._held[key]
        self._busy = True
        try:
            for name in self._moved(key):
                setattr(layer, name, place[name])
        finally:
            self._busy = False
        if not self._quiet.isActive():
            show_info(WORDS)
        self._quiet.start()


def _is_bare(reviewed: ReviewedImage) -> bool:
    return not reviewed.companions and not _had_anything(reviewed.session)


def _had_anything(session: Session) -> bool:
    """Whether there is or was anything in the image, which undo would bring back."""
    states = (session.findings, *(state for step in session.steps for state in (step.before, step.after)))
    return any(len(state) or state.regions or state.measurements for state in states)


def _place(layer: Layer) -> dict[str, np.ndarray]:
    return {
        name: np.array(layer.affine.affine_matrix if name == "affine" else getattr(layer, name))
        for name in PLACE
    }


def _is_ours(layer: Layer) -> bool:
    return any(str(key).startswith("lungmtl_") for key in layer.metadata)
