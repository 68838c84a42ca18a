"""LUNA16 as it is downloaded: ``subset0`` … ``subset9`` with MetaImages, ``annotations.csv``, perhaps the excluded findings.

The subsets are the challenge's ten folds. Positions are world coordinates (LPS mm). ``candidates_V2.csv`` and the lung masks are
not needed. https://luna16.grand-challenge.org
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from ....imaging import read_image
from ...errors import DatasetError
from ..luna16_nodules import require_common, spheres_by_series
from ..whole_scans import WholeScan
from .scan_set import OpenScan, ScanSet, SetScan

FOLDS = 10
PLACES = ("", "CSVFILES", "evaluationScript/annotations")
"""Where below the folder tables lie, by where they are downloaded from."""


def is_luna16(folder: Path) -> bool:
    """Whether a folder holds subsets and the annotations."""
    return bool(_subsets(folder)) and _table(folder, "annotations.csv") is not None


def open_luna16(folder: Path, truth: Path | None = None, excluded: Path | None = None) -> ScanSet:
    """List the scans of the subsets that are there; of each every nodule is known.

    Parameters
    ----------
    truth, excluded
        Tables instead of the folder's own.

    Raises
    ------
    DatasetError, FindingsFileError
        No scan is there, a series is in two subsets, or a table is missing or damaged.
    """
    truth = truth or _table(folder, "annotations.csv")
    if truth is None:
        raise DatasetError(f"{folder} has no annotations.csv: download it from LUNA16 beside the subsets.")
    left_out = (
        excluded
        or _table(folder, "annotations_excluded.csv")
        or _table(folder, "annotations_excluded.csv.gz")
    )
    nodules = spheres_by_series(truth)
    others = spheres_by_series(left_out) if left_out else {}
    paths: dict[str, tuple[str, Path]] = {}
    for fold, subset in _subsets(folder).items():
        for path in sorted(subset.rglob("*.mhd")):
            if path.stem in paths:
                raise DatasetError(
                    f"{path} is in subset{paths[path.stem][0]} too: a scan belongs to one fold, delete one."
                )
            paths[path.stem] = (fold, path)
    if not paths:
        raise DatasetError(f"{folder} has no .mhd in its subsets: unpack subset0.zip and the others there.")
    require_common(nodules, paths, truth, "the subsets")
    scans = tuple(
        SetScan(name, fold, path, partial(_open, name, path, nodules, others), name)
        for name, (fold, path) in paths.items()
    )
    limit = (
        "Nodules are LUNA16's: 3 mm and more, marked by at least three of four readers. "
        + ("" if left_out else "Its excluded findings were not at hand and counted as negatives. ")
        + "Scans with slices over 2.5 mm are not in it."
    )
    return ScanSet("LUNA16", "CC BY 4.0, from LIDC-IDRI, CC BY 3.0", limit, scans)


def _open(
    name: str, path: Path, nodules: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]
) -> OpenScan:
    nothing = np.zeros((0, 4))
    known = WholeScan(name, path, name, nodules.get(name, nothing), others.get(name, nothing), True)
    return OpenScan(known, read_image(path))


def _subsets(folder: Path) -> dict[str, Path]:
    paths = {str(k): folder / f"subset{k}" for k in range(FOLDS)}
    return {fold: path for fold, path in paths.items() if path.is_dir()}


def _table(folder: Path, name: str) -> Path | None:
    paths = (folder / place / name for place in PLACES)
    return next((path for path in paths if path.is_file()), None)
