"""Findings as rows of a Points layer, and the rows' way back.

Points are kept in world millimetres divided by `SCALE`, with the layer's scale `SCALE` along every axis: napari draws sizes
in data units times the last scale, and shows a sphere only within half a data unit of the slice (±30 mm here).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..session.review import moved, reviewer
from ..training.findings import Finding, Provenance, Sphere
from .malignancy_colors import malignancy_colors

SCALE = 60.0
"""Millimetres of a data unit: spheres are drawn whole up to this diameter."""
NEW_DIAMETER = 8.0
"""Diameter (mm) of a sphere that a person sets with a click."""
SMALLEST = 1.0
"""Diameter (mm) below which no sphere can be shrunk."""
TOLERANCE = 1e-3
"""Millimetres; less is rounding, not an edit."""

NEW_ROW = {
    "id": "",
    "label": "",
    "score": 1.0,
    "diameter": NEW_DIAMETER,
    "malignancy": np.nan,
    "status": "unreviewed",
}
"""Features of a point that was just clicked, until it has become a finding."""

_REJECTED = (0.65, 0.65, 0.65)
ACCENT = (1.0, 0.35, 1.0)
"""Edge of the selected sphere."""


@dataclass(frozen=True)
class Edit:
    """What a person did to the rows: arguments of `Session.edit`."""

    add: tuple[Finding, ...] = ()
    change: tuple[Finding, ...] = ()
    remove: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.add or self.change or self.remove)


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
    """What stands beside a sphere: its score, and the malignancy where it is known (``0.97 · M .81``)."""
    score = f"{finding.score:.2f}"
    return score if finding.malignancy is None else f"{score} · M {short(finding.malignancy)}"


def short(probability: float) -> str:
    """Two digits without the leading zero: ``.81``, ``1.00``."""
    return f"{probability:.2f}".removeprefix("0")


def features(findings: Sequence[Finding], labelled: str | None = None) -> pd.DataFrame:
    """The columns that stay with the rows; `label` is written beside the sphere (only of the id `labelled`, if given)."""
    return pd.DataFrame(
        {
            "id": pd.Series([f.id for f in findings], dtype=object),
            "label": pd.Series(
                [label(f) if labelled in (None, f.id) else "" for f in findings], dtype=object
            ),
            "score": pd.Series([f.score for f in findings], dtype=float),
            "diameter": pd.Series([f.diameter for f in findings], dtype=float),
            "malignancy": pd.Series([f.malignancy for f in findings], dtype=float),
            "status": pd.Series([f.status for f in findings], dtype=object),
        }
    )


def colors(findings: Sequence[Finding]) -> np.ndarray:
    """RGBA (n, 4): the malignancy, or that it is unknown; grey where rejected."""
    rgba = malignancy_colors([f.malignancy for f in findings])
    rgba[[f.status == "rejected" for f in findings], :3] = _REJECTED
    return rgba


def faces(colors: np.ndarray, findings: Sequence[Finding]) -> np.ndarray:
    """The same colours, so thin that the nodule shows through.

    Thinner in large spheres, whose edge can be seen; the edge of a small one is finer than a pixel.
    """
    result = colors.copy()
    result[:, 3] = [np.clip(2.4 / f.diameter, 0.08, 0.6) for f in findings]
    return result


def edges(colors: np.ndarray, selected: int | None) -> np.ndarray:
    """The same colours, but for the selected row."""
    result = colors.copy()
    if selected is not None:
        result[selected, :3] = ACCENT
    return result


def label_offset(findings: Sequence[Finding], selected: str | None = None) -> tuple[float, float, float]:
    """Where labels stand, from the centres, in data units: on the rim of the selected sphere.

    napari has one place for all; without a selected sphere it is the rim of the typical one. Towards -z, -y, +x: up and
    to the right in axial slices. The text begins there and stands above, so all of it is outside the circle.
    """
    chosen = [f for f in findings if f.id == selected] or findings
    radius = float(np.median(size(chosen))) / 2 if chosen else NEW_DIAMETER / SCALE / 2
    return (-0.72 * radius, -0.72 * radius, 0.72 * radius)


def reconcile(
    drawn: Sequence[Finding], ids: Sequence[object], centers: np.ndarray, diameters: np.ndarray
) -> Edit:
    """What a person changed, from the rows as they are now.

    Parameters
    ----------
    drawn
        The findings that the layer was given.
    ids
        The rows' ids. A row is a new finding where nobody knows its id, or where the id comes a second time or
        out of order: napari appends new points, and gives them the id of a point that was selected.
    centers
        (n, 3) in mm.
    diameters
        (n,) in mm.
    """
    places = {f.id: place for place, f in enumerate(drawn)}
    seen: set[str] = set()
    last = -1
    add: list[Finding] = []
    change: list[Finding] = []
    for id, center, diameter in zip(ids, centers, diameters, strict=True):
        sphere = Sphere(tuple(center), max(float(diameter), SMALLEST))
        place = places.get(str(id), -1)
        if place <= last:
            add.append(Finding(sphere, provenance=Provenance(person=reviewer())))
            continue
        last, finding = place, drawn[place]
        seen.add(finding.id)
        if _differs(finding, sphere):
            change.append(moved(finding, sphere))
    return Edit(tuple(add), tuple(change), tuple(id for id in places if id not in seen))


def _differs(finding: Finding, sphere: Sphere) -> bool:
    moved = np.abs(np.subtract(finding.center, sphere.center)).max()
    return bool(moved > TOLERANCE or abs(finding.diameter - sphere.diameter) > TOLERANCE)
