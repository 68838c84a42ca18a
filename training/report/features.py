"""Fifteen size and HU features of a nodule from its given mask: what the networks have to beat.

======================  ==========================================================================================
``log_diameter``        natural logarithm of the annotation's diameter in mm
``log_volume``          natural logarithm of the mask's volume in mm³
``long_axis``           longest axis in mm of the ellipsoid with the mask's second moments
``middle_ratio``        its middle axis over its longest
``short_ratio``         its shortest axis over its longest
``sphericity``          surface of a ball of the mask's volume over the area of the mask's voxel faces (a ball has about 2/3)
``mean`` ``sd``         mean and standard deviation of the HU inside
``p10 p50 p90``         percentiles of the HU inside
``core``                mean HU of the voxels that are not at the mask's surface (all where there is none)
``rim``                 mean HU of the voxels at its surface
``shell``               mean HU of the 2 mm around it
``edge``                mean length of the HU gradient at its surface, HU/mm
======================  ==========================================================================================
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from ..data.errors import DatasetError
from ..data.public.luna16_nodules import load_masks, to_hu
from ..data.public.rated_nodules import RatedNodules

NAMES = (
    "log_diameter",
    "log_volume",
    "long_axis",
    "middle_ratio",
    "short_ratio",
    "sphericity",
    "mean",
    "sd",
    "p10",
    "p50",
    "p90",
    "core",
    "rim",
    "shell",
    "edge",
)
SHELL_MM = 2
_MARGIN = SHELL_MM + 1


def nodule_features(hu: np.ndarray, mask: np.ndarray, diameter: float) -> np.ndarray:
    """(15,) features in the order of `NAMES`.

    Parameters
    ----------
    hu, mask
        (z, y, x) at 1 mm: Hounsfield units, and True inside the nodule.
    diameter
        In mm.

    Raises
    ------
    ValueError
        The mask is empty.
    """
    if not mask.any():
        raise ValueError("a nodule without a mask has no features")
    box = tuple(
        slice(max(int(s.start) - _MARGIN, 0), int(s.stop) + _MARGIN)
        for s in ndimage.find_objects(mask.astype(np.uint8))[0]
    )
    hu, mask = hu[box].astype(float), mask[box]
    inside = hu[mask]
    volume = len(inside)
    axes = _axes(np.argwhere(mask))
    padded = np.pad(mask, 1).astype(np.int8)
    area = sum(int(np.abs(np.diff(padded, axis=a)).sum()) for a in range(3))
    core = ndimage.binary_erosion(mask)
    rim = mask & ~core
    shell = ndimage.binary_dilation(mask, iterations=SHELL_MM) & ~mask
    gradient = np.sqrt(sum(g**2 for g in np.gradient(hu)))
    p10, p50, p90 = np.percentile(inside, [10, 50, 90])
    return np.array(
        [
            np.log(diameter),
            np.log(volume),
            axes[0],
            axes[1] / axes[0],
            axes[2] / axes[0],
            (36 * np.pi * volume**2) ** (1 / 3) / area,
            inside.mean(),
            inside.std(),
            p10,
            p50,
            p90,
            (hu[core] if core.any() else inside).mean(),
            hu[rim].mean(),
            hu[shell].mean() if shell.any() else inside.mean(),
            gradient[rim].mean(),
        ]
    )


def _axes(points: np.ndarray) -> np.ndarray:
    """(3,) full axes in mm, longest first, of the ellipsoid with the same second moments as these voxels (n, 3)."""
    # A voxel is a cube with a variance of 1/12 in each direction; a ball's variance is a fifth of its squared radius.
    covariance = (np.cov(points.T, bias=True) if len(points) > 1 else np.zeros((3, 3))) + np.eye(3) / 12
    return 2 * np.sqrt(5 * np.linalg.eigvalsh(covariance)[::-1])


def simple_features(folder: Path | str, nodules: RatedNodules) -> np.ndarray:
    """(n, 15) features of all nodules, in the order of `NAMES`.

    Raises
    ------
    DatasetError
        A mask is missing or empty.
    """
    masks = load_masks(Path(folder), nodules.index)
    if masks is None:
        raise DatasetError(
            f"{Path(folder) / 'cubes.npz'} holds no masks, from which the simple features are measured."
        )
    empty = ~masks.any(axis=(1, 2, 3))
    if empty.any():
        raise DatasetError(f"{folder}: the mask of nodule {nodules.index[empty][0]} is empty.")
    rows = zip(nodules.voxels, masks, nodules.diameter, strict=True)
    return np.stack([nodule_features(to_hu(voxels), mask, d) for voxels, mask, d in rows])
