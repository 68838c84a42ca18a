"""NIH ChestX-ray14: 112,120 chest radiographs of 30,805 patients with labels mined from reports, 984 boxes on some 880 of them.

``Data_Entry_2017.csv`` (or ``Data_Entry_2017_v2020.csv``) with the pictures in ``images``, ``images_001/images`` … or anywhere
below, and ``BBox_List_2017.csv`` if there is one; pictures that are not there are passed over, because hardly anyone has all.
The labels Nodule and Mass count as nodules. A radiograph with such a label but without such a box is positive with its places
unknown: it is evaluated as an image and trains nothing. A radiograph without such a label counts as free of nodules, as far as its
report told.

Also a small set: ``labels.csv`` beside 75 pictures, without boxes, some lying on their side.
Wang et al., CVPR 2017, doi:10.1109/CVPR.2017.369; nihcc.app.box.com/v/ChestXray-NIHCC.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...findings.formats.nih import NODULES, SIDE, Entry, read_boxes, read_entries, split
from ...findings.formats.pixels import PixelBox
from ..errors import DatasetError
from .radiograph_files import by_name, corners, first_file, image_files, read_listing, require_files, size_of
from .radiographs import RadiographCase

ENTRIES = "Data_Entry_2017*.csv"
BOXES = "BBox_List_2017.csv"
SMALL = "labels.csv"
SMALL_COLUMNS = ("file", "finding_labels", "patient", "rotated_90")
NAME = "NIH ChestX-ray14"
LICENCE = "NIH Clinical Center: free to use; citation, acknowledgement and a link to the download site are asked for"


def nih_cases(folder: Path) -> list[RadiographCase]:
    """The radiographs that are there, in the order of the table.

    Raises
    ------
    DatasetError, FindingsFileError
        A file is missing or damaged, no picture of the table is there, or a box lies outside its picture.
    """
    table = first_file(folder, ENTRIES)
    if table is None:
        raise DatasetError(f"{folder} has no {ENTRIES}.")
    files = by_name(image_files(folder))
    entries = [entry for entry in read_entries(table) if entry.name in files]
    if not entries:
        raise DatasetError(
            f"{folder} holds none of the pictures that {table} names: copy the folder images there."
        )
    boxes = _nodules(first_file(folder, BOXES))
    return [_case(entry, files[entry.name], boxes.get(entry.name, [])) for entry in entries]


def _nodules(path: Path | None) -> dict[str, list[PixelBox]]:
    found: dict[str, list[PixelBox]] = {}
    for one in read_boxes(path) if path is not None else ():
        if one.label in NODULES:
            found.setdefault(one.name, []).append(one.box)
    return found


def _case(entry: Entry, path: Path, boxes: list[PixelBox], upright: bool = True) -> RadiographCase:
    positive = entry.has_nodule or bool(boxes)
    size = size_of(path) if boxes else None
    if size is not None:  # copies at other sizes are common
        boxes = [box.scaled(size[1] / SIDE, size[0] / SIDE) for box in boxes]
    return RadiographCase(
        path=path,
        name=entry.name,
        boxes=corners(boxes, path, size) if boxes or not positive else None,
        positive=positive,
        background=entry.patient or path.stem.partition("_")[0],
        diameter_mm=np.full(len(boxes), np.nan, np.float32),
        upright=upright,
    )


def small_nih_cases(folder: Path) -> list[RadiographCase]:
    """List the radiographs of the small set; those that lie on their side are marked so.

    Raises
    ------
    DatasetError, FindingsFileError
        A file is missing, damaged or listed twice.
    """
    table, rows = read_listing(folder, SMALL, SMALL_COLUMNS)
    files = by_name(image_files(folder, below=False))
    require_files(rows, files, table, str(folder))
    return [
        _case(
            Entry(name, split(row["finding_labels"]), row["patient"]),
            files[name],
            [],
            upright=row["rotated_90"] in ("", "0"),
        )
        for name, row in rows.items()
    ]
