"""Values of a plane for the pixels of a `Frame`, the place of a plane of the world on a picture: no Qt, no napari."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..canvas.frame import Frame
from ..training.imaging.image import Image
from ..training.imaging.resample import sample_grid

__all__ = ["Frame", "sample"]


def sample(frame: Frame, plane: Image) -> tuple[np.ndarray, tuple[int, int]]:
    """Interpolate a plane's values for the pixels of a frame that lie on it.

    Parameters
    ----------
    frame
        In the screen's own pixels.
    plane
        Its two axes rise in the world, in world order, as `slab.cut` gives them; a frame whose axes are the other way
        round gets it transposed.

    Returns
    -------
    values : ndarray
        float32 (rows, columns); (0, 0) where nothing of the plane is in the frame.
    corner : tuple of int
        Row and column of the first pixel in the frame.
    """
    if frame.order[1] > frame.order[2]:
        plane = replace(
            plane, voxels=plane.voxels.T, spacing=plane.scale[::-1], origin=tuple(plane.origin)[::-1]
        )
    low, high = plane.extent
    first, count, starts = [], [], []
    for axis in range(2):
        ends = (np.array([low[axis], high[axis]]) - frame.center[axis]) * frame.signs[axis] / frame.mm
        from_, to = np.sort(ends) + frame.size[axis] / 2
        start = int(
            np.clip(np.ceil(from_ - 0.5), 0, frame.size[axis])
        )  # pixels whose middle lies on the plane
        stop = int(np.clip(np.floor(to - 0.5) + 1, start, frame.size[axis]))
        lowest = start if frame.signs[axis] > 0 else stop - 1
        first.append(start)
        count.append(stop - start)
        starts.append(
            frame.center[axis] + frame.signs[axis] * frame.mm * (lowest + 0.5 - frame.size[axis] / 2)
        )
    if 0 in count:
        return np.zeros((0, 0), np.float32), (0, 0)
    values = sample_grid(plane, starts, count, frame.mm).voxels
    return values[:: frame.signs[0], :: frame.signs[1]], (first[0], first[1])
