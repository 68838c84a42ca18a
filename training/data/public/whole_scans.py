"""Whole chest CTs with the lesions that are known in them: a folder of scans with ``scans.csv`` and ``nodules.csv``.

``scans.csv`` names each scan (``file``: a file or a folder of DICOM slices, anything that `read_image` opens), its
``dicom_seriesuid``, and in ``known`` how much of it was labelled: ``all…`` where every nodule is in ``nodules.csv``, else a
part. ``nodules.csv`` has LUNA16's columns, ``seriesuid`` being mostly the file's name without suffix. What counts neither way
comes from LUNA16's ``annotations_excluded.csv``; both tables may name a scan by its file or by its DICOM series.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...findings.formats.tables import read_rows
from ..errors import DatasetError
from .luna16_nodules import require_common, spheres_by_series

SUFFIXES = (".nii.gz", ".nii", ".mha", ".mhd", ".nrrd")


@dataclass(frozen=True, eq=False)
class WholeScan:
    """One scan, not read yet.

    Parameters
    ----------
    name
        The file's name without suffix.
    series_uid
        DICOM's, or empty.
    nodules, excluded
        (M, 4) and (K, 4) world spheres: z, y, x, diameter in mm.
    complete
        Whether all of its nodules are known; else a mark elsewhere may be right.
    """

    name: str
    path: Path
    series_uid: str
    nodules: np.ndarray
    excluded: np.ndarray
    complete: bool


def holds_whole_scans(folder: Path) -> bool:
    """Whether a folder has the two tables."""
    return (folder / "scans.csv").is_file() and (folder / "nodules.csv").is_file()


def load_whole_scans(
    folder: Path,
    *,
    names: Iterable[str] | None = None,
    truth: Path | None = None,
    excluded: Path | None = None,
) -> list[WholeScan]:
    """List the scans of a folder, or those of some names, in the order of ``scans.csv``.

    Parameters
    ----------
    truth, excluded
        Tables instead of the folder's ``nodules.csv`` and of ``luna16/annotations_excluded.csv.gz`` one or two folders up.

    Raises
    ------
    DatasetError
        A scan is missing, or a name is not in the table.
    """
    nodules = spheres_by_series(truth or folder / "nodules.csv")
    table = excluded or _excluded_beside(folder)
    left_out = spheres_by_series(table) if table else {}
    nothing = np.zeros((0, 4))
    scans = []
    for _, row in read_rows(folder / "scans.csv", ("file", "dicom_seriesuid", "known")):
        path, series = folder / row["file"], row["dicom_seriesuid"]
        name = scan_name(row["file"])
        if not path.exists():
            raise DatasetError(f"{path} is missing, which {folder / 'scans.csv'} names.")
        keys = dict.fromkeys((name, series))
        own, other = (np.concatenate([t.get(key, nothing) for key in keys]) for t in (nodules, left_out))
        scans.append(WholeScan(name, path, series, own, other, row["known"].startswith("all")))
    known = [key for scan in scans for key in (scan.name, scan.series_uid)]
    require_common(nodules, known, truth or folder / "nodules.csv", folder / "scans.csv")
    if names is None:
        return scans
    wanted = set(names)
    if unknown := wanted - {s.name for s in scans}:
        raise DatasetError(f"{folder / 'scans.csv'} has no scan named {', '.join(sorted(unknown))}.")
    return [s for s in scans if s.name in wanted]


def scan_name(file: str) -> str:
    """A file's name without suffix."""
    return next((file.removesuffix(suffix) for suffix in SUFFIXES if file.endswith(suffix)), file)


def _excluded_beside(folder: Path) -> Path | None:
    parents = folder.resolve().parents
    paths = (parent / "luna16" / "annotations_excluded.csv.gz" for parent in parents[:2])
    return next((path for path in paths if path.exists()), None)
