"""A folder of nodule cubes (`luna16_nodules`' layout) cut out of whole scans: what networks for cubes are trained on.

Each scan has a folder below ``scans`` with what was cut from it, so that an interrupted preparation goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....imaging.resample import sample_grid
from ..luna16_nodules import HU_LOW, HU_STEP
from .scan_set import OpenScan

SIDE = 50
"""Voxels of 1 mm along each side of a cube."""
SCANS, KNOWN, CUBES = "scans", "known.json", "cubes.npy"


def to_bytes(hu: np.ndarray) -> np.ndarray:
    """Store Hounsfield units as the cubes do: uint8 steps of 8 HU from -1024."""
    return np.clip(np.round((hu - HU_LOW) / HU_STEP), 0, 255).astype(np.uint8)


def write_scan_cubes(folder: Path, scan: OpenScan, fold: str) -> None:
    """Write the cubes around a scan's nodules, the nodule in the middle, and everything that is known of the scan.

    Beyond the scan its outermost voxels go on.
    """
    known = scan.known
    origins = known.nodules[:, :3] - (SIDE - 1) / 2
    cubes = [to_bytes(sample_grid(scan.image, origin, (SIDE,) * 3).voxels) for origin in origins]
    np.save(folder / CUBES, np.array(cubes, np.uint8).reshape(-1, SIDE, SIDE, SIDE))
    values = {
        "series": known.name,
        "fold": fold,
        "nodules": known.nodules.tolist(),
        "excluded": known.excluded.tolist(),
        "origins": origins.tolist(),
        "readers": [[_plain(rating) for rating in ratings] for ratings in scan.readers],
    }
    (folder / KNOWN).write_text(json.dumps(values), encoding="utf-8")


def _plain(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(v) else float(v) for v in values]


def write_cube_folder(folder: Path) -> None:
    """Join what `write_scan_cubes` left in the folders of scans: ``cubes.npz``, ``nodules.csv``, ``folds.csv``, LUNA16's tables."""
    from ....findings.formats.tables import write_rows

    # Names with a dot are what an interruption left behind.
    scans = sorted(path.parent for path in (folder / SCANS).glob(f"[!.]*/{KNOWN}"))
    known = [_read_known(path / KNOWN) for path in scans]
    place = ("coordX", "coordY", "coordZ", "diameter_mm")
    write_rows(folder / "folds.csv", ("seriesuid", "fold"), [(k["series"], k["fold"]) for k in known])
    for name, key in (("annotations", "nodules"), ("annotations_excluded", "excluded")):
        rows = [(k["series"], x, y, z, d) for k in known for z, y, x, d in k[key]]
        write_rows(folder / f"{name}.csv", ("seriesuid", *place), rows)
    rated = any(k["readers"] for k in known)
    header = ("index", "seriesuid", *place, "originX", "originY", "originZ", "direction_xy")
    nodules = [(index, *row) for index, row in enumerate(row for k in known for row in _nodules(k, rated))]
    write_rows(folder / "nodules.csv", (*header, *(("readers",) if rated else ())), nodules)
    differences = np.empty((len(nodules), SIDE, SIDE, SIDE), np.uint8)
    start = 0
    for path in scans:
        cubes = np.load(path / CUBES)
        differences[start : start + len(cubes)] = np.diff(cubes, axis=1, prepend=np.uint8(0))
        start += len(cubes)
    partial = folder / ".cubes.npz"
    np.savez(partial, cubes_dz=differences)
    partial.replace(folder / "cubes.npz")


def _read_known(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _nodules(known: dict[str, Any], rated: bool) -> Iterator[Sequence[object]]:
    for i, (nodule, origin) in enumerate(zip(known["nodules"], known["origins"], strict=True)):
        z, y, x, diameter = nodule
        row = [known["series"], x, y, z, diameter, *origin[::-1], 1]
        yield [*row, json.dumps(known["readers"][i])] if rated else row
