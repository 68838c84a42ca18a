"""Layers that follow a session: what all drawings over an image have in common.

`LayerFollower` puts one layer in and takes it out; `Binding` also keeps it in step both ways, so that a person's edits become
commands of the session.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from napari.components import LayerList, ViewerModel
from napari.layers import Image as ImageLayer
from napari.layers import Labels, Layer, Points, Shapes
from qtpy.QtCore import QTimer

from ..session.session import Session
from ..training.imaging.image import Image
from .image import LAYER_UNITS, agree_on_units
from .spheres.layer_data import FINDINGS, SHOWN

L = TypeVar("L", Points, Shapes, Labels, ImageLayer)
E = TypeVar("E", Points, Shapes, Labels)
Connection = tuple[Any, Callable[..., Any]]

FOLLOWED = "lungmtl_followed"
"""Key of the metadata of a layer that follows a session: its edits become the session's commands, and the keys of a review hold
while it is chosen."""


def insert_layer(layers: LayerList, layer: Layer, index: int | None = None) -> None:
    """Add a layer to a viewer's, on top or at an index; a person who chose another layer goes on working on it.

    napari chooses what comes in. Where that is taken back at once nobody need hear of either: buttons and controls would be
    styled anew three times, a third of what it takes to add a layer.
    """
    selection, active = set(layers.selection), layers.selection.active
    agree_on_units([*layers, layer])
    with layers.selection.events.blocker_all():
        layers.insert(len(layers) if index is None else index, layer)
        layers.selection = selection
        layers.selection.active = active
    layer.update_highlight_visibility(False)


def coalesced(slot: Callable[[], object], wait: int = 0) -> QTimer:
    """A timer whose `start` calls a slot once for all calls within the same turn of the event loop, or within `wait` ms."""
    timer = QTimer()
    timer.setSingleShot(True)
    timer.setInterval(wait)
    timer.timeout.connect(slot)
    return timer


class LayerFollower(ABC, Generic[L]):
    """Keeps one layer of its own, drawn from one session.

    The layer is held as an object: a person may rename, move or hide it. When a person deletes it, the session keeps everything.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    session
        Of the image that the layer is drawn over.
    """

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self.viewer = viewer
        self.session = session
        self.layer: L | None = None
        self.deleted = False  # by a person; showing the overlays brings it back
        self._current = True
        for signal, slot in (*self._view_events(), *self._session_events()):
            signal.connect(slot)

    def close(self) -> None:
        """Stop following, and take the layer out: nobody would take its edits any more."""
        for signal, slot in (*self._view_events(), *self._session_events()):
            signal.disconnect(slot)
        self._take_out()

    def set_current(self, current: bool) -> None:
        """Show the layer, if overlays are shown, or hide it while another image is reviewed."""
        self._current = current
        self._show_or_hide()

    # ---- what kinds of layers differ in

    def _session_events(self) -> list[Connection]:
        """What is listened to in the session."""
        return [(self.session.events.overlays, self._on_overlays)]

    def _view_events(self) -> list[Connection]:
        """What is listened to in the viewer."""
        return [(self.viewer.layers.events.removed, self._on_removed)]

    def _layer_events(self, layer: L) -> list[Connection]:
        """The layer's events by which a person's edits and choices are known."""
        return []

    def _forget_rendered(self) -> None:
        """The layer is new, or gone."""

    def _on_gone(self) -> None:
        """A person deleted the layer."""

    def _is_shown(self) -> bool:
        """Whether the layer is to be seen."""
        return self._current and self.session.overlays_shown

    # ---- the layer

    def _units(self) -> str:
        """Units of the layer of the session's image."""
        image: Image | None = self.session.image
        return "mm" if image is None else str(image.metadata.get(LAYER_UNITS, image.units))

    def _insert(self, layer: L, index: int | None = None) -> None:
        """Put the layer in, on top or at an index among the layers."""
        if not self._is_shown():
            layer.visible = False
        layer.metadata[FOLLOWED] = True
        # Before it comes in: who hears of it must know whose it is, which decides on sliders.
        self.layer, self.deleted = layer, False
        insert_layer(self.viewer.layers, layer, index)
        for signal, slot in self._layer_events(layer):
            signal.connect(slot)

    def _take_out(self) -> None:
        layer = self._let_go()
        if layer is not None and layer in self.viewer.layers:
            self.viewer.layers.remove(layer)

    def _let_go(self) -> L | None:
        layer, self.layer = self.layer, None
        self._forget_rendered()
        if layer is not None:
            for signal, slot in self._layer_events(layer):
                signal.disconnect(slot)
        return layer

    def _on_removed(self, event: object) -> None:
        if self.layer is not None and getattr(event, "value", None) is self.layer:
            self._let_go()
            self.deleted = True
            self._on_gone()

    def _on_overlays(self, shown: bool) -> None:
        self._show_or_hide()

    def _show_or_hide(self) -> None:
        shown = self._is_shown()
        if (
            self.layer is not None and self.layer.visible != shown
        ):  # napari takes the tool away from what is set anew
            self.layer.visible = shown


class Binding(LayerFollower[E]):
    """Keeps one layer in step with one session, both ways.

    The layer holds only what is visible. Where a person deleted it, `redraw`, showing the overlays, or news in the session bring
    a layer back.

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
        self._below: tuple[LayerFollower[Any], ...] = tuple(below)
        self._above: tuple[Layer, ...] = ()
        self._seen: frozenset[str] = frozenset()
        self._busy = False
        super().__init__(viewer, session)
        if session.image is not None:
            self._on_image(session.image)

    def keep_below(self, *followers: LayerFollower[Any], layers: Sequence[Layer] = ()) -> None:
        """Name more drawings, or layers, that a new layer must not cover."""
        self._below += followers
        self._above += tuple(layers)

    def redraw(self) -> E:
        """Bring the layer back where a person deleted it, and make it show what the session holds."""
        if self.layer is None:
            self._forget_rendered()
            self._insert(self._make_layer(self._units()), self._index())
        assert self.layer is not None
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
    def _make_layer(self, units: str) -> E:
        """An empty layer in these units."""

    @abstractmethod
    def _draw(self) -> None:
        """Make the layer what the session holds; what is already right is left alone."""

    @abstractmethod
    def _show_selection(self) -> None:
        """Show which finding is selected."""

    def _index(self) -> int | None:
        """Where among the layers a new one belongs; None for the top."""
        layers = self.viewer.layers
        over = (*self._above, *(b.layer for b in self._below if b.layer is not None))
        return min((layers.index(layer) for layer in over if layer in layers), default=None)

    def _session_events(self) -> list[Connection]:
        events = self.session.events
        return [
            (events.image, self._on_image),
            (events.findings, self._on_findings),
            (events.thresholds, self._draw),
            (events.thresholds, self._tell_writer),
            (events.selection, self._show_selection),
            *super()._session_events(),
        ]

    def _layer_events(self, layer: E) -> list[Connection]:
        return [(layer.events.visible, self._on_layer_visible)]

    # ---- session -> layer

    def _on_image(self, image: Image | None) -> None:
        self._take_out()
        self._seen = self._contents()
        if image is not None and self._suits(image):
            self.redraw()

    def _insert(self, layer: E, index: int | None = None) -> None:
        super()._insert(layer, index)
        self._tell_writer()

    def _tell_writer(self) -> None:
        """Give the layer what napari's *Save* writes: the findings, and which of them are shown."""
        if self.layer is not None:
            self.layer.metadata[FINDINGS] = self.session.findings
            self.layer.metadata[SHOWN] = frozenset(f.id for f in self.session.visible)

    def _on_findings(self) -> None:
        self._tell_writer()
        contents = self._contents()
        news = contents - self._seen
        self._seen |= contents
        if self.layer is None and news and self._has_visible():
            self.redraw()
        else:
            self._draw()

    def _on_overlays(self, shown: bool) -> None:
        if shown and self.deleted:
            self.redraw()
        super()._on_overlays(shown)

    @contextmanager
    def _drawing(self, layer: E) -> Iterator[None]:
        """Own changes of the layer are not a person's edits."""
        was_busy, self._busy = self._busy, True
        try:
            with layer.events.data.blocker():
                yield
        finally:
            self._busy = was_busy

    # ---- layer -> session

    def _on_layer_visible(self) -> None:
        if self.layer is None:
            return
        if self._current:
            self.session.show_overlays(self.layer.visible)
        elif self.layer.visible:  # marks of one patient must not lie over another
            self.layer.visible = False
