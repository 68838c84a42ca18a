"""NODE21's files: ``metadata.csv`` with one row for each box, and ``nodules.json``, what an entry to the challenge writes.

``metadata.csv`` has the columns ``img_name,height,width,x,y,label`` in any order: `height` and `width` are those of the box, in
pixels of the file; label 1 is a nodule, 0 an image without one (its box is zeros). ``nodules.json`` holds the corners of boxes in
mm from the image's upper left edge (in pixels where the spacing is unknown), with the place of the image in the stack as third
coordinate, and a probability. Layout: node21.grand-challenge.org and github.com/node21challenge/node21_detection_baseline.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...error_boundary import reads
from ..finding import Finding, Findings, ImageReference, Provenance
from .atomic import write_atomically
from .errors import FindingsFileError
from .images.image_names import apart, image_name
from .json_document import read_json
from .json_values import checked, number
from .pixels import PixelBox, grid, plain, to_pixels, to_world
from .tables import bad_line, read_rows, write_rows
from .tables import number as cell

COLUMNS = ("img_name", "height", "width", "x", "y", "label")
NODULES_JSON = "Multiple 2D bounding boxes"
"""The value of ``type`` in ``nodules.json``."""


class Row(NamedTuple):
    """One row of ``metadata.csv``: a box on an image, or None where the image shows no nodule; all cells as text."""

    line: int
    name: str
    box: PixelBox | None
    cells: dict[str, str]


@reads(FindingsFileError)
def read_metadata(path: Path | str) -> list[Row]:
    """The rows of a ``metadata.csv`` (may be gzipped); one that is written twice counts once.

    Raises
    ------
    FindingsFileError
        The file, a column or a value is missing or damaged, or one image is said to have nodules and none.
    """
    rows: dict[tuple[str, PixelBox | None], Row] = {}
    label_of: dict[str, float] = {}
    for line, cells in read_rows(path, COLUMNS):
        name, label = cells["img_name"], cell(path, line, cells, "label")
        if not name:
            raise bad_line(path, line, "no img_name")
        if label not in (0, 1):
            raise bad_line(path, line, f"label is {cells['label']!r}, not 0 or 1")
        if label_of.setdefault(name, label) != label:
            raise bad_line(path, line, f"{name} has label 0 in one row and 1 in another")
        box = _box(path, line, cells) if label else None
        rows.setdefault((name, box), Row(line, name, box, cells))
    return list(rows.values())


def _box(path: Path | str, line: int, cells: dict[str, str]) -> PixelBox:
    box = PixelBox(*(cell(path, line, cells, column) for column in ("x", "y", "width", "height")))
    if not (box.width > 0 and box.height > 0):
        raise bad_line(path, line, f"the box is {box.width} pixels wide and {box.height} high")
    return box


def write_metadata(cases: Iterable[Findings], path: Path | str) -> None:
    """Write a ``metadata.csv`` (gzipped where the name ends in .gz): the boxes of planar findings, rejected ones left out.

    An image without any gets one row with label 0. The file has no place for probabilities: `write_nodules_json` has.

    Raises
    ------
    SaveError
        Nothing tells two images apart, or the file could not be written.
    """
    rows: list[Sequence[object]] = []
    for name, findings in apart(cases, path, image_name):
        boxes = [to_pixels(box, findings.image) for box, _ in _kept(findings)]
        rows += [(name, plain(b.height), plain(b.width), plain(b.x), plain(b.y), 1) for b in boxes]
        if not boxes:
            rows.append((name, 0, 0, 0, 0, 0))
    write_rows(path, COLUMNS, rows)


def _kept(findings: Findings) -> list[tuple[Any, float]]:
    """Box and score of the planar findings that nobody rejected."""
    return [(f.box, float(f.score)) for f in findings if f.status != "rejected" and f.box is not None]


def write_nodules_json(cases: Sequence[Findings], path: Path | str) -> None:
    """Write a ``nodules.json`` for a stack of images, in the order of `cases`; rejected findings are left out.

    Raises
    ------
    SaveError
        The file could not be written.
    """
    boxes = []
    for slice_, findings in enumerate(cases):
        (sy, sx), _ = grid(findings.image)
        for box, score in _kept(findings):
            x, y, width, height = to_pixels(box, findings.image)
            left, right, top, bottom = x * sx, (x + width) * sx, y * sy, (y + height) * sy
            corners = [[right, bottom], [left, bottom], [left, top], [right, top]]
            boxes.append({"corners": [[*c, slice_] for c in corners], "probability": score})
    document = {"type": NODULES_JSON, "boxes": boxes, "version": {"major": 1, "minor": 0}}
    write_atomically(path, json.dumps(document, indent=1).encode() + b"\n")


@reads(FindingsFileError)
def read_nodules_json(path: Path | str, images: Sequence[ImageReference]) -> tuple[Findings, ...]:
    """The boxes of a ``nodules.json``: one `Findings` for each image of the stack.

    A box without a probability has the score 1.

    Raises
    ------
    FindingsFileError
        The file is missing or damaged, or names a place in the stack that `images` does not have.
    """
    try:
        entries = checked(checked(read_json(path), dict)["boxes"], list)
    except (KeyError, TypeError) as error:
        raise FindingsFileError(f"{path} is no nodules.json of NODE21: it needs a list 'boxes'") from error
    items: list[list[Finding]] = [[] for _ in images]
    for i, entry in enumerate(entries, 1):
        try:
            slice_, finding = _entry(checked(entry, dict), images)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise FindingsFileError(f"{path}, box {i}: {error}; correct or delete the box") from error
        items[slice_].append(finding)
    return tuple(Findings(tuple(found), image) for found, image in zip(items, images, strict=True))


def _entry(entry: dict[str, Any], images: Sequence[ImageReference]) -> tuple[int, Finding]:
    corners = [[number(v) for v in checked(c, list)] for c in checked(entry["corners"], list)]
    x, y, z = zip(*corners, strict=True)
    slice_ = int(z[0])
    if not 0 <= slice_ < len(images):
        raise ValueError(f"it lies on image {slice_} of a stack of {len(images)}")
    (sy, sx), _ = grid(images[slice_])
    box = PixelBox(min(x) / sx, min(y) / sy, (max(x) - min(x)) / sx, (max(y) - min(y)) / sy)
    score = number(entry.get("probability", 1.0))
    return slice_, Finding(to_world(box, images[slice_]), score=score, provenance=Provenance(model="node21"))
