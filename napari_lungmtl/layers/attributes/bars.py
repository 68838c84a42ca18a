"""The layer *attributes*: the eight attributes of the selected nodule as bars beside it, the same size at any zoom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from napari.components import ViewerModel
from napari.layers import Shapes

from ...session.session import Session
from ...training.findings import Finding, Sphere
from ..follower import Connection
from ..rectangle import Rectangle, corners
from ..screen import LETTERS, STRIP, ScreenLayer, text_features
from ..spheres import rows
from . import layout as attribute_layout

NAME = "attributes"
# The bars: a blue with 5 : 1 to the letters.
_FILLED, _BARE = (0.22, 0.44, 0.66, 1.0), (0.0, 0.0, 0.0, 0.0)
_TEXT = {**LETTERS, "color": "white"}
_MARGIN = 6.0
"""Pixels to the edge of the canvas."""


@dataclass(frozen=True)
class _Bars:
    """What the layer is given: compared with what it has, so that nothing is drawn twice."""

    attributes: tuple[tuple[str, float], ...]
    corner: tuple[float, float]  # world, along the displayed axes
    point: tuple[float, ...]  # world; counts along the axes that are not displayed
    displayed: tuple[int, int]
    mm: tuple[float, float]
    """World length of a pixel along the displayed axes; negative where they run backwards."""


class AttributeBarsLayer(ScreenLayer[_Bars]):
    """Keeps bars beside the selected nodule of the session that is looked at.

    They are laid out anew when zoom, slice, orientation or selection have changed. There are none in 3-D, where nothing is
    selected or characterised, and on slices beside the nodule.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._nobody = Session()
        self._covered = False
        super().__init__(viewer, self._nobody)

    def set_session(self, session: Session | None) -> None:
        """Stand beside the nodules of another study (or of none)."""
        for signal, slot in self._session_events():
            signal.disconnect(slot)
        self.session = session if session is not None else self._nobody
        for signal, slot in self._session_events():
            signal.connect(slot)
        self._unwanted = False
        self._covered = True  # perhaps: an image that was opened since lies on top of the bars
        if session is None:
            self._take_out()
        else:
            self._on_overlays(session.overlays_shown)

    def close(self) -> None:
        """Stop following, and take the layer out."""
        super().close()
        self._nobody.close()

    def _view_events(self) -> list[Connection]:
        camera, dims = self.viewer.scene.camera.events, self.viewer.dims.events
        looks = (camera.zoom, camera.center, camera.orientation, dims.point, dims.order, dims.ndisplay)
        size = self.viewer.canvas.events.size
        return [*super()._view_events(), *((event, self._later) for event in (*looks, size))]

    def _session_events(self) -> list[Connection]:
        events = self.session.events
        news = (events.findings, events.thresholds, events.selected)
        return [*super()._session_events(), *((signal, self._later) for signal in news)]

    # ---- what to draw

    def _finding(self) -> Finding | None:
        """The nodule that bars can stand beside."""
        session, dims = self.session, self.viewer.dims
        if session.selected is None or dims.ndisplay != 2 or dims.ndim != 3:
            return None
        finding = next((f for f in session.visible if f.id == session.selected), None)
        has_bars = finding is not None and isinstance(finding.geometry, Sphere) and finding.attributes
        return finding if has_bars else None

    def _lay_out(self) -> _Bars | None:
        """The bars' place; None where the slice does not cut the nodule, or the nodule is out of sight."""
        finding, session = self._finding(), self.session
        dims, camera = self.viewer.dims, self.viewer.scene.camera
        if finding is None or session.image is None or session.image.ndim != 3 or not camera.zoom > 0:
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
        corner = attribute_layout.place_bars(
            tuple(on_screen), disc, attribute_layout.region(canvas, image), float(label)
        )
        world = middle + np.array(corner) * mm
        # Rounded, so that a pan that only moves the canvas gives the same drawing.
        point[displayed] = 0.0
        return _Bars(
            tuple(finding.attributes.items()),
            tuple(np.round(world, 6).tolist()),
            tuple(point.tolist()),
            (displayed[0], displayed[1]),
            (float(mm[0]), float(mm[1])),
        )

    # ---- the layer

    def _make_layer(self, units: str) -> Shapes:
        return Shapes(
            ndim=3,
            name=NAME,
            # As of the spheres: seen from slices up to 30 mm away, and no finer step for napari's sliders.
            scale=(rows.SCALE,) * 3,
            units=(units,) * 3,
            features=text_features(label=()),
            text=_TEXT,
            opacity=1.0,
        )

    def _show(self, layer: Shapes, layout: _Bars | None) -> None:
        if layout is not None and self._covered:
            layers = self.viewer.layers
            if layers[-1] is not layer:
                layers.move(layers.index(layer), len(layers))
            self._covered = False
        super()._show(layer, layout)

    def _fill(self, layer: Shapes, layout: _Bars) -> None:
        bars = attribute_layout.bars(dict(layout.attributes))
        layer.data = [_vertices(bar.strip, layout) for bar in bars] + [
            _vertices(bar.filled, layout) for bar in bars
        ]
        if self._layout is not None and self._layout.attributes == layout.attributes:
            return
        # A space for the eye between the edge and the first letter.
        labels = [f" {bar.name}" for bar in bars] + [f" {bar.value}" for bar in bars]
        layer.features = text_features(label=tuple(labels))
        layer.face_color = [STRIP] * len(bars) + [_FILLED if _is_filled(bar) else _BARE for bar in bars]
        layer.edge_color, layer.edge_width = "transparent", 0

    def _seat_letters(self, layer: Shapes, layout: _Bars) -> None:
        """Letters stand on the corner with the lowest coordinates: where rows run downwards, that is a strip's upper edge."""
        translation = np.zeros(3)
        if layout.mm[0] > 0:
            translation[layout.displayed[0]] = layout.mm[0] * (attribute_layout.ROW - 1.5) / rows.SCALE
        if not np.array_equal(layer.text.translation, translation):
            layer.text.translation = translation


def _is_filled(bar: attribute_layout.Bar) -> bool:
    return bar.filled[3] - bar.filled[1] > 1.0


def _vertices(rectangle: Rectangle, layout: _Bars) -> np.ndarray:
    """Corners (4, 3) in the layer's data units."""
    vertices = np.tile(np.array(layout.point), (4, 1))
    vertices[:, list(layout.displayed)] = np.array(layout.corner) + corners(rectangle) * np.array(layout.mm)
    return vertices / rows.SCALE
