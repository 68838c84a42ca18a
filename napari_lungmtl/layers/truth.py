"""The layer *truth*: the true nodules of an image, in a colour and a shape that no network's findings have."""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer, Points, Shapes

from ..training.findings import Box, Findings
from .follower import insert_layer
from .overlay_colors import TRUTH
from .rectangle import corners
from .spheres import rows
from .spheres.layer_data import CANVAS_LIMITS

NAME = "truth"
TRUE_NODULES = "lungmtl_truth"
"""Key of the layer's metadata: the true nodules that it shows."""
EDGE, CORNER = 0.003, 0.3
"""Width of the lines at true boxes, as a part of the radiograph's longer side; length, as a part of the box's sides."""


def add_truth_layer(viewer: ViewerModel, truth: Findings) -> tuple[Layer, int]:
    """Draw true nodules, squares in a CT and corners on a radiograph; nothing in them is edited.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``; the layer that is active stays so.
    truth
        The true nodules, with the reference of their image.

    Returns
    -------
    layer : Layer
        What they are drawn in.
    count : int
        How many there are.
    """
    flat = len(truth.image.shape) == 2
    layer, count = _corners_layer(truth) if flat else _squares_layer(truth)
    layer.metadata[TRUE_NODULES] = truth
    insert_layer(viewer.layers, layer)
    return layer, count


def _squares_layer(truth: Findings) -> tuple[Points, int]:
    nodules = rows.spheres(truth.items)
    layer = Points(
        rows.data(nodules),
        ndim=3,
        size=rows.size(nodules) if nodules else 1.0,
        name=NAME,
        scale=(rows.SCALE,) * 3,
        units=("mm",) * 3,
        projection_mode="rescale_spherical",
        symbol="square",
        face_color="transparent",
        border_color=TRUTH,
        border_width=0.03,
        canvas_size_limits=CANVAS_LIMITS,
    )
    return layer, len(nodules)


def _corners_layer(truth: Findings) -> tuple[Shapes, int]:
    boxes = [finding.box for finding in truth if finding.box is not None]
    side = max(n * s for n, s in zip(truth.image.shape, truth.image.spacing or (1.0, 1.0), strict=True))
    layer = Shapes(
        [angle for box in boxes for angle in _angles(box)] or None,
        ndim=2,
        shape_type="path",
        name=NAME,
        units=(truth.image.units,) * 2,
        face_color="transparent",
        edge_color=TRUTH,
        edge_width=EDGE * side,
        opacity=1.0,
    )
    return layer, len(boxes)


def _angles(box: Box) -> list[np.ndarray]:
    """The four corners of a box as angles (3, 2): no network draws such, whatever the eyes make of colours."""
    middle = (np.array(box.low) + box.high) / 2
    angles = []
    for corner in corners((*box.low, *box.high)):
        dy, dx = CORNER * 2 * (middle - corner)
        angles.append(corner + [(dy, 0.0), (0.0, 0.0), (0.0, dx)])
    return angles
