"""What napari says when another part of the world is seen on its canvas."""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel


def view_events(viewer: ViewerModel) -> tuple[Any, ...]:
    """Events after which what is painted over the canvas lies elsewhere: slice, plane, slab, zoom, middle, orientation."""
    dims, camera = viewer.dims.events, viewer.scene.camera.events
    return (
        dims.point,
        dims.order,
        dims.ndisplay,
        dims.margin_right,
        camera.orientation,
        camera.zoom,
        camera.center,
    )
