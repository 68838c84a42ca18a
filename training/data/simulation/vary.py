"""More backgrounds from few radiographs: bent, mirrored and blended before nodules are put in.

Networks that saw three dozen radiographs knew them by heart: they found nodules in them and none in others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional


@dataclass(frozen=True)
class Variation:
    """How far backgrounds are varied; standard deviations of normal draws, or fractions of radiographs.

    Parameters
    ----------
    mirror
        Share of radiographs that are mirrored; right and left lung change with them.
    degrees, zoom, aspect, shift
        Rotation; log scale, log ratio of height to width; shift as a fraction of the side.
    bend
        Displacement on a coarse grid, as a fraction of the side.
    gamma
        Log of the exponent on grey values.
    blend
        Share of radiographs that another radiograph shines through, its lungs on theirs, with up to `most` of the grey value.
    """

    mirror: float = 0.5
    degrees: float = 7.0
    zoom: float = 0.08
    aspect: float = 0.05
    shift: float = 0.03
    bend: float = 0.016
    gamma: float = 0.2
    blend: float = 0.6
    most: float = 0.5


VARIATION = Variation()
CELLS = 6
"""Cells of the bending grid along a side."""


def vary(
    radiograph: np.ndarray,
    lungs: np.ndarray,
    other: tuple[np.ndarray, np.ndarray],
    rng: np.random.Generator,
    variation: Variation = VARIATION,
) -> tuple[np.ndarray, np.ndarray, float]:
    """A new background.

    Parameters
    ----------
    radiograph, lungs
        float32 (h, h), 0–1, and bool (2, h, h), the patient's right and left lung.
    other
        Another radiograph with its lungs, which may shine through.

    Returns
    -------
    radiograph, lungs
        As they came in.
    zoom
        How much larger the body has become: divide the pixel size by it.
    """
    if rng.random() < variation.blend:
        fraction = rng.uniform(0.1, variation.most)
        radiograph = (1 - fraction) * radiograph + fraction * _aligned(*other, lungs)
    radiograph = radiograph ** float(np.exp(rng.normal(0, variation.gamma)))
    zoom = float(np.exp(rng.normal(0, variation.zoom)))
    grid = _grid(radiograph.shape[0], zoom, rng, variation)
    stack = torch.from_numpy(np.concatenate([radiograph[None], lungs]).astype(np.float32))[None]
    bent = functional.grid_sample(stack, grid, padding_mode="border", align_corners=False)[0].numpy()
    radiograph, lungs = bent[0], bent[1:] > 0.5
    if rng.random() < variation.mirror:
        radiograph, lungs = radiograph[:, ::-1], lungs[::-1, :, ::-1]
    return np.ascontiguousarray(radiograph), np.ascontiguousarray(lungs), zoom


def _grid(side: int, zoom: float, rng: np.random.Generator, variation: Variation) -> torch.Tensor:
    """Where each pixel comes from (1, side, side, 2), x and y from −1 to 1."""
    angle = np.deg2rad(rng.normal(0, variation.degrees))
    aspect = np.exp(rng.normal(0, variation.aspect) / 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag([1 / aspect, aspect]) / zoom
    shift = rng.normal(0, 2 * variation.shift, 2)
    theta = torch.from_numpy(np.column_stack([matrix, shift])).float()[None]
    grid = functional.affine_grid(theta, [1, 1, side, side], align_corners=False)
    bend = torch.from_numpy(rng.normal(0, 2 * variation.bend, (1, 2, CELLS, CELLS))).float()
    bend = functional.interpolate(bend, (side, side), mode="bicubic", align_corners=True)
    return grid + bend.movedim(1, -1)


def _aligned(radiograph: np.ndarray, lungs: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """A radiograph stretched and moved so that the box around its lungs covers the box around other lungs."""
    (y0, x0, y1, x1), (v0, u0, v1, u1) = _box(onto), _box(lungs)
    side = radiograph.shape[0]
    scale_y, scale_x = (v1 - v0) / (y1 - y0), (u1 - u0) / (x1 - x0)
    # Pixel centres of the target in the source, then to −1 … 1.
    middle_y = (v0 + v1) / 2 - scale_y * (y0 + y1) / 2 + scale_y * side / 2
    middle_x = (u0 + u1) / 2 - scale_x * (x0 + x1) / 2 + scale_x * side / 2
    theta = torch.tensor([[[scale_x, 0, 2 * middle_x / side - 1], [0, scale_y, 2 * middle_y / side - 1]]])
    grid = functional.affine_grid(theta.float(), [1, 1, side, side], align_corners=False)
    source = torch.from_numpy(np.ascontiguousarray(radiograph, np.float32))[None, None]
    return functional.grid_sample(source, grid, padding_mode="border", align_corners=False)[0, 0].numpy()


def _box(lungs: np.ndarray) -> tuple[int, int, int, int]:
    """First row and column of both lungs, and the ones behind the last."""
    both = np.asarray(lungs.any(0))
    rows, columns = np.flatnonzero(both.any(1)), np.flatnonzero(both.any(0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
