"""Filling of flat contours along the rows of a lattice: each row is cut where it crosses the edges."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_ON = 1e-7
"""Of a voxel, or mm across rows: how near to an edge a centre lies on it."""


class Rows(NamedTuple):
    """Parallel rows of points in a plane, all alike: the rows of voxels of a box, seen along the normal of a contour."""

    start: np.ndarray
    """(rows,) Where each begins along the rows, in mm."""
    across: np.ndarray
    """(rows,) Its place across the rows, in mm."""
    step: float
    """mm between the points of a row."""
    length: int
    """Points of each row."""

    def inside(self, ring: np.ndarray) -> np.ndarray:
        """Find the points (rows, length) inside of a closed contour or on it.

        Inside is what an odd number of edges parts from the outside, so that keyholes stay open.

        Parameters
        ----------
        ring
            (n, 2) points along and across the rows in mm.
        """
        edge, row = self._meetings(ring)
        begin, end = ring[edge], np.roll(ring, -1, axis=0)[edge]
        place = self.across[row]
        rise = end[:, 1] - begin[:, 1]
        level = np.abs(rise) <= _ON
        part = np.clip((place - begin[:, 1]) / np.where(level, 1.0, rise), 0, 1)
        meets = begin[:, 0] + np.where(level, 0.0, part) * (end[:, 0] - begin[:, 0])
        until = np.where(level, end[:, 0], meets)
        first, last = ((each - self.start[row]) / self.step for each in (meets, until))

        cuts = np.zeros((len(self.start), self.length + 1), np.uint8)
        crossed = (begin[:, 1] <= place) != (end[:, 1] <= place)
        column = np.clip(np.ceil(first[crossed]), 0, self.length).astype(np.intp)
        np.add.at(cuts, (row[crossed], column), 1)
        found = (np.add.accumulate(cuts, axis=1, dtype=np.uint8)[:, :-1] & 1).astype(bool)

        low = np.clip(np.ceil(np.minimum(first, last) - _ON), 0, self.length).astype(np.intp)
        high = np.clip(np.floor(np.maximum(first, last) + _ON) + 1, 0, self.length).astype(np.intp)
        touched = low < high
        if touched.any():
            ends = np.zeros((len(self.start), self.length + 1), np.int32)
            np.add.at(ends, (row[touched], low[touched]), 1)
            np.add.at(ends, (row[touched], high[touched]), -1)
            found |= np.cumsum(ends, axis=1)[:, :-1] > 0
        return found

    def _meetings(self, ring: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which edges reach which rows, as two equally long lists of numbers."""
        order = np.argsort(self.across, kind="stable")
        ends = np.sort([ring[:, 1], np.roll(ring[:, 1], -1)], axis=0)
        low = np.searchsorted(self.across[order], ends[0] - _ON)
        high = np.searchsorted(self.across[order], ends[1] + _ON, side="right")
        edge = np.repeat(np.arange(len(ring)), high - low)
        behind = np.arange(len(edge)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
        return edge, order[low[edge] + behind]
