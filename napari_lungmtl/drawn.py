"""Taking layers out of a viewer without crashing napari, and the layers that follow a session.

When the last Points or Shapes layer goes and only images stay drawn, napari 0.9.2 crashes at the next redraw: a deleted
buffer is still switched on in OpenGL. Any other drawn layer prevents it, even an empty one.
"""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image as ImageLayer
from napari.layers import Labels, Layer, Points, Shapes

LEFT = "lungmtl_left"
"""Key of the metadata of an empty layer that is there only to be drawn."""
FOLLOWED = "lungmtl_followed"
"""Key of the metadata of a Labels layer whose strokes become a session's commands: undo is the session's, too."""
_NAME = "(empty)"


def take_out(viewer: ViewerModel, layer: Points | Shapes | Labels) -> None:
    """Remove a layer; where only images would stay drawn, empty it instead.

    Labels are removed all the same: of several layers, take them out first.
    """
    if layer not in viewer.layers:
        return
    others = [other for other in viewer.layers if other is not layer]
    # Shapes crash the next redraw also where nothing at all stays, as when a person removed the image.
    alone = isinstance(layer, Shapes) and not any(other.visible for other in others)
    if isinstance(layer, Points | Shapes) and layer.visible and (alone or _only_images(others)):
        layer.selected_data.clear()
        layer.data = np.empty((0, layer.ndim)) if isinstance(layer, Points) else []
        layer.metadata = {LEFT: True}
        layer.name = _NAME
    else:
        viewer.layers.remove(layer)


def keep_drawing(viewer: ViewerModel) -> None:
    """After a person removed a Points, Shapes or followed layer: leave no image as the only thing drawn."""
    if _only_images(viewer.layers):
        ndim = max(layer.ndim for layer in viewer.layers)
        units = next(layer.units for layer in viewer.layers if layer.ndim == ndim)
        empty = Points(ndim=ndim, name=_NAME, units=units, metadata={LEFT: True})
        active = viewer.layers.selection.active
        viewer.layers.insert(0, empty)  # at the bottom, where ``layers.clear()`` comes last
        viewer.layers.selection.active = active


def remove_empty(viewer: ViewerModel) -> None:
    """Remove what `take_out` and `keep_drawing` left, once another layer is drawn."""
    for layer in [layer for layer in viewer.layers if layer.metadata.get(LEFT)]:
        if not _only_images([other for other in viewer.layers if other is not layer]):
            viewer.layers.remove(layer)


def _only_images(layers: list[Layer] | ViewerModel) -> bool:
    drawn = [layer for layer in layers if layer.visible]
    return bool(drawn) and all(isinstance(layer, ImageLayer) for layer in drawn)
