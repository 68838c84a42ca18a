"""A graft to look at: a small layer over the image, which itself is never touched."""

from __future__ import annotations

from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from psygnal import Signal

from ...training.imaging.image import Image
from ..follower import insert_layer
from ..heat_map import EVIDENCE

NAME = "graft (not in the image)"


class GraftPreview:
    """Shows the part of an image that a graft changes, in the image's own window, and takes it away again.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    """

    gone = Signal()
    """A person deleted it, or the image below."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._below: ImageLayer | None = None
        self.layer: ImageLayer | None = None
        viewer.layers.events.removed.connect(self._on_removed)

    def show(self, picture: Image, below: ImageLayer) -> None:
        """Lay a changed part of an image over the image's layer, in place of the one before."""
        self.take_out()
        layer = ImageLayer(
            picture.voxels,
            name=NAME,
            scale=picture.scale,
            translate=picture.origin,
            units=below.units,
            colormap=below.colormap,
            contrast_limits=below.contrast_limits,
            gamma=below.gamma,
            interpolation2d=below.interpolation2d,
            rendering=below.rendering,
            blending="translucent_no_depth",
            projection_mode="none",
            metadata={EVIDENCE: True},
        )
        layer.bounding_box.visible = True  # what lies in it is not the patient's
        layer.bounding_box.points = False
        layer.bounding_box.line_color = "#f5e663"
        layer.bounding_box.line_thickness = 1.0
        self._below, self.layer = below, layer
        for event in self._window_events():
            event.connect(self._follow)
        insert_layer(self._viewer.layers, layer, self._viewer.layers.index(below) + 1)

    def take_out(self) -> None:
        """Take it away: what is seen is the image alone."""
        layer = self._forget()
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def let_go(self) -> None:
        """Take it away and leave the viewer alone."""
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self.take_out()

    def _window_events(self) -> tuple:
        events = self._below.events if self._below is not None else None
        return () if events is None else (events.contrast_limits, events.gamma, events.visible)

    def _follow(self, _event: object = None) -> None:
        if self.layer is not None and self._below is not None:
            self.layer.contrast_limits = self._below.contrast_limits
            self.layer.gamma = self._below.gamma
            self.layer.visible = self._below.visible

    def _forget(self) -> ImageLayer | None:
        for event in self._window_events():
            event.disconnect(self._follow)
        layer, self.layer, self._below = self.layer, None, None
        return layer

    def _on_removed(self, event: object) -> None:
        removed = getattr(event, "value", None)
        if removed is not None and removed is self.layer:
            self._forget()
            self.gone.emit()
        elif removed is not None and removed is self._below:
            self.take_out()
            self.gone.emit()
