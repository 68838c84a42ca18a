"""Nodule cubes of LUNA16 with positions, diameters and readers' ratings (``cubes.npz``, ``nodules.csv``).

50³ voxels at 1 mm, stored as differences of neighbouring slices in steps of 8 HU; see the folder's README for the encoding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...findings.formats.luna16 import read_annotations
from ...findings.formats.tables import bad_line, number, read_rows
from ..arrays import open_arrays
from ..errors import DatasetError

HU_STEP, HU_LOW = 8.0, -1024.0
EXCLUDED_DIAMETER = 10.0
"""LUNA16 counts an excluded finding without a diameter as 10 mm."""
COLUMNS = (
    "seriesuid",
    "coordX",
    "coordY",
    "coordZ",
    "diameter_mm",
    "originX",
    "originY",
    "originZ",
    "direction_xy",
)


@dataclass(frozen=True)
class NoduleCube:
    """One cube: voxels and everything annotated in it, in voxel indices (z, y, x) of the cube, 1 mm each.

    Parameters
    ----------
    voxels
        (50, 50, 50) uint8; HU = 8·v − 1024.
    truth, excluded
        (M, 4) and (K, 4): z, y, x, diameter in mm. All annotations whose ball reaches into the cube; centres may lie outside.
    row
        The row of ``nodules.csv`` of the nodule in the middle.
    """

    series: str
    voxels: np.ndarray
    truth: np.ndarray
    excluded: np.ndarray
    fold: str
    row: dict[str, str]


def to_hu(voxels: np.ndarray) -> np.ndarray:
    """Hounsfield units (float32) of stored bytes."""
    return voxels.astype(np.float32) * np.float32(HU_STEP) + np.float32(HU_LOW)


def to_bytes(hu: np.ndarray) -> np.ndarray:
    """Bytes as cubes are stored in (uint8) of Hounsfield units, clipped to −1024 … 1016."""
    return np.clip(np.round((hu - HU_LOW) / HU_STEP), 0, 255).astype(np.uint8)


def spheres_by_series(path: Path) -> dict[str, np.ndarray]:
    """World spheres (M, 4) z, y, x, diameter in mm by series, of a csv of LUNA16; unknown diameters become 10 mm."""
    return {
        series: np.column_stack([center, np.where(diameter < 0, EXCLUDED_DIAMETER, diameter)])
        for series, (center, diameter) in read_annotations(path).items()
    }


def read_folds(folder: Path) -> dict[str, str]:
    """Series -> fold (``"0"`` … ``"4"``, ``"never"``); empty where the folder has no ``folds.csv``."""
    path = folder / "folds.csv"
    if not path.exists():
        return {}
    folds: dict[str, str] = {}
    for line, row in read_rows(path, ("seriesuid", "fold")):
        fold = row["fold"].removesuffix(".0")  # as pandas writes whole numbers in a column with gaps
        if folds.setdefault(row["seriesuid"], fold) != fold:
            raise bad_line(
                path, line, f"{row['seriesuid']} is in fold {folds[row['seriesuid']]} and in fold {fold}"
            )
    return folds


def require_folds(folder: Path, chosen: Iterable[str] | None) -> None:
    """Refuse folds that a person names and a folder does not have: without them figures look whole. ``"all"`` and None have all.

    Raises
    ------
    DatasetError
        The message lists the folds that there are.
    """
    if chosen is None or "all" in (named := list(chosen)):
        return
    there = sorted({fold for fold in read_folds(folder).values() if fold})
    if not there:
        raise DatasetError(f"{folder} has no folds.csv, so folds cannot be chosen.")
    if missing := [str(fold) for fold in named if str(fold) not in there]:
        kind = "fold" if len(missing) == 1 else "folds"
        raise DatasetError(
            f"{folder}: there is no {kind} {', '.join(missing)}; the folds are {', '.join(there)}."
        )


def require_common(
    spheres: Mapping[str, np.ndarray], series: Iterable[str], truth: Path, table: Path | str
) -> None:
    """Refuse a table of nodules that names none of the series that are looked at: all of them would count as free of nodules.

    Raises
    ------
    DatasetError
        The message shows a series of both.
    """
    known = list(series)
    if spheres and known and not set(spheres) & set(known):
        raise DatasetError(
            f"{truth} names none of the {len(known)} series of {table} (the first are {next(iter(spheres))!r} and {known[0]!r}): "
            "both must use the same identifiers."
        )


def reference_files(folder: Path) -> tuple[Path, Path | None]:
    """Where the truth and the excluded findings of cubes lie: in their folder, in ``../luna16``, else the cubes' own rows."""
    if (folder / "annotations.csv").is_file() and (folder / "annotations_excluded.csv").is_file():
        return folder / "annotations.csv", folder / "annotations_excluded.csv"
    luna = folder.resolve().parent / "luna16"
    truth = luna / "annotations.csv"
    excluded = luna / "annotations_excluded.csv.gz"
    return (truth if truth.exists() else folder / "nodules.csv"), (excluded if excluded.exists() else None)


def load_cubes(
    folder: str | Path,
    *,
    folds: Iterable[str] | None = None,
    truth: Path | None = None,
    excluded: Path | None = None,
) -> list[NoduleCube]:
    """Read the cubes of a folder, or those of some folds.

    Parameters
    ----------
    folder
        Holds ``cubes.npz`` and ``nodules.csv``; ``folds.csv`` is needed only to choose folds.
    folds
        Which folds to take (None: every cube there is, of known fold or not).
    truth, excluded
        LUNA16 csvs; by default those of the folder or of ``../luna16``, else the rows of ``nodules.csv`` and nothing excluded.

    Raises
    ------
    DatasetError, FindingsFileError
        A file is missing, damaged, or does not fit the others.
    """
    folder = Path(folder)
    table = folder / "nodules.csv"
    lines = list(read_rows(table, COLUMNS, ("index", "readers")))
    for line, row in lines:
        for name in COLUMNS[1:]:
            number(table, line, row, name)
        if not (row.get("index") or "0").isdecimal():
            raise bad_line(table, line, f"index is {row['index']!r}, not a whole number")
    rows = [row for _, row in lines]
    if not (folder / "cubes.npz").exists():
        raise DatasetError(
            f"{folder / 'cubes.npz'} is missing: the folder must hold cubes.npz and nodules.csv."
        )
    with open_arrays(folder / "cubes.npz") as archive:
        voxels = np.cumsum(archive["cubes_dz"], axis=1, dtype=np.uint8)
    fold_of = read_folds(folder)
    chosen = None if folds is None else {str(f) for f in folds}
    if chosen is not None and not fold_of:
        raise DatasetError(f"{folder} has no folds.csv, so folds cannot be chosen.")
    default_truth, default_excluded = reference_files(folder)
    spheres = spheres_by_series(truth or default_truth)
    excluded_path = excluded or default_excluded
    left_out = spheres_by_series(excluded_path) if excluded_path else {}
    require_common(spheres, [row["seriesuid"] for row in rows], truth or default_truth, table)
    cubes = []
    for position, row in enumerate(rows):
        index = int(row.get("index") or position)
        if index >= len(voxels):
            raise DatasetError(
                f"{folder / 'nodules.csv'} names cube {index}, but cubes.npz holds {len(voxels)}."
            )
        fold = fold_of.get(row["seriesuid"], "")
        if chosen is not None and fold not in chosen:
            continue
        own = spheres.get(row["seriesuid"], np.zeros((0, 4)))
        other = left_out.get(row["seriesuid"], np.zeros((0, 4)))
        shape = voxels[index].shape
        cubes.append(
            NoduleCube(
                row["seriesuid"],
                voxels[index],
                _in_cube(own, row, shape),
                _in_cube(other, row, shape),
                fold,
                row,
            )
        )
    return cubes


def load_masks(folder: Path, index: np.ndarray | None = None) -> np.ndarray | None:
    """Masks of a folder of cubes, of these rows of ``nodules.csv`` or of all: (N, 50, 50, 50) bool; None where it has none.

    Raises
    ------
    DatasetError
        It has fewer than the rows ask for.
    """
    path = folder / "cubes.npz"
    with open_arrays(path) as f:
        if "masks" not in f:
            return None
        packed = f["masks"]
    # The side of a cube: to unpack the cubes themselves for it takes longer than the masks.
    side = int(np.cbrt(8 * packed.shape[1]) + 1e-6)
    if index is not None:
        if len(index) and index.max() >= len(packed):
            raise DatasetError(f"{path} holds {len(packed)} masks, but nodule {index.max()} was asked for.")
        packed = packed[index]
    return np.unpackbits(packed, axis=1, count=side**3).reshape(-1, side, side, side).astype(bool)


def _in_cube(spheres: np.ndarray, row: dict[str, str], shape: tuple[int, ...]) -> np.ndarray:
    """The spheres that reach into a cube, in its voxel indices."""
    if not len(spheres):
        return np.zeros((0, 4))
    flip = float(row["direction_xy"])
    origin = np.array([float(row["originZ"]), float(row["originY"]), float(row["originX"])])
    index = spheres.copy()
    index[:, :3] = (index[:, :3] - origin) * np.array([1.0, flip, flip])
    radius = index[:, 3:4] / 2
    reaches = np.all((index[:, :3] + radius > -0.5) & (index[:, :3] - radius < np.array(shape) - 0.5), axis=1)
    return index[reaches]
