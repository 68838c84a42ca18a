"""DeepLesion's ``DL_info.csv``: lesions of all kinds on CT, each measured on its key slice.

No position in the patient is published: the world of a series begins at its first pixel, slice k lying at z = −k · interval (slice
numbers grow towards the feet). Yan et al. 2018, doi:10.1117/1.JMI.5.3.036501
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..tables import bad_line, read_rows

LUNG, UNKNOWN = 5, -1
"""Coarse lesion types: the training part has none."""
PARTS = {"1": "train", "2": "val", "3": "test"}
COLUMNS = (
    "File_name",
    "Key_slice_index",
    "Bounding_boxes",
    "Lesion_diameters_Pixel_",
    "Coarse_lesion_type",
    "Slice_range",
    "Spacing_mm_px_",
    "Train_Val_Test",
)


@dataclass(frozen=True, eq=False)
class Lesion:
    """A row of the table.

    Parameters
    ----------
    series
        Folder of its slices.
    sphere
        (4,) z, y, x, diameter in mm.
    kind
        Coarse type.
    first, last
        Slices of its chunk.
    spacing
        z, y, x in mm.
    file
        Name of the key slice, as the table has it.
    box
        x0, y0, x1, y1 in pixels of the key slice.
    """

    series: str
    sphere: np.ndarray
    kind: int
    first: int
    last: int
    spacing: tuple[float, float, float]
    part: str
    noisy: bool
    file: str = ""
    box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


def read_lesions(table: Path | str) -> Iterator[Lesion]:
    """Read the table's rows.

    The paper's rules (§V): the key slice gives z, the box the centre; the diameter is the box's longer side or the longer measured
    diameter, whichever is smaller, because boxes are five pixels wider than what was measured.

    Raises
    ------
    FindingsFileError
        A value is missing or none of its kind; the message names the line.
    """
    for line, row in read_rows(table, COLUMNS, ("Possibly_noisy",)):

        def values(name: str, count: int, row: dict[str, str] = row, line: int = line) -> list[float]:
            try:
                found = [float(part) for part in row[name].split(",")]
            except ValueError:
                found = []
            if len(found) != count or not np.isfinite(found).all():
                raise bad_line(table, line, f"{name} is {row[name]!r}, not {count} numbers")
            return found

        left, top, right, bottom = values("Bounding_boxes", 4)
        longer, _ = values("Lesion_diameters_Pixel_", 2)
        x_mm, y_mm, z_mm = values("Spacing_mm_px_", 3)
        first, last = map(int, values("Slice_range", 2))
        key, kind = int(values("Key_slice_index", 1)[0]), int(values("Coarse_lesion_type", 1)[0])
        part = str(int(values("Train_Val_Test", 1)[0]))
        if min(x_mm, y_mm, z_mm) <= 0 or not first <= key <= last or part not in PARTS:
            raise bad_line(
                table, line, "its spacing, its range of slices or its part is none that DeepLesion has"
            )
        diameter = min(max(right - left, bottom - top), longer) * x_mm
        center = (-key * z_mm, (top + bottom) / 2 * y_mm, (left + right) / 2 * x_mm)
        yield Lesion(
            row["File_name"].rpartition("_")[0],
            np.array([*center, diameter]),
            kind,
            first,
            last,
            (z_mm, y_mm, x_mm),
            PARTS[part],
            row.get("Possibly_noisy", "0") not in ("", "0", "0.0"),
            row["File_name"],
            (left, top, right, bottom),
        )
