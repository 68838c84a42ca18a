"""Which set of whole CTs a folder holds, told by its files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ....imaging import read_image
from ...errors import DatasetError
from ..whole_scans import WholeScan, holds_whole_scans, load_whole_scans
from .deeplesion import is_deeplesion, open_deeplesion
from .lidc import is_lidc, open_lidc
from .luna16 import is_luna16, open_luna16
from .scan_set import OpenScan, ScanSet, SetScan


def holds_scan_set(folder: Path) -> bool:
    """Whether a folder has one of the layouts of `open_scan_set`."""
    return holds_whole_scans(folder) or is_luna16(folder) or is_deeplesion(folder) or is_lidc(folder)


def open_scan_set(folder: Path, *, truth: Path | None = None, excluded: Path | None = None) -> ScanSet:
    """Open a set: LUNA16, DeepLesion or LIDC-IDRI as they are downloaded, or a folder of whole scans.

    Parameters
    ----------
    truth, excluded
        LUNA16's tables instead of the folder's own, where it has such tables.

    Raises
    ------
    DatasetError
        It is none of them, or incomplete.
    """
    if holds_whole_scans(folder):
        scans = load_whole_scans(folder, truth=truth, excluded=excluded)
        return ScanSet("whole scans", "see the folder", "", tuple(_of_whole(scan) for scan in scans))
    if is_luna16(folder):
        return open_luna16(folder, truth, excluded)
    if truth or excluded:
        raise DatasetError(f"{folder} has its truth in its own files: leave --truth and --excluded out.")
    if is_deeplesion(folder):
        return open_deeplesion(folder)
    if is_lidc(folder):
        return open_lidc(folder)
    raise DatasetError(
        f"{folder} is no set of CTs that is read here: it needs LUNA16's subset0 … and annotations.csv, DeepLesion's DL_info.csv "
        "and Images_png, or LIDC-IDRI's DICOM series and XML files."
    )


def _of_whole(scan: WholeScan) -> SetScan:
    return SetScan(scan.name, "", scan.path, partial(_open, scan), scan.series_uid)


def _open(scan: WholeScan) -> OpenScan:
    return OpenScan(scan, read_image(scan.path))
