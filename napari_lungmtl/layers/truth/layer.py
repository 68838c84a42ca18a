"""The layer *truth*: the true nodules of an image, in a colour and a shape that no network's findings have."""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels, Layer, Points, Shapes
from napari.utils.colormaps import DirectLabelColormap

from ...training.findings import Box, Findings, Mask
from ...training.findings.truth import Truth
from ..follower import insert_layer
from ..overlay_colors import EXCLUDED, TRUTH, rgba
from ..rectangle import corners
from ..spheres import rows
from ..spheres.layer_data import CANVAS_LIMITS

NAME, OUTLINES = "truth", "truth: outlines"
TRUE_NODULES = "lungmtl_truth"
"""Key of the layer's metadata: the true nodules that it shows."""
LOADED = "lungmtl_loaded_truth"
"""Key of the metadata of a layer that a reader made: the truth with all that its file says, for a dock to take over."""
CROSS = 0.5
"""Size of the cross on an excluded finding, as a part of its diameter."""
EDGE, CORNER = 0.003, 0.3
"""Width of the lines at true boxes, as a part of the radiograph's longer side; length, as a part of the box's sides."""


def add_truth_layer(viewer: ViewerModel, truth: Findings | Truth) -> tuple[Layer, int]:
    """Draw true nodules, squares in a CT and corners on a radiograph; nothing in them is edited.

    Excluded findings of a CT are small grey crosses.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``; the layer that is active stays so.
    truth
        The true nodules, with the reference of their image, alone or with what else is known.

    Returns
    -------
    layer : Layer
        What they are drawn in.
    count : int
        How many there are.
    """
    layer, count = truth_layer(truth if isinstance(truth, Truth) else Truth(truth))
    insert_layer(viewer.layers, layer)
    return layer, count


def truth_layer(truth: Truth) -> tuple[Layer, int]:
    """Make the layer of `add_truth_layer`, and count its nodules."""
    flat = len(truth.nodules.image.shape) == 2
    layer, count = _corners_layer(truth.nodules) if flat else _squares_layer(truth)
    layer.metadata[TRUE_NODULES] = truth.nodules
    return layer, count


def outlines_layer(truth: Truth) -> Labels | None:
    """Make a layer of the outlines of true nodules that have masks, on the grid around them; None where there are none in space.

    The grid is that of the first mask, to which the others are aligned: a file has one grid.
    """
    masks = [f.geometry for f in truth.nodules if isinstance(f.geometry, Mask) and len(f.geometry.shape) == 3]
    if not masks:
        return None
    spacing = np.array(masks[0].spacing)
    low = np.min([mask.origin for mask in masks], axis=0)
    starts = [np.rint((np.array(mask.origin) - low) / spacing).astype(int) for mask in masks]
    shape = np.max([start + mask.shape for start, mask in zip(starts, masks, strict=True)], axis=0)
    labels = np.zeros(shape, np.uint8)
    for start, mask in zip(starts, masks, strict=True):
        box = tuple(slice(a, a + n) for a, n in zip(start, mask.shape, strict=True))
        labels[box][mask.to_array()] = 1
    layer = Labels(
        labels,
        name=OUTLINES,
        colormap=DirectLabelColormap(color_dict={None: (0, 0, 0, 0), 0: (0, 0, 0, 0), 1: rgba(TRUTH)}),
        scale=tuple(spacing),
        translate=tuple(low),
        units=("mm",) * 3,
        opacity=0.9,
    )
    layer.contour = 1
    return layer


def _squares_layer(truth: Truth) -> tuple[Points, int]:
    nodules = [f.with_(geometry=truth.sphere(f)) for f in truth.nodules if f.box is None]
    excluded = [f.with_(geometry=truth.sphere(f)) for f in truth.excluded if f.box is None]
    both = [*nodules, *excluded]
    layer = Points(
        rows.data(both),
        ndim=3,
        size=np.r_[rows.size(nodules), rows.size(excluded) * CROSS] if both else 1.0,
        name=NAME,
        scale=(rows.SCALE,) * 3,
        units=("mm",) * 3,
        projection_mode="rescale_spherical",
        symbol=["square"] * len(nodules) + ["cross"] * len(excluded) if both else "square",
        face_color="transparent",
        border_color=[TRUTH] * len(nodules) + [EXCLUDED] * len(excluded) if both else TRUTH,
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
