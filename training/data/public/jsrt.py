"""JSRT, 247 radiographs of which 154 show one nodule each, and SCR, the outlines of their lungs.

The radiographs ``JPCLN001.IMG`` … (with a nodule) and ``JPCNN001.IMG`` … (without) lie anywhere below the folder (published in
``Nodule154images`` and ``NonNodule93images``, or ``All247images``); copies as PNG, TIFF or DICOM will do. ``CLNDAT_EN.txt`` says
where the nodules are: the box is the square of the nodule's size around its centre. SCR's masks lie in
``fold1/masks/right lung/JPCLN001.gif`` and so on, also ``left lung``, ``fold2``, with 1024 pixels for 2048 of the radiograph;
"right" is the patient's right, on the left of the picture. Heart and clavicles are not used here. Where no masks are, lungs are
unknown.

Shiraishi et al., AJR 174:71–74, 2000 (db.jsrt.or.jp); van Ginneken et al., Medical Image Analysis 10:19–40, 2006
(isi.uu.nl/Research/Databases/SCR).
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ...findings.formats.jsrt import SIDE, Nodule, is_clear_name, is_nodule_name, read_nodules
from ..errors import DatasetError
from .radiograph_files import by_name, corners, first_file, image_files, require_files, size_of
from .radiographs import RadiographCase

TABLE = "CLNDAT_EN.txt"
NAME = "JSRT with SCR"
LICENCE = "JSRT: research use, citation asked for; SCR: research and education, no redistribution, no commercial use"
_NO_RADIOGRAPHS = {"masks", "landmarks", "points"}
"""Folders of SCR, whose files have the radiographs' names."""


def jsrt_cases(folder: Path) -> list[RadiographCase]:
    """List the radiographs by name; a radiograph whose nodule's size or place is not known is positive without a box.

    Raises
    ------
    DatasetError, FindingsFileError
        The table is missing, damaged or names radiographs that are not there, or a radiograph with a nodule is not in the table.
    """
    table = jsrt_table(folder)
    if table is None:
        raise DatasetError(f"{folder} has no {TABLE}, neither itself nor in a folder in it.")
    nodules: dict[str, Nodule] = {}
    for nodule in read_nodules(table):
        if nodules.setdefault(_key(nodule.name), nodule) != nodule:
            raise DatasetError(
                f"{table} gives {nodule.name} twice, with different values: delete one of the lines."
            )
    radiographs = by_name(_radiographs(folder))
    keyed = {_key(name): path for name, path in radiographs.items()}
    if len(keyed) < len(radiographs):
        twice = next(p for name, p in radiographs.items() if keyed[_key(name)] != p)
        raise DatasetError(
            f"{twice} and {keyed[_key(twice.name)]} are copies of one radiograph: move one of them away."
        )
    require_files(nodules, keyed, table, str(folder))
    unknown = [path for key, path in keyed.items() if is_nodule_name(key) and key not in nodules]
    if unknown:
        raise DatasetError(
            f"{unknown[0]} shows a nodule by its name, but {table} does not say where: complete the table."
        )
    right, left = (_masks(folder, side) for side in ("right", "left"))
    return [_case(keyed[key], nodules.get(key), right.get(key), left.get(key)) for key in sorted(keyed)]


def jsrt_table(folder: Path) -> Path | None:
    """The table of nodules: in the folder, or in a folder in it (published as ``Clinical_Information``)."""
    places = [folder, *sorted(p for p in folder.iterdir() if p.is_dir())] if folder.is_dir() else []
    return next((found for place in places if (found := first_file(place, TABLE))), None)


def _key(name: str) -> str:
    """The name of a radiograph without suffix: ``JPCLN001``."""
    return Path(name).stem.upper()


def _radiographs(folder: Path) -> list[Path]:
    return [
        path
        for path in image_files(folder)
        if (is_nodule_name(path.name) or is_clear_name(path.name))
        and not _NO_RADIOGRAPHS & {part.lower() for part in path.relative_to(folder).parts[:-1]}
    ]


def _masks(folder: Path, side: str) -> dict[str, Path]:
    """SCR's masks of one lung by the radiograph's name."""
    found = {}
    for path in sorted(folder.rglob("masks/*/*")):
        place = path.parent.name.lower().replace("_", " ").replace("-", " ")
        if place == f"{side} lung" and path.suffix.lower() in (".gif", ".png", ".bmp", ".tif"):
            found[_key(path.name)] = path
    return found


def _case(path: Path, nodule: Nodule | None, right: Path | None, left: Path | None) -> RadiographCase:
    box = nodule.box if nodule is not None else None
    size = (size_of(path) or (SIDE, SIDE)) if box is not None else None
    boxes = [] if box is None or size is None else [box.scaled(size[1] / SIDE, size[0] / SIDE)]
    known = right is not None and left is not None
    diameter = nodule.size_mm if nodule is not None and boxes else None
    return RadiographCase(
        path=path,
        name=path.name,
        boxes=None if nodule is not None and not boxes else corners(boxes, path, size),
        positive=nodule is not None,
        background=_key(path.name),
        lungs=right if known else None,
        left_lung=left if known else None,
        lung_labels=(1, 2),
        diameter_mm=np.array([diameter or math.nan] if boxes else [], np.float32),
    )
