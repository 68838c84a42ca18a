"""NODE21: chest radiographs with boxes around nodules, and test sets that ``lungmtl simulate`` writes in the same layout.

``metadata.csv`` (or ``.csv.gz``) beside a folder ``images`` (``*.mha`` of 1024 pixels in the published set; other suffixes are
read too). Of the published archive, name ``cxr_images/proccessed_data`` (so spelt there), whose 4,882 radiographs have 1,476
nodules on 1,134 of them. NODE21 publishes no patient identifiers: each radiograph counts as a patient of its own, though some come
from the same one (in NIH ChestX-ray14). node21.grand-challenge.org, doi:10.5281/zenodo.4725881.

Copies of JSRT in this layout have the further columns ``lungs`` (a file in the folder ``lungs``), ``diameter_mm``, ``subtlety`` (1
extremely subtle, 5 obvious) and ``fold``; all of their radiographs show 0.175 mm × 2048 along a side.

Simulated sets have the further columns ``background`` (the radiograph underneath), ``diameter_mm`` and ``lungs`` (a file in
``masks``: 1 right, 2 left), and ``shams.csv`` with the places where no nodule was put (``img_name,x,y,width,height``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...findings.formats.node21 import Row, read_metadata
from ...findings.formats.pixels import PixelBox
from ...findings.formats.tables import number, read_rows
from ..errors import DatasetError
from .radiograph_files import by_name, corners, first_file, image_files, require_files, size_of
from .radiographs import RadiographCase

TABLE = "metadata.csv"
JSRT_COLUMNS = ("img_name", "diameter_mm", "lungs", "subtlety", "fold")
JSRT_MM = 0.175 * 2048
"""Side of a radiograph of JSRT."""
SHAMS = "shams.csv"
NAME = "NODE21"
LICENCE = (
    "NODE21: see zenodo.org/record/4725881; its radiographs come from JSRT, PadChest, ChestX-ray14 and Open-I"
)


def node21_cases(folder: Path) -> list[RadiographCase]:
    """List the radiographs of a folder in NODE21's layout, in the order of the table.

    Raises
    ------
    DatasetError, FindingsFileError
        A file is missing or damaged, or a box lies outside its radiograph.
    """
    table = first_file(folder, TABLE)
    if table is None:
        raise DatasetError(f"{folder} has no {TABLE}.")
    rows: dict[str, list[Row]] = {}
    for row in read_metadata(table):
        rows.setdefault(row.name, []).append(row)
    images = next((folder / name for name in ("images", "Images") if (folder / name).is_dir()), None)
    where = images or folder  # some copies have the images beside the table
    files = by_name(image_files(where, below=images is not None))
    require_files(rows, files, table, str(where))
    shams = _shams(folder)
    return [_case(folder, table, own, files[name], shams.get(name, [])) for name, own in rows.items()]


def jsrt_rows_cases(folder: Path) -> list[RadiographCase]:
    """List the radiographs of a copy of JSRT in NODE21's layout: `node21_cases` with the size of the pixels."""
    cases = node21_cases(folder)
    sizes = [size_of(case.path) for case in cases]
    return [
        replace(case, mm=JSRT_MM / max(size)) if size is not None else case
        for case, size in zip(cases, sizes, strict=True)
    ]


def _case(
    folder: Path, table: Path, rows: list[Row], path: Path, shams: Sequence[PixelBox]
) -> RadiographCase:
    boxes = [row.box for row in rows if row.box is not None]
    cells = rows[0].cells
    marked = [row for row in rows if row.box is not None]
    diameter, subtlety = (
        [_optional(table, row, column) for row in marked] for column in ("diameter_mm", "subtlety")
    )
    lungs = cells.get("lungs", "")
    size = size_of(path) if boxes or shams else None
    return RadiographCase(
        path=path,
        name=rows[0].name,
        boxes=corners(boxes, path, size),
        positive=bool(boxes),
        background=cells.get("background") or path.stem,
        lungs=_mask(folder, lungs, table) if lungs else None,
        lung_labels=(1, 2),
        diameter_mm=np.array(diameter, np.float32),
        shams=corners(shams, path, size),
        fold=cells.get("fold", ""),
        subtlety=np.array(subtlety, np.float32),
    )


def _optional(table: Path, row: Row, column: str) -> float:
    return number(table, row.line, row.cells, column) if row.cells.get(column) else math.nan


def _mask(folder: Path, name: str, table: Path) -> Path:
    places = [folder / place / name for place in ("masks", "lungs", ".")]
    found = next((path for path in places if path.is_file()), None)
    if found is None:
        raise DatasetError(
            f"the lung mask {name} is named in {table} but is neither in {folder / 'masks'} nor in {folder / 'lungs'}: "
            "copy it there, or empty its cell."
        )
    return found


def _shams(folder: Path) -> dict[str, list[PixelBox]]:
    path = first_file(folder, SHAMS)
    found: dict[str, list[PixelBox]] = {}
    if path is not None:
        for line, row in read_rows(path, ("img_name", "x", "y", "width", "height")):
            box = PixelBox(*(number(path, line, row, column) for column in ("x", "y", "width", "height")))
            found.setdefault(row["img_name"], []).append(box)
    return found
