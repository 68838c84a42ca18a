"""The layer *rings*: about each nodule that the slice cuts, a ring of constant width on the screen that leaves its edge free."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from napari.components import ViewerModel
from napari.layers import Points

from .. import planes
from ..follower import Connection, LayerFollower, coalesced
from . import rows
from .discs import HALO_WIDTH, SELECTED_WIDTH, WIDTH, ring_radius
from .layer import SphereBinding
from .layer_data import CANVAS_LIMITS

NAME = "rings"
_HALO = (0.04, 0.04, 0.05, 0.7)
_ROWS = 16
"""Rows that the layer has at least."""
_COARSE = 1.1
"""Lines keep their width on the screen within this factor: a new drawing for each step of a zoom would cost frames."""


@dataclass(frozen=True)
class _Rings:
    """What the layer is given: compared with what it has, so that nothing is drawn twice."""

    centers: tuple[tuple[float, ...], ...]
    diameters: tuple[float, ...]
    colors: tuple[tuple[float, ...], ...]
    widths: tuple[float, ...]
    """All lengths in millimetres."""


_NONE = _Rings((), (), (), ())


class RingLayer(LayerFollower[Points]):
    """Keeps rings about the spheres of a binding; nothing in it is edited, and the spheres themselves stay as large as they are.

    In 3-D there are none: the spheres are drawn by their own layer.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    binding
        Of the spheres.
    pixel
        Pixels of the canvas, which napari's zoom counts, for one of the screen as lines are given in.
    """

    def __init__(self, viewer: ViewerModel, binding: SphereBinding, pixel: float = 1.0) -> None:
        self._binding, self._pixel = binding, pixel
        self._rings, self._zoom = _NONE, 0.0
        self._unwanted = self._unseen = self._entering = False
        self._at: tuple[float, ...] = ()
        self._timer = coalesced(self.draw)
        super().__init__(viewer, binding.session)

    def close(self) -> None:
        """Stop following, and take the layer out."""
        self._timer.stop()
        super().close()

    def set_current(self, current: bool) -> None:
        """Show the layer, if overlays are shown, or hide it while another image is reviewed."""
        hidden = self.layer is not None and not self.layer.visible
        self._current = current
        changed = self._update()
        super().set_current(current)  # napari draws what comes to sight
        if changed and not hidden:
            self._refresh()

    def draw(self) -> None:
        """Bring the layer up to date now."""
        if self._update() or self._unseen:
            self._refresh()

    def prepare(self) -> None:
        """Put the layer in before there is a ring: what is found is then drawn without the wait for a new layer."""
        image = self.session.image
        if self.layer is not None or self._unwanted or self._entering or image is None or image.ndim != 3:
            return
        self._entering = True  # napari tells of its slices anew while a layer comes in
        try:
            self._insert(self._make_layer(), self._above_spheres())
        finally:
            self._entering = False

    def withdraw(self) -> None:
        """Take the layer out again where the session has no sphere that it could ever mark: what was prepared for was not found."""
        if not rows.spheres(self.session.findings.items):
            self._take_out()

    def _update(self) -> bool:
        """Write the rings of this slice into the layer; whether they are others, and it is to be drawn."""
        self._at = tuple(self.viewer.dims.point)
        rings = self._lay_out()
        if rings == self._rings:
            return False
        self.prepare()
        if self.layer is None or self._entering:
            return False
        self._show(self.layer, rings)
        return True

    def _refresh(self) -> None:
        if self.layer is not None:
            self.layer.refresh(thumbnail=False)

    # ---- what is listened to

    def _view_events(self) -> list[Connection]:
        dims, camera = self.viewer.dims.events, self.viewer.scene.camera.events
        views = [
            (event, self._on_slice) for event in (dims.point, dims.order, dims.ndisplay, dims.margin_right)
        ]
        return [*super()._view_events(), *views, (camera.zoom, self._later)]

    def _layer_events(self, layer: Points) -> list[Connection]:
        return [*super()._layer_events(layer), (layer.events.set_data, self._on_drawn)]

    def _session_events(self) -> list[Connection]:
        events = self.session.events
        news = (events.image, events.findings, events.thresholds, events.selection, self._binding.dragged)
        cut = (self._binding.cut, self._before_slice)
        return [*super()._session_events(), cut, *((signal, self._later) for signal in news)]

    def _on_slice(self, _event: object = None) -> None:
        """At once: rings of the last slice must not be seen over this one."""
        self.draw()

    def _before_slice(self) -> None:
        """Write the rings of a new slice once napari has cut the spheres for it: this layer, above them, is the next to be cut
        and drawn, and that once."""
        if tuple(self.viewer.dims.point) == self._at or self.layer is None:
            return
        if self._update():
            self._unseen = True

    def _on_drawn(self, _event: object = None) -> None:
        self._unseen = False

    def _later(self, _event: object = None) -> None:
        self._timer.start()

    def _on_overlays(self, shown: bool) -> None:
        if shown:
            self._unwanted = False
        super()._on_overlays(shown)
        self._later()

    def _on_gone(self) -> None:
        self._unwanted = True

    def _forget_rendered(self) -> None:
        self._rings, self._zoom = _NONE, 0.0

    # ---- what to draw

    def _lay_out(self) -> _Rings:
        image, dims = self.session.image, self.viewer.dims
        hidden = self._unwanted or not self._is_shown() or image is None or image.ndim != 3
        if hidden or dims.ndisplay != 2 or dims.ndim != 3:
            return _NONE
        assert image is not None
        across, position = dims.not_displayed[0], dims.point[dims.not_displayed[0]]
        selected, reach = set(self.session.selection), planes.slab_reach(self.viewer, across)
        found = []
        for finding in self._binding.present():
            distance = finding.center[across] - position
            radius = ring_radius(finding.diameter, distance, image.scale[across], reach)
            if radius is not None:
                center = list(finding.center)
                center[across] = position
                found.append((finding, tuple(center), 2 * radius))
        pixel = self._pixel / self._coarse_zoom()
        colors = rows.colors([f for f, *_ in found])
        chosen = [row for row, (f, *_) in enumerate(found) if f.id in selected]
        colors = rows.edges(colors, chosen)
        widths = [pixel * (SELECTED_WIDTH if f.id in selected else WIDTH) for f, *_ in found]
        # Each ring lies on a darker, wider one.
        return _Rings(
            tuple(center for _, center, _ in found) * 2,
            tuple(diameter for *_, diameter in found) * 2,
            (_HALO,) * len(found) + tuple(map(tuple, colors.tolist())),
            (*(width + 2 * HALO_WIDTH * pixel for width in widths), *widths),
        )

    def _coarse_zoom(self) -> float:
        """The zoom that lines are drawn for: of late, if that is near enough."""
        zoom = max(float(self.viewer.scene.camera.zoom), 1e-6)
        if max(zoom, self._zoom) > _COARSE * min(zoom, self._zoom):
            self._zoom = zoom
        return self._zoom

    # ---- the layer

    def _make_layer(self) -> Points:
        return Points(
            ndim=3,
            name=NAME,
            scale=(rows.SCALE,) * 3,
            units=(self._units(),) * 3,
            face_color="transparent",
            border_width_is_relative=False,
            canvas_size_limits=CANVAS_LIMITS,
        )

    def _above_spheres(self) -> int | None:
        spheres, layers = self._binding.layer, self.viewer.layers
        return layers.index(spheres) + 1 if spheres is not None and spheres in layers else None

    def _insert(self, layer: Points, index: int | None = None) -> None:
        super()._insert(layer, index)
        layer.editable = False

    def _show(self, layer: Points, rings: _Rings) -> None:
        """Write into the rows that there are; those that are not needed have no size.

        To assign points, sizes, widths and colours costs 15 ms with each slice, most of it for redrawing the layer four times.
        """
        count = len(rings.centers)
        if count > len(layer.data):
            room = max(2 * count, _ROWS)
            with layer.events.blocker_all():
                layer.data = np.zeros((room, 3))
                layer.size = np.zeros(room)
                layer.border_width = np.zeros(room)
                layer.border_color = np.zeros((room, 4))
            layer.editable = False  # which new data reset
        layer.size[:] = 0.0
        if count:
            layer.data[:] = np.array(rings.centers[0]) / rows.SCALE  # what has no size widens nothing there
            layer.data[:count] = np.array(rings.centers) / rows.SCALE
            layer.size[:count] = np.array(rings.diameters) / rows.SCALE
            layer.border_width[:count] = np.array(rings.widths) / rows.SCALE
            layer.border_color[:count] = np.array(rings.colors)
        self._rings = rings
