"""Training patches: what the detector sees, so that it learns the nodule and neither the cube's centre nor its edges.

Three sources in turn: *tilings* of real cubes, cut anywhere, so that seams carry no meaning; *single* real cubes at random offsets
with edge or constant fill, often cut in z like a sub-volume; and *phantoms*, whole thoraces with mediastinum, diaphragm and
chest wall that cubes lack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from ...data.arrays import open_arrays
from ...data.cavities import hollow_out
from ...data.public.luna16_nodules import NoduleCube, to_bytes, to_hu
from ...fitting.batches import Place, Seed
from ...fitting.hardness import Hardness
from .config import CAVITY_MM, TrainingConfig


@dataclass(frozen=True)
class Block:
    """A piece of lung: uint8 voxels as in the cubes, and its spheres (M, 4) in voxel indices."""

    voxels: np.ndarray
    truth: np.ndarray
    ignore: np.ndarray


@dataclass(frozen=True)
class Patch:
    """A training example: HU (w, w, w) float32, spheres (M, 4) and left-out spheres (K, 4), and the cube's number or −1."""

    hu: np.ndarray
    truth: np.ndarray
    ignore: np.ndarray
    source: int = -1


def load_phantoms(folder: Path) -> list[Block]:
    """Phantom volumes as `phantoms.make_training` writes them."""
    blocks = []
    for path in sorted(folder.glob("*.npz")):
        with open_arrays(path) as f:
            spheres = (
                np.concatenate([f["centers"], f["diameters"][:, None]], axis=1)
                if len(f["diameters"])
                else None
            )
            blocks.append(
                Block(f["voxels"], np.zeros((0, 4)) if spheres is None else spheres, np.zeros((0, 4)))
            )
    return blocks


def cavity_by_chance(
    voxels: np.ndarray, mask: np.ndarray, diameter: float, fraction: float, rng: np.random.Generator
) -> np.ndarray:
    """Hollow out a nodule of stored bytes, for a fraction of those that are large enough; the others as they are."""
    if not fraction or diameter < CAVITY_MM or rng.random() >= fraction:
        return voxels
    hollowed = hollow_out(to_hu(voxels), mask, rng)
    return voxels if hollowed is None else to_bytes(hollowed)


def flip(block: Block, rng: np.random.Generator) -> Block:
    """Mirror along any axis and swap y with x: z stays z, because slices blur along it."""
    voxels, truth, ignore = block.voxels, block.truth.copy(), block.ignore.copy()
    for axis in range(3):
        if rng.random() < 0.5:
            voxels = np.flip(voxels, axis)
            for spheres in (truth, ignore):
                spheres[:, axis] = voxels.shape[axis] - 1 - spheres[:, axis]
    if rng.random() < 0.5:
        voxels = voxels.swapaxes(1, 2)
        truth, ignore = truth[:, [0, 2, 1, 3]], ignore[:, [0, 2, 1, 3]]
    return Block(voxels, truth, ignore)


def zoom(block: Block, factor: float) -> Block:
    """Scale about the first voxel by linear interpolation along each axis."""
    voxels = block.voxels.astype(np.float32)
    for axis, n in enumerate(voxels.shape):
        matrix = _interpolation(np.arange(round(n * factor)) / factor, n)
        voxels = np.moveaxis(np.tensordot(matrix, voxels, axes=(1, axis)), 0, axis)
    return Block(np.clip(voxels + 0.5, 0, 255).astype(np.uint8), block.truth * factor, block.ignore * factor)


def crop(block: Block, low: np.ndarray, high: np.ndarray) -> Block:
    """The part [low, high); a nodule whose centre is cut off becomes one to leave out."""
    voxels = block.voxels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    truth, ignore = block.truth.copy(), block.ignore.copy()
    for spheres in (truth, ignore):
        spheres[:, :3] -= low
    inside = np.all((truth[:, :3] >= -0.5) & (truth[:, :3] < high - low - 0.5), axis=1)
    return Block(voxels, truth[inside], np.concatenate([ignore, truth[~inside]]))


def random_crop(block: Block, size: np.ndarray, rng: np.random.Generator) -> Block:
    """A random part of `size` voxels (at most the block's own)."""
    size = np.minimum(size, block.voxels.shape)
    low = np.array([rng.integers(0, n - s + 1) for n, s in zip(block.voxels.shape, size, strict=True)])
    return crop(block, low, low + size)


def put_into_patch(block: Block, offset: np.ndarray, width: int, fill: int | None) -> Patch:
    """Put a block at `offset` into a patch of `width`³; outside it the edge goes on, or is `fill`."""
    index = [np.arange(width) - o for o in offset]
    clipped = [np.clip(i, 0, n - 1) for i, n in zip(index, block.voxels.shape, strict=True)]
    hu = to_hu(block.voxels[np.ix_(*clipped)])
    if fill is not None:
        inside = [(i == c) for i, c in zip(index, clipped, strict=True)]
        hu[~(inside[0][:, None, None] & inside[1][None, :, None] & inside[2][None, None, :])] = fill
    whole = crop(block, np.zeros(3, int), np.array(block.voxels.shape))
    truth, ignore = whole.truth.copy(), whole.ignore.copy()
    for spheres in (truth, ignore):
        spheres[:, :3] += offset
    inside_patch = np.all((truth[:, :3] >= 0) & (truth[:, :3] <= width - 1), axis=1)
    return Patch(hu, truth[inside_patch], np.concatenate([ignore, truth[~inside_patch]]))


def tiling(blocks: Sequence[Block], width: int, rng: np.random.Generator) -> Patch:
    """Blocks side by side in a patch: seams anywhere, one block often nearly filling it; eight are enough up to twice their sides.

    Wider patches need as many along each side as `tiles` says, and take further pieces of the blocks given where those are fewer.
    """
    longest = blocks[0].voxels.shape[0]
    cuts = _cuts(width, longest, rng)
    hu = np.empty((width,) * 3, np.float32)
    truths, ignores = [], []
    for n, corner in enumerate(np.ndindex(*(len(cuts) - 1,) * 3)):
        low, high = cuts[list(corner), range(3)], cuts[[c + 1 for c in corner], range(3)]
        piece = random_crop(flip(blocks[n % len(blocks)], rng), high - low, rng)
        hu[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = to_hu(piece.voxels)
        truths.append(piece.truth + np.array([*low, 0]))
        ignores.append(piece.ignore + np.array([*low, 0]))
    return Patch(hu, np.concatenate(truths), np.concatenate(ignores))


def tiles(width: int, longest: int) -> int:
    """How many blocks fill a patch of `width`³: at least two along each side."""
    return max(-(-width // longest), 2) ** 3


def _cuts(width: int, longest: int, rng: np.random.Generator) -> np.ndarray:
    """Where blocks meet along each axis: (n + 1, 3) from 0 to `width`, no piece longer than a block."""
    along = round(tiles(width, longest) ** (1 / 3))
    cuts = [np.zeros(3, int)]
    for left in range(along - 1, 0, -1):
        # What is left must fit into the blocks that are left.
        least = np.maximum(width - left * longest, cuts[-1])
        cuts.append(rng.integers(least, np.minimum(cuts[-1] + longest, width) + 1, size=3))
    return np.stack([*cuts, np.full(3, width)])


def single(block: Block, width: int, rng: np.random.Generator) -> Patch:
    """One block, perhaps scaled and cut, at a random offset; the patch always keeps at least 20 voxels of it."""
    block = flip(block, rng)
    if rng.random() < 0.3:
        block = zoom(block, rng.uniform(0.8, 1.25))
    size = np.array(block.voxels.shape)
    if rng.random() < 0.5:
        size = np.minimum(size, rng.integers(28, 51, size=3))
    if rng.random() < 0.35:
        size[0] = min(size[0], rng.integers(14, 40))
    block = random_crop(block, size, rng)
    shape = np.array(block.voxels.shape)
    # Mostly whole in the patch, else cut by its border with at least 20 voxels left.
    least = shape if rng.random() < 0.7 else np.minimum(20, shape)
    offset = rng.integers(np.minimum(least, width) - shape, np.maximum(width - least, 0) + 1)
    fill = None if rng.random() < 0.6 else int(rng.choice([-1000, -1000, int(rng.integers(-1000, 100))]))
    return put_into_patch(block, offset, width, fill)


def phantom(block: Block, width: int, rng: np.random.Generator) -> Patch:
    """A patch of a phantom, half of the time around one of its nodules."""
    low = np.array([rng.integers(0, max(n - width, 0) + 1) for n in block.voxels.shape])
    if len(block.truth) and rng.random() < 0.5:
        center = block.truth[rng.integers(len(block.truth)), :3] + rng.uniform(-width / 3, width / 3, 3)
        low = np.clip(center - width / 2, 0, np.maximum(np.array(block.voxels.shape) - width, 0)).astype(int)
    high = np.minimum(low + width, block.voxels.shape)
    return put_into_patch(flip(crop(block, low, high), rng), np.zeros(3, int), width, None)


def thick_slices(hu: np.ndarray, thickness: float, phase: float) -> np.ndarray:
    """What slices of `thickness` mm would have shown: box average along z, then linear interpolation back to 1 mm."""
    n = len(hu)
    centers = np.arange(phase - thickness, n + thickness, thickness)
    edges = np.arange(n)[None] + 0.5
    low, high = centers[:, None] - thickness / 2, centers[:, None] + thickness / 2
    overlap = np.clip(np.minimum(edges, high) - np.maximum(edges - 1, low), 0, None)
    total = overlap.sum(1, keepdims=True)
    keep = total[:, 0] > 0
    box = overlap[keep] / total[keep]
    back = _interpolation((np.arange(n) - centers[keep][0]) / thickness, keep.sum())
    return np.tensordot((back @ box).astype(np.float32), hu, axes=(1, 0))


def disturb(hu: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Scanner differences: slice thickness, kernel, noise, calibration."""
    if rng.random() < 0.35:
        thickness = rng.uniform(1.5, 5)
        hu = thick_slices(hu, thickness, rng.uniform(0, thickness))
    if rng.random() < 0.25:
        sigma = rng.uniform(0.3, 0.8)
        hu = gaussian_filter(hu, (0, sigma, sigma), mode="nearest")
    if rng.random() < 0.4:
        hu = hu + rng.standard_normal(hu.shape, dtype=np.float32) * np.float32(rng.uniform(5, 40))
    return hu * np.float32(rng.uniform(0.96, 1.04)) + np.float32(rng.uniform(-25, 25))


def _interpolation(positions: np.ndarray, n: int) -> np.ndarray:
    """Matrix (len(positions), n) that interpolates linearly at fractional indices, clamped to the ends."""
    p = np.clip(positions, 0, n - 1)
    low = np.minimum(np.floor(p).astype(int), max(n - 2, 0))
    matrix = np.zeros((len(p), n), np.float32)
    rows = np.arange(len(p))
    matrix[rows, low] = 1 - (p - low)
    matrix[rows, np.minimum(low + 1, n - 1)] += p - low
    return matrix


def collate(patches: Sequence[Patch]) -> dict[str, Any]:
    """Make a batch: voxels (B, 1, w, w, w) in HU, lists of spheres, sources."""
    return {
        "hu": torch.from_numpy(np.stack([p.hu for p in patches]))[:, None],
        "truth": [torch.from_numpy(p.truth).float() for p in patches],
        "ignore": [torch.from_numpy(p.ignore).float() for p in patches],
        "source": [p.source for p in patches],
    }


class Patches:
    """Draws training patches.

    Parameters
    ----------
    cubes
        Real nodules of the training scans.
    phantoms
        Whole synthetic thoraces (may be empty).
    hardness
        How badly the detector did on each cube lately. Hard cubes are drawn more often (anchor-based sampling, §IV-C, kept up
        to date while training instead of in one extra pass).
    thorax
        Draws a patch of a whole scan (`thorax.thorax_patch`), for `TrainingConfig.thorax_fraction` of the patches.
    masks
        bool masks of the nodules in the middle of `cubes`, of the cubes' shapes, for `TrainingConfig.cavity_fraction`.
    """

    def __init__(
        self,
        cubes: Sequence[NoduleCube],
        phantoms: Sequence[Block],
        config: TrainingConfig,
        hardness: Hardness,
        thorax: Callable[[np.random.Generator], Patch] | None = None,
        masks: Sequence[np.ndarray] | None = None,
    ) -> None:
        self.blocks = [Block(c.voxels, c.truth, c.excluded) for c in cubes]
        self.diameters = [] if masks is None else [float(c.row["diameter_mm"]) for c in cubes]
        self.masks = masks
        self.phantoms = phantoms
        self.config = config
        self.hardness = hardness
        self.thorax = thorax

    def __call__(self, place: Place, seed: Seed) -> dict[str, Any]:
        return collate([self.draw(rng, place.step) for rng in place.generators(self.config.batch, seed)])

    def draw(self, rng: np.random.Generator, step: int = 0) -> Patch:
        """Draw one patch for a step."""
        width = self.config.patch
        source = -1
        if self.thorax and rng.random() < self.config.thorax_fraction:
            patch = self.thorax(rng)
        elif self.phantoms and rng.random() < self.config.phantom_fraction:
            patch = phantom(self.phantoms[int(rng.integers(len(self.phantoms)))], width, rng)
        elif rng.random() < 0.5:
            count = tiles(width, self.blocks[0].voxels.shape[0])
            patch = tiling([self._block(i, rng) for i in self._pick(rng, count, step)], width, rng)
        else:
            source = int(self._pick(rng, 1, step)[0])
            patch = single(self._block(source, rng), width, rng)
        return Patch(disturb(patch.hu, rng), patch.truth, patch.ignore, source)

    def _block(self, i: int, rng: np.random.Generator) -> Block:
        """A cube, its nodule by chance with a cavity."""
        block = self.blocks[i]
        if self.masks is None:
            return block
        fraction = self.config.cavity_fraction
        voxels = cavity_by_chance(block.voxels, self.masks[i], self.diameters[i], fraction, rng)
        return replace(block, voxels=voxels)

    def _pick(self, rng: np.random.Generator, n: int, step: int) -> np.ndarray:
        weight = 0.25 + self.hardness.at(step)
        return rng.choice(len(self.blocks), size=n, p=weight / weight.sum())
