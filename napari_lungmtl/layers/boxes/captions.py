"""The layer *captions*: what stands at the boxes of a radiograph, on dark strips that can be read on bone and on air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from napari.components import ViewerModel
from napari.layers import Shapes

from ...session.session import Session
from ..film_view import ScreenAxes
from ..follower import Connection
from ..rectangle import Rectangle, corners
from ..screen import LETTERS, STRIP, ScreenLayer, text_features
from . import caption_layout, rows

NAME = "captions"
_TEXT = {**LETTERS, "anchor": "center", "color": {"feature": "color"}}
_MARGIN = 4.0
"""Pixels to the edge of the canvas."""
_WAIT = 30
"""Milliseconds: the steps of a wheel come together."""


@dataclass(frozen=True)
class _Captions:
    """What the layer is given: compared with what it has, so that nothing is drawn twice."""

    texts: tuple[str, ...]
    colors: tuple[str, ...]
    strips: tuple[tuple[float, ...], ...]  # corners (4, 2) in world units, flattened


class CaptionsLayer(ScreenLayer[_Captions]):
    """Keeps captions beside the boxes of a radiograph's session.

    They keep their size on the screen, and stay within canvas and radiograph.

    Parameters
    ----------
    viewer, session
        As for a `LayerFollower`.
    """

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        super().__init__(viewer, session, _WAIT)

    def _view_events(self) -> list[Connection]:
        camera = self.viewer.scene.camera.events
        looks = (camera.zoom, camera.center, camera.orientation, self.viewer.canvas.events.size)
        return [*super()._view_events(), *((event, self._later) for event in looks)]

    def _session_events(self) -> list[Connection]:
        events = self.session.events
        news = (events.image, events.findings, events.thresholds, events.selected)
        return [*super()._session_events(), *((signal, self._later) for signal in news)]

    def _lay_out(self) -> _Captions | None:
        image, zoom = self.session.image, float(self.viewer.scene.camera.zoom)
        if image is None or image.ndim != 2 or not zoom > 0:
            return None
        findings = rows.planar(self.session.visible)
        features = rows.features(findings, self.session.agreement)
        pixel = self._pixel / zoom
        axes = ScreenAxes.now(self.viewer)
        # The camera's centre is in the order of the axes that are shown.
        middle = np.empty(2)
        middle[[axes.down[0], axes.right[0]]] = self.viewer.scene.camera.center[-2:]

        def on_screen(low: object, high: object) -> Rectangle:
            ends = axes.to_screen((np.array([low, high], float) - middle) / pixel)
            (top, left), (bottom, right) = ends.min(axis=0), ends.max(axis=0)
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
        places = caption_layout.place_captions(
            [boxes[n] for n in order], [features["label"][n] for n in order], region
        )
        placed = [(n, corner) for n, corner in zip(order, places, strict=True) if corner is not None]
        if not placed:
            return None
        texts = tuple(features["label"][n] for n, _ in placed)
        strips = np.array(
            [
                _strip(corner, caption_layout.width(text))
                for (_, corner), text in zip(placed, texts, strict=True)
            ]
        )
        world = middle + axes.to_world(strips) * pixel
        return _Captions(
            texts,
            tuple(features["color"][n] for n, _ in placed),
            # Rounded, so that a pan that moves nothing gives the same drawing.
            tuple(tuple(np.round(strip, 6).ravel().tolist()) for strip in world),
        )

    # ---- the layer

    def _make_layer(self, units: str) -> Shapes:
        features = text_features(label=(), color=())
        return Shapes(ndim=2, name=NAME, units=(units,) * 2, features=features, text=_TEXT, opacity=1.0)

    def _fill(self, layer: Shapes, layout: _Captions) -> None:
        layer.data = [np.reshape(strip, (4, 2)) for strip in layout.strips]
        layer.features = text_features(label=layout.texts, color=layout.colors)
        layer.face_color = np.array([STRIP] * len(layout.texts))
        layer.edge_color, layer.edge_width = "transparent", 0

    def _seat_letters(self, layer: Shapes, layout: _Captions) -> None:
        """They stand in the middle of their strips, wherever up is."""


def _strip(corner: tuple[float, float], width: float) -> np.ndarray:
    """Corners (4, 2) on the screen."""
    top, left = corner
    return corners((top, left, top + caption_layout.ROW, left + width))
