"""Axial, coronal, sagittal and 3-D views the way radiologists hold them, and the way to a finding.

World axes are (z, y, x) LPS. napari draws them down and to the right, which suits axial slices; in coronal and sagittal
ones the head would be at the bottom.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from weakref import WeakKeyDictionary

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from napari.layers import Layer

PLANES = ("axial", "coronal", "sagittal", "3-D")
MARGIN = 0.02
"""Part of the canvas that stays free round what fills it."""
FULL = 0.9
"""Part of the canvas's height or width above which a slice fills it: napari leaves 0.05 free."""
_left: WeakKeyDictionary[ViewerModel, tuple[float, list[float]]] = WeakKeyDictionary()
"""Zoom and middle of the slices that were left for another plane or for 3-D."""
ORDERS = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}
"""napari's ``dims.order`` of each plane: the axis across it, and those that run down and to the right."""
UPRIGHT = ("coronal", "sagittal")
"""Planes whose first axis runs up the canvas: the head is at the top."""


def current(viewer: ViewerModel) -> str | None:
    """Which of `PLANES` is shown; None for a transposed view."""
    if viewer.dims.ndisplay == 3:
        return "3-D"
    return next((name for name, order in ORDERS.items() if tuple(viewer.dims.order) == order), None)


def show(viewer: ViewerModel, plane: str) -> None:
    """Show a plane through the present point, with the zoom of the last slices that were seen, and what was in the middle."""
    if viewer.dims.ndisplay == 2:
        _left[viewer] = _look(viewer)
    if plane == "3-D":
        viewer.dims.order = ORDERS["axial"]
        viewer.dims.ndisplay = 3
        _face(viewer)
        return
    point = viewer.dims.point
    viewer.dims.ndisplay = 2
    viewer.dims.order = ORDERS[plane]
    viewer.dims.set_point(range(viewer.dims.ndim), point)
    fit(viewer)  # napari has shown all layers, also hidden ones
    if viewer not in _left:
        return
    zoom, middle = _left[viewer]
    camera, displayed = viewer.scene.camera, list(viewer.dims.displayed)
    camera.zoom = zoom
    if not is_whole(viewer):
        camera.center = (*camera.center[:1], *(middle[axis] for axis in displayed))


def _look(viewer: ViewerModel) -> tuple[float, list[float]]:
    """Zoom, and the world point that the middle of the canvas shows."""
    middle = list(viewer.dims.point)
    for axis, place in zip(viewer.dims.displayed, viewer.scene.camera.center[-2:], strict=True):
        middle[axis] = float(place)
    return viewer.scene.camera.zoom, middle


def fit(viewer: ViewerModel) -> None:
    """Fill the canvas with what is visible; hidden images of other patients may lie anywhere."""
    layers, displayed = _visible(viewer), list(viewer.dims.displayed)
    if viewer.dims.ndisplay == 3 or not layers or max(layer.ndim for layer in layers) == viewer.dims.ndim:
        viewer.reset_view(layers=layers, margin=MARGIN, reset_camera_angle=False)
        return
    # A radiograph beside hidden volumes: napari fits no layer that has fewer axes than the viewer.
    low, high = _extent(viewer)[:, displayed]
    camera = viewer.scene.camera
    camera.center = (camera.center[0], *((low + high) / 2))
    camera.zoom = (1 - MARGIN) * float(np.min(np.asarray(viewer.canvas.size) / np.maximum(high - low, 1e-6)))


def narrow_range(viewer: ViewerModel, layers: Sequence[Layer]) -> None:
    """Give the sliders the slices of some layers only; napari's range spans all, also of what is hidden."""
    if not layers:
        return
    extent = viewer.layers.get_extent(layers)
    ranges = list(viewer.dims.range)
    of_layers = list(zip(extent.world[0], extent.world[1], extent.step, strict=True))
    rest = len(ranges) - len(of_layers)
    # A radiograph beside volumes has no slices: napari hides a slider of one step.
    ranges[:rest] = [(place, place, step) for place, (_, _, step) in zip(viewer.dims.point, ranges[:rest])]
    ranges[rest:] = of_layers
    if any(not np.allclose(a, b) for a, b in zip(ranges, viewer.dims.range, strict=True)):
        viewer.dims.range = tuple(ranges)


def _visible(viewer: ViewerModel) -> list[Layer] | None:
    """The visible layers; None, which napari takes for all, where there is none."""
    return [layer for layer in viewer.layers if layer.visible] or None


def _extent(viewer: ViewerModel) -> np.ndarray:
    """Low and high world corner (2, ndim) of what is visible."""
    extent = np.asarray(viewer.layers.get_extent(_visible(viewer) or viewer.layers).world)
    return np.hstack([np.zeros((2, viewer.dims.ndim - extent.shape[1])), extent])


def _face(viewer: ViewerModel) -> None:
    """Look at the patient from the front, the head up; thin stacks of slices from the feet, as in axial slices."""
    low, high = _extent(viewer)[:, -3:]
    thin = is_thin(high - low)
    viewer.scene.camera.set_view_direction(
        (1, 0, 0) if thin else (0, 1, 0), (0, -1, 0) if thin else (1, 0, 0)
    )
    fit(viewer)


def is_thin(extent: Sequence[float]) -> bool:
    """Whether a volume of this extent (z, y, x) is a few slices rather than a chest."""
    return extent[0] < 0.3 * min(extent[1:])


def see_through(layer: ImageLayer) -> None:
    """Draw a volume so that spheres inside are seen in 3-D: a few slices by their maximum, a chest like a radiograph.

    The maximum along a whole chest is bone and muscle everywhere. Its depth is not kept: napari takes that of a mean for the
    surface of the volume, and hides all that lies inside.
    """
    layer.blending = "translucent_no_depth"
    low, high = np.asarray(layer.extent.world)
    layer.rendering = "mip" if is_thin(high - low) else "average"


def go_to(viewer: ViewerModel, center: Sequence[float]) -> None:
    """Move slices and camera to a world point (z, y, x) or (y, x); the zoom stays.

    In 2-D the camera moves only where the image is larger than the canvas: a slice that fits stays put.
    """
    offset = viewer.dims.ndim - len(center)
    point = move_to(viewer, {offset + axis: float(c) for axis, c in enumerate(center)})
    displayed = list(viewer.dims.displayed)
    camera = viewer.scene.camera
    if viewer.dims.ndisplay == 2 and is_whole(viewer):
        return
    target = [point[axis] for axis in displayed]
    camera.center = (*camera.center[: 3 - len(target)], *target)


def step(viewer: ViewerModel, axis: int, slices: int) -> None:
    """Go some slices on along a world axis, no further than the last."""
    low, high, spacing = viewer.dims.range[axis]
    move_to(viewer, {axis: float(np.clip(viewer.dims.point[axis] + slices * spacing, low, high))})


def move_to(viewer: ViewerModel, place: Mapping[int, float]) -> list[float]:
    """Move the point that slices go through to some world coordinates, by axis, in one step; return all of it.

    It is put on the sliders' own steps to the last bit: they would put it there themselves, and have every slice drawn twice.
    """
    point = list(viewer.dims.point)
    for axis, position in place.items():
        start, _, spacing = viewer.dims.range[axis]
        point[axis] = start + round((position - start) / (spacing or 1)) * (spacing or 1)
    viewer.dims.set_point(range(viewer.dims.ndim), point)
    return point


def slab_reach(viewer: ViewerModel, axis: int) -> float:
    """How far (mm) the slab reaches on either side of the slice along an axis; 0 where slices are shown.

    napari counts whole slices from the left margin on, and up to the right one: half a slice too few and too many.
    """
    return float(viewer.dims.margin_left[axis] + viewer.dims.margin_right[axis]) / 2


def go_to_box(viewer: ViewerModel, low: Sequence[float], high: Sequence[float]) -> None:
    """Move the camera to a box (y, x) on a radiograph, if it is not all in view; the zoom stays."""
    camera = viewer.scene.camera
    shown = [
        axis - viewer.dims.ndim + 2 for axis in viewer.dims.displayed[-2:]
    ]  # a turned one's axes are exchanged
    first, last = np.asarray(low, float)[shown], np.asarray(high, float)[shown]
    middle = np.asarray(camera.center[-2:])
    half = np.asarray(viewer.canvas.size) / camera.zoom / 2
    if np.all(first >= middle - half) and np.all(last <= middle + half):
        return
    center = (first + last) / 2
    camera.center = (*camera.center[:-2], *(float(c) for c in center))


def is_whole(viewer: ViewerModel) -> bool:
    """Whether all that is displayed fits into the canvas at the present zoom."""
    low, high = _extent(viewer)[:, list(viewer.dims.displayed)]
    return bool(np.all((high - low) * viewer.scene.camera.zoom <= np.asarray(viewer.canvas.size) * 1.02))


def is_in_view(viewer: ViewerModel) -> bool:
    """Whether all that is displayed is on the canvas: a slice that fits may have been moved off it."""
    low, high = _extent(viewer)[:, list(viewer.dims.displayed)]
    camera = viewer.scene.camera
    middle = np.asarray(camera.center[-2:])
    half = 1.02 * np.asarray(viewer.canvas.size) / camera.zoom / 2
    return bool(np.all(low >= middle - half) and np.all(high <= middle + half))


def fills(viewer: ViewerModel) -> bool:
    """Whether a slice is all in view and as large as the canvas lets it be, as after `fit`."""
    layers = _visible(viewer)
    if viewer.dims.ndisplay == 3 or not layers or not is_whole(viewer):
        return False
    low, high = _extent(viewer)[:, list(viewer.dims.displayed)]
    return bool(np.max((high - low) * viewer.scene.camera.zoom / np.asarray(viewer.canvas.size)) > FULL)


def hold_upright(viewer: ViewerModel, is_flat: Callable[[], bool] = lambda: False) -> Callable[[], None]:
    """Keep the head at the top in coronal and sagittal slices, and left and right unmirrored in 3-D.

    While `is_flat` says that a radiograph is looked at, which is turned in its own way, nothing is done.

    With napari's own orientation (z towards the viewer, y down, x right) LPS volumes are mirrored in 3-D.

    Returns
    -------
    callable
        Leaves the camera alone from then on.
    """

    def turn(_event: object = None) -> None:
        if is_flat():
            return
        upright = viewer.dims.ndisplay == 2 and current(viewer) in UPRIGHT
        orientation = ("away", "up" if upright else "down", "right")
        if tuple(viewer.scene.camera.orientation) != orientation:
            viewer.scene.camera.orientation = orientation

    viewer.dims.events.order.connect(turn)
    viewer.dims.events.ndisplay.connect(turn)
    turn()

    def stop() -> None:
        viewer.dims.events.order.disconnect(turn)
        viewer.dims.events.ndisplay.disconnect(turn)

    return stop
