"""Findings as rows of a Points layer, and the rows' way back.

Points are kept in world millimetres divided by `SCALE`, with the layer's scale `SCALE` along every axis: napari draws sizes
in data units times the last scale, and shows a sphere only within half a data unit of the slice (±30 mm here).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...text.votes import UNLIKE, is_unlike, shown_malignancy
from ...training.findings import Finding, Sphere
from ...training.findings.history import correction, outlined_by
from ..malignancy_colors import malignancy_colors
from ..reconcile import Edit, reconcile

SCALE = 60.0
"""Millimetres of a data unit: spheres are drawn whole up to this diameter."""
NEW_DIAMETER = 8.0
"""Diameter (mm) of a sphere that a person sets with a click."""
SMALLEST = 1.0
"""Diameter (mm) below which no sphere can be shrunk."""
BORDER = 0.02
"""Width of a border, as a part of its sphere: it lies half outside, and a wider one would draw spheres too large."""
LARGEST = 150.0
"""Diameter (mm) above which no sphere can be widened."""
TOLERANCE = 1e-3
"""Millimetres; less is rounding, not an edit."""

NEW_ROW = {
    "id": "",
    "label": "",
    "score": np.nan,
    "diameter": NEW_DIAMETER,
    "malignancy": np.nan,
    "status": "unreviewed",
}
"""Features of a point that was just clicked, until it has become a finding."""

_REJECTED = (0.65, 0.65, 0.65)
ACCENT = (1.0, 0.35, 1.0)
"""Edge of the selected sphere."""


def spheres(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Those that a Points layer can show."""
    return tuple(f for f in findings if isinstance(f.geometry, Sphere))


def data(findings: Sequence[Finding]) -> np.ndarray:
    """Centres in data units (n, 3), z, y, x."""
    return np.array([f.center for f in findings], float).reshape(-1, 3) / SCALE


def size(findings: Sequence[Finding]) -> np.ndarray:
    """Diameters in data units (n,)."""
    return np.array([f.diameter for f in findings], float) / SCALE


def label(finding: Finding) -> str:
    """What stands beside a nodule: its score (or whose hand), what a person did to it, malignancy: ``0.97 moved · M .81``."""
    score = "by hand" if finding.network_score is None else f"{finding.network_score:.2f}"
    if done := "outlined" if outlined_by(finding) else correction(finding):
        score += f" {done}"
    if is_unlike(finding):
        return f"{score} · {UNLIKE}"
    return score if finding.malignancy is None else f"{score} · M {short(finding.malignancy)}"


def short(probability: float) -> str:
    """Two digits without the leading zero: ``.81``, ``1.00``."""
    return f"{probability:.2f}".removeprefix("0")


def features(findings: Sequence[Finding], labelled: str | None = None) -> pd.DataFrame:
    """The columns that stay with the rows; `label` is written beside the sphere (only of the id `labelled`, if given)."""
    index = pd.RangeIndex(len(findings))
    columns: dict[str, tuple[list[object], type]] = {
        "id": ([f.id for f in findings], object),
        "label": ([label(f) if labelled in (None, f.id) else "" for f in findings], object),
        "score": ([f.network_score for f in findings], float),
        "diameter": ([f.diameter for f in findings], float),
        "malignancy": ([f.malignancy for f in findings], float),
        "status": ([f.status for f in findings], object),
    }
    series = {name: pd.Series(values, index, kind) for name, (values, kind) in columns.items()}
    return pd.DataFrame(series, index, copy=False)


def colors(findings: Sequence[Finding]) -> np.ndarray:
    """RGBA (n, 4): the malignancy, or that it is unknown; grey where rejected."""
    rgba = malignancy_colors([shown_malignancy(f) for f in findings])
    rgba[[f.status == "rejected" for f in findings], :3] = _REJECTED
    return rgba


def faces(colors: np.ndarray, findings: Sequence[Finding]) -> np.ndarray:
    """The same colours, so thin that the nodule shows through.

    Thinner in large spheres, whose edge can be seen; the edge of a small one is finer than a pixel.
    """
    result = colors.copy()
    result[:, 3] = np.clip(2.4 / np.array([f.diameter for f in findings]), 0.08, 0.6)
    return result


def edges(colors: np.ndarray, selected: Sequence[int]) -> np.ndarray:
    """The same colours, but for the selected rows."""
    result = colors.copy()
    result[list(selected), :3] = ACCENT
    return result


def label_offset(findings: Sequence[Finding], selected: str | None = None) -> tuple[float, float, float]:
    """Where labels stand, from the centres, in data units: on the rim of the selected sphere.

    napari has one place for all; without a selected sphere it is the rim of the typical one. Towards -z, -y, +x: up and
    to the right in axial slices. The text begins there and stands above, so all of it is outside the circle.
    """
    chosen = [f for f in findings if f.id == selected] or findings
    radius = float(np.median(size(chosen))) / 2 if chosen else NEW_DIAMETER / SCALE / 2
    return (-0.72 * radius, -0.72 * radius, 0.72 * radius)


def within(diameter: float) -> float:
    """The diameter (mm), or the nearest that a person can give a sphere."""
    return min(max(diameter, SMALLEST), LARGEST)


def edit_of(
    rendered: Sequence[Finding], ids: Sequence[object], centers: np.ndarray, diameters: np.ndarray
) -> Edit:
    """What a person changed, from the rows as they are now.

    Parameters
    ----------
    rendered, ids
        As for `reconcile`.
    centers
        (n, 3) in mm.
    diameters
        (n,) in mm.
    """
    rows = [
        Sphere(tuple(center), max(float(diameter), SMALLEST))
        for center, diameter in zip(centers, diameters, strict=True)
    ]
    return reconcile(rendered, ids, rows, new=lambda row: row, changed=_changed)


def _changed(finding: Finding, sphere: Sphere) -> Sphere | None:
    distance = np.abs(np.subtract(finding.center, sphere.center)).max()
    is_changed = distance > TOLERANCE or abs(finding.diameter - sphere.diameter) > TOLERANCE
    return sphere if is_changed else None
