"""Session and layers: findings are drawn, and a person's edits of the drawing become session commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from napari.components import ViewerModel
from napari.layers import Points

from . import layer_rows as rows
from .drawn import remove_empty, take_out
from .image_layer import IMAGE, LAYER_UNITS, add_image_layer, image_from_layer, image_layer_data
from .points_layer import DRAWN, FINDINGS, points_layer_data
from .session import Session
from .training.findings import Finding, Findings
from .training.imaging.image import Image

__all__ = ["IMAGE", "LayerBinding", "add_image_layer", "image_from_layer", "image_layer_data"]


class LayerBinding:
    """Keeps one Points layer in step with one session, both ways.

    The layer holds only the visible findings (napari shows hidden points in 3-D all the same). It is held as an object:
    a person may rename, move or hide it. When a person deletes it, the findings stay in the session; `redraw`, showing
    the overlays, or new findings bring a layer back.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    session
        The study; its image may be opened before or after.
    """

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self.viewer = viewer
        self.session = session
        self.layer: Points | None = None
        self._drawn: tuple[Finding, ...] = ()
        self._seen: frozenset[str] = frozenset()
        self._busy = False
        events = session.events
        events.image.connect(self._on_image)
        events.findings.connect(self._on_findings)
        events.thresholds.connect(self._draw)
        events.selected.connect(self._show_selection)
        events.overlays.connect(self._on_overlays)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.dims.events.ndisplay.connect(self._on_ndisplay)
        if session.image is not None:
            self._on_image(session.image)

    def close(self) -> None:
        """Stop following, and take the layer out (or empty it): nobody would take its edits any more."""
        events = self.session.events
        events.image.disconnect(self._on_image)
        events.findings.disconnect(self._on_findings)
        events.thresholds.disconnect(self._draw)
        events.selected.disconnect(self._show_selection)
        events.overlays.disconnect(self._on_overlays)
        self.viewer.layers.events.removed.disconnect(self._on_removed)
        self.viewer.dims.events.ndisplay.disconnect(self._on_ndisplay)
        self._remove_layer()

    def redraw(self) -> Points:
        """Bring the layer back where a person deleted it, and make it show what the session holds."""
        if self.layer is None:
            self.layer = self._add_layer()
            self._drawn = ()
        self._draw()
        self._show_selection()
        return self.layer

    # ---- session -> layer

    def _on_image(self, image: Image | None) -> None:
        self._remove_layer()
        self._seen = frozenset(f.id for f in self.session.findings)
        if image is not None and image.ndim == 3 and (image.modality == "CT" or len(self.session.findings)):
            self.redraw()

    def _on_findings(self) -> None:
        ids = frozenset(f.id for f in self.session.findings)
        news = ids - self._seen
        self._seen |= ids
        if self.layer is None and news and rows.spheres(self.session.visible):
            self.redraw()
        else:
            self._draw()

    def _on_overlays(self, shown: bool) -> None:
        if shown and self.layer is None and self._seen:
            self.redraw()
        if self.layer is not None:
            self.layer.visible = shown

    def _draw(self) -> None:
        """Make the layer's rows the visible findings; what is already right is left alone."""
        layer = self.layer
        if layer is None:
            return
        layer.metadata[FINDINGS] = self.session.findings
        findings = rows.spheres(self.session.visible)
        layer.metadata[DRAWN] = tuple(f.id for f in findings)
        if findings == self._drawn and self._rows_are_right(layer):
            return
        with self._drawing(layer):
            self._drawn = findings
            # Each assignment would redraw the layer; it is redrawn once, at the end.
            with layer.events.blocker_all():
                self._assign(layer)
            self._seat_labels(layer)
            self._select_row(layer)
            layer.refresh(thumbnail=False)
            layer.events.features()

    def _assign(self, layer: Points) -> None:
        """Give the layer what it does not have yet: of a row taken off the end, napari drops all by itself."""
        findings = self._drawn
        data, size = rows.data(findings), rows.size(findings)
        if not np.array_equal(data, layer.data):
            layer.selected_data.clear()
            layer.data = data
        if not np.array_equal(size, layer.size):
            layer.size = size
        if not findings:
            return
        features = rows.features(findings, self._labelled())
        if not features.equals(layer.features):
            layer.features = features
        colors = rows.colors(findings)
        face, edge = rows.faces(colors, findings), rows.edges(colors, self._selected_row())
        if not np.allclose(face, layer.face_color):
            layer.face_color = face
        if not np.allclose(edge, layer.border_color):
            layer.border_color = edge

    def _show_selection(self) -> None:
        layer = self.layer
        if layer is None or not self._drawn:
            return
        with self._drawing(layer):
            layer.border_color = rows.edges(rows.colors(self._drawn), self._selected_row())
            self._seat_labels(layer)
            self._select_row(layer)
            if self.viewer.dims.ndisplay == 3:
                layer.features = rows.features(self._drawn, self._labelled())

    def _on_ndisplay(self) -> None:
        if self.layer is not None and self._drawn:
            with self._drawing(self.layer):
                self.layer.features = rows.features(self._drawn, self._labelled())

    def _labelled(self) -> str | None:
        """In 3-D, where labels of all slices crowd, the selected finding alone has one; None means all."""
        in_3d = self.viewer.dims.ndisplay == 3 and self._selected_row() is not None
        return self.session.selected if in_3d else None

    def _seat_labels(self, layer: Points) -> None:
        place = rows.label_offset(rows.spheres(self.session.findings.items), self.session.selected)
        if not np.array_equal(layer.text.translation, place):
            layer.text.translation = place

    def _select_row(self, layer: Points) -> None:
        row = self._selected_row()
        if row is None:
            layer.selected_data.clear()
        elif row not in layer.selected_data:  # a person may have taken several
            layer.selected_data.replace_selection({row})

    def _selected_row(self) -> int | None:
        return next((row for row, f in enumerate(self._drawn) if f.id == self.session.selected), None)

    def _add_layer(self) -> Points:
        image = self.session.image
        units = "mm" if image is None else str(image.metadata.get(LAYER_UNITS, image.units))
        selection = set(self.viewer.layers.selection)
        active = self.viewer.layers.selection.active
        data, attributes, _ = points_layer_data(Findings(), units=units)
        layer = Points(data, **attributes, visible=self.session.overlays_shown)
        self.viewer.add_layer(layer)
        remove_empty(self.viewer)
        if active is not None:
            # A person who chose an image goes on working on it.
            self.viewer.layers.selection = selection
            self.viewer.layers.selection.active = active
        layer.events.data.connect(self._on_layer_data)
        layer.events.size.connect(self._take_edits)
        layer.events.visible.connect(self._on_layer_visible)
        layer.selected_data.events.items_changed.connect(self._on_layer_selection)
        return layer

    def _remove_layer(self) -> None:
        layer = self.layer
        self.layer, self._drawn = None, ()
        if layer is None:
            return
        self._forget(layer)
        take_out(self.viewer, layer)

    def _forget(self, layer: Points) -> None:
        layer.events.data.disconnect(self._on_layer_data)
        layer.events.size.disconnect(self._take_edits)
        layer.events.visible.disconnect(self._on_layer_visible)
        layer.selected_data.events.items_changed.disconnect(self._on_layer_selection)

    @contextmanager
    def _drawing(self, layer: Points) -> Iterator[None]:
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
            self._forget(self.layer)
            self.layer, self._drawn = None, ()

    def _on_layer_visible(self) -> None:
        if self.layer is not None:
            self.session.show_overlays(self.layer.visible)

    def _on_layer_data(self, event: object) -> None:
        action = str(getattr(event, "action", ""))
        if action in ("added", "removed", "changed"):
            self._take_edits(clicked=action == "added")

    def _take_edits(self, event: object = None, *, clicked: bool = False) -> None:
        """Turn what differs from the drawing into one session command."""
        layer = self.layer
        if layer is None or self._busy:
            return
        diameters = np.asarray(layer.size, float) * rows.SCALE
        if clicked:
            diameters[len(self._drawn) :] = rows.NEW_DIAMETER
        ids = list(layer.features["id"]) if "id" in layer.features else [""] * len(layer.data)
        edit = rows.reconcile(self._drawn, ids, layer.data * rows.SCALE, diameters)
        if edit:
            self.session.edit(add=edit.add, change=edit.change, remove=edit.remove)

    def _on_layer_selection(self) -> None:
        layer = self.layer
        if layer is None or self._busy:
            return
        if len(layer.data) != len(self._drawn):  # pasted points fire nothing but this
            self._take_edits()
        ids = [self._drawn[row].id for row in sorted(layer.selected_data) if row < len(self._drawn)]
        if self.session.selected not in ids:
            self.session.select(ids[-1] if ids else None)

    def _rows_are_right(self, layer: Points) -> bool:
        same_size = np.array_equal(layer.size, rows.size(self._drawn))
        return same_size and np.array_equal(layer.data, rows.data(self._drawn))
