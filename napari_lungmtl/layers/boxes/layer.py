"""The layer *boxes*: what was found on a radiograph, as rectangles with corner handles."""

from __future__ import annotations

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.layers import Shapes

from ...session.session import Session
from ...text.boxes import Agreements
from ...training.findings import Finding
from ...training.imaging.image import Image
from ..follower import Connection, coalesced
from ..reconcile import Edit
from ..row_binding import RowBinding
from ..screen import pixel_size
from . import rows

NAME = "boxes"
CLICK = 8.0
"""Pixels of the screen: a rectangle drawn smaller than this was a click."""
_COARSE = 1.1
"""Edges keep their width on the screen within this factor: laying them out at every step of the wheel would cost frames."""


class BoxBinding(RowBinding[Shapes]):
    """Keeps one Shapes layer in step with one session, both ways: the boxes of a radiograph, and those around masks.

    A person's drag, drawing, paste or Delete is one command of the session. A mask whose rectangle is changed becomes a box.
    """

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._agreements: Agreements = {}
        self._creating = self._only_one = False
        self._zoom = 0.0
        self._pixel = pixel_size()
        self._timer = coalesced(self._take_new_shape)
        super().__init__(viewer, session)

    def close(self) -> None:
        """Stop following, and take the layer out."""
        self._timer.stop()
        super().close()

    def _suits(self, image: Image) -> bool:
        return image.ndim == 2

    def _shown_findings(self) -> tuple[Finding, ...]:
        return rows.planar(self.session.visible)

    def _forget_rendered(self) -> None:
        super()._forget_rendered()
        self._agreements, self._zoom, self._creating = {}, 0.0, False

    def _view_events(self) -> list[Connection]:
        return [*super()._view_events(), (self.viewer.scene.camera.events.zoom, self._on_zoom)]

    def _make_layer(self, units: str) -> Shapes:
        layer = Shapes(
            ndim=2,
            name=NAME,
            units=(units,) * 2,
            features=pd.DataFrame({name: pd.Series([], dtype=object) for name in rows.NEW_ROW}),
            feature_defaults=rows.NEW_ROW,
            face_color="transparent",
            edge_color="white",
            opacity=1.0,
        )
        layer.mode = "select"  # whoever chooses this layer, grips corners
        return layer

    # ---- session -> layer

    def _on_overlays(self, shown: bool) -> None:
        super()._on_overlays(shown)
        self._take_tool()

    def set_current(self, current: bool) -> None:
        """Show the layer with its tool, if overlays are shown, or hide it while another image is reviewed."""
        super().set_current(current)
        self._on_zoom()  # what happened while another image was looked at
        self._take_tool()

    def _take_tool(self) -> None:
        if self.layer is not None and self.layer.visible:
            self.layer.mode = "select"  # which hiding it ended

    def _draw(self) -> None:
        layer = self.layer
        if layer is None or self._creating:
            return
        findings = self._shown_findings()
        agreements = self.session.agreement
        if findings == self._rendered and agreements == self._agreements and self._rows_are_right(layer):
            return
        with self._drawing(layer):
            # Each assignment would redraw the layer; it is redrawn once, at the end.
            with layer.events.blocker_all():
                self._exchange(layer, findings)
                self._agreements = agreements
                self._dress(layer)
            self._select_row(layer)
            layer.refresh(thumbnail=False)
            layer.events.features()

    def _exchange(self, layer: Shapes, findings: tuple[Finding, ...]) -> None:
        """Take out the rows that are wrong and append those that are missing: to build all anew takes twice as long."""
        by_id = {f.id: f for f in findings}
        kept = [
            f
            for row, f in enumerate(self._rendered)
            if f.id in by_id and self._is_right(layer, row, by_id[f.id])
        ]
        ids = {f.id for f in kept}
        former = [f.id for f in self._rendered]
        layer.selected_data.clear()
        layer.remove([row for row in range(len(layer.data)) if row >= len(former) or former[row] not in ids])
        new = [f for f in findings if f.id not in ids]
        if new:
            layer.add([(rows.vertices(f.box), "rectangle") for f in new if f.box is not None])
        self._rendered = (*(by_id[f.id] for f in kept), *new)

    def _is_right(self, layer: Shapes, row: int, finding: Finding) -> bool:
        """Whether a row is this finding's rectangle still, as it was drawn."""
        if row >= len(layer.data) or layer.shape_type[row] != "rectangle" or finding.box is None:
            return False
        shape = np.asarray(layer.data[row])
        return shape.shape == (4, 2) and rows.is_close(shape, rows.vertices(finding.box))

    def _rows_are_right(self, layer: Shapes) -> bool:
        same = len(layer.data) == len(self._rendered)
        return same and all(self._is_right(layer, row, f) for row, f in enumerate(self._rendered))

    def _dress(self, layer: Shapes) -> None:
        """Labels, colours and widths of all rows, where they are not yet so."""
        findings = self._rendered
        if not findings:
            return
        features = rows.features(findings, self._agreements)
        if not features.equals(layer.features):
            layer.features = features
        colors = rows.edges(findings, self.session.selection)
        if not np.allclose(colors, layer.edge_color):
            layer.edge_color = colors
        if np.any(np.asarray(layer.face_color)[:, 3]):
            layer.face_color = "transparent"
        self._zoom = self._screen()
        widths = [width / self._zoom for width in rows.widths(findings, self._agreements)]
        if not np.allclose(widths, layer.edge_width):
            layer.edge_width = widths

    def _show_selection(self) -> None:
        layer = self.layer
        if layer is None or not self._rendered or self._creating:
            return
        with self._drawing(layer):
            layer.edge_color = rows.edges(self._rendered, self.session.selection)
            self._select_row(layer)

    def _screen(self) -> float:
        """Pixels of the screen for one world unit."""
        return max(float(self.viewer.scene.camera.zoom), 1e-6) / self._pixel

    def _on_zoom(self, _event: object = None) -> None:
        layer, screen = self.layer, self._screen()
        if layer is None or not self._rendered or self._creating or not self._current:
            return
        if max(screen, self._zoom) <= _COARSE * min(screen, self._zoom):
            return
        with self._drawing(layer):
            self._zoom = screen
            widths = rows.widths(self._rendered, self._agreements)
            layer.edge_width = [width / screen for width in widths]
            layer.refresh(thumbnail=False, extent=False)

    # ---- layer -> session

    def _on_layer_data(self, event: object) -> None:
        layer, action = self.layer, str(getattr(event, "action", ""))
        if layer is None or self._busy:
            return
        drawing = str(layer.mode).startswith("add_")
        if action == "adding" and drawing:
            self._creating = True
        elif action == "added" and drawing:
            self._timer.start()  # napari is still busy with the shape that it reports
        elif action in ("added", "removed", "changed"):
            self._take_edits()

    def select_when_drawn(self) -> None:
        """Grip corners again once the next rectangle is drawn."""
        self._only_one = True

    def _take_new_shape(self) -> None:
        self._creating = False
        if self._only_one and self.layer is not None:
            self._only_one = False
            self.layer.mode = "select"
        self._take_edits()
        self._draw()  # also where nothing came of it: a click leaves no rectangle behind

    def _is_midway(self, layer: Shapes) -> bool:
        return self._creating or len(layer.features) != len(layer.data)

    def _read_edit(self, layer: Shapes) -> Edit:
        shapes = [np.asarray(shape, float)[:, -2:] for shape in layer.data]
        return rows.edit_of(self._rendered, list(layer.features["id"]), shapes, CLICK / self._screen())

    def _on_edited(self, edit: Edit) -> None:
        if edit.add:
            self.session.select(edit.add[-1].id)
