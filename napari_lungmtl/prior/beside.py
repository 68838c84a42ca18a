"""The prior study beside the canvas: its picture follows slice, zoom, window and slab, and a click on either moves both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QBoxLayout, QMainWindow, QWidget

from ..canvas.clicks import on_click
from ..layers import planes, window_presets
from ..layers.gl_context import canvas_of
from ..reviewed_images import ReviewedImage
from ..training.findings import Finding
from ..training.growth.registration import Registration
from ..views.canvas_marks import CanvasMarks
from ..views.linked import LinkedViews
from ..views.painting import table_of
from ..views.scene import Scene
from .pane import PriorPane
from .studies import PriorStudy

_STRETCH = 3
"""Share of the space: that of the canvas."""


class PriorBeside(QObject):
    """Keeps the pane in step with the canvas: beside it where there is the width, below it otherwise.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    views
        The linked views, whose slab the pane shows as well.
    """

    def __init__(self, viewer: ViewerModel, views: LinkedViews) -> None:
        super().__init__()
        self._viewer, self._views = viewer, views
        self._reviewed: ReviewedImage | None = None
        self.study: PriorStudy | None = None
        self.registration = Registration.by_position()
        self._findings: Sequence[Finding] = ()
        self._selected: str | None = None
        self._shift = np.zeros(3)
        self._colors: tuple[int, ...] | None = None
        self._connections: list[tuple[Any, Callable[..., Any]]] = []
        self._canvas: QWidget | None = None
        self.pane = PriorPane()
        self.marks = CanvasMarks(viewer)
        self.pane.placed.connect(self._go_to)
        self.pane.stepped.connect(lambda axis, slices: planes.step(viewer, axis, slices))
        self.pane.windowed.connect(self._window)
        self.pane.zoomed.connect(self._zoom)
        self.pane.hide()
        for signal, slot in self._view_events():
            signal.connect(slot)
        # Linked views move the crosshair themselves.
        self._stop_clicks = on_click(viewer, views.move_to, lambda: self.shown and not views.on)

    def attach(self, window: QWidget) -> None:
        """Stand beside the canvas of a napari window, before the linked views."""
        self._canvas = canvas_of(window)
        center = window.centralWidget() if isinstance(window, QMainWindow) else None
        box = center.layout() if center is not None else None
        if self._canvas is None or not isinstance(box, QBoxLayout):
            return
        box.insertWidget(1, self.pane, _STRETCH)
        box.setStretch(0, _STRETCH)
        self._views.companion = self.pane
        self._canvas.installEventFilter(self)
        self.marks.attach(self._canvas)
        self._show()

    @property
    def shown(self) -> bool:
        """Whether the prior stands beside the canvas."""
        return not self.pane.isHidden()

    # ---- what is shown

    def show(self, reviewed: ReviewedImage | None, study: PriorStudy | None) -> None:
        """Show a prior study beside a present one, linked by position; None: show none."""
        self._stop_listening()
        self._reviewed, self.study = reviewed, study
        self._colors, self._shift, self._selected = None, np.zeros(3), None
        self.registration = Registration.by_position()
        if reviewed is not None and study is not None:
            looks = reviewed.layer.events
            self._connections = [
                (looks.contrast_limits, self._draw),
                (reviewed.session.events.overlays, self._draw),
                *((event, self._on_colors) for event in (looks.colormap, looks.gamma)),
            ]
            for signal, slot in self._connections:
                signal.connect(slot)
        self._show()

    def link(self, registration: Registration) -> None:
        """Link the slices by a registration from now on."""
        self.registration = registration
        self._draw()

    def mark(self, findings: Sequence[Finding]) -> None:
        """Draw the findings of the prior study."""
        self._findings = findings
        self._draw()

    def select(self, finding: Finding | None, present: Sequence[float] | None = None) -> None:
        """Select a finding of the prior; `present` is where it lies in the present study: there both pictures then agree.

        What a registration of the lungs leaves over at a nodule is made up for, until another finding is selected.
        """
        self._selected = finding.id if finding is not None else None
        self._shift = np.zeros(3)
        if finding is not None and present is not None:
            self._shift = np.asarray(finding.center) - self.registration.to_prior(present)
        self._draw()

    def to_prior(self, point: Sequence[float]) -> tuple[float, float, float]:
        """Where a place (z, y, x) of the present study is shown in the prior one."""
        z, y, x = (self.registration.to_prior(point) + self._shift).tolist()
        return z, y, x

    def to_present(self, point: Sequence[float]) -> list[float]:
        """Where a place (z, y, x) of the prior study lies in the present one."""
        return self.registration.to_present(np.asarray(point) - self._shift).tolist()

    def let_go(self) -> None:
        """Stop listening for good; no widget is touched."""
        self._stop_listening()
        self._reviewed = self.study = self._canvas = None
        for signal, slot in self._view_events():
            signal.disconnect(slot)
        self._stop_clicks()

    def take_out(self) -> None:
        """Give the canvas its space back."""
        self._views.companion = None
        for widget in (self.pane, self.marks):
            widget.hide()
            widget.deleteLater()
        self._views.arrange()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Keep the pictures alike when the canvas has another size."""
        if event is not None and event.type() == QEvent.Type.Resize and watched is self._canvas:
            self._draw()
        return super().eventFilter(watched, event)

    def _view_events(self) -> list[tuple[Any, Callable[..., Any]]]:
        dims, camera = self._viewer.dims.events, self._viewer.scene.camera.events
        events = (dims.point, dims.order, camera.center, camera.zoom)
        return [
            *((event, self._draw) for event in events),
            (dims.ndisplay, self._show),
            (self._views.changed, self._draw),
        ]

    def _stop_listening(self) -> None:
        for signal, slot in self._connections:
            signal.disconnect(slot)
        self._connections = []

    def _on_colors(self, _event: object = None) -> None:
        self._colors = None
        self._draw()

    def _show(self, _event: object = None) -> None:
        """Bring the space in line with what is wanted: in 3-D there is nothing beside the canvas."""
        wanted = self.study is not None and self._canvas is not None and self._viewer.dims.ndisplay == 2
        if wanted != self.shown:
            self.pane.setVisible(wanted)
            self._views.arrange()
        self._draw()

    def _draw(self, _event: object = None) -> None:
        reviewed, study, plane = self._reviewed, self.study, planes.current(self._viewer)
        flat = self._viewer.dims.ndim == 3 and self._viewer.dims.ndisplay == 2
        if reviewed is None or study is None or not self.shown or not flat:
            self.pane.show_scene(None)
            self.marks.show_scene(None, crosshair=False)
            return
        session, layer = reviewed.session, reviewed.layer
        z, y, x = (float(c) for c in self._viewer.dims.point)
        scene = Scene(
            study.image,
            self.to_prior((z, y, x)),
            self._views.slab,
            (float(layer.contrast_limits[0]), float(layer.contrast_limits[1])),
            self._table(layer),
            self._findings if session.overlays_shown else (),
            (self._selected,) if self._selected is not None else (),
        )
        camera, middle = self._viewer.scene.camera, [z, y, x]
        for axis, place in zip(self._viewer.dims.displayed, camera.center[-2:], strict=True):
            middle[axis] = float(place)
        registered = self.registration.overlap is not None
        self.pane.linked = "lungs registered" if registered else "linked by position"
        # A transposed view has no name; the prior is then held as the plane is usually held.
        across = planes.PLANES[self._viewer.dims.order[0]]
        self.pane.hold(plane or across, self.to_prior(middle), 1 / float(camera.zoom))
        self.pane.show_scene(scene)
        own = Scene(study.image, (z, y, x))
        self.marks.show_scene(own, crosshair=not self._views.on)

    def _table(self, layer: ImageLayer) -> tuple[int, ...]:
        """The present layer's colours, with which both pictures look alike."""
        if self._colors is None:
            self._colors = table_of(layer)
        return self._colors

    # ---- hands

    def _go_to(self, point: Sequence[float]) -> None:
        self._views.move_to(dict(enumerate(self.to_present(point))))

    def _window(self, right: float, up: float) -> None:
        if self._reviewed is not None:
            window_presets.drag(self._reviewed.layer, right, up)

    def _zoom(self, factor: float) -> None:
        self._viewer.scene.camera.zoom = float(self._viewer.scene.camera.zoom) * factor
