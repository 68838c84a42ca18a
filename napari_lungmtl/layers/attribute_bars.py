"""The layer *attributes*: the eight attributes of the selected nodule as bars beside it, the same size at any zoom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.layers import Shapes
from qtpy.QtCore import QTimer
from qtpy.QtGui import QGuiApplication

from ..session.session import Session
from ..training.findings import Finding, Sphere
from . import attribute_layout as layout
from . import sphere_rows as rows
from .image import LAYER_UNITS

NAME = "attributes"
# The strips: so dark that white letters can be read on them over any grey; the bars: a blue with 5 : 1 to the letters.
_STRIP, _FILLED, _BARE = (0.07, 0.08, 0.10, 0.85), (0.22, 0.44, 0.66, 1.0), (0.0, 0.0, 0.0, 0.0)
# 8 is drawn as 10 pt elsewhere: letters of 14 pixels at 96 to the inch.
_TEXT = {"string": "{label}", "size": 8, "color": "white", "anchor": "upper_left"}
_MARGIN = 6.0
"""Pixels to the edge of the canvas."""


@dataclass(frozen=True)
class Drawing:
    """What the layer is given: compared with what it has, so that nothing is drawn twice."""

    attributes: tuple[tuple[str, float], ...]
    corner: tuple[float, float]  # world, along the displayed axes
    point: tuple[float, ...]  # world; counts along the axes that are not displayed
    displayed: tuple[int, int]
    mm: tuple[
        float, float
    ]  # world length of a pixel along the displayed axes; negative where they run backwards


class AttributeBars:
    """Keeps one Shapes layer beside the selected nodule of a session.

    It is laid out anew when zoom, slice, orientation or selection have changed, once for all that came together. It is
    empty in 3-D, where nothing is selected or known, and on slices beside the nodule. A person who deletes it is rid of it
    until the overlays are shown anew. Nothing in it is edited or saved.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self.viewer = viewer
        self.layer: Shapes | None = None
        self._session: Session | None = None
        self._drawn: Drawing | None = None
        self._unwanted = False
        self._covered = False
        # napari sizes letters by the screen's resolution; with them the bars grow.
        screen = QGuiApplication.primaryScreen()
        self._pixel = max(screen.logicalDotsPerInch() / 96, 1.0) if screen is not None else 1.0
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.draw)
        camera, dims = viewer.scene.camera.events, viewer.dims.events
        self._looks = (
            camera.zoom,
            camera.center,
            camera.orientation,
            dims.point,
            dims.order,
            dims.ndisplay,
            viewer.canvas.events.size,
        )
        for event in self._looks:
            event.connect(self._later)
        viewer.layers.events.removed.connect(self._on_removed)

    def set_session(self, session: Session | None) -> None:
        """Stand beside the nodules of another study (or of none)."""
        self._leave()
        self._session, self._unwanted = session, False
        self._covered = True  # perhaps: an image that was opened since lies on top of the bars
        if session is None:
            self._take_out()
            return
        events = session.events
        for signal in (events.findings, events.thresholds, events.selected):
            signal.connect(self._later)
        events.overlays.connect(self._on_overlays)
        self._later()

    def close(self) -> None:
        """Stop following, and take the layer out."""
        self._timer.stop()
        self._leave()
        self._session = None
        for event in self._looks:
            event.disconnect(self._later)
        self.viewer.layers.events.removed.disconnect(self._on_removed)
        self._take_out()

    def draw(self) -> None:
        """Bring the layer up to date now."""
        finding = self._finding()
        drawing = self._drawing(finding) if finding is not None else None
        if drawing == self._drawn:
            return
        if drawing is None:
            self._empty()
            return
        if self.layer is None:
            self._add_layer()
        elif self._covered:
            layers = self.viewer.layers
            layers.move(layers.index(self.layer), len(layers))
        self._covered = False
        self._fill(drawing)

    def _later(self, _event: object = None) -> None:
        """Within the same turn of the event loop a selection moves slices and camera: draw once, after all."""
        self._timer.start()

    # ---- what to draw

    def _finding(self) -> Finding | None:
        """The nodule that bars can stand beside."""
        session = self._session
        if session is None or session.selected is None or self._unwanted or not session.overlays_shown:
            return None
        if self.viewer.dims.ndisplay != 2 or self.viewer.dims.ndim != 3:
            return None
        finding = next((f for f in session.visible if f.id == session.selected), None)
        known = finding is not None and isinstance(finding.geometry, Sphere) and finding.attributes
        return finding if known else None

    def _drawing(self, finding: Finding) -> Drawing | None:
        """The bars' place; None where the slice does not cut the nodule, or the nodule is out of sight."""
        session, dims, camera = self._session, self.viewer.dims, self.viewer.scene.camera
        if session is None or session.image is None or session.image.ndim != 3 or not camera.zoom > 0:
            return None
        displayed = list(dims.displayed)
        point = np.array(dims.point, float)
        across = dims.not_displayed[0]
        center, radius = np.array(finding.center), finding.diameter / 2
        offset = abs(point[across] - center[across])
        if offset > max(radius, session.image.scale[across]):
            return None
        turned = [str(camera.orientation[1]) == "up", str(camera.orientation[2]) == "left"]
        mm = np.where(turned, -1.0, 1.0) / (camera.zoom / self._pixel)
        middle = np.array(camera.center[-2:])
        on_screen = (center[displayed] - middle) / mm
        disc = radius / abs(mm[0])
        half = np.array(self.viewer.canvas.size, float) / self._pixel / 2
        if (np.abs(on_screen) - disc > half).any():
            return None
        edges = (np.array(session.image.extent)[:, displayed] - middle) / mm
        image = (*edges.min(axis=0), *edges.max(axis=0))
        canvas = (*(-half + _MARGIN), *(half - _MARGIN))
        seat = rows.label_offset(rows.spheres(session.findings.items), session.selected)
        label = seat[displayed[0]] * rows.SCALE / mm[0]
        corner = layout.place(tuple(on_screen), disc, layout.region(canvas, image), float(label))
        world = middle + np.array(corner) * mm
        # Rounded, so that a pan that only moves the canvas gives the same drawing.
        point[displayed] = 0.0
        return Drawing(
            tuple(finding.attributes.items()),
            tuple(np.round(world, 6).tolist()),
            tuple(point.tolist()),
            (displayed[0], displayed[1]),
            (float(mm[0]), float(mm[1])),
        )

    # ---- the layer

    def _fill(self, drawing: Drawing) -> None:
        layer = self.layer
        if layer is None:
            return
        bars = layout.bars(dict(drawing.attributes))
        shapes = [_vertices(bar.strip, drawing) for bar in bars] + [
            _vertices(bar.filled, drawing) for bar in bars
        ]
        # A space for the eye between the edge and the first letter.
        labels = [f" {bar.name}" for bar in bars] + [f" {bar.value}" for bar in bars]
        colors = np.array([_STRIP] * len(bars) + [_FILLED if _is_filled(bar) else _BARE for bar in bars])
        same_text = self._drawn is not None and self._drawn.attributes == drawing.attributes
        with layer.events.blocker_all():
            layer.data = shapes
            if not same_text:
                layer.features = _features(labels)
                layer.face_color = colors
                layer.edge_color, layer.edge_width = "transparent", 0
        layer.editable = False  # which new data reset
        _seat_letters(layer, drawing)
        self._drawn = drawing
        layer.refresh(thumbnail=False)

    def _empty(self) -> None:
        self._drawn = None
        if self.layer is not None:
            with self.layer.events.blocker_all():
                self.layer.data = []
                self.layer.features = _features([])
            self.layer.editable = False
            self.layer.refresh(thumbnail=False)

    def _add_layer(self) -> None:
        viewer, image = self.viewer, self._session.image if self._session is not None else None
        units = "mm" if image is None else str(image.metadata.get(LAYER_UNITS, image.units))
        selection, active = set(viewer.layers.selection), viewer.layers.selection.active
        layer = Shapes(
            ndim=3,
            name=NAME,
            # As of the spheres: seen from slices up to 30 mm away, and no finer step for napari's sliders.
            scale=(rows.SCALE,) * 3,
            units=(units,) * 3,
            features=_features([]),
            text=_TEXT,
            opacity=1.0,
        )
        viewer.add_layer(layer)
        layer.editable = False
        viewer.layers.selection = selection
        viewer.layers.selection.active = active
        self.layer = layer

    def _take_out(self) -> None:
        layer, self.layer, self._drawn = self.layer, None, None
        if layer is not None and layer in self.viewer.layers:
            self.viewer.layers.remove(layer)

    def _leave(self) -> None:
        if self._session is None:
            return
        events = self._session.events
        for signal in (events.findings, events.thresholds, events.selected):
            signal.disconnect(self._later)
        events.overlays.disconnect(self._on_overlays)

    def _on_overlays(self, shown: bool) -> None:
        if shown:
            self._unwanted = False
            if self.layer is not None:
                self.layer.visible = True
        self._later()

    def _on_removed(self, event: object) -> None:
        if self.layer is not None and getattr(event, "value", None) is self.layer:
            self.layer, self._drawn, self._unwanted = None, None, True


def _features(labels: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"label": pd.Series(labels, dtype=object)})


def _is_filled(bar: layout.Bar) -> bool:
    return bar.filled[3] - bar.filled[1] > 1.0


def _vertices(rectangle: layout.Rectangle, drawing: Drawing) -> np.ndarray:
    """Corners (4, 3) in the layer's data units."""
    top, left, bottom, right = rectangle
    corners = np.array([(top, left), (top, right), (bottom, right), (bottom, left)])
    vertices = np.tile(np.array(drawing.point), (4, 1))
    vertices[:, list(drawing.displayed)] = np.array(drawing.corner) + corners * np.array(drawing.mm)
    return vertices / rows.SCALE


def _seat_letters(layer: Shapes, drawing: Drawing) -> None:
    """Letters stand on the corner with the lowest coordinates: where rows run downwards, that is a strip's upper edge."""
    translation = np.zeros(3)
    if drawing.mm[0] > 0:
        translation[drawing.displayed[0]] = drawing.mm[0] * (layout.ROW - 1.5) / rows.SCALE
    if not np.array_equal(layer.text.translation, translation):
        layer.text.translation = translation
