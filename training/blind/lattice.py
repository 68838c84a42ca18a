"""A lattice in the lungs, from coarse to fine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .trials import Grid

STEPS_MM = (40.0, 28.0)
"""Distances of neighbouring places, one pass after the other."""


def lattice(grid: Grid, step: float, open_: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Places (n, axes) in world mm about `step` apart, in an order that fills the lungs evenly.

    In each cell of the lattice it is the open voxel next to the cell's middle; a cell without one has no place.

    Parameters
    ----------
    open_
        bool, of the grid's shape: where a graft may lie.
    """
    index = np.argwhere(open_)
    if not len(index):
        return np.zeros((0, grid.inside.ndim))
    world = grid.to_world(index)
    shift = rng.uniform(0, step, grid.inside.ndim)
    cell = np.floor((world - shift) / step).astype(int)
    away = np.linalg.norm(world - shift - (cell + 0.5) * step, axis=1)
    order = np.lexsort((away, *cell.T))
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(cell[order], axis=0) != 0).any(1)
    return world[rng.permutation(order[first])]


def coarse_to_fine(
    grid: Grid, open_: np.ndarray, rng: np.random.Generator, steps: tuple[float, ...] = STEPS_MM
) -> Iterator[tuple[np.ndarray, int, int]]:
    """Walk the lattices: each place with its number and how many there are in all.

    Yields
    ------
    tuple
        World place (axes,), its number from 0, and the count of all.
    """
    places = np.concatenate([lattice(grid, step, open_, rng) for step in steps])
    for number, place in enumerate(places):
        yield place, number, len(places)
