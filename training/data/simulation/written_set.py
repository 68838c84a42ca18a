"""Simulated test sets as files, in NODE21's layout: other backgrounds and other nodules than training has seen."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from ..public.radiographs import RadiographSample
from .radiographs import Simulated, SimulatedRadiographs

COLUMNS = ("img_name", "height", "width", "x", "y", "label", "background", "diameter_mm", "lungs")


def write_test_set(
    prepared: Path, out: Path, folds: tuple[str, ...], *, count: int = 12, seed: int = 0
) -> int:
    """Write ``images/``, ``masks/`` (lungs: 1 right, 2 left), ``nodules/``, ``metadata.csv`` and ``shams.csv``.

    Parameters
    ----------
    prepared
        Folder with ``radiographs.npz``.
    folds
        Whose radiographs and nodules are used.
    count
        Images from each radiograph.
    seed
        The same seed gives the same files.

    Returns
    -------
    int
        The number of images.
    """
    radiographs = SimulatedRadiographs(prepared, folds, phantoms=0.0)
    for part in ("images", "masks", "nodules"):
        (out / part).mkdir(parents=True, exist_ok=True)
    rows: list[tuple[object, ...]] = []
    shams: list[tuple[object, ...]] = []
    number = 0
    for radiograph in radiographs.backgrounds:
        for repeat in range(count):
            simulated = radiographs.simulate(
                int(radiograph), np.random.default_rng([seed, int(radiograph), repeat])
            )
            name = f"sim{number:05d}.png"
            _write(simulated, out, name)
            rows += _rows(simulated.radiograph, name)
            shams += [(name, *_xywh(box)) for box in simulated.shams]
            number += 1
    _table(out / "metadata.csv", COLUMNS, rows)
    _table(out / "shams.csv", ("img_name", "x", "y", "width", "height"), shams)
    return number


def _write(simulated: Simulated, out: Path, name: str) -> None:
    radiograph = simulated.radiograph
    assert radiograph.lungs is not None
    assert radiograph.nodules is not None
    Picture.fromarray(np.rint(radiograph.pixels * 255).astype(np.uint8)).save(out / "images" / name)
    Picture.fromarray(
        (radiograph.lungs[0] + 2 * (radiograph.lungs[1] & ~radiograph.lungs[0])).astype(np.uint8)
    ).save(out / "masks" / name)
    Picture.fromarray((radiograph.nodules * 255).astype(np.uint8)).save(out / "nodules" / name)


def _rows(radiograph: RadiographSample, name: str) -> list[tuple[object, ...]]:
    lungs = f"masks/{name}"
    if not radiograph.positive:
        return [(name, 0, 0, 0, 0, 0, radiograph.name, "", lungs)]
    rows: list[tuple[object, ...]] = []
    for box, diameter in zip(radiograph.boxes, radiograph.diameter_mm, strict=True):
        x, y, width, height = _xywh(box)
        rows.append((name, height, width, x, y, 1, radiograph.name, f"{diameter:.2f}", lungs))
    return rows


def _xywh(box: np.ndarray) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = (round(float(v)) for v in box)
    return x0, y0, x1 - x0, y1 - y0


def _table(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
