"""Session and layers: findings are drawn, and a person's edits of the drawing become session commands."""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel
from napari.layers import Points

from ..session.session import Session
from ..training.findings import Finding, Findings
from ..training.imaging.image import Image
from . import sphere_rows as rows
from .follower import Binding, Connection
from .image import IMAGE, add_image_layer, image_from_layer, image_layer_data
from .sphere_layer_data import DRAWN, FINDINGS, points_layer_data

__all__ = ["IMAGE", "LayerBinding", "add_image_layer", "image_from_layer", "image_layer_data"]


class LayerBinding(Binding[Points]):
    """Keeps one Points layer in step with one session, both ways: the spheres of a CT.

    The layer holds only the visible findings (napari shows hidden points in 3-D all the same).
    """

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._drawn: tuple[Finding, ...] = ()
        super().__init__(viewer, session)

    def _suits(self, image: Image) -> bool:
        return image.ndim == 3 and (image.modality == "CT" or bool(len(self.session.findings)))

    def _contents(self) -> frozenset[str]:
        return frozenset(f.id for f in self.session.findings)

    def _has_visible(self) -> bool:
        return bool(rows.spheres(self.session.visible))

    def _forget_drawn(self) -> None:
        self._drawn = ()

    def _follows(self) -> list[Connection]:
        return [*super()._follows(), (self.viewer.dims.events.ndisplay, self._on_ndisplay)]

    # ---- session -> layer

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

    def _make_layer(self, units: str) -> Points:
        data, attributes, _ = points_layer_data(Findings(), units=units)
        return Points(data, **attributes)

    def _layer_events(self, layer: Points) -> list[Connection]:
        return [
            (layer.events.data, self._on_layer_data),
            (layer.events.size, self._take_edits),
            (layer.selected_data.events.items_changed, self._on_layer_selection),
        ]

    # ---- layer -> session

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
