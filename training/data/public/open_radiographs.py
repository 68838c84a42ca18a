"""Any folder of radiographs: what it is, told by its files, and the test set in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import DatasetError
from . import coco, jsrt, lung_masks, nih, nih_films, node21
from .folder_radiographs import Part, part_of
from .radiograph_files import first_file
from .radiographs import RadiographCase

PREPARED = "radiographs.npz"
"""The file of the prepared simulation."""


class Layout(NamedTuple):
    """One kind of folder: how it is recognised, read, and what its card says."""

    name: str
    licence: str
    files: str
    recognised: Callable[[Path], bool]
    cases: Callable[[Path], list[RadiographCase]]
    measure_only: bool = False


def _has(name: str) -> Callable[[Path], bool]:
    return lambda folder: first_file(folder, name) is not None


def _has_columns(name: str, columns: Sequence[str]) -> Callable[[Path], bool]:
    def recognised(folder: Path) -> bool:
        path = first_file(folder, name)
        if path is None:
            return False
        from ...findings.formats.tables import cells_of, plain_name

        _, header = next(cells_of(path, columns), (1, []))
        return set(map(plain_name, columns)) <= set(map(plain_name, header))

    return recognised


LAYOUTS = (
    Layout(
        *(
            jsrt.NAME,
            jsrt.LICENCE,
            "metadata.csv with the columns subtlety, lungs and fold (JSRT in NODE21's columns)",
        ),
        *(_has_columns(node21.TABLE, node21.JSRT_COLUMNS), node21.jsrt_rows_cases),
    ),
    Layout(
        *(node21.NAME, node21.LICENCE, "metadata.csv and images/ (NODE21, or a simulated test set)"),
        *(_has(node21.TABLE), node21.node21_cases),
    ),
    Layout(
        *(nih.NAME, nih.LICENCE, "Data_Entry_2017*.csv (NIH ChestX-ray14)"),
        *(_has(nih.ENTRIES), nih.nih_cases),
    ),
    Layout(
        *(nih.NAME, nih.LICENCE, "films.csv with or without boxes.csv (selections of NIH ChestX-ray14)"),
        *(_has_columns(nih_films.TABLE, nih_films.COLUMNS), nih_films.nih_films_cases),
    ),
    Layout(
        *(jsrt.NAME, jsrt.LICENCE, "CLNDAT_EN.txt (JSRT, with the masks of SCR if you have them)"),
        *(lambda folder: jsrt.jsrt_table(folder) is not None, jsrt.jsrt_cases),
    ),
    Layout(
        *(nih.NAME, nih.LICENCE, "labels.csv with the columns file, finding_labels, patient, rotated_90"),
        *(_has_columns(nih.SMALL, nih.SMALL_COLUMNS), nih.small_nih_cases),
    ),
    Layout(
        *(lung_masks.NAME_100, "", "labels.csv with the columns file, labels, use (lung_masks_100)"),
        *(_has_columns(lung_masks.TABLE, lung_masks.COLUMNS), lung_masks.lung_masks_100_cases, True),
    ),
    Layout(
        *(lung_masks.NAME, lung_masks.LICENCE, "N.jpg with N-mask.png (lung_masks)"),
        *(_has("*" + lung_masks.MASK), lung_masks.lung_masks_cases),
    ),
    Layout(
        *(coco.NAME, coco.LICENCE, "a json with images and annotations (COCO)"),
        *(lambda folder: bool(coco.coco_files(folder)), coco.coco_cases),
    ),
)
"""In the order in which they are looked for."""


def layout_of(folder: Path) -> Layout:
    """Which layout a folder has.

    Raises
    ------
    DatasetError
        It is no folder, or none of them; the message lists what was looked for.
    """
    if not folder.is_dir():
        raise DatasetError(
            f"{folder} is no folder: name the folder that holds the radiographs and their table."
        )
    for layout in LAYOUTS:
        if layout.recognised(folder):
            return layout
    looked_for = "; ".join(layout.files for layout in LAYOUTS)
    raise DatasetError(
        f"{folder} holds no set of radiographs that is read here. Looked for: {looked_for}.{_hint(folder)}"
    )


def _hint(folder: Path) -> str:
    """Where such a set lies below, at most two folders down: archives are often unpacked into a folder of their own."""
    inner = sorted(p for pattern in ("*/", "*/*/") for p in folder.glob(pattern))
    for place in inner:
        if any(layout.recognised(place) for layout in LAYOUTS):
            return f" There is one in {place}: name that folder."
    return ""


def open_radiograph_cases(folder: str | Path, part: Part = "all") -> list[RadiographCase]:
    """The radiographs of a test set with their truth.

    Parameters
    ----------
    folder
        In one of `LAYOUTS`.
    part
        ``"held-out"`` for the patients that `fitting.radiograph_sources` keeps away from training (20 %), ``"train"`` for the
        others.

    Raises
    ------
    DatasetError, FindingsFileError
        The folder has none of the layouts, or is incomplete or damaged; the message names the file.
    """
    folder = Path(folder)
    if (folder / PREPARED).is_file():
        raise DatasetError(
            f"{folder} is a prepared simulation to train on: judge networks on a test set that 'lungmtl simulate' wrote, or on a "
            "set of real radiographs."
        )
    cases = part_of(layout_of(folder).cases(folder), part)
    if not cases:
        raise DatasetError(f"{folder} holds no radiograph{'' if part == 'all' else f' of the part {part}'}.")
    return cases
