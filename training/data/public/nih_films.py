"""Selections of NIH ChestX-ray14 by patient and fold: radiographs with boxes of Nodule or Mass, and radiographs without.

``films.csv`` (``img_name,patient,fold,read_by`` …) beside a folder ``images``. Where ``boxes.csv`` (``img_name,label,x,y,width,
height``, pixels of the upright picture of 1024) is there, each radiograph has its nodules in it; the boxes of BBox_List_2017 are
one for each label and generous, so that there may be more nodules where three radiologists (``read_by`` has ``chestxdet10``) did
not look. Where it is not, the radiographs show no nodule; ``kind`` is ``read`` where the radiologists found none, else a report's
word.

A column ``folder`` names the folder beside this one that holds a picture (`nih.small_nih_cases`, whose pictures may lie on their
side). Radiographs that were read and show no nodule, in a folder ``nih_clear`` beside one with boxes, are that one's controls.
Liu et al., arXiv:2006.10550 (ChestX-Det10); Wang et al., doi:10.1109/CVPR.2017.369.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...findings.formats.nih import SIDE
from ...findings.formats.pixels import PixelBox
from ...findings.formats.tables import bad_line, number, read_rows
from ..errors import DatasetError
from .nih import SMALL, SMALL_COLUMNS
from .radiograph_files import by_name, corners, first_file, image_files, read_listing, require_files, size_of
from .radiographs import RadiographCase

TABLE = "films.csv"
COLUMNS = ("img_name", "patient", "fold", "read_by")
BOXES = "boxes.csv"
BOX_COLUMNS = ("img_name", "label", "x", "y", "width", "height")
CLEAR = "nih_clear"
READ = "read"
RADIOLOGISTS = "chestxdet10"
"""In ``read_by`` where every nodule has a box."""


def nih_films_cases(folder: Path, *, controls: bool = True) -> list[RadiographCase]:
    """List the radiographs of a selection, in the order of its table, and its controls behind them.

    Parameters
    ----------
    controls
        Whether the read radiographs of ``nih_clear`` beside the folder belong to it.

    Raises
    ------
    DatasetError, FindingsFileError
        A file is missing, damaged or listed twice, or a box lies outside its radiograph.
    """
    table = first_file(folder, TABLE)
    if table is None:
        raise DatasetError(f"{folder} has no {TABLE}.")
    rows: dict[str, dict[str, str]] = {}
    for line, row in read_rows(table, COLUMNS):
        if row["img_name"] in rows:
            raise bad_line(table, line, f"{row['img_name']} is listed twice")
        rows[row["img_name"]] = row
    boxed = first_file(folder, BOXES)
    if boxed is None:
        files = by_name(image_files(folder))
        require_files(rows, files, table, str(folder))
        return [_case(row, files[name], [], True) for name, row in rows.items()]
    boxes = _boxes(boxed)
    if strangers := [name for name in boxes if name not in rows]:
        raise DatasetError(f"{boxed} has a box on {strangers[0]}, which {table} does not list: add its row.")
    here = by_name(image_files(folder))
    own = [name for name, row in rows.items() if name in here or row.get("folder", "") in ("", folder.name)]
    require_files(own, here, table, str(folder))
    cases = []
    for name, row in rows.items():
        path, upright = (here[name], True) if name in here else _elsewhere(folder, table, row)
        cases.append(_case(row, path, boxes.get(name, []), upright))
    beside = folder.parent / CLEAR
    if controls and first_file(beside, TABLE) is not None:
        cases += [case for case in nih_films_cases(beside) if case.group == READ]
    return cases


def _elsewhere(folder: Path, table: Path, row: dict[str, str]) -> tuple[Path, bool]:
    """A picture in another folder, of any suffix, and whether it stands upright."""
    place, stem = folder.parent / row["folder"], Path(row["img_name"]).stem
    path = next((p for p in sorted(place.glob(f"{stem}.*"))), None)
    if path is None:
        raise DatasetError(f"{table} says that {stem} lies in {place}, but it does not: copy it there.")
    if first_file(place, SMALL) is None:
        return path, True
    listed = read_listing(place, SMALL, SMALL_COLUMNS)[1].get(path.name, {})
    return path, listed.get("rotated_90", "") in ("", "0")


def _boxes(table: Path) -> dict[str, list[PixelBox]]:
    found: dict[str, list[PixelBox]] = {}
    for line, row in read_rows(table, BOX_COLUMNS):
        box = PixelBox(*(number(table, line, row, column) for column in BOX_COLUMNS[2:]))
        if not (box.width > 0 and box.height > 0):
            raise bad_line(table, line, f"the box is {box.width:g} pixels wide and {box.height:g} high")
        found.setdefault(row["img_name"], []).append(box)
    return found


def _case(row: dict[str, str], path: Path, boxes: list[PixelBox], upright: bool) -> RadiographCase:
    size = size_of(path) if boxes else None
    if size is not None:
        # The boxes are in the upright picture, and so is what `read_radiograph` gives.
        size = size if upright else size[::-1]
        boxes = [box.scaled(size[1] / SIDE, size[0] / SIDE) for box in boxes]
    return RadiographCase(
        path=path,
        name=row["img_name"],
        boxes=corners(boxes, path, size),
        positive=bool(boxes),
        background=row["patient"] or path.stem.partition("_")[0],
        diameter_mm=np.full(len(boxes), np.nan, np.float32),
        upright=upright,
        truth_upright=True,
        fold=row["fold"],
        complete=not boxes or RADIOLOGISTS in row["read_by"],
        generous=True,
        group=row.get("kind", "") or ("boxed" if boxes else ""),
    )
