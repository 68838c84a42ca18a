"""Crops of whole scans behind the first part: at every step others, without the first part being done again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ....data.public.luna16_nodules import to_hu
from ..cpu.folded import FirstPart, FoldedAg3d
from ..detect import normalise
from ..network import Ag3d
from ..thorax import Thorax, cut_block, draw_center
from .patches import DrawItem

STRIDE = 4
"""Of the maps: crops begin at multiples of so many voxels."""


@dataclass(frozen=True, eq=False)
class StoredScan:
    """A whole scan with its map.

    Parameters
    ----------
    first
        (C, D/4, H/4, W/4) float16; the last voxels that make no whole cell are in none.
    thorax
        Where lesions and false marks lie.
    """

    first: np.ndarray
    thorax: Thorax


def store_scan(thorax: Thorax, net: Ag3d) -> StoredScan:
    """Take a whole scan through the first part of a network in evaluation mode on the CPU, which must not change any more."""
    whole = tuple(slice(0, n // STRIDE * STRIDE) for n in thorax.voxels.shape)
    x = normalise(torch.from_numpy(to_hu(np.ascontiguousarray(thorax.voxels[whole]))), net.config)
    with torch.no_grad():
        cells = FirstPart(FoldedAg3d(net)).push(x, last=True)
    return StoredScan(cells.permute(3, 0, 1, 2).contiguous().half().numpy(), thorax)


def mirrored(thorax: Thorax) -> Thorax:
    """The scan with left and right exchanged."""
    last = thorax.voxels.shape[2] - 1

    def across(spheres: np.ndarray) -> np.ndarray:
        other = spheres.copy()
        other[:, 2] = last - other[:, 2]
        return other

    return replace(
        thorax,
        voxels=thorax.voxels[:, :, ::-1],
        lungs=thorax.lungs[:, :, ::-1],
        truth=across(thorax.truth),
        ignore=across(thorax.ignore),
        marks=across(thorax.marks),
    )


def crop_source(scans: Sequence[StoredScan], width: int) -> DrawItem:
    """Draws crops of `width` voxels, mostly on false marks (`thorax.draw_center`), as items of a `Store`."""

    def draw(rng: np.random.Generator) -> dict[str, object]:
        scan = scans[int(rng.integers(len(scans)))]
        cells = width // STRIDE
        high = np.array(scan.first.shape[1:]) - cells
        low = np.rint((draw_center(scan.thorax, width, rng) - width / 2) / STRIDE).astype(int)
        low = np.clip(low, 0, np.maximum(high, 0))
        block = cut_block(scan.thorax, low * STRIDE, (low + cells) * STRIDE)
        part = (slice(None), *(slice(a, a + cells) for a in low))
        return {
            "first": torch.from_numpy(np.ascontiguousarray(scan.first[part])),
            "truth": torch.from_numpy(block.truth).float(),
            "ignore": torch.from_numpy(block.ignore).float(),
            "source": -1,
        }

    return draw
