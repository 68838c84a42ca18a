"""Training patches of whole scans: the negatives that cubes lack (hila, mediastinum, chest wall, ribs, diaphragm).

A whole scan is stored once at 1 mm (`mine` writes it) with its lung field, known lesions, places to leave out, and the marks
that a detector wrongly made. Patches lie mostly on those marks. So that a whole thorax never comes to mean "no nodule here",
real nodules are pasted into its lungs and pieces of real cubes are inset, blurred to the scan's slices first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter

from ...data.arrays import open_arrays
from ...data.errors import DatasetError
from ...data.public.luna16_nodules import NoduleCube, load_masks
from ...data.sharded import open_sharded, write_sharded
from .config import TrainingConfig
from .patches import (
    Block,
    Patch,
    cavity_by_chance,
    crop,
    flip,
    put_into_patch,
    random_crop,
    thick_slices,
)

PASTED, INSET = 0.5, 0.25
"""Fraction of patches that get pasted nodules, and of patches that get a piece of a cube."""
VOXELS, LUNGS = "voxels.zarr", "lungs.zarr"
AERATED = (8.0, 42.0)
"""Mean of stored bytes (-960 to -688 HU) of what a pasted nodule may cover: lung, neither airway nor tissue."""


@dataclass(frozen=True, eq=False)
class Thorax:
    """A whole scan around the lungs at 1 mm.

    Parameters
    ----------
    voxels
        uint8 as in the cubes, (z, y, x).
    lungs
        bool, of the same shape: where a nodule's centre may lie.
    truth, ignore
        (M, 4) and (K, 4) spheres in voxel indices: known lesions, and places that nobody can answer for.
    marks, scores
        (H, 4) spheres and (H,) scores 0-1 of false marks: hard negatives.
    slice_mm
        Distance of the slices that were scanned.
    """

    voxels: np.ndarray
    lungs: np.ndarray
    truth: np.ndarray
    ignore: np.ndarray
    marks: np.ndarray
    scores: np.ndarray
    slice_mm: float


@dataclass(frozen=True, eq=False)
class Nodule:
    """A real nodule cut out of its cube: uint8 voxels, mask, and its sphere (4,) in their indices."""

    voxels: np.ndarray
    mask: np.ndarray
    sphere: np.ndarray


def save_thorax(path: Path, thorax: Thorax) -> None:
    """Write a scan for `load_thorax`; the lung field is packed to bits."""
    np.savez_compressed(path, **{**vars(thorax), "lungs": np.packbits(thorax.lungs)})


def load_thorax(path: Path) -> Thorax:
    """Read what `save_thorax` wrote."""
    with open_arrays(path) as f:
        voxels = f["voxels"]
        lungs = np.unpackbits(f["lungs"], count=voxels.size).reshape(voxels.shape).astype(bool)
        rows = {name: f[name] for name in ("truth", "ignore", "marks", "scores")}
        return Thorax(voxels, lungs, **rows, slice_mm=float(f["slice_mm"]))


def store_thorax(folder: Path, thorax: Thorax) -> None:
    """Write a scan for `open_thorax`, so that windows of it are read without the rest."""
    write_sharded(folder / VOXELS, thorax.voxels)
    write_sharded(folder / LUNGS, thorax.lungs)
    rows = {name: value for name, value in vars(thorax).items() if name not in ("voxels", "lungs")}
    np.savez(folder / "rows.npz", **rows)


def open_thorax(folder: Path) -> Thorax:
    """Open what `store_thorax` wrote, also in earlier versions; voxels and lungs stay on the disk until a part of them is taken.

    Raises
    ------
    DatasetError
        A file is missing or damaged.
    """
    with open_arrays(folder / "rows.npz") as f:
        rows = {name: f[name] for name in ("truth", "ignore", "marks", "scores")}
        slice_mm = float(f["slice_mm"])
    if (folder / VOXELS).is_dir():
        voxels, lungs = (cast(np.ndarray, open_sharded(folder / name)) for name in (VOXELS, LUNGS))
        return Thorax(voxels, lungs, **rows, slice_mm=slice_mm)
    try:  # as earlier versions wrote it
        voxels, lungs = (
            np.load(folder / name, mmap_mode="r", allow_pickle=False) for name in ("voxels.npy", "lungs.npy")
        )
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(
            f"{folder} is damaged ({error}): delete it, and the scan is prepared again."
        ) from error
    return Thorax(voxels, lungs, **rows, slice_mm=slice_mm)


def thorax_files(config: TrainingConfig) -> list[Path]:
    """The files of the scans in `TrainingConfig.thoraxes`, each called as its scan, by name."""
    return sorted(Path(config.thoraxes).glob("*.npz")) if config.thoraxes else []


def cut_out(cubes: Sequence[NoduleCube], masks: np.ndarray, margin: int = 4) -> list[Nodule]:
    """The nodules in the middle of cubes, with `margin` voxels around their masks.

    Parameters
    ----------
    masks
        (all cubes of the folder, 50, 50, 50) bool, in the order of ``cubes.npz``.
    """
    nodules = []
    for cube in cubes:
        mask = masks[int(cube.row["index"])]
        if not mask.any() or not len(cube.truth):
            continue
        where = np.argwhere(mask)
        low = np.maximum(where.min(0) - margin, 0)
        high = np.minimum(where.max(0) + 1 + margin, mask.shape)
        middle = where.mean(0)
        sphere = cube.truth[np.linalg.norm(cube.truth[:, :3] - middle, axis=1).argmin()]
        if np.linalg.norm(sphere[:3] - middle) > sphere[3] / 2:
            continue
        part = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        nodules.append(Nodule(cube.voxels[part], mask[part], sphere - np.array([*low, 0])))
    return nodules


def masks_of(cubes: Sequence[NoduleCube], folder: Path) -> list[np.ndarray] | None:
    """The masks of the nodules in the middle of cubes; None where the folder has none."""
    masks = load_masks(folder)
    return None if masks is None else [masks[int(c.row["index"])] for c in cubes]


def thorax_source(
    folder: Path, cubes: Sequence[NoduleCube], config: TrainingConfig, scans: Sequence[str] = ()
) -> Callable[[np.random.Generator], Patch] | None:
    """Draws patches of whole scans, with nodules of `cubes` (a part of `folder`) where these have masks; None without scans.

    Parameters
    ----------
    scans
        Names of prepared scans below ``folder/scans``; those of `TrainingConfig.thoraxes` join them.
    """
    thoraxes = [open_thorax(folder / "scans" / name) for name in scans]
    thoraxes += [load_thorax(path) for path in thorax_files(config)]
    if not thoraxes:
        return None
    masks = load_masks(folder)
    nodules = [] if masks is None else cut_out(cubes, masks)
    blocks = [Block(c.voxels, c.truth, c.excluded) for c in cubes]

    def draw(rng: np.random.Generator) -> Patch:
        scan = thoraxes[int(rng.integers(len(thoraxes)))]
        return thorax_patch(scan, nodules, blocks, config.patch, rng, config.cavity_fraction)

    return draw


def thorax_patch(
    thorax: Thorax,
    nodules: Sequence[Nodule],
    cubes: Sequence[Block],
    width: int,
    rng: np.random.Generator,
    cavities: float = 0.0,
) -> Patch:
    """A patch of a whole scan, mostly on a hard negative; in most a real nodule is pasted or inset."""
    high = np.maximum(np.array(thorax.voxels.shape) - width, 0)
    low = np.clip(draw_center(thorax, width, rng) - width / 2, 0, high).astype(int)
    end = np.minimum(low + width, thorax.voxels.shape)
    block = cut_block(thorax, low, end)
    kind = rng.random()
    if kind < PASTED and nodules:
        lungs = thorax.lungs[tuple(slice(a, b) for a, b in zip(low, end, strict=True))]
        for _ in range(rng.integers(1, 4)):
            nodule = nodules[int(rng.integers(len(nodules)))]
            block = paste(block, lungs, nodule, thorax.slice_mm, rng, cavities)
    elif kind < PASTED + INSET and not len(block.truth) and not len(block.ignore) and cubes:
        block = inset(block, cubes[int(rng.integers(len(cubes)))], thorax.slice_mm, rng)
    return put_into_patch(flip(block, rng), np.zeros(3, int), width, None)


def draw_center(thorax: Thorax, width: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a centre: 10 % on a known lesion, 60 % on a false mark (the surer, the more often), else anywhere in the lungs."""
    shift = rng.uniform(-width / 3, width / 3, 3)
    kind = rng.random()
    if kind < 0.1 and len(thorax.truth):
        return thorax.truth[rng.integers(len(thorax.truth)), :3] + shift
    if kind < 0.7 and len(thorax.marks):
        weight = 0.01 + thorax.scores**3
        return thorax.marks[rng.choice(len(weight), p=weight / weight.sum()), :3] + shift
    for _ in range(1000):
        point = np.array([rng.integers(n) for n in thorax.voxels.shape])
        if thorax.lungs[tuple(point)]:
            return point
    return np.array(thorax.voxels.shape) / 2


def cut_block(thorax: Thorax, low: np.ndarray, end: np.ndarray) -> Block:
    """The part [low, end) of a scan; what is left out are places that reach into it."""
    block = crop(Block(thorax.voxels, thorax.truth, thorax.ignore), low, end)
    return Block(block.voxels, block.truth, _reaching(block.ignore, end - low))


def _reaching(spheres: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Those that reach into a block of `shape`."""
    nearest = np.clip(spheres[:, :3], 0, shape - 1)
    return spheres[np.linalg.norm(spheres[:, :3] - nearest, axis=1) < spheres[:, 3] / 2 + 2]


def paste(
    block: Block,
    lungs: np.ndarray,
    nodule: Nodule,
    slice_mm: float,
    rng: np.random.Generator,
    cavities: float = 0.0,
    tries: int = 12,
) -> Block:
    """Put a nodule into aerated lung of a block, its rim blended; the block as it was where no place is found.

    Parameters
    ----------
    lungs
        bool, of the block's shape.
    slice_mm
        The nodule is blurred along z to slices of this distance.
    cavities
        Fraction of the nodules that are hollowed out (`TrainingConfig.cavity_fraction`).
    """
    turned = flip(
        Block(np.stack([nodule.voxels, nodule.mask], -1), nodule.sphere[None], np.zeros((0, 4))), rng
    )
    voxels, mask = turned.voxels[..., 0], turned.voxels[..., 1].astype(bool)
    voxels = cavity_by_chance(voxels, mask, nodule.sphere[3], cavities, rng).astype(np.float32)
    soft = gaussian_filter(binary_dilation(mask).astype(np.float32), 0.7)
    if slice_mm > 1.5:
        phase = rng.uniform(0, slice_mm)
        voxels, soft = thick_slices(voxels, slice_mm, phase), thick_slices(soft, slice_mm, phase)
    room = np.array(block.voxels.shape) - mask.shape
    if (room < 0).any():
        return block
    for _ in range(tries):
        low = np.array([rng.integers(0, r + 1) for r in room])
        part = tuple(slice(a, a + n) for a, n in zip(low, mask.shape, strict=True))
        sphere = turned.truth[0] + np.array([*low, 0])
        if not lungs[tuple(np.clip(np.round(sphere[:3]).astype(int), 0, np.array(lungs.shape) - 1))]:
            continue
        if not AERATED[0] < block.voxels[part][mask].mean() < AERATED[1]:
            continue
        others = np.concatenate([block.truth, block.ignore])
        if (np.linalg.norm(others[:, :3] - sphere[:3], axis=1) < (others[:, 3] + sphere[3]) / 2 + 2).any():
            continue
        blended = block.voxels.copy()
        blended[part] = np.round(soft * voxels + (1 - soft) * blended[part])
        return Block(blended, np.concatenate([block.truth, sphere[None]]), block.ignore)
    return block


def inset(block: Block, cube: Block, slice_mm: float, rng: np.random.Generator) -> Block:
    """Replace a random part of a block by a random piece of a cube, with everything annotated in the piece."""
    piece = random_crop(flip(cube, rng), rng.integers(32, 51, size=3), rng)
    voxels = piece.voxels
    if slice_mm > 1.5 and rng.random() < 0.8:
        thick = thick_slices(voxels.astype(np.float32), slice_mm, rng.uniform(0, slice_mm))
        voxels = np.round(np.clip(thick, 0, 255)).astype(np.uint8)
    room = np.maximum(np.array(block.voxels.shape) - voxels.shape, 0)
    low = np.array([rng.integers(0, r + 1) for r in room])
    part = tuple(slice(a, a + n) for a, n in zip(low, voxels.shape, strict=True))
    replaced = block.voxels.copy()
    size = replaced[part].shape
    replaced[part] = voxels[tuple(slice(0, n) for n in size)]
    move = np.array([*low, 0])
    return Block(replaced, piece.truth + move, piece.ignore + move)
