"""Lungs from their probability maps, and whether they look like two lungs of an upright frontal radiograph."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

SMALL = 0.1
"""Pieces under this share of the largest are dropped."""
CLEAR = 0.8
"""Share of a piece's pixels that decides for a side; with less it holds both lungs and is parted pixel by pixel."""


def lung_masks(lungs: np.ndarray) -> dict[str, np.ndarray]:
    """Lungs by name, bool (h, w): pieces of what is rather lung than background, each given to one side, holes filled.

    Parameters
    ----------
    lungs
        float (classes, h, w), background first. 3 classes give ``"right lung"`` and ``"left lung"``, 2 give ``"lungs"``. What
        has no pixel is left out.
    """
    pieces = large_pieces(lungs[0] < 0.5)
    if len(lungs) == 2:
        return {"lungs": filled(np.any(pieces, axis=0))} if pieces else {}
    rather_right = lungs[1] >= lungs[2]
    shares = [float(rather_right[piece].mean()) for piece in pieces]
    if len(pieces) == 2 and (min(shares) > CLEAR or max(shares) < 1 - CLEAR):
        # Two lungs on one side: the right one is on the left.
        columns = [np.nonzero(piece)[1].mean() for piece in pieces]
        shares = [float(c == min(columns)) for c in columns]
    right, left = np.zeros((2, *rather_right.shape), bool)
    for piece, share in zip(pieces, shares, strict=True):
        mine = np.full(piece.shape, share >= 0.5) if max(share, 1 - share) >= CLEAR else rather_right
        right |= piece & mine
        left |= piece & ~mine
    right = filled(right)
    masks = {"right lung": right, "left lung": filled(left) & ~right}
    return {name: mask for name, mask in masks.items() if mask.any()}


def large_pieces(mask: np.ndarray) -> list[np.ndarray]:
    """The connected pieces of at least `SMALL` times the largest, by size."""
    labelled, count = ndimage.label(mask)
    if not count:
        return []
    sizes = np.bincount(labelled.ravel())[1:]
    order = np.argsort(-sizes, kind="stable")
    return [labelled == 1 + k for k in order if sizes[k] >= SMALL * sizes.max()]


def filled(mask: np.ndarray) -> np.ndarray:
    """The mask without holes."""
    return ndimage.binary_fill_holes(mask)


def two_lungs(masks: dict[str, np.ndarray]) -> bool:
    """Whether right and left lung have a size and a place that lungs of an upright frontal radiograph have.

    Each fills 2 % to 40 % of the radiograph, the smaller at least a fifth of the larger, and none is much wider than high; the
    right one lies on the left, further beside than above the other, and at least an eighth of the radiograph away from it.
    """
    if set(masks) != {"right lung", "left lung"}:
        return False
    right, left = masks["right lung"], masks["left lung"]
    small, large = sorted((right.mean(), left.mean()))
    (y0, x0), (y1, x1) = (ndimage.center_of_mass(m) for m in (right, left))
    beside = x1 - x0
    return bool(
        small >= 0.02
        and large <= 0.4
        and small >= 0.2 * large
        and beside >= right.shape[1] / 8
        and beside > 1.5 * abs(y1 - y0)
        and all(np.ptp(np.nonzero(m)[0]) >= 0.7 * np.ptp(np.nonzero(m)[1]) for m in (right, left))
    )
