"""Lung masks of radiographs: two small sets of them, and reading the masks of any set.

*lung_masks_100*: ``labels.csv`` beside 70 radiographs of patients with pneumonia and their label images (1 right
lung, 2 left lung, 3 heart and mediastinum, 4 pleural effusion), to measure on and not to train on, because of the radiographs'
licences. *lung_masks*: ``N.jpg`` with ``N-mask.png``, both lungs in one mask, the sides not told apart.

Lung are labels 1 and 2 alone. Where an effusion is drawn (4), the lung behind it is not counted: the published masks leave it out
of 1 and 2, and it is opaque on the radiograph.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import DatasetError
from .radiograph_files import by_name, image_files, read_listing, require_files
from .radiographs import RadiographCase

TABLE = "labels.csv"
COLUMNS = ("file", "labels", "use")
RIGHT, LEFT, BOTH = 1, 2, 255
"""Values of `read_lungs`."""
NAME_100 = "lung_masks_100"
NAME = "lung-segmentation-2d"
LICENCE = "MIT (imlab-uiip/lung-segmentation-2d)"
MASK = "-mask.png"


class _Pair(NamedTuple):
    radiograph: Path
    mask: Path


def lung_masks_100_cases(folder: Path) -> list[RadiographCase]:
    """List the radiographs of ``lung_masks_100``; whether they show nodules is not known.

    Raises
    ------
    DatasetError, FindingsFileError
        A file is missing, damaged or listed twice.
    """
    table, rows = read_listing(folder, TABLE, COLUMNS)
    pairs = {name: row["labels"] for name, row in rows.items()}
    files = by_name(image_files(folder, below=False))
    require_files([*pairs, *pairs.values()], files, table, str(folder))
    return [
        _case(_Pair(files[radiograph], files[labels]), (RIGHT, LEFT)) for radiograph, labels in pairs.items()
    ]


def lung_masks_cases(folder: Path) -> list[RadiographCase]:
    """List the radiographs of ``lung_masks``; whether they show nodules is not known.

    Raises
    ------
    DatasetError
        A mask has no radiograph.
    """
    files = by_name(image_files(folder, below=False))
    cases = []
    for name in sorted(n for n in files if n.endswith(MASK)):
        stem = name.removesuffix(MASK)
        radiograph = next((p for n, p in files.items() if p.stem == stem and n != name), None)
        if radiograph is None:
            raise DatasetError(
                f"{files[name]} is the mask of a radiograph that is not there: copy {stem}.jpg beside it."
            )
        cases.append(_case(_Pair(radiograph, files[name]), (BOTH,)))
    return cases


def _case(pair: _Pair, labels: tuple[int, ...]) -> RadiographCase:
    return RadiographCase(
        path=pair.radiograph,
        name=pair.radiograph.name,
        background=pair.radiograph.stem,
        lungs=pair.mask,
        lung_labels=labels,
    )


def read_lungs(case: RadiographCase) -> np.ndarray | None:
    """Read the lungs of a radiograph as labels.

    Returns
    -------
    uint8 (h, w)
        1 the patient's right lung, 2 the left, 255 lung of either side, 0 everything else; in the pixels of the mask, which may be
        fewer than the radiograph's. None where nobody outlined them.

    Raises
    ------
    DatasetError
        A mask is missing, damaged, or the two sides do not fit each other.
    """
    if case.lungs is None:
        return None
    values = _picture(case.lungs)
    if case.left_lung is None:
        return np.where(np.isin(values, case.lung_labels), values, 0).astype(np.uint8)
    left = _picture(case.left_lung)
    if left.shape != values.shape:
        raise DatasetError(
            f"{case.lungs} and {case.left_lung} have different sizes: get both again from their source."
        )
    return np.where(values > 127, RIGHT, np.where(left > 127, LEFT, 0)).astype(np.uint8)


def _picture(path: Path) -> np.ndarray:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            # A PNG's palette colours its labels; a GIF has nothing but a palette, and its colours are the mask.
            as_gray = picture.format == "GIF" or picture.mode not in ("L", "P", "I", "I;16")
            return np.asarray(picture.convert("L") if as_gray else picture)
    except FileNotFoundError:
        raise DatasetError(f"the lung mask {path} is missing.") from None
    except (UnidentifiedImageError, OSError) as error:
        raise DatasetError(f"the lung mask {path} cannot be read; copy it again from its source.") from error
