"""What the points of a cohort's map can be coloured by, and the colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from napari.utils.colormaps import AVAILABLE_COLORMAPS

from ...layers.malignancy_colors import malignancy_colors
from ...training.cohort.cohort import BY, By, Cohort
from ...training.findings import ATTRIBUTES
from ...training.findings.attribute_words import SCALES

WHOSE: dict[By, str] = {"networks": "network", "readers": "readers"}
DIAMETERS = (3.0, 30.0)
"""Millimetres at the ends of the scale: LUNA16's nodules."""
_VIRIDIS = (0.22, 0.97)
"""The part of viridis that can be told from a dark and from a light background."""


@dataclass(frozen=True)
class Coloring:
    """A column of the table as colours.

    Parameters
    ----------
    name, by
        Column of the cohort (see `Nodule.value`) and whose judgement it is.
    title
        What a person chooses.
    low, high
        Values at the ends of the scale.
    low_text, high_text
        Words for the ends.
    categories
        Names of the whole numbers from `low` to `high`, where they are names.
    """

    name: str
    by: By
    title: str
    low: float
    high: float
    low_text: str
    high_text: str
    categories: tuple[str, ...] = ()

    def scale(self, fractions: np.ndarray) -> np.ndarray:
        """RGBA (n, 4) of places on the scale, 0–1."""
        if self.name == "malignancy":
            return malignancy_colors(fractions)
        low, high = _VIRIDIS
        return AVAILABLE_COLORMAPS["viridis"].map(low + (high - low) * np.clip(fractions, 0, 1))

    def colors(self, cohort: Cohort) -> np.ndarray:
        """RGBA (n, 4) of the nodules; alpha 0 where the value is not known."""
        values = cohort.values(self.name, self.by)
        if self.categories:
            values = np.floor(values + 0.5)
        known = np.isfinite(values)
        colors = np.zeros((len(values), 4))
        colors[known] = self.scale((values[known] - self.low) / (self.high - self.low))
        return colors

    def swatches(self) -> list[tuple[str, np.ndarray]]:
        """Name and colour of each category."""
        places = np.linspace(0, 1, len(self.categories))
        return list(zip(self.categories, self.scale(places), strict=True))


def colorings(cohort: Cohort) -> list[Coloring]:
    """What is known of at least one nodule, malignancy first."""
    found = [c for by in BY for c in _malignancy(by)]
    found += [_attribute(name, by) for by in BY for name in ATTRIBUTES]
    found.append(
        Coloring(
            "diameter", "networks", "Diameter", *DIAMETERS, f"{DIAMETERS[0]:g} mm", f"{DIAMETERS[1]:g} mm"
        )
    )
    return [c for c in found if np.isfinite(cohort.values(c.name, c.by)).any()]


def _malignancy(by: By) -> list[Coloring]:
    if by == "readers":
        title = "Malignancy (readers)"
        return [Coloring("malignancy", by, title, 1, 5, "1 unlikely", "5 suspicious")]
    return [
        Coloring("malignancy", by, "Malignancy (network)", 0, 1, "0 benign", "1 malignant"),
        Coloring("spread", by, "Spread of malignancy (network)", 0, 0.3, "0", "0.3 and more"),
    ]


def _attribute(name: str, by: By) -> Coloring:
    scale = SCALES[name]
    low, high = f"1 {scale.low}".strip(), f"{scale.maximum} {scale.high}".strip()
    return Coloring(name, by, f"{scale.title} ({WHOSE[by]})", 1, scale.maximum, low, high, scale.categories)
