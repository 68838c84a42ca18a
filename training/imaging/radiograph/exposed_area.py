"""The part of a radiograph that was exposed: without frames, collimator bars and printed margins of one grey value."""

from __future__ import annotations

import numpy as np

LIKE = 0.02
"""Grey values that differ by less than this part of the range in the middle of the picture count as one."""
STRAY = 0.02
"""Part of a line that may differ from the rest of it: a side marker or a line of text printed on the border."""
LEAST = 0.4
"""A picture of which less than this would remain along either axis is left whole: then it is no border that was found."""
_STEP = 8  # the grey range is taken of every eighth pixel


def exposed_area(voxels: np.ndarray) -> tuple[int, int, int, int]:
    """Find the rectangle (pixels) inside uniform border rows and columns, whatever their grey value.

    Lines are taken away from the four sides for as long as they are of the one grey value of the outermost line. Lines
    through a body vary far more than that, so the rectangle never cuts into it; air of constant value beside the body
    may go. The whole picture is returned where there is no border, or where hardly anything would remain.

    Parameters
    ----------
    voxels
        Radiograph (h, w), any type, dark or bright air.

    Returns
    -------
    y0, x0, y1, x1 : int
        Rows y0 to y1 and columns x0 to x1, without the last: ``voxels[y0:y1, x0:x1]``.
    """
    height, width = voxels.shape
    whole = (0, 0, height, width)
    # A white frame is no measure of what counts as uniform: the middle half is.
    sample = voxels[height // 4 : -(height // 4) or None : _STEP, width // 4 : -(width // 4) or None : _STEP]
    low, high = np.percentile(sample, (1, 99)) if sample.size else (0, 0)
    tolerance = LIKE * (float(high) - float(low))
    if not tolerance > 0:
        return whole
    rows, columns = (0, height), (0, width)
    while True:
        # A bar at the left shortens the bar above it, so each pass looks only at what the last one left.
        before = rows, columns
        rows = _trimmed(voxels[:, columns[0] : columns[1]], rows, tolerance)
        columns = _trimmed(voxels[rows[0] : rows[1]].T, columns, tolerance)
        if rows[1] - rows[0] < LEAST * height or columns[1] - columns[0] < LEAST * width:
            return whole
        if (rows, columns) == before:
            return rows[0], columns[0], rows[1], columns[1]


def _trimmed(lines: np.ndarray, kept: tuple[int, int], tolerance: float) -> tuple[int, int]:
    """First and last + 1 of the `kept` lines without the uniform ones at either end."""
    first, last = kept
    first += _uniform(lines[first:last], tolerance)
    last -= _uniform(lines[first:last][::-1], tolerance)
    return first, last


def _uniform(lines: np.ndarray, tolerance: float) -> int:
    """How many lines from the first one on have its grey value throughout."""
    if not len(lines):
        return 0
    level = float(np.median(lines[0]))
    for count, line in enumerate(lines):
        if np.count_nonzero(np.abs(line.astype(np.float32) - level) > tolerance) > STRAY * line.size:
            return count
    return len(lines)
