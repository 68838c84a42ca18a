"""The views of one CT: the large canvas, two planes beside it, and the crosshair and the slab that they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from napari.layers import Layer, Points
from psygnal import Signal
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QBoxLayout, QMainWindow, QSizePolicy, QWidget

from ..canvas.clicks import on_click
from ..layers import planes, window_presets
from ..layers.follower import FOLLOWED
from ..layers.gl_context import canvas_of
from ..layers.truth.layer import TRUE_NODULES
from ..session.session import Session
from ..training.imaging.slab import Slab
from .canvas_marks import CanvasMarks
from .canvas_slab import CanvasSlab
from .painting import table_of
from .pane import ViewPane
from .scene import Scene, Truth
from .selecting import select_at

_WIDE = 1.1
"""Width of the space, in heights, from which the panes stand beside the canvas and no longer below it."""
_STRETCH = (3, 2)
"""Shares of canvas and panes."""
_ZOOM_MOST = 20.0


class LinkedViews(QWidget):
    """Shows the planes of a CT that the canvas does not show, all through one point.

    The point is napari's own (``dims.point``): whoever moves it moves all views, also a finding that is selected. Painted by
    Qt: a canvas of napari's for each plane took two and a half times the processor time (``benchmarks/linked_views.py``).

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    """

    changed = Signal()
    """Linked views or slab were switched, or another image is shown."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._layer: ImageLayer | None = None
        self._session: Session | None = None
        self._companions: Sequence[Layer] = ()
        self._connections: list[tuple[Any, Callable[..., Any]]] = []
        self._box: QBoxLayout | None = None
        self._canvas: QWidget | None = None
        self._zoom = 1.0
        self._colors: tuple[int, ...] | None = None
        self._watched: list[Layer] = []
        self.on = False
        self.is_taken: Callable[[], object] = bool
        """Whether a click on a single slice means something else than the mark under it."""
        self.companion: QWidget | None = None
        """Another picture that shares the space with canvas and panes."""
        self.slab = Slab()
        self.canvas_slab = CanvasSlab(viewer)
        self.canvas_marks = CanvasMarks(viewer)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.panes = {plane: ViewPane(plane) for plane in planes.ORDERS}
        self._row = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(4)
        for pane in self.panes.values():
            self._row.addWidget(pane, 1)
            pane.scale = self._scale
            pane.moved.connect(self.move_to)
            pane.stepped.connect(lambda axis, slices: planes.step(viewer, axis, slices))
            pane.windowed.connect(self._window)
            pane.zoomed.connect(self._enlarge)
            pane.chosen.connect(lambda plane: planes.show(viewer, plane))
            pane.hovered.connect(self._hover)
        for signal, slot in self._view_events():
            signal.connect(slot)
        self._stop_clicks = (
            on_click(viewer, self.move_to, self._has_crosshair),
            on_click(viewer, self._select, lambda: not self._has_crosshair() and not self.is_taken()),
        )
        self.hide()

    def attach(self, window: QWidget) -> None:
        """Stand beside the canvas of a napari window."""
        self._canvas = canvas_of(window)
        center = window.centralWidget() if isinstance(window, QMainWindow) else None
        box = center.layout() if center is not None else None
        if self._canvas is None or center is None or not isinstance(box, QBoxLayout):
            return
        self._box = box
        box.addWidget(self)
        box.setStretch(0, _STRETCH[0])
        box.setStretch(box.count() - 1, _STRETCH[1])
        center.installEventFilter(self)
        self.canvas_marks.attach(self._canvas)
        self.arrange()
        self._draw()

    def set_image(
        self,
        layer: ImageLayer | None,
        session: Session | None,
        companions: Sequence[Layer] = (),
        truth: Any = None,
    ) -> None:
        """Show another image, or none; a radiograph has one view only.

        Parameters
        ----------
        layer, session
            Of the image under review.
        companions
            Layers that are shown with it: its truth.
        truth
            The signal (psygnal) that its truth is another.
        """
        self._stop_listening()
        self._layer, self._session, self._companions = layer, session, companions
        self._zoom, self._colors = 1.0, None
        if layer is not None and session is not None:
            looks, events = layer.events, session.events
            session_events = (
                events.image,
                events.findings,
                events.thresholds,
                events.selection,
                events.overlays,
                *(() if truth is None else (truth,)),
            )
            self._connections = [
                *((event, self._draw) for event in (looks.contrast_limits, *session_events)),
                *((event, self._on_colors) for event in (looks.colormap, looks.gamma)),
            ]
            for signal, slot in self._connections:
                signal.connect(slot)
        self._show()

    @property
    def has_planes(self) -> bool:
        """Whether a volume is looked at."""
        image = self._session.image if self._session is not None else None
        return self._layer is not None and image is not None and image.ndim == self._viewer.dims.ndim == 3

    def choose_slab(self, slab: Slab) -> None:
        """Show a slab, as a key asks for it: on a radiograph nothing happens to the volume beside it."""
        if self.has_planes:
            self.show_slab(slab)

    def looked_through(self) -> tuple[int, Slab]:
        """Across which axis the mouse looks at the volume, on a pane or on the canvas, and through which slab."""
        pane = next((pane for pane in self.panes.values() if pane.underMouse()), None)
        axis = pane.frame.order[0] if pane is not None else self._viewer.dims.order[0]
        return axis, self.canvas_slab.slab

    def link(self, on: bool) -> None:
        """Show all three planes, or the canvas alone."""
        if on != self.on:
            self.on = on
            self._show()

    def show_slab(self, slab: Slab) -> None:
        """Show slabs of a volume, in all views, or slices."""
        if slab != self.slab:
            self.slab = slab
            self._show()

    def move_to(self, place: dict[int, float]) -> None:
        """Move the point that all views go through to the voxel at some world coordinates, by axis."""
        image = self._session.image if self._session is not None else None
        if image is None or not self.has_planes:
            return
        point = list(self._viewer.dims.point)
        for axis, position in place.items():
            point[axis] = position
        index = np.clip(np.rint(image.to_index(point)), 0, np.subtract(image.shape, 1))
        world = image.to_world(index)
        planes.move_to(self._viewer, {axis: float(world[axis]) for axis in place})

    def _has_crosshair(self) -> bool:
        return self.on and self.has_planes

    def _select(self, clicked: dict[int, float]) -> None:
        select_at(self._viewer, self._session, clicked)

    def let_go(self) -> None:
        """Stop listening, and leave the canvas as it was; no widget is touched."""
        self._stop_listening()
        self._layer = self._session = None
        for signal, slot in self._view_events():
            signal.disconnect(slot)
        for layer in self._watched:
            layer.events.visible.disconnect(self._draw)
        self._watched.clear()
        for stop in self._stop_clicks:
            stop()
        self.canvas_slab.close()

    def take_out(self) -> None:
        """Give the canvas its space back."""
        self.hide()
        self.canvas_marks.hide()
        self.canvas_marks.deleteLater()
        self.arrange()
        self.deleteLater()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the size of what canvas and panes share."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self.arrange()
        return super().eventFilter(watched, event)

    # ---- what is listened to

    def _view_events(self) -> list[tuple[Any, Callable[..., Any]]]:
        dims, camera = self._viewer.dims.events, self._viewer.scene.camera.events
        return [
            (dims.point, self._draw),
            (dims.order, self._draw),
            (dims.ndisplay, self._draw),
            (dims.ndim, self._show),
            *((event, self._move_marks) for event in (camera.center, camera.zoom, camera.orientation)),
            (self._viewer.layers.events.inserted, self._on_inserted),
        ]

    def _stop_listening(self) -> None:
        for signal, slot in self._connections:
            signal.disconnect(slot)
        self._connections = []

    def _on_inserted(self, event: object) -> None:
        """The truth comes after its image, and can be hidden."""
        layer = event.value  # type: ignore[attr-defined]
        if isinstance(layer, Points) and not layer.metadata.get(FOLLOWED):
            layer.events.visible.connect(self._draw)
            self._watched.append(layer)

    def _on_colors(self, _event: object = None) -> None:
        self._colors = None
        self._draw()

    # ---- what is shown

    def _show(self, _event: object = None) -> None:
        """Bring the space, the slab and the views in line with what is wanted."""
        shown = self.on and self.has_planes and self._box is not None
        if shown != self.isVisibleTo(self.parentWidget()):
            self.setVisible(shown)
            self.arrange()
        self.canvas_slab.show(self._layer if self.has_planes else None, self.slab)
        self._draw()
        self.changed.emit()

    def arrange(self) -> None:
        """Panes stand in a column beside a canvas that has the width, otherwise in a row below it."""
        center = self.parentWidget()
        if self._box is None or center is None:
            return
        alone = all(one is None or one.isHidden() for one in (self, self.companion))
        beside = alone or center.width() > _WIDE * center.height()
        directions = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        across, along = directions if beside else directions[::-1]
        if self._box.direction() != across:
            self._box.setDirection(across)
        self._row.setDirection(along)

    def _draw(self, _event: object = None) -> None:
        scene = self._scene()
        linked = self.on and scene is not None
        flat = self._viewer.dims.ndisplay == 2
        for pane in self.panes.values():
            beside = not flat or pane.frame.axis != self._viewer.dims.order[0]
            if pane.isHidden() == beside:
                pane.setVisible(beside)
            pane.show_scene(scene if linked and beside else None)
        self.canvas_marks.show_scene(scene if flat else None, crosshair=linked)

    def _scale(self) -> float:
        """Millimetres of a pixel in all panes: what is as long in two of them is so in the patient, and heights line up."""
        return max(pane.fitting() for pane in self.panes.values())

    def _move_marks(self, _event: object = None) -> None:
        if self.canvas_marks.scene is not None:
            self.canvas_marks.update()

    def _scene(self) -> Scene | None:
        layer, session = self._layer, self._session
        image = session.image if session is not None else None
        if layer is None or session is None or image is None or not self.has_planes:
            return None
        z, y, x = (float(c) for c in self._viewer.dims.point)
        shown = session.overlays_shown
        return Scene(
            image,
            (z, y, x),
            self.slab,
            (float(layer.contrast_limits[0]), float(layer.contrast_limits[1])),
            self._table(layer),
            session.visible if shown else (),
            session.selection,
            self._truths(),
            self._zoom,
        )

    def _table(self, layer: ImageLayer) -> tuple[int, ...]:
        """The layer's colours, worked out once for all slices."""
        if self._colors is None:
            self._colors = table_of(layer)
        return self._colors

    def _truths(self) -> tuple[Truth, ...]:
        """The companions that are points, visible, and still among the layers."""
        return tuple(
            _truth(layer)
            for layer in self._companions
            if isinstance(layer, Points) and layer.visible and layer in self._viewer.layers
        )

    # ---- hands

    def _window(self, right: float, up: float) -> None:
        if self._layer is not None:
            window_presets.drag(self._layer, right, up)

    def _enlarge(self, factor: float) -> None:
        self._zoom = float(np.clip(self._zoom * factor, 1.0, _ZOOM_MOST))
        self._draw()

    def _hover(self, world: tuple[float, float, float]) -> None:
        self._viewer.cursor.position = world


def _truth(layer: Points) -> Truth:
    """Spheres of a Points layer in world mm; excluded findings come after the nodules, and are left out."""
    scale = np.asarray(layer.scale, float)
    nodules = len(layer.metadata.get(TRUE_NODULES, layer.data))
    centers = np.asarray(layer.data, float)[:nodules] * scale + np.asarray(layer.translate)
    colors = np.asarray(layer.border_color, float)
    color = colors[0].tolist() if len(colors) else [1.0] * 4
    return Truth(centers, np.asarray(layer.size, float)[:nodules] * scale[-1], (*color[:3], 1.0))
