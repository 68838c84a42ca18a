"""Session and layers: findings are drawn, and a person's edits of the drawing become session commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Points
from psygnal import Signal

from ...session.review import reviewer
from ...session.session import Session
from ...training.findings import Finding, Findings, Provenance, Sphere
from ...training.imaging.image import Image
from ..follower import Binding, Connection
from ..image import IMAGE, add_image_layer, image_from_layer, image_layer_data
from ..reconcile import Edit
from ..row_binding import RowBinding
from . import rows
from .layer_data import FINDINGS, RENDERED, points_layer_data
from .size_slider import SizeSlider

__all__ = ["IMAGE", "SphereBinding", "add_image_layer", "image_from_layer", "image_layer_data"]


class SphereBinding(RowBinding[Points]):
    """Keeps one Points layer in step with one session, both ways: the spheres of a CT.

    The layer holds only the visible findings (napari shows hidden points in 3-D all the same). In slices it draws none of them
    unless they are filled: rings and captions mark them, and a person's clicks still find the spheres as they are.
    """

    dragged = Signal()
    """A person is moving a sphere; the session knows when it is let go."""

    cut = Signal()
    """napari has cut the layer for the slice that is seen, and draws it."""

    _clicked = _is_dragging = False
    _filled = False
    _copied: tuple[Sphere, ...] = ()
    _places = np.empty((0, 3))
    """Where the layer was given its rows, in its own units."""
    _previewed: tuple[str, float] | None = None

    def __init__(self, viewer: ViewerModel, session: Session, below: Sequence[Binding[Any]] = ()) -> None:
        self._slider = SizeSlider(session, self.preview)
        super().__init__(viewer, session, below)

    def close(self) -> None:
        """Stop following; what was just resized is kept."""
        self._slider.take()
        super().close()

    def fill(self, filled: bool) -> None:
        """Draw spheres as discs over the nodules of a slice, or leave the nodules free."""
        if filled != self._filled:
            self._filled = filled
            self._dress()

    def preview(self, id: str | None, diameter: float = 0.0) -> None:
        """Show a sphere with another diameter (mm) than the session has, while a person changes it; None ends that."""
        self._previewed = None if id is None else (id, diameter)
        self.dragged.emit()

    def present(self) -> tuple[Finding, ...]:
        """The visible spheres where the layer has them: while a person drags one, that is not where the session has it.

        None of them where a person deleted the layer.
        """
        if self.deleted:
            return ()
        layer, findings = self.layer, self._shown_findings()
        if self._previewed is not None:
            return tuple(self._as_previewed(f) for f in findings)
        if layer is None or findings != self._rendered or len(layer.data) != len(findings):
            return findings
        moved = np.abs(layer.data - self._places).max(axis=1, initial=0.0) * rows.SCALE > rows.TOLERANCE
        if not moved.any():
            return findings
        places = np.asarray(layer.data * rows.SCALE, float).tolist()
        return tuple(
            f.with_(geometry=Sphere(tuple(place), f.diameter)) if gone else f
            for f, place, gone in zip(findings, places, moved, strict=True)
        )

    def _as_previewed(self, finding: Finding) -> Finding:
        id, diameter = self._previewed or ("", 0.0)
        same = finding.id != id or not isinstance(finding.geometry, Sphere)
        return finding if same else finding.with_(geometry=Sphere(finding.center, diameter))  # type: ignore[arg-type]

    def _suits(self, image: Image) -> bool:
        return image.ndim == 3 and (image.modality == "CT" or bool(len(self.session.findings)))

    def _shown_findings(self) -> tuple[Finding, ...]:
        return rows.spheres(self.session.visible)

    def _view_events(self) -> list[Connection]:
        return [*super()._view_events(), (self.viewer.dims.events.ndisplay, self._on_ndisplay)]

    def _layer_events(self, layer: Points) -> list[Connection]:
        moves = (layer.events.set_data, self._on_set_data)
        sizes = ((layer.events.size, self._on_size), (layer.events.current_size, self._show_size))
        return [*super()._layer_events(layer), *sizes, moves]

    def _on_gone(self) -> None:
        """What marks the spheres of a slice goes with them."""
        self.dragged.emit()

    def _on_set_data(self, _event: object = None) -> None:
        """napari tells of a drag only when it has ended."""
        self.cut.emit()
        was, self._is_dragging = self._is_dragging, self.present() != self._shown_findings()
        if was or self._is_dragging:
            self.dragged.emit()

    def _make_layer(self, units: str) -> Points:
        data, attributes, _ = points_layer_data(Findings(), units=units)
        layer = Points(data, **attributes)
        layer.text.visible = self._in_3d()
        # napari 0.9.2's own paste ends in an exception wherever slices are shown.
        layer.bind_key("Control-C", lambda _layer: self._copy(), overwrite=True)
        layer.bind_key("Control-V", lambda _layer: self._paste(), overwrite=True)
        return layer

    def _copy(self) -> None:
        findings = (self.session.findings[id] for id in self.session.selection)
        self._copied = tuple(f.geometry for f in findings if isinstance(f.geometry, Sphere))

    def _paste(self) -> None:
        """Draw the copied spheres again, on the slice that is seen; in 3-D where they are."""
        seen, point = set(self.viewer.dims.displayed), self.viewer.dims.point
        new = []
        for sphere in self._copied:
            z, y, x = (c if axis in seen else float(point[axis]) for axis, c in enumerate(sphere.center))
            geometry = Sphere((z, y, x), sphere.diameter)
            new.append(Finding(geometry, provenance=Provenance(person=reviewer())))
        self.session.edit(add=new)
        self.session.select_all(f.id for f in new)

    # ---- session -> layer

    def _draw(self) -> None:
        layer = self.layer
        if layer is None:
            return
        findings = self._shown_findings()
        layer.metadata[FINDINGS] = self.session.findings
        layer.metadata[RENDERED] = tuple(f.id for f in findings)
        if findings == self._rendered and self._rows_are_right(layer):
            return
        with self._drawing(layer):
            self._rendered, self._places = findings, rows.data(findings)
            # Each assignment would redraw the layer; it is redrawn once, at the end.
            with layer.events.blocker_all():
                self._assign(layer)
                if (
                    not layer.visible
                ):  # napari slices what is seen, and would write the labels of rows that are gone
                    layer.set_view_slice()
            self._select_row(layer)
            if self._in_3d():
                self._seat_labels(layer)
            # In slices nothing of it is seen but napari's frame about what is selected: it is cut, and need not be drawn.
            layer.refresh(thumbnail=False, data_displayed=self._in_3d() or self._filled)
            self._on_set_data()
            layer.events.features()

    def _assign(self, layer: Points) -> None:
        """Give the layer what it does not have yet: of a row taken off the end, napari drops all by itself."""
        findings = self._rendered
        data, size = self._places.copy(), rows.size(findings)  # a person moves what the layer has
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
        self._paint(layer)

    def _paint(self, layer: Points) -> None:
        """Colours, borders and labels as slices or 3-D want them."""
        findings, in_3d = self._rendered, self._in_3d()
        layer.text.visible = in_3d  # in slices captions say it, on a ground
        width = rows.BORDER if in_3d else 0.0
        if not np.allclose(layer.border_width, width):
            layer.border_width = width
        colors = rows.colors(findings)
        face, edge = rows.faces(colors, findings), rows.edges(colors, self._selected_rows())
        if not (in_3d or self._filled):
            face[:, 3] = 0.0
        for name, wanted in (("face_color", face), ("border_color", edge)):
            if not np.array_equal(np.float32(wanted), getattr(layer, name)):
                setattr(layer, name, wanted)

    def _rows_are_right(self, layer: Points) -> bool:
        same_size = np.array_equal(layer.size, rows.size(self._rendered))
        return same_size and np.array_equal(layer.data, self._places)

    def _show_selection(self) -> None:
        layer = self.layer
        if layer is None or not self._rendered:
            return
        with self._drawing(layer):
            self._select_row(layer)
            if self._in_3d():  # in slices neither borders nor labels are seen
                layer.border_color = rows.edges(rows.colors(self._rendered), self._selected_rows())
                self._seat_labels(layer)
                layer.features = rows.features(self._rendered, self._labelled())

    def _on_ndisplay(self) -> None:
        if self.layer is not None and self._rendered:
            with self._drawing(self.layer):
                self.layer.features = rows.features(self._rendered, self._labelled())
            self._dress()

    def _in_3d(self) -> bool:
        return self.viewer.dims.ndisplay == 3

    def _dress(self) -> None:
        """Draw the same rows in another way."""
        layer = self.layer
        if layer is None or not self._rendered:
            return
        with self._drawing(layer):
            with layer.events.blocker_all():
                self._paint(layer)
            self._seat_labels(layer)
            layer.refresh(thumbnail=False)

    def _labelled(self) -> str | None:
        """In 3-D, where labels of all slices crowd, the selected finding alone has one; None means all."""
        return self.session.selected if self._in_3d() and self._selected_row() is not None else None

    def _seat_labels(self, layer: Points) -> None:
        place = rows.label_offset(rows.spheres(self.session.findings.items), self.session.selected)
        if not np.array_equal(layer.text.translation, place):
            layer.text.translation = place

    def _select_row(self, layer: Points) -> None:
        super()._select_row(layer)
        self._show_size()

    def _show_size(self, _event: object = None) -> None:
        """napari's slider has the selected diameter in mm; napari itself would set it to units of the data."""
        row = self._selected_row()
        if self.layer is not None and row is not None:
            self._slider.show(self.layer, self._rendered[row].diameter)

    # ---- layer -> session

    def _on_size(self, _event: object = None) -> None:
        """A person has turned napari's slider, whose number has become the size in units of the data."""
        layer = self.layer
        if layer is None or self._busy:
            return
        chosen = [self._rendered[row] for row in sorted(layer.selected_data) if row < len(self._rendered)]
        with self._drawing(layer):
            layer.size = rows.size(self._rendered)
        self._slider.turned(layer, chosen)

    def _on_layer_data(self, event: object) -> None:
        action = str(getattr(event, "action", ""))
        if action in ("added", "removed", "changed"):
            self._clicked = action == "added"
            self._take_edits()
            self._clicked = False

    def _read_edit(self, layer: Points) -> Edit:
        diameters = np.asarray(layer.size, float) * rows.SCALE
        if self._clicked:
            diameters[len(self._rendered) :] = rows.NEW_DIAMETER
        ids = list(layer.features["id"]) if "id" in layer.features else [""] * len(layer.data)
        return rows.edit_of(self._rendered, ids, layer.data * rows.SCALE, diameters)
