"""What the keys of editing do: add, snap, grow, outline, duplicate, judge all; and the handle on the canvas."""

from __future__ import annotations

from collections.abc import Callable

from napari.components import ViewerModel
from napari.layers import Labels, Layer, Shapes
from napari.utils.notifications import show_info
from qtpy.QtWidgets import QWidget

from ..layers.masks.nodules import MaskBinding
from ..layers.spheres.rows import NEW_DIAMETER
from ..reviewed_images import ReviewedImage
from ..session.session import Session
from ..training.findings import Sphere
from . import commands
from .growing import Growing
from .handle import ResizeHandle
from .outlining import Outlining


class EditTools:
    """Acts on the image that is looked at, at the cursor.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    reviewed
        Gives the image that the dock acts on, or None.
    """

    def __init__(self, viewer: ViewerModel, reviewed: Callable[[], ReviewedImage | None]) -> None:
        self._viewer, self._reviewed = viewer, reviewed
        self.handle = ResizeHandle(viewer)
        self.growing = Growing(lambda: self._session, self._show_masks)
        self.outlining = Outlining(lambda: self._session, self._show_masks)
        self.commands: dict[str, Callable[[], object]] = {
            "add sphere": self._add_sphere,
            "add box": self._add_box,
            "snap": lambda: self._at_cursor(self.growing.snap),
            "grow mask": lambda: self._at_cursor(self.growing.grow),
            "outline": self.outlining.outline,
            "paint mask": self._paint_mask,
            "duplicate": self._duplicate,
            "judge all": self._judge_all,
        }

    def attach(self, window: QWidget) -> None:
        """Put the handle on the canvas of a window."""
        self.handle.attach(window)

    def set_reviewed(self, reviewed: ReviewedImage | None) -> None:
        """Edit another image, or none."""
        self.growing.let_go()
        self.outlining.let_go()
        self.handle.follow(*((reviewed.session, reviewed.binding) if reviewed is not None else (None, None)))

    def let_go(self) -> None:
        """Stop listening; no widget is touched."""
        self.growing.let_go()
        self.outlining.let_go()
        self.handle.let_go()

    @property
    def cursor(self) -> tuple[float, ...] | None:
        """The world point (z, y, x) or (y, x) of the image under the cursor; None outside of it, in 3-D, and without an image."""
        session = self._session
        image = session.image if session is not None else None
        if image is None or self._viewer.dims.ndisplay != 2:
            return None
        point = list(self._viewer.dims.point)
        for axis in self._viewer.dims.displayed:
            point[axis] = float(self._viewer.cursor.position[axis])
        place = tuple(float(c) for c in point[-image.ndim :])
        return place if image.contains(place) else None

    @property
    def _session(self) -> Session | None:
        reviewed = self._reviewed()
        return reviewed.session if reviewed is not None else None

    def _at_cursor(self, act: Callable[[tuple[float, ...]], object]) -> None:
        point = self.cursor
        if point is None:
            show_info("Point with the mouse at a place of the image, in slices.")
        else:
            act(point)

    def _add_sphere(self) -> None:
        session = self._session
        if session is not None and session.image is not None and session.image.ndim == 2:
            show_info("Spheres are drawn on a CT: on a radiograph draw a box.")
        else:
            self._at_cursor(self._draw_at)

    def _draw_at(self, point: tuple[float, ...]) -> None:
        if self._session is not None:
            z, y, x = point
            commands.draw(self._session, Sphere((z, y, x), NEW_DIAMETER))

    def _add_box(self) -> None:
        """Take the tool that draws one box; `select`, which grips corners, comes back with the release."""
        reviewed = self._reviewed()
        if reviewed is None or reviewed.radiograph is None:
            show_info("Boxes are drawn on a radiograph: on a CT set a sphere.")
            return
        layer = self._shown(reviewed, reviewed.radiograph.boxes.redraw())
        assert isinstance(layer, Shapes)
        layer.mode = "add_rectangle"
        reviewed.radiograph.boxes.select_when_drawn()

    def _paint_mask(self) -> None:
        """Choose the layer of masks with a brush for a new one, or for the selected one."""
        reviewed = self._reviewed()
        masks = self._masks(reviewed)
        if reviewed is None or masks is None:
            return
        layer = self._shown(reviewed, masks.layer if masks.layer is not None else masks.redraw())
        assert isinstance(layer, Labels)
        layer.mode = "paint"

    def _masks(self, reviewed: ReviewedImage | None) -> MaskBinding | None:
        if reviewed is None:
            return None
        return reviewed.radiograph.masks if reviewed.radiograph is not None else reviewed.masks

    def _shown(self, reviewed: ReviewedImage, layer: Layer) -> Layer:
        reviewed.session.show_overlays(True)
        self._viewer.layers.selection.active = layer
        return layer

    def _show_masks(self) -> None:
        reviewed = self._reviewed()
        masks = self._masks(reviewed)
        if masks is not None and masks.layer is None:
            masks.redraw()

    def _duplicate(self) -> None:
        if self._session is not None:
            commands.duplicate(self._session, self._viewer.dims.displayed[-1] - self._first_axis())

    def _first_axis(self) -> int:
        """Axes of the viewer that the image has not."""
        session = self._session
        image = session.image if session is not None else None
        return self._viewer.dims.ndim - (image.ndim if image is not None else 0)

    def _judge_all(self) -> None:
        session = self._session
        if session is None or not len(session.findings):
            return
        several = len(session.selection) > 1
        accepted, rejected = commands.judge_all(session)
        chosen = "the selected ones" if several else "all above the thresholds"
        words = f"Accepted {chosen}: {accepted}; rejected the rest: {rejected}."
        show_info(words if accepted or rejected else "All findings have been judged already.")
