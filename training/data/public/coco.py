"""Radiographs with boxes in COCO's detection format: one json, with the images in ``images``, beside it, or anywhere below.

The folder holds the json itself or in ``annotations``. An image without annotations shows no nodule. Patients are not part of the
format: each radiograph counts as one of its own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...findings.formats.coco import CocoImage, read_coco
from ...findings.formats.errors import FindingsFileError
from ...findings.formats.json_document import read_json
from ..errors import DatasetError
from .radiograph_files import by_name, corners, image_files, require_files, size_of
from .radiographs import RadiographCase

NAME = "COCO"
LICENCE = "not stated in the file"


def coco_files(folder: Path) -> list[Path]:
    """The COCO files of a folder: json with images and annotations, in it or in ``annotations``."""
    return [p for p in sorted([*folder.glob("*.json"), *folder.glob("annotations/*.json")]) if _is_coco(p)]


def _is_coco(path: Path) -> bool:
    try:
        document = read_json(path)
    except FindingsFileError:
        return False
    return isinstance(document, dict) and {"images", "annotations"} <= set(document)


def coco_cases(folder: Path) -> list[RadiographCase]:
    """List the radiographs of a folder with one COCO file, in the order of the file.

    Raises
    ------
    DatasetError, FindingsFileError
        There are several such files, one is damaged, a radiograph is missing or named twice, or a box lies outside its radiograph.
    """
    tables = coco_files(folder)
    if len(tables) != 1:
        held = ", ".join(str(p.relative_to(folder)) for p in tables) or "none"
        raise DatasetError(f"{folder} must hold one COCO file, it holds {held}: keep the one that is meant.")
    images = read_coco(tables[0])
    files = _files(folder, images, tables[0])
    names = [Path(image.file_name).name for image in images]
    if twice := next((n for i, n in enumerate(names) if n in names[:i]), None):
        raise DatasetError(f"{tables[0]} names the image {twice} twice: join their annotations under one id.")
    return [_case(image, files[Path(image.file_name).name]) for image in images]


def _files(folder: Path, images: list[CocoImage], table: Path) -> dict[str, Path]:
    """Each image's file by its name: where the file says, else anywhere below."""
    placed = {
        Path(image.file_name).name: path
        for image in images
        for path in (folder / "images" / image.file_name, folder / image.file_name)
        if path.is_file()
    }
    names = [Path(image.file_name).name for image in images]
    if any(name not in placed for name in names):
        placed = by_name(image_files(folder)) | placed
    require_files(names, placed, table, str(folder))
    return placed


def _case(image: CocoImage, path: Path) -> RadiographCase:
    size = size_of(path) or image.shape
    scale = size[1] / image.shape[1], size[0] / image.shape[0]
    boxes = [a.box.scaled(*scale) for a in image.annotations]
    return RadiographCase(
        path=path,
        name=path.name,
        boxes=corners(boxes, path, size),
        positive=bool(boxes),
        background=path.stem,
        diameter_mm=np.full(len(boxes), np.nan, np.float32),
    )
