"""Real nodules as radiographs see them: what they alone add to the attenuation along a ray."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from ..arrays import open_arrays
from ..public.luna16_nodules import load_cubes, to_hu

WATER = 0.0205
"""Linear attenuation of water in 1/mm at about 60 keV, the mean energy of a chest radiograph behind a patient (NIST XCOM)."""
SMALLEST_MM = 8.0
"""Smaller nodules are hardly ever seen on a radiograph."""
SIZE = 48
"""Pixels (mm) along a side of a view."""
VIEWS = 6
"""Views of each nodule: from the front, and from random directions."""
LUNG_HU = -860.0
"""Lung beside a nodule whose cube shows none (in a mass, say)."""


@dataclass(frozen=True, eq=False)
class NoduleViews:
    """Projected nodules.

    Parameters
    ----------
    attenuation
        float16 (n, `VIEWS`, `SIZE`, `SIZE`): what the nodule adds to the logarithm of the attenuation, 1 mm pixels (z, x).
    diameter_mm, fold, series
        (n,) each.
    """

    attenuation: np.ndarray
    diameter_mm: np.ndarray
    fold: np.ndarray
    series: np.ndarray

    def of_folds(self, folds: tuple[str, ...]) -> NoduleViews:
        """Those of some folds."""
        keep = np.isin(self.fold, folds)
        return NoduleViews(self.attenuation[keep], self.diameter_mm[keep], self.fold[keep], self.series[keep])


def excess(hu: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """How much denser (HU, at least 0) than the lung around it a nodule is, voxel by voxel; 0 outside its mask.

    Only the nodule's own voxels count: ribs and vessels in the cube are on the radiograph already.
    """
    near = ndimage.binary_dilation(mask, iterations=6) & ~ndimage.binary_dilation(mask, iterations=2)
    lung = hu[near & (hu < -500)]
    around = float(np.median(lung)) if len(lung) > 50 else LUNG_HU
    # A voxel of the rim belongs to the nodule in part only.
    fraction = ndimage.gaussian_filter(mask.astype(np.float32), 0.5)
    return np.clip(hu - around, 0, None) * fraction * ndimage.binary_dilation(mask)


def project(added: np.ndarray, turn: Rotation) -> np.ndarray:
    """Log attenuation (`SIZE`, `SIZE`) of an excess (z, y, x) in HU at 1 mm, turned and summed along y."""
    center = (np.array(added.shape) - 1) / 2
    weight = added.sum()
    middle = np.array([(added.sum(axis=other) * np.arange(n)).sum() / weight for n, other in _axes(added)])
    matrix = turn.as_matrix()
    turned = ndimage.affine_transform(
        added, matrix, offset=middle - matrix @ center, order=1, mode="constant"
    )
    view = turned.sum(axis=1) / 1000 * WATER
    low = [(n - SIZE) // 2 for n in view.shape]
    return view[low[0] : low[0] + SIZE, low[1] : low[1] + SIZE]


def _axes(volume: np.ndarray) -> list[tuple[int, tuple[int, ...]]]:
    return [(n, tuple(a for a in range(3) if a != axis)) for axis, n in enumerate(volume.shape)]


def load_views(folder: Path, seed: int = 0) -> NoduleViews:
    """Project all nodules of at least `SMALLEST_MM` in a folder of LUNA16 nodule cubes (see `luna16_nodules`)."""
    cubes = load_cubes(folder)
    with open_arrays(folder / "cubes.npz") as archive:
        packed = archive["masks"]
    views, diameters, folds, series = [], [], [], []
    for number, cube in enumerate(cubes):
        diameter = float(cube.row["diameter_mm"])
        if diameter < SMALLEST_MM or cube.fold == "never":
            continue
        index = int(cube.row.get("index") or number)
        shape = cube.voxels.shape
        mask = np.unpackbits(packed[index], count=int(np.prod(shape))).reshape(shape).astype(bool)
        if not mask.any():
            continue
        added = excess(to_hu(cube.voxels), mask)
        turns = [Rotation.identity(), *Rotation.random(VIEWS - 1, rng=np.random.default_rng([seed, index]))]
        views.append(np.stack([project(added, turn) for turn in turns]).astype(np.float16))
        diameters.append(diameter)
        folds.append(cube.fold)
        series.append(cube.series)
    return NoduleViews(np.stack(views), np.array(diameters, np.float32), np.array(folds), np.array(series))
