"""ChestX-Det10's ``train.json`` and ``test.json``: boxes of three radiologists on radiographs of NIH ChestX-ray14.

A list with one object for each picture: ``file_name``, ``syms`` (ten kinds of finding) and ``boxes`` ([x1, y1, x2, y2] in pixels of
the 1024 × 1024 picture), in the same order. A picture without findings has empty lists. Liu et al., arXiv:2006.10550.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ....error_boundary import reads
from ..errors import FindingsFileError
from ..json_document import read_json
from ..json_values import checked, numbers, texts
from ..nih import NODULES, SIDE
from ..pixels import PixelBox
from ..truth.leniency import passed_over

__all__ = ["SIDE", "Picture", "is_chestxdet10", "read_pictures"]


class Picture(NamedTuple):
    """A picture with the boxes of its nodules and masses, in pixels."""

    name: str
    boxes: tuple[PixelBox, ...]


def is_chestxdet10(document: Any) -> bool:
    """Whether the values of a JSON file are such a list."""
    return (
        isinstance(document, list)
        and bool(document)
        and any(
            isinstance(entry, dict) and {"file_name", "syms", "boxes"} <= set(entry)
            for entry in document[:100]
        )
    )


@reads(FindingsFileError)
def read_pictures(path: Path | str) -> list[Picture]:
    """Read the pictures of a file (may be gzipped), those without nodules too.

    Raises
    ------
    FindingsFileError
        The file is missing or damaged; the message says which entry is wrong.
    """
    pictures: list[Picture] = []
    for i, entry in enumerate(checked(read_json(path), list), 1):
        say = partial(_damaged, path, i)
        with passed_over(say):
            try:
                pictures.append(_picture(checked(entry, dict)))
            except (KeyError, TypeError, ValueError) as error:
                raise say(f"{error} is missing" if isinstance(error, KeyError) else str(error)) from error
    return pictures


def _damaged(path: Path | str, entry: int, why: str) -> FindingsFileError:
    return FindingsFileError(f"{path}, picture {entry}: {why}; correct or delete the entry")


def _picture(entry: dict[str, Any]) -> Picture:
    kinds, boxes = texts(entry["syms"]), checked(entry["boxes"], list)
    if len(kinds) != len(boxes):
        raise ValueError(f"{len(kinds)} findings and {len(boxes)} boxes")
    return Picture(
        checked(entry["file_name"], str),
        tuple(_box(box) for kind, box in zip(kinds, boxes, strict=True) if kind in NODULES),
    )


def _box(value: Any) -> PixelBox:
    corners = numbers(value)
    if len(corners) != 4 or not (corners[0] < corners[2] and corners[1] < corners[3]):
        raise ValueError(f"a box is {list(corners)}, not x1, y1, x2, y2 with x1 < x2 and y1 < y2")
    x1, y1, x2, y2 = corners
    return PixelBox(x1, y1, x2 - x1, y2 - y1)
