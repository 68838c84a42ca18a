"""Nine planes through a nodule: three orthogonal ones and the six diagonal ones of a cube (§III-A, Fig. 2b; Setio et al. 2016).

Each plane goes through the cube's centre. An orthogonal plane is parallel to two faces; a diagonal one contains one axis and
halves the right angle between the other two. Pixels are the same true millimetres along both directions of every plane,
so a sphere is a disc of its own diameter in all nine.

World axes are LPS: z to the head, y to the back, x to the patient's left. Columns of a view run to the right on the screen
and rows downwards, so the axial, coronal and sagittal views look as on a workstation: the patient's left on the right, the front
or the head at the top, and in the sagittal view the front on the left.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

_R = 2**-0.5
NAMES = (
    "axial",
    "coronal",
    "sagittal",
    "axial–coronal +45°",
    "axial–coronal −45°",
    "axial–sagittal +45°",
    "axial–sagittal −45°",
    "coronal–sagittal +45°",
    "coronal–sagittal −45°",
)
"""Orthogonal planes first. A diagonal one is named by the two planes that it lies between."""
AXES = np.array(
    [
        # where rows go (z, y, x) and where columns go
        [(0, 1, 0), (0, 0, 1)],  # axial: rows to the back, columns to the left
        [(-1, 0, 0), (0, 0, 1)],  # coronal: rows to the feet, columns to the left
        [(-1, 0, 0), (0, 1, 0)],  # sagittal: rows to the feet, columns to the back
        [(-_R, _R, 0), (0, 0, 1)],  # rows to the back and the feet
        [(_R, _R, 0), (0, 0, 1)],  # rows to the back and the head
        [(0, 1, 0), (_R, 0, _R)],  # columns to the left and the head
        [(0, 1, 0), (-_R, 0, _R)],  # columns to the left and the feet
        [(-1, 0, 0), (0, _R, _R)],  # columns to the left and the back
        [(-1, 0, 0), (0, -_R, _R)],  # columns to the left and the front
    ]
)
"""(9, 2, 3): unit vectors (z, y, x) along the rows (downwards) and the columns (to the right) of each view."""


def offsets(field_mm: float, pixels: int) -> np.ndarray:
    """(9, n, n, 3): where the centres of the views' pixels lie from the nodule's centre, in mm (z, y, x)."""
    along = ((np.arange(pixels) + 0.5) / pixels - 0.5) * field_mm
    rows, columns = AXES[:, 0, None, None], AXES[:, 1, None, None]
    return along[:, None, None] * rows + along[None, :, None] * columns


def sample_views(cubes: Tensor, centers: Tensor, where: Tensor) -> Tensor:
    """Cut planes out of cubes by linear interpolation.

    Parameters
    ----------
    cubes
        (B, D, H, W), voxels of 1 mm, axes z, y, x.
    centers
        (B, 3) voxel index (z, y, x; fractional) of each nodule's centre.
    where
        (V, n, n, 3) or (B, V, n, n, 3) offsets from the centre in mm, see `offsets`. What lies outside the cube continues
        its outermost voxels.

    Returns
    -------
    Tensor
        (B, V, n, n).
    """
    size = torch.tensor(cubes.shape[1:], dtype=torch.float32, device=cubes.device)
    index = centers.to(cubes.device, torch.float32)[:, None, None, None] + where
    # grid_sample counts from −1 to 1 between the outermost voxels' centres, and x comes first.
    grid = (index * (2 / (size - 1)) - 1).flip(-1)
    return F.grid_sample(cubes[:, None], grid, mode="bilinear", padding_mode="border", align_corners=True)[
        :, 0
    ]


def share_outside(
    shape: tuple[int, ...] | np.ndarray, centers: np.ndarray, field_mm: float, pixels: int
) -> np.ndarray:
    """(B,) share of the nine views' pixels that lie outside a box of 1 mm voxels.

    Parameters
    ----------
    shape
        Voxels (z, y, x) of the box.
    centers
        (B, 3) voxel indices of the views' centres.
    """
    index = centers[:, None, None, None] + offsets(field_mm, pixels)
    inside = np.all((index >= -0.5) & (index <= np.asarray(shape) - 0.5), axis=-1)
    return 1 - inside.mean(axis=(1, 2, 3))
