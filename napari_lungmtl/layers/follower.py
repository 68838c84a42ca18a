"""What every drawing of a session has in common: one layer, kept in step with one session, both ways."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from napari.components import ViewerModel
from napari.layers import Labels, Points, Shapes

from ..session.session import Session
from ..training.imaging.image import Image
from .image import LAYER_UNITS

L = TypeVar("L", Points, Shapes, Labels)
Connection = tuple[Any, Callable[..., Any]]


class Binding(ABC, Generic[L]):
    """Keeps one layer in step with one session.

    The layer holds only what is visible. It is held as an object: a person may rename, move or hide it. When a person
    deletes it, the session keeps everything; `redraw`, showing the overlays, or news in the session bring a layer back.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    session
        The study; its image may be opened before or after.
    below
        Drawings that a new layer must not cover.
    """

    def __init__(self, viewer: ViewerModel, session: Session, below: Sequence[Binding[Any]] = ()) -> None:
        self.viewer = viewer
        self.session = session
        self._below = tuple(below)
        self.layer: L | None = None
        self._seen: frozenset[str] = frozenset()
        self._busy = False
        for signal, slot in self._follows():
            signal.connect(slot)
        if session.image is not None:
            self._on_image(session.image)

    def close(self) -> None:
        """Stop following, and take the layer out: nobody would take its edits any more."""
        for signal, slot in self._follows():
            signal.disconnect(slot)
        self._remove_layer()

    def redraw(self) -> L:
        """Bring the layer back where a person deleted it, and make it show what the session holds."""
        if self.layer is None:
            self._forget_drawn()
            self.layer = self._add_layer()
        self._draw()
        self._show_selection()
        return self.layer

    # ---- what kinds of layers differ in

    @abstractmethod
    def _suits(self, image: Image) -> bool:
        """Whether a layer is drawn as soon as this image is opened."""

    @abstractmethod
    def _contents(self) -> frozenset[str]:
        """Names of all that the session holds for this layer: something new among them brings it back."""

    @abstractmethod
    def _has_visible(self) -> bool:
        """Whether there is anything to draw."""

    @abstractmethod
    def _make_layer(self, units: str) -> L:
        """An empty layer in these units."""

    @abstractmethod
    def _layer_events(self, layer: L) -> list[Connection]:
        """The layer's events by which a person's edits and choices are known."""

    @abstractmethod
    def _draw(self) -> None:
        """Make the layer what the session holds; what is already right is left alone."""

    @abstractmethod
    def _show_selection(self) -> None:
        """Show which finding is selected."""

    @abstractmethod
    def _forget_drawn(self) -> None:
        """The layer is new, or gone."""

    def _place(self) -> int | None:
        """Where among the layers a new one belongs; None for the top."""
        layers = self.viewer.layers
        return min((layers.index(b.layer) for b in self._below if b.layer in layers), default=None)

    def _follows(self) -> list[Connection]:
        events = self.session.events
        return [
            (events.image, self._on_image),
            (events.findings, self._on_findings),
            (events.thresholds, self._draw),
            (events.selected, self._show_selection),
            (events.overlays, self._on_overlays),
            (self.viewer.layers.events.removed, self._on_removed),
        ]

    # ---- session -> layer

    def _on_image(self, image: Image | None) -> None:
        self._remove_layer()
        self._seen = self._contents()
        if image is not None and self._suits(image):
            self.redraw()

    def _on_findings(self) -> None:
        contents = self._contents()
        news = contents - self._seen
        self._seen |= contents
        if self.layer is None and news and self._has_visible():
            self.redraw()
        else:
            self._draw()

    def _on_overlays(self, shown: bool) -> None:
        if shown and self.layer is None and self._seen:
            self.redraw()
        if self.layer is not None:
            self.layer.visible = shown

    # ---- the layer

    def _add_layer(self) -> L:
        image = self.session.image
        layers = self.viewer.layers
        selection, active = set(layers.selection), layers.selection.active
        layer = self._make_layer("mm" if image is None else str(image.metadata.get(LAYER_UNITS, image.units)))
        if not self.session.overlays_shown:
            layer.visible = False
        place = self._place()
        self.viewer.add_layer(layer)
        if place is not None:
            layers.move(layers.index(layer), place)
        if active is not None:
            # A person who chose an image goes on working on it.
            layers.selection = selection
            layers.selection.active = active
        for signal, slot in self._layer_events(layer):
            signal.connect(slot)
        layer.events.visible.connect(self._on_layer_visible)
        return layer

    def _remove_layer(self) -> None:
        layer, self.layer = self.layer, None
        self._forget_drawn()
        if layer is not None:
            self._let_go(layer)
            if layer in self.viewer.layers:
                self.viewer.layers.remove(layer)

    def _let_go(self, layer: L) -> None:
        for signal, slot in self._layer_events(layer):
            signal.disconnect(slot)
        layer.events.visible.disconnect(self._on_layer_visible)

    @contextmanager
    def _drawing(self, layer: L) -> Iterator[None]:
        """Own changes of the layer are not a person's edits."""
        was_busy, self._busy = self._busy, True
        try:
            with layer.events.data.blocker():
                yield
        finally:
            self._busy = was_busy

    # ---- layer -> session

    def _on_removed(self, event: object) -> None:
        if self.layer is not None and getattr(event, "value", None) is self.layer:
            self._let_go(self.layer)
            self.layer = None
            self._forget_drawn()

    def _on_layer_visible(self) -> None:
        if self.layer is not None:
            self.session.show_overlays(self.layer.visible)
