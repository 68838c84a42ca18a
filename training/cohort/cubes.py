"""Nodules of a folder of cubes: the table at once, a cube as a CT image when it is asked for."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..crossval.out_of_fold_file import read_out_of_fold
from ..data.arrays import open_arrays
from ..data.public.lidc_ratings import read_ratings
from ..data.public.luna16_nodules import COLUMNS, to_hu
from ..file_stamp import file_stamp
from ..findings import ATTRIBUTES, Finding, Provenance, Sphere
from ..findings.formats.tables import bad_line, number, read_rows
from ..imaging.image import Image
from ..metrics.characterisation.out_of_fold import OutOfFold
from .cohort import Cohort, CohortError, Nodule

TABLE, CUBES = "nodules.csv", "cubes.npz"
READERS = Provenance(model="LUNA16", version="annotation")
NODULE_CUBE = "nodule_cube"
"""Key of `Image.metadata` that tells a cube: its folder and number."""


def load_cubes_table(folder: Path, predictions: Path | None) -> Cohort:
    """The nodules of ``nodules.csv`` with their readers' means, and what a network says of them.

    Raises
    ------
    CohortError, FindingsFileError
        A file is missing or damaged, or the predictions are of other nodules.
    """
    if not (folder / TABLE).exists():
        raise CohortError(f"{folder / TABLE} is missing: a folder of nodule cubes needs it beside {CUBES}.")
    rows = [
        _nodule(folder, position, line, row)
        for position, (line, row) in enumerate(read_rows(folder / TABLE, COLUMNS))
    ]
    if not rows:
        raise CohortError(f"{folder / TABLE} names no nodule.")
    problems: tuple[str, ...] = ()
    if predictions is not None:
        rows, problems = _with_predictions(rows, read_out_of_fold(predictions), predictions)
    return Cohort(folder, tuple(rows), problems)


def read_cube(folder: Path, number_: int) -> Image:
    """A cube as a CT: Hounsfield units on LPS+ axes, 1 mm, where it lies in its scan.

    It has no `source`: what a person does to it is saved in a folder of the user and not among the cubes, whose files bear
    no name for each.

    Raises
    ------
    CohortError, FindingsFileError
        The cube is missing or a file is damaged.
    """
    rows = enumerate(read_rows(folder / TABLE, COLUMNS))
    found = next(
        ((line, row) for position, (line, row) in rows if _number_of(row, position) == number_), None
    )
    if found is None:
        raise CohortError(f"{folder / TABLE} names no cube {number_}.")
    line, row = found
    stored = _stored(folder / CUBES)
    if number_ >= len(stored):
        raise CohortError(f"{folder / TABLE} names cube {number_}, but {CUBES} holds {len(stored)}.")
    voxels = np.cumsum(stored[number_], axis=0, dtype=np.uint8)
    origin = [number(folder / TABLE, line, row, name) for name in ("originZ", "originY", "originX")]
    if number(folder / TABLE, line, row, "direction_xy") < 0:
        # The scan's x and y run backwards: turned to LPS+, the first voxel is the one that was last.
        voxels = voxels[:, ::-1, ::-1]
        origin[1] -= voxels.shape[1] - 1
        origin[2] -= voxels.shape[2] - 1
    return Image(
        np.ascontiguousarray(to_hu(voxels).astype(np.int16)),
        "CT",
        (1.0, 1.0, 1.0),
        tuple(origin),
        series_uid=row["seriesuid"],
        metadata={"series_description": f"nodule {number_}", NODULE_CUBE: f"{folder}#{number_}"},
    )


def _stored(path: Path) -> np.ndarray:
    """(n, z, y, x) differences of neighbouring slices; kept, because unpacking them takes seconds."""
    if not path.exists():
        raise CohortError(f"{path} is missing: without it the map can be seen, but no nodule opened.")
    return _unpack(path, file_stamp(path))


@lru_cache(maxsize=1)
def _unpack(path: Path, _stamp: tuple[int, int, int]) -> np.ndarray:
    with open_arrays(path, CohortError) as archive:
        cubes = archive["cubes_dz"]
        if cubes.ndim != 4 or cubes.dtype != np.uint8:
            raise ValueError(f"cubes_dz is {cubes.dtype} with {cubes.ndim} axes, not uint8 with 4")
    return cubes


def _number_of(row: dict[str, str], position: int) -> int:
    return int(row.get("index") or position)


def _nodule(folder: Path, position: int, line: int, row: dict[str, str]) -> Nodule:
    table = folder / TABLE
    x, y, z, diameter = (number(table, line, row, n) for n in ("coordX", "coordY", "coordZ", "diameter_mm"))
    try:
        index = _number_of(row, position)
        sphere = Sphere((z, y, x), diameter)
        readers, votes = _readers(row) if row.get("readers") else ({}, ())
    except ValueError as error:
        raise bad_line(table, line, str(error)) from error
    finding = Finding(sphere, provenance=READERS, id=f"nodule{index}")
    return Nodule(row["seriesuid"], folder, folder, finding, readers, index, votes)


def _readers(row: dict[str, str]) -> tuple[dict[str, float], tuple[int, ...]]:
    """Means of the readers by name, without those that no reader gave, and what each said of malignancy."""
    values = read_ratings(row).values
    rated = np.isfinite(values).any(axis=0)
    names = (*ATTRIBUTES, "malignancy")
    means = {name: float(np.nanmean(values[:, i])) for i, name in enumerate(names) if rated[i]}
    malignancy = values[:, len(ATTRIBUTES)]
    return means, tuple(sorted(np.rint(malignancy[np.isfinite(malignancy)]).astype(int).tolist()))


def _with_predictions(
    nodules: list[Nodule], predicted: OutOfFold, path: Path
) -> tuple[list[Nodule], tuple[str, ...]]:
    place = {int(index): row for row, index in enumerate(predicted.index)}
    result, without = [], 0
    for nodule in nodules:
        row = place.get(nodule.cube) if nodule.cube is not None else None
        if row is None:
            without += 1
            result.append(nodule)
            continue
        if predicted.series[row] != nodule.case:
            raise CohortError(
                f"{path} belongs to other cubes: its nodule {nodule.cube} is of the series {predicted.series[row]}, "
                f"here it is of {nodule.case}."
            )
        attributes = {
            name: float(value)
            for name, value in zip(ATTRIBUTES, predicted.attributes[row], strict=True)
            if np.isfinite(value)
        }
        spread = float(predicted.spread[row])
        finding = replace(
            nodule.finding,
            malignancy=float(predicted.malignancy[row]),
            malignancy_spread=spread if np.isfinite(spread) else None,
            attributes=attributes,
        )
        result.append(replace(nodule, finding=finding))
    if without == len(nodules):
        raise CohortError(f"{path} holds predictions for none of these nodules.")
    problems = (
        (f"{path.name} has no prediction for {without} of the {len(nodules)} nodules.",) if without else ()
    )
    return result, problems
