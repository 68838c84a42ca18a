"""Whether a network marks the pasting instead of the nodule: marks on sham pastes beside marks elsewhere.

A sham is a place of a simulated radiograph that was blurred and given noise like a pasted nodule, without one. A network that found
nodules by the traces of pasting would mark shams more often than other places of the same size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...ops.boxes import box_area, contains


@dataclass(frozen=True)
class ShamMarks:
    """Of one radiograph: marks on shams, how many shams, and the marks to be expected in as many equally sized places elsewhere."""

    marks: int = 0
    places: int = 0
    expected: float = 0.0


def count_sham_marks(
    centers: npt.ArrayLike,
    shams: npt.ArrayLike,
    truth: npt.ArrayLike,
    shape: tuple[int, int],
    inside: np.ndarray | None = None,
) -> ShamMarks:
    """Count one radiograph's marks on shams and elsewhere.

    Elsewhere is the lung field (the whole radiograph where no mask is known) without shams and nodules. What is expected on a sham
    is its area × marks elsewhere / area elsewhere.

    Parameters
    ----------
    centers
        (n, 2) middles of the marks, x, y in pixels, edge coordinates.
    shams, truth
        (k, 4) and (m, 4) boxes, x0, y0, x1, y1.
    shape
        Height and width.
    inside
        Boolean (height, width): the lungs, or None.
    """
    points = np.asarray(centers, float).reshape(-1, 2)
    places = np.asarray(shams, float).reshape(-1, 4)
    taken = np.concatenate([places, np.asarray(truth, float).reshape(-1, 4)])
    elsewhere = np.ones(shape, bool) if inside is None else np.asarray(inside, bool).copy()
    for x0, y0, x1, y1 in np.rint(taken).astype(int).clip(0):
        elsewhere[y0:y1, x0:x1] = False
    column, row = np.clip(points.astype(int), 0, np.array(shape)[::-1] - 1).T
    beside = int((elsewhere[row, column] & ~contains(taken, points).any(0)).sum())
    area = int(elsewhere.sum())
    return ShamMarks(
        int(contains(places, points).sum()),
        len(places),
        float(box_area(places).sum()) * beside / area if area else 0.0,
    )
