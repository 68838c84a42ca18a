"""The layer *boxes*: what was found on a radiograph, as rectangles with corner handles."""

from __future__ import annotations

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.layers import Shapes
from qtpy.QtCore import QTimer
from qtpy.QtGui import QGuiApplication

from ..session.session import Session
from ..training.findings import Finding
from ..training.imaging.image import Image
from . import box_rows as rows
from .follower import Binding, Connection

NAME = "boxes"
CLICK = 8.0
"""Pixels of the screen: a rectangle drawn smaller than this was a click."""
_COARSE = 1.1
"""Edges keep their width on the screen within this factor: laying them out at every step of the wheel would cost frames."""


class BoxBinding(Binding[Shapes]):
    """Keeps one Shapes layer in step with one session, both ways: the boxes of a radiograph, and those around masks.

    A person's drag, drawing, paste or Delete is one command of the session. A mask whose rectangle is changed becomes a box.
    """

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._drawn: tuple[Finding, ...] = ()
        self._shown_agreement: rows.Agreements = {}
        self._creating = False
        self._zoom = 0.0
        # napari's zoom counts the screen's own pixels.
        screen = QGuiApplication.primaryScreen()
        self._pixel = max(screen.logicalDotsPerInch() / 96, 1.0) if screen is not None else 1.0
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._take_drawn)
        super().__init__(viewer, session)

    def close(self) -> None:
        """Stop following, and take the layer out."""
        self._timer.stop()
        super().close()

    def _suits(self, image: Image) -> bool:
        return image.ndim == 2

    def _contents(self) -> frozenset[str]:
        return frozenset(f.id for f in self.session.findings)

    def _has_visible(self) -> bool:
        return bool(rows.planar(self.session.visible))

    def _forget_drawn(self) -> None:
        self._drawn, self._shown_agreement, self._zoom = (), {}, 0.0
        self._creating = False

    def _follows(self) -> list[Connection]:
        return [*super()._follows(), (self.viewer.scene.camera.events.zoom, self._on_zoom)]

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

    def _layer_events(self, layer: Shapes) -> list[Connection]:
        return [
            (layer.events.data, self._on_layer_data),
            (layer.selected_data.events.items_changed, self._on_layer_selection),
        ]

    # ---- session -> layer

    def _on_overlays(self, shown: bool) -> None:
        super()._on_overlays(shown)
        if shown and self.layer is not None:
            self.layer.mode = "select"  # which hiding it ended

    def _draw(self) -> None:
        layer = self.layer
        if layer is None or self._creating:
            return
        wanted = rows.planar(self.session.visible)
        agreements = self.session.agreement
        if wanted == self._drawn and agreements == self._shown_agreement and self._rows_are_right(layer):
            return
        with self._drawing(layer):
            # Each assignment would redraw the layer; it is redrawn once, at the end.
            with layer.events.blocker_all():
                self._exchange(layer, wanted)
                self._shown_agreement = agreements
                self._dress(layer)
            self._select_row(layer)
            layer.refresh(thumbnail=False)
            layer.events.features()

    def _exchange(self, layer: Shapes, wanted: tuple[Finding, ...]) -> None:
        """Take out the rows that are wrong and append those that are missing: to build all anew takes twice as long."""
        by_id = {f.id: f for f in wanted}
        kept = [
            f
            for row, f in enumerate(self._drawn)
            if f.id in by_id and self._is_right(layer, row, by_id[f.id])
        ]
        ids = {f.id for f in kept}
        known = [f.id for f in self._drawn]
        layer.selected_data.clear()
        layer.remove([row for row in range(len(layer.data)) if row >= len(known) or known[row] not in ids])
        new = [f for f in wanted if f.id not in ids]
        if new:
            layer.add([(rows.vertices(f.box), "rectangle") for f in new if f.box is not None])
        self._drawn = (*(by_id[f.id] for f in kept), *new)

    def _is_right(self, layer: Shapes, row: int, finding: Finding) -> bool:
        """Whether a row is this finding's rectangle still, as it was drawn."""
        if row >= len(layer.data) or layer.shape_type[row] != "rectangle" or finding.box is None:
            return False
        shape = np.asarray(layer.data[row])
        return shape.shape == (4, 2) and rows.close(shape, rows.vertices(finding.box))

    def _rows_are_right(self, layer: Shapes) -> bool:
        same = len(layer.data) == len(self._drawn)
        return same and all(self._is_right(layer, row, f) for row, f in enumerate(self._drawn))

    def _dress(self, layer: Shapes) -> None:
        """Labels, colours and widths of all rows, where they are not yet so."""
        findings = self._drawn
        if not findings:
            return
        features = rows.features(findings, self._shown_agreement)
        if not features.equals(layer.features):
            layer.features = features
        colors = rows.edges(findings, self.session.selected)
        if not np.allclose(colors, layer.edge_color):
            layer.edge_color = colors
        if np.any(np.asarray(layer.face_color)[:, 3]):
            layer.face_color = "transparent"
        self._zoom = self._screen()
        widths = [width / self._zoom for width in rows.widths(findings, self._shown_agreement)]
        if not np.allclose(widths, layer.edge_width):
            layer.edge_width = widths

    def _show_selection(self) -> None:
        layer = self.layer
        if layer is None or not self._drawn or self._creating:
            return
        with self._drawing(layer):
            layer.edge_color = rows.edges(self._drawn, self.session.selected)
            self._select_row(layer)

    def _select_row(self, layer: Shapes) -> None:
        row = next((row for row, f in enumerate(self._drawn) if f.id == self.session.selected), None)
        if row is None:
            layer.selected_data.clear()
        elif row not in layer.selected_data:  # a person may have taken several
            layer.selected_data.replace_selection({row})

    def _screen(self) -> float:
        """Pixels of the screen for one world unit."""
        return max(float(self.viewer.scene.camera.zoom), 1e-6) / self._pixel

    def _on_zoom(self, _event: object = None) -> None:
        layer, screen = self.layer, self._screen()
        if layer is None or not self._drawn or self._creating:
            return
        if max(screen, self._zoom) <= _COARSE * min(screen, self._zoom):
            return
        with self._drawing(layer):
            self._zoom = screen
            widths = rows.widths(self._drawn, self._shown_agreement)
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

    def _take_drawn(self) -> None:
        self._creating = False
        self._take_edits()
        self._draw()  # also where nothing came of it: a click leaves no rectangle behind

    def _take_edits(self) -> None:
        """Turn what differs from the drawing into one session command."""
        layer = self.layer
        if layer is None or self._busy or self._creating:
            return
        if len(layer.features) != len(layer.data):
            return  # in the midst of a removal, which is reported when it is done
        shapes = [np.asarray(shape, float)[:, -2:] for shape in layer.data]
        edit = rows.reconcile(self._drawn, list(layer.features["id"]), shapes, CLICK / self._screen())
        if edit:
            self.session.edit(add=edit.add, change=edit.change, remove=edit.remove)
            if edit.add:
                self.session.select(edit.add[-1].id)

    def _on_layer_selection(self) -> None:
        layer = self.layer
        if layer is None or self._busy or self._creating or len(layer.features) != len(layer.data):
            return
        if len(layer.data) != len(self._drawn):  # pasted shapes fire nothing but this
            self._take_edits()
        ids = [self._drawn[row].id for row in sorted(layer.selected_data) if row < len(self._drawn)]
        if self.session.selected not in ids:
            self.session.select(ids[-1] if ids else None)
