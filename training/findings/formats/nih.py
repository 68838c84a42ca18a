"""NIH ChestX-ray14's tables: ``Data_Entry_2017.csv`` (also ``_v2020``) and ``BBox_List_2017.csv``.

The headers have unquoted commas inside their names (``Bbox [x,y,w,h]``), and some copies quote them or end every line with
empty columns, so that the boxes are found by their place in the row. Boxes are in pixels of the 1024 × 1024 pictures. Labels were
mined from reports (14 findings joined by ``|``, or ``No Finding``); boxes exist for about 880 pictures, and not every nodule on
them need have one. Wang et al., CVPR 2017; nihcc.app.box.com/v/ChestXray-NIHCC.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ...error_boundary import reads
from .errors import FindingsFileError
from .pixels import PixelBox
from .tables import bad_line, number, read_lines, read_rows

SIDE = 1024
"""Pixels along both sides of the pictures that boxes are given on."""
NODULES = ("Nodule", "Mass")
"""Findings that are nodules here: a mass is one of more than 3 cm."""
BOX_COLUMNS = ("Image Index", "Finding Label")
ENTRY_COLUMNS = ("Image Index", "Finding Labels", "Patient ID")


class LabelledBox(NamedTuple):
    """A box around one finding on one picture."""

    name: str
    label: str
    box: PixelBox


class Entry(NamedTuple):
    """What is known of one picture."""

    name: str
    labels: tuple[str, ...]
    patient: str

    @property
    def has_nodule(self) -> bool:
        """Whether a nodule or mass was reported."""
        return any(label in NODULES for label in self.labels)


@reads(FindingsFileError)
def read_boxes(path: Path | str) -> list[LabelledBox]:
    """All boxes of a ``BBox_List_2017.csv`` (may be gzipped), of every finding.

    Raises
    ------
    FindingsFileError
        The file, a column or a value is missing or damaged; the message names file and line.
    """
    lines = read_lines(path, BOX_COLUMNS)
    next(lines)
    boxes = []
    for line, values in lines:
        cells = dict(zip(("x", "y", "w", "h"), values[2:6], strict=False))
        if len(cells) < 4:
            raise bad_line(path, line, "too few values")
        box = PixelBox(*(number(path, line, cells, column) for column in ("x", "y", "w", "h")))
        if not (box.width > 0 and box.height > 0):
            raise bad_line(path, line, f"the box is {box.width} pixels wide and {box.height} high")
        boxes.append(LabelledBox(values[0], values[1], box))
    return boxes


@reads(FindingsFileError)
def read_entries(path: Path | str) -> list[Entry]:
    """The pictures of a ``Data_Entry_2017.csv`` (may be gzipped).

    Raises
    ------
    FindingsFileError
        The file or a column is missing, or a picture is listed twice.
    """
    entries: dict[str, Entry] = {}
    for line, row in read_rows(path, ENTRY_COLUMNS):
        name = row["Image Index"]
        if name in entries:
            raise bad_line(path, line, f"{name} is listed twice")
        entries[name] = Entry(name, split(row["Finding Labels"]), row["Patient ID"])
    return list(entries.values())


def split(labels: str) -> tuple[str, ...]:
    """The labels of a cell."""
    return tuple(label.strip() for label in labels.split("|") if label.strip())
