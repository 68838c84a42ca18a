"""Series whose slices lie in the patient in every way that scanners and exports leave them, and where their pixels are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import Dataset

from .exchanged import PATIENT
from .linear_series import SPACING, ct_slice, write

COUNT, STEP = 9, 2.5
START = np.array([-10.0, -20.0, 30.0])


def _about(axis: str, degrees: float) -> tuple[float, ...]:
    a = np.deg2rad(degrees)
    c, s = float(np.cos(a)), float(np.sin(a))
    return (1, 0, 0, 0, c, s) if axis == "x" else (c, s, 0, -s, c, 0)


AXIAL = (1, 0, 0, 0, 1, 0)
ROWS = {
    "axial": AXIAL,
    "to the feet": (1, 0, 0, 0, -1, 0),
    "to the feet, mirrored": (-1, 0, 0, 0, 1, 0),
    "prone": (-1, 0, 0, 0, -1, 0),
    "coronal": (1, 0, 0, 0, 0, -1),
    "sagittal": (0, 1, 0, 0, 0, -1),
    "tilted by 3": _about("x", 3),
    "tilted by 20": _about("x", 20),
    "turned in plane by 20": _about("z", 20),
    "missing slice": AXIAL,
    "uneven": AXIAL,
    "shifted": AXIAL,
    "ramp": AXIAL,
}
"""Orientation of the slices by what is odd about them."""
STRAIGHT = tuple(
    name for name in ROWS if name not in ("tilted by 3", "tilted by 20", "turned in plane by 20", "ramp")
)
"""Those whose slices are not resampled in their plane."""


def slices_of(name: str) -> list[Dataset]:
    """The slices, in the order in which they lie along their normal."""
    rows = np.array(ROWS[name], float)
    # A gantry is tilted against a table that goes along z.
    step = np.array([0, 0, STEP]) if name.startswith("tilted") else np.cross(rows[:3], rows[3:]) * STEP
    places = START + np.arange(COUNT)[:, None] * step
    if name == "uneven":
        places[:, 2] = START[2] + np.array([0, 2, 4, 6, 8, 11, 14, 17, 20])
    elif name == "shifted":
        places[:, :2] += np.random.default_rng(3).normal(0, 1.5, (COUNT, 2))
    elif name == "ramp":
        places[:, 0] += np.arange(COUNT)
    return [
        ct_slice(
            0,
            position=[round(v, 6) for v in place],
            ImageOrientationPatient=list(rows),
            InstanceNumber=k + 1,
            **PATIENT,
        )
        for k, place in enumerate(places)
        if not (name == "missing slice" and k == 3)
    ]


def turned(folder: Path, name: str) -> list[Dataset]:
    """Write a series, and give its slices."""
    datasets = slices_of(name)
    write(datasets, folder)
    return datasets


def places(dataset: Dataset, points: np.ndarray) -> np.ndarray:
    """Places (n, 3) x, y, z of points (n, 2) column, row, the first pixel's outer corner at (0, 0): PS3.3 C.7.6.2.1.1."""
    right, down = np.array(dataset.ImageOrientationPatient, float).reshape(2, 3)
    columns, rows = (np.asarray(points, float).T - 0.5)[:, :, None]
    return (
        np.array(dataset.ImagePositionPatient, float)
        + columns * SPACING[1] * right
        + rows * SPACING[0] * down
    )
