"""Cubes around false marks on whole scans, with nodules beside: what a false-positive reduction is trained on.

``python -m napari_lungmtl.training.networks.ag3d.sets.marks --thoraxes runs/thoraxes --nodules luna16_nodules --out marks.npz``
reads what `mining` wrote. A scan has thick slices and hardly any nodule, a nodule cube has thin ones and always one in its
middle: a network would learn the slices or the middle. So real nodules are pasted into the scans, half of the places in nodule
cubes are blurred to the scans' slices, and as many of them are no nodules.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....data.mark_cubes import SIDE, MarkCubes, joined, save_mark_cubes
from ....data.public.luna16_nodules import NoduleCube, load_cubes, load_masks
from ....inference.registry import weights_path
from ....inference.weights import read_card
from ....ops.logits import calibrated
from ..patches import Block, thick_slices
from ..thorax import Nodule, Thorax, cut_out, load_thorax, paste

FOLDS = ("0", "1", "2", "3", "4")
LOOSE = 15
"""Voxels of a scan around a cube in which a nodule finds its place before the cube is cut."""
SOLID = 40
"""Stored byte (about -700 HU) from which a place in a cube is a vessel, a wall or the like: empty lung teaches nothing."""
CLEAR_MM, FIELD_MM = 6.0, 16.0
"""A place without a nodule lies so far beyond any annotation, and so far from its cube's sides."""


_Place = tuple[np.ndarray, np.ndarray]
"""A cube's voxels and the sphere (4,) in it."""


def cube_at(voxels: np.ndarray, sphere: np.ndarray) -> _Place:
    """Cut the cube with a sphere in its middle, edges continued; the sphere comes in its voxels."""
    low = np.round(sphere[:3]).astype(int) - SIDE // 2
    index = [np.clip(np.arange(a, a + SIDE), 0, n - 1) for a, n in zip(low, voxels.shape, strict=True)]
    return np.asarray(voxels[np.ix_(*index)]), sphere - np.array([*low, 0])


@dataclass(frozen=True)
class _Source:
    """What all cubes of one scan, or one nodule cube, have in common (`MarkCubes`)."""

    series: str
    fold: str
    slice_mm: float
    litres: float = np.nan


def _cubes(source: _Source, kind: str, nodule: int, places: Sequence[_Place], score: np.ndarray) -> MarkCubes:
    n = len(places)
    return MarkCubes(
        voxels=np.array([voxels for voxels, _ in places], np.uint8).reshape(-1, SIDE, SIDE, SIDE),
        center=np.array([sphere[:3] for _, sphere in places], float).reshape(-1, 3),
        diameter=np.array([sphere[3] for _, sphere in places], float),
        score=score,
        nodule=np.full(n, nodule),
        kind=np.full(n, kind),
        **{name: np.full(n, value) for name, value in vars(source).items()},
    )


def source_of(thorax: Thorax, name: str, fold: str) -> _Source:
    """What the cubes of a scan have in common."""
    return _Source(name, fold, thorax.slice_mm, float(thorax.lungs.sum()) * 1e-6)


def false_marks(
    thorax: Thorax, source: _Source, most: int, calibration: tuple[float, float] = (1.0, 0.0)
) -> MarkCubes:
    """Cut out the surest false marks of a scan; mining kept scores as they are before the detector's `calibration`."""
    order = np.argsort(-thorax.scores, kind="stable")[:most]
    places = [cube_at(thorax.voxels, sphere) for sphere in thorax.marks[order]]
    return _cubes(source, "mark", 0, places, calibrated(thorax.scores[order], calibration))


def pasted_nodules(
    thorax: Thorax, source: _Source, nodules: Sequence[Nodule], count: int, rng: np.random.Generator
) -> MarkCubes:
    """Paste real nodules into aerated lung of a scan, blurred to its slices, one a cube, as many as find a place."""
    inside = np.flatnonzero(thorax.lungs)
    places = []
    for _ in range(count if nodules else 0):
        at = np.array(np.unravel_index(inside[rng.integers(len(inside))], thorax.lungs.shape))
        low = np.clip(at - SIDE // 2 - LOOSE, 0, None)
        part = tuple(slice(a, a + SIDE + 2 * LOOSE) for a in low)
        known = np.concatenate([thorax.truth, thorax.ignore]) - np.array([*low, 0])
        block = Block(thorax.voxels[part], np.zeros((0, 4)), known)
        nodule = nodules[int(rng.integers(len(nodules)))]
        block = paste(block, thorax.lungs[part], nodule, thorax.slice_mm, rng)
        if len(block.truth):
            places.append(cube_at(block.voxels, block.truth[0]))
    return _cubes(source, "pasted", 1, places, np.full(len(places), np.nan))


def cube_places(cube: NoduleCube, slices_mm: Sequence[float], rng: np.random.Generator) -> MarkCubes:
    """A cube's nodules whose centre lies in it and as many places without one; every other cube with thick slices."""
    slice_mm = float(rng.choice(slices_mm)) if slices_mm and rng.random() < 0.5 else 1.0
    voxels = cube.voxels
    if slice_mm > 1:
        thick = thick_slices(voxels.astype(np.float32), slice_mm, rng.uniform(0, slice_mm))
        voxels = np.clip(np.round(thick), 0, 255).astype(np.uint8)
    source = _Source(cube.series, cube.fold, slice_mm)
    within = np.all((cube.truth[:, :3] >= FIELD_MM) & (cube.truth[:, :3] <= SIDE - FIELD_MM), axis=1)
    own = cube.truth[within]
    clear = _clear_places(cube, voxels, len(own), rng)
    return joined(
        _cubes(source, "cube", nodule, [(voxels, s) for s in spheres], np.full(len(spheres), np.nan))
        for nodule, spheres in ((1, own), (0, clear))
    )


def _clear_places(cube: NoduleCube, voxels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(k, 4) at most `count` solid places without a nodule near, with a diameter of 5 mm."""
    solid = np.argwhere(voxels >= SOLID)
    low, high = FIELD_MM, SIDE - FIELD_MM
    solid = solid[np.all((solid >= low) & (solid <= high), axis=1)]
    known = np.concatenate([cube.truth, cube.excluded])
    distance = np.linalg.norm(solid[:, None] - known[None, :, :3], axis=2) - known[:, 3] / 2
    solid = solid[(distance > CLEAR_MM).all(1)]
    chosen = solid[rng.permutation(len(solid))[:count]]
    return np.column_stack([chosen, np.full(len(chosen), 5.0)])


def mark_cubes(
    thoraxes: dict[str, Thorax],
    folder: Path,
    *,
    most: int = 500,
    pasted: int = 150,
    calibration: tuple[float, float] = (1.0, 0.0),
    seed: int = 0,
) -> MarkCubes:
    """Make the cubes of some scans and of a folder of nodule cubes; each scan joins one of the cubes' five folds.

    Parameters
    ----------
    most, pasted
        False marks and nodules of a scan, at most. What is pasted comes from the scan's own fold, so that a model that never
        saw the fold never saw the nodule.
    calibration
        The detector's, slope and intercept on the log odds.
    """
    rng = np.random.default_rng(seed)
    cubes = load_cubes(folder, folds=FOLDS)
    masks = load_masks(folder)
    parts = []
    for i, (name, thorax) in enumerate(sorted(thoraxes.items())):
        fold = FOLDS[i % len(FOLDS)]
        nodules = [] if masks is None else cut_out([c for c in cubes if c.fold == fold], masks)
        source = source_of(thorax, name, fold)
        parts.append(false_marks(thorax, source, most, calibration))
        parts.append(pasted_nodules(thorax, source, nodules, pasted, rng))
    slices = [t.slice_mm for t in thoraxes.values() if t.slice_mm > 1]
    return joined([*parts, *(cube_places(cube, slices, rng) for cube in cubes)])


def main() -> None:
    """What ``python -m`` runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--thoraxes", type=Path, required=True, help="folder written by mining")
    parser.add_argument("--nodules", type=Path, required=True, help="folder of nodule cubes with folds.csv")
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write")
    parser.add_argument("--most", type=int, default=500, help="false marks of a scan, at most")
    a = parser.parse_args()
    thoraxes = {path.stem: load_thorax(path) for path in sorted(a.thoraxes.glob("*.npz"))}
    detector = read_card(weights_path("ag3d"))
    made = mark_cubes(thoraxes, a.nodules, most=a.most, calibration=tuple(detector.config["calibration"]))
    save_mark_cubes(a.out, made)
    for kind in ("mark", "pasted", "cube"):
        own = made.nodule[made.kind == kind]
        print(f"{kind}: {int((own == 1).sum())} nodules, {int((own == 0).sum())} others")


if __name__ == "__main__":
    main()
