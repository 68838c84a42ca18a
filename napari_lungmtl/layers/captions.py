"""The layer *captions*: what stands at the boxes of a radiograph, on dark strips that can be read on bone and on air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.layers import Shapes
from qtpy.QtCore import QTimer
from qtpy.QtGui import QGuiApplication

from ..session.session import Session
from . import box_rows as rows
from . import caption_layout as layout
from .attribute_layout import Rectangle
from .image import LAYER_UNITS

NAME = "captions"
_STRIP = (0.07, 0.08, 0.10, 0.85)  # as of the attribute bars
# 8 is drawn as 10 pt elsewhere. Letters stand on the upper left corner, outside.
_TEXT = {"string": "{label}", "size": 8, "color": {"feature": "color"}, "anchor": "upper_left"}
_BASELINE = layout.ROW - 2.0
_MARGIN = 4.0
"""Pixels to the edge of the canvas."""
_WAIT = 30
"""Milliseconds: the steps of a wheel come together."""


@dataclass(frozen=True)
class _Drawing:
    """What the layer is given: compared with what it has, so that nothing is drawn twice."""

    texts: tuple[str, ...]
    colors: tuple[str, ...]
    corners: tuple[tuple[float, float], ...]  # world
    pixel: float  # world length of a pixel


class Captions:
    """Keeps one Shapes layer beside the boxes of a radiograph's session; nothing in it is edited or saved.

    Captions keep their size on the screen, and stay within canvas and radiograph. A person who deletes the layer is rid of it until
    the overlays are shown anew.

    Parameters
    ----------
    viewer, session
        As for a `Binding`.
    """

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self.viewer, self.session = viewer, session
        self.layer: Shapes | None = None
        self._drawn: _Drawing | None = None
        self._unwanted = False
        # napari sizes letters by the screen's resolution; with them the strips grow.
        screen = QGuiApplication.primaryScreen()
        self._pixel = max(screen.logicalDotsPerInch() / 96, 1.0) if screen is not None else 1.0
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT)
        self._timer.timeout.connect(self.draw)
        camera, events = viewer.scene.camera.events, session.events
        self._looks = (camera.zoom, camera.center, viewer.canvas.events.size)
        self._news = (events.image, events.findings, events.thresholds, events.selected)
        for event in self._looks:
            event.connect(self._later)
        for signal in self._news:
            signal.connect(self._later)
        events.overlays.connect(self._on_overlays)
        viewer.layers.events.removed.connect(self._on_removed)

    def close(self) -> None:
        """Stop following, and take the layer out."""
        self._timer.stop()
        for event in self._looks:
            event.disconnect(self._later)
        for signal in self._news:
            signal.disconnect(self._later)
        self.session.events.overlays.disconnect(self._on_overlays)
        self.viewer.layers.events.removed.disconnect(self._on_removed)
        layer, self.layer = self.layer, None
        if layer is not None and layer in self.viewer.layers:
            self.viewer.layers.remove(layer)

    def draw(self) -> None:
        """Bring the layer up to date now."""
        drawing = self._drawing()
        if drawing == self._drawn or (self.layer is None and drawing is None):
            return
        if self.layer is None:
            self.layer = self._add_layer()
        self._drawn = drawing
        self._fill(self.layer, drawing)

    def _later(self, _event: object = None) -> None:
        self._timer.start()

    def _drawing(self) -> _Drawing | None:
        """What should stand where; None for nothing."""
        image, zoom = self.session.image, float(self.viewer.scene.camera.zoom)
        if (
            image is None
            or image.ndim != 2
            or not zoom > 0
            or self._unwanted
            or not self.session.overlays_shown
        ):
            return None
        findings = rows.planar(self.session.visible)
        features = rows.features(findings, self.session.agreement)
        pixel = self._pixel / zoom
        middle = np.array(self.viewer.scene.camera.center[-2:], float)

        def on_screen(low: object, high: object) -> Rectangle:
            top, left = (np.asarray(low, float) - middle) / pixel
            bottom, right = (np.asarray(high, float) - middle) / pixel
            return float(top), float(left), float(bottom), float(right)

        boxes = [on_screen(f.box.low, f.box.high) for f in findings if f.box is not None]
        half = np.array(self.viewer.canvas.size, float) / self._pixel / 2 - _MARGIN
        radiograph = on_screen(*image.extent)
        # Beyond the radiograph captions would widen what napari takes for the world.
        region = (*np.maximum(-half, radiograph[:2]), *np.minimum(half, radiograph[2:]))
        # The selected one chooses its place first, then the surest.
        order = sorted(
            range(len(findings)), key=lambda n: (findings[n].id != self.session.selected, -findings[n].score)
        )
        corners = layout.place([boxes[n] for n in order], [features["label"][n] for n in order], region)
        placed = [(n, corner) for n, corner in zip(order, corners, strict=True) if corner is not None]
        if not placed:
            return None
        world = [middle + np.array(corner) * pixel for _, corner in placed]
        return _Drawing(
            tuple(features["label"][n] for n, _ in placed),
            tuple(features["color"][n] for n, _ in placed),
            # Rounded, so that a pan that moves nothing gives the same drawing.
            tuple((round(float(y), 6), round(float(x), 6)) for y, x in world),
            pixel,
        )

    # ---- the layer

    def _fill(self, layer: Shapes, drawing: _Drawing | None) -> None:
        with layer.events.blocker_all():
            if drawing is None:
                layer.data = []
                layer.features = _features((), ())
            else:
                layer.data = [
                    _strip(corner, layout.width(text), drawing.pixel)
                    for corner, text in zip(drawing.corners, drawing.texts, strict=True)
                ]
                layer.features = _features(drawing.texts, drawing.colors)
                layer.face_color = np.array([_STRIP] * len(drawing.texts))
                layer.edge_color, layer.edge_width = "transparent", 0
        layer.editable = False  # which new data reset
        if drawing is not None:
            layer.text.translation = np.array([_BASELINE * drawing.pixel, 4.0 * drawing.pixel])
        layer.refresh(thumbnail=False)

    def _add_layer(self) -> Shapes:
        layers, image = self.viewer.layers, self.session.image
        units = "mm" if image is None else str(image.metadata.get(LAYER_UNITS, image.units))
        selection, active = set(layers.selection), layers.selection.active
        layer = Shapes(
            ndim=2, name=NAME, units=(units,) * 2, features=_features((), ()), text=_TEXT, opacity=1.0
        )
        self.viewer.add_layer(layer)
        layer.editable = False
        layers.selection = selection
        layers.selection.active = active
        return layer

    def _on_overlays(self, shown: bool) -> None:
        if shown:
            self._unwanted = False
        if self.layer is not None:
            self.layer.visible = shown
        self._later()

    def _on_removed(self, event: object) -> None:
        if self.layer is not None and getattr(event, "value", None) is self.layer:
            self.layer, self._drawn, self._unwanted = None, None, True


def _strip(corner: tuple[float, float], wide: float, pixel: float) -> np.ndarray:
    """Corners (4, 2) in world units."""
    (top, left), (high, wide) = corner, (layout.ROW * pixel, wide * pixel)
    return np.array([(top, left), (top, left + wide), (top + high, left + wide), (top + high, left)])


def _features(texts: tuple[str, ...], colors: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame({"label": pd.Series(texts, dtype=object), "color": pd.Series(colors, dtype=object)})
