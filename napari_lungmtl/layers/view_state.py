"""How an image is looked at: slice, plane, zoom. Each image under review is come back to where it was left."""

from __future__ import annotations

from dataclasses import dataclass

from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from napari.layers import Layer

from . import planes


@dataclass(frozen=True)
class ViewState:
    """Slice and plane (`point`, `order`, `ndisplay`) and camera of a viewer.

    `size` is that of its canvas in pixels; `whole` says whether it showed all of the image.
    """

    point: tuple[float, ...]
    order: tuple[int, ...]
    ndisplay: int
    center: tuple[float, ...]
    zoom: float
    angles: tuple[float, float, float]
    size: tuple[int, int]
    whole: bool


def remember(viewer: ViewerModel) -> ViewState:
    """Return how the viewer looks at its image now."""
    dims, camera = viewer.dims, viewer.scene.camera
    return ViewState(
        point=tuple(dims.point),
        order=tuple(dims.order),
        ndisplay=dims.ndisplay,
        center=tuple(camera.center),
        zoom=camera.zoom,
        angles=camera.angles,
        size=viewer.canvas.size,
        whole=dims.ndisplay == 2 and planes.is_whole(viewer),
    )


def restore(viewer: ViewerModel, state: ViewState) -> None:
    """Look as before; of a state with more or fewer axes than there are now, the last ones count."""
    restore_slice(viewer, state)
    restore_camera(viewer, state)


def restore_slice(viewer: ViewerModel, state: ViewState) -> None:
    """Go to slice and plane; while no layer is visible nothing is cut for it."""
    dims = viewer.dims
    ndim = min(dims.ndim, len(state.point))
    dims.ndisplay = 2  # a change to 3-D keeps a camera of its own, so the order comes first
    if len(state.order) == dims.ndim:
        dims.order = state.order
    dims.set_point(range(dims.ndim - ndim, dims.ndim), state.point[-ndim:])
    dims.ndisplay = state.ndisplay


def restore_camera(viewer: ViewerModel, state: ViewState) -> None:
    """Look at the slice as before."""
    camera = viewer.scene.camera
    camera.center, camera.zoom, camera.angles = state.center, state.zoom, state.angles
    # What was all in view in a smaller canvas (of several files, that of a window not yet laid out) fills this one.
    if state.whole and tuple(state.size) != tuple(viewer.canvas.size):
        planes.fit(viewer)


def first_look(viewer: ViewerModel, layer: ImageLayer) -> None:
    """Show all of an image, the only visible one: of a volume the middle axial slice, as napari does for its first layer."""
    dims = viewer.dims
    dims.ndisplay = 2
    dims.order = tuple(range(dims.ndim))
    middle = layer.data_to_world([n // 2 for n in layer.data.shape])
    planes.move_to(viewer, dict(enumerate(map(float, middle), dims.ndim - layer.ndim)))
    planes.fit(viewer)


def set_visible(layer: Layer, visible: bool) -> None:
    """Show or hide a layer: napari puts all layers of the canvas in order anew at each such word, also where nothing changes."""
    if layer.visible != visible:
        layer.visible = visible
