"""LIDC-IDRI as it is downloaded from The Cancer Imaging Archive: DICOM series in folders, and the readers' XML files.

A series and its XML belong together by the SeriesInstanceUid, wherever below the folder they lie: beside the slices, as older
downloads have them, or in ``tcia-lidc-xml`` (the archive's separate "Radiologist Annotations"). doi:10.7937/K9/TCIA.2015.LO9QL9SX
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ....findings.formats.lidc.grid import TAGS, stored_grid
from ....findings.formats.lidc.nodules import consensus
from ....findings.formats.lidc.readings import ROOT, ReaderFile, read_lidc_xml
from ....imaging import read_image
from ...errors import DatasetError
from ..whole_scans import WholeScan
from .scan_set import OpenScan, ScanSet, SetScan

FOLDS = 5


def is_lidc(folder: Path) -> bool:
    """Whether a file of LIDC readers lies somewhere below a folder."""
    return any(_is_reader_file(path) for path in _files(folder, ".xml"))


def open_lidc(folder: Path) -> ScanSet:
    """List the series that have a readers' file; patients are dealt to five folds by a hash of their identifier.

    Raises
    ------
    DatasetError
        There is no series with such a file, or a file is damaged.
    """
    files = {}
    for path in (path for path in _files(folder, ".xml") if _is_reader_file(path)):
        file = read_lidc_xml(path)
        if file.problems:  # figures are computed from whole files
            raise DatasetError(file.problems[0])
        files[file.series_uid] = file
    scans = {}
    for path, header in _series(folder):
        uid = str(header.get("SeriesInstanceUID", ""))
        if uid in files:
            fold = str(zlib.crc32(str(header.get("PatientID", "")).encode()) % FOLDS)
            scans[uid] = SetScan(uid, fold, path, partial(_open, uid, path, header, files[uid]), uid)
    if not scans:
        raise DatasetError(
            f"{folder} has {len(files)} files of LIDC readers, but no DICOM series of theirs: download the series as well."
        )
    limit = (
        "Nodules are what at least three of four LIDC readers outlined (3 mm and more); what fewer marked counts neither way. "
        "Slices are up to 5 mm apart."
    )
    return ScanSet("LIDC-IDRI", "CC BY 3.0", limit, tuple(scans[uid] for uid in sorted(scans)))


def _files(folder: Path, suffix: str) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(where, name) for name in sorted(names) if name.lower().endswith(suffix))


def _is_reader_file(path: Path) -> bool:
    with path.open("rb") as file:
        return ROOT.encode() in file.read(1000)


def _series(folder: Path) -> Iterator[tuple[Path, dict[str, object]]]:
    """The folders of slices with what the header of one of them says."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(n for n in names if not n.lower().endswith((".xml", ".csv", ".txt", ".json"))):
            try:
                header = pydicom.dcmread(Path(where, name), stop_before_pixels=True, specific_tags=list(TAGS))
            except (InvalidDicomError, OSError):
                continue
            yield Path(where), {tag: header.get(tag) for tag in TAGS}
            break


def _open(uid: str, path: Path, header: dict[str, object], file: ReaderFile) -> OpenScan:
    image = read_image(path, series=uid)
    found = consensus(file.readings, stored_grid(path, header, image))
    known = WholeScan(uid, path, uid, found.nodules, found.excluded, True)
    return OpenScan(known, image, found.readers)
