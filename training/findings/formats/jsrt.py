"""JSRT's table of nodules, ``CLNDAT_EN.txt``.

Ten columns without a header, separated by tabs, lines ending in ``\\r`` alone: file name, subtlety (1 extremely subtle to
5 obvious), size in mm, age, sex, x, y, malignant or benign, location, diagnosis. What is unknown is ``?``. (x, y) is the pixel
in the middle of the nodule on the 2048 × 2048 radiograph of 0.175 mm pixels; the user's guide of 2008 lists other columns.
Shiraishi et al., AJR 174:71–74, 2000; db.jsrt.or.jp.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

from ...error_boundary import reads
from .errors import FindingsFileError
from .pixels import PixelBox
from .tables import bad_line, read_text
from .truth.leniency import left_out

SIDE = 2048
"""Pixels along both sides of a radiograph."""
PIXEL_MM = 0.175


class Nodule(NamedTuple):
    """One row; None or an empty text where the table has ``?`` or nothing."""

    name: str
    subtlety: int | None
    size_mm: float | None
    age: int | None
    sex: str
    x: float | None
    y: float | None
    malignant: bool | None
    location: str
    diagnosis: str

    @property
    def box(self) -> PixelBox | None:
        """The square around the nodule in pixels of the radiograph, None where size or place is unknown."""
        if self.size_mm is None or self.x is None or self.y is None:
            return None
        side = self.size_mm / PIXEL_MM
        # The table names a pixel; its middle lies half a pixel further.
        return PixelBox(self.x + 0.5 - side / 2, self.y + 0.5 - side / 2, side, side)


@reads(FindingsFileError)
def read_nodules(path: Path | str) -> list[Nodule]:
    """The rows of a ``CLNDAT_EN.txt`` (may be gzipped).

    Raises
    ------
    FindingsFileError
        The file is missing, or a row is no nodule's; the message names file and line.
    """
    nodules = []
    text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
    for line, content in enumerate(text.split("\n"), 1):
        if content.strip() and not left_out(line):
            nodules.append(_nodule(path, line, [cell.strip() for cell in content.split("\t")]))
    if not nodules:
        raise FindingsFileError(f"{path} lists no nodule: get it again from its source")
    return nodules


def _nodule(path: Path | str, line: int, cells: list[str]) -> Nodule:
    if len(cells) < 8 or not is_nodule_name(cells[0]):
        raise bad_line(
            path, line, "ten values separated by tabs are expected, the first a name such as JPCLN001.IMG"
        )
    subtlety, size, age, x, y = (_value(path, line, cells[i]) for i in (1, 2, 3, 5, 6))
    if size is not None and not size > 0:
        raise bad_line(path, line, f"the nodule's size is {cells[2]}")
    sex, malignant = "" if cells[4] == "?" else cells[4], cells[7].lower()
    location, diagnosis = (*cells[8:10], "", "")[:2]
    return Nodule(
        *(
            cells[0],
            None if subtlety is None else int(subtlety),
            size,
            None if age is None else int(age),
            sex,
        ),
        *(x, y, {"malignant": True, "benign": False}.get(malignant), location, diagnosis),
    )


def _value(path: Path | str, line: int, text: str) -> float | None:
    if text in ("", "?"):
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise bad_line(path, line, f"{text!r} is no number")
    return value


def is_nodule_name(name: str) -> bool:
    """Whether a file's name is that of a radiograph with a nodule, ``JPCLN001`` to ``JPCLN154``."""
    return name.upper().startswith("JPCLN")


def is_clear_name(name: str) -> bool:
    """Whether a file's name is that of a radiograph without nodules, ``JPCNN001`` to ``JPCNN093``."""
    return name.upper().startswith("JPCNN")
