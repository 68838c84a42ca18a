"""Pixels of the screen: how large they are in the world, and layers that are laid out in them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Generic, TypeVar

import pandas as pd
from napari.components import ViewerModel
from napari.layers import Shapes
from qtpy.QtGui import QGuiApplication

from ..session.session import Session
from .follower import LayerFollower, coalesced

STRIP = (0.07, 0.08, 0.10, 0.85)
"""RGBA under letters: so dark that they can be read over any grey."""
LETTERS = {"string": "{label}", "size": 8, "anchor": "upper_left"}
"""Text of a Shapes layer. 8 is drawn as 10 pt elsewhere (letters of 14 pixels at 96 to the inch), on the shape's upper left
corner, outside."""

Layout = TypeVar("Layout")


def pixel_size() -> float:
    """Pixels of the canvas for one of 96 to the inch: napari's zoom counts the screen's own, and letters grow with them."""
    screen = QGuiApplication.primaryScreen()
    return max(screen.logicalDotsPerInch() / 96, 1.0) if screen is not None else 1.0


def text_features(**columns: tuple[str, ...]) -> pd.DataFrame:
    """Features of a layer that are all text, by name; also where there are none."""
    return pd.DataFrame({name: pd.Series(column, dtype=object) for name, column in columns.items()})


class ScreenLayer(LayerFollower[Shapes], Generic[Layout]):
    """A Shapes layer with text that keeps its size on the screen; nothing in it is edited or saved.

    It is laid out anew when view or session have changed, once for all that came together, and only where that gives another
    layout. A person who deletes the layer is rid of it until the overlays are shown anew.

    Parameters
    ----------
    viewer, session
        As for a `LayerFollower`.
    wait
        Milliseconds within which changes come together.
    """

    def __init__(self, viewer: ViewerModel, session: Session, wait: int = 0) -> None:
        self._layout: Layout | None = None
        self._unwanted = False
        self._pixel = pixel_size()
        self._timer = coalesced(self.draw, wait)
        super().__init__(viewer, session)

    def close(self) -> None:
        """Stop following, and take the layer out."""
        self._timer.stop()
        super().close()

    def draw(self) -> None:
        """Bring the layer up to date now."""
        hidden = self._unwanted or not self.session.overlays_shown
        layout = None if hidden else self._lay_out()
        if layout == self._layout:
            return
        if self.layer is None:
            self._insert(self._make_layer(self._units()))
        assert self.layer is not None
        self._show(self.layer, layout)

    # ---- what such layers differ in

    @abstractmethod
    def _lay_out(self) -> Layout | None:
        """What should stand where, equal to the last where nothing changed; None for nothing."""

    @abstractmethod
    def _make_layer(self, units: str) -> Shapes:
        """An empty layer in these units."""

    @abstractmethod
    def _fill(self, layer: Shapes, layout: Layout) -> None:
        """Give the layer its shapes, texts and colours; none of its events are heard meanwhile."""

    @abstractmethod
    def _seat_letters(self, layer: Shapes, layout: Layout) -> None:
        """Move the texts to where their shapes leave room for them."""

    # ---- the layer

    def _show(self, layer: Shapes, layout: Layout | None) -> None:
        with layer.events.blocker_all():
            if layout is None:
                layer.data = []
                layer.features = layer.features.iloc[:0]
            else:
                self._fill(layer, layout)
        layer.editable = False  # which new data reset
        if layout is not None:
            self._seat_letters(layer, layout)
        self._layout = layout
        layer.refresh(thumbnail=False)

    def _insert(self, layer: Shapes, index: int | None = None) -> None:
        super()._insert(layer, index)
        layer.editable = False

    def _forget_rendered(self) -> None:
        self._layout = None

    def _later(self, _event: object = None) -> None:
        """Within the same turn of the event loop a selection moves slices and camera: draw once, after all."""
        self._timer.start()

    def _on_overlays(self, shown: bool) -> None:
        if shown:
            self._unwanted = False
        super()._on_overlays(shown)
        self._later()

    def _on_gone(self) -> None:
        self._unwanted = True
