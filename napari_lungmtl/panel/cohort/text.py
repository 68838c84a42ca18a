"""What the cohort section says: how to begin, whose attributes there are, and a few lines about one nodule."""

from __future__ import annotations

import numpy as np

from ...training.cohort import BY, MIN_NODULES, Cohort
from ...training.cohort.cohort import By, Nodule
from ...training.findings import ATTRIBUTES
from ...training.findings.attribute_words import SCALES
from .colors import Coloring

HINT = (
    "Open a folder of results (lungmtl predict) or of nodule cubes, or drop it here: every nodule becomes a point, like "
    "ones lie together, a click opens one."
)


def possible(cohort: Cohort) -> list[By]:
    """Whose attributes are enough for a map; the networks' where nobody's are, whose lack is then explained."""
    enough: list[By] = [
        by for by in BY if np.isfinite(cohort.attributes(by)).all(axis=1).sum() >= MIN_NODULES
    ]
    return enough or (["readers"] if cohort.has_cubes else ["networks"])


def describe(nodule: Nodule, coloring: Coloring | None) -> str:
    """Case, size and malignancy by network and readers, and the value of the present colouring."""
    case = nodule.case if len(nodule.case) <= 16 else f"…{nodule.case[-12:]}"
    malignancy = []
    if nodule.finding.malignancy is not None:
        malignancy.append(f"{nodule.finding.malignancy:.2f} (network)")
    if "malignancy" in nodule.readers:
        malignancy.append(f"{nodule.readers['malignancy']:.1f} of 5 (readers)")
    lines = [f"{case} · Ø {nodule.diameter:.1f} mm", f"Malignancy {', '.join(malignancy) or 'not judged'}"]
    if nodule.cube is not None:
        lines[0] = f"Nodule {nodule.cube} of {lines[0]}"
    if coloring is not None and coloring.name in ATTRIBUTES:
        value = nodule.value(coloring.name, coloring.by)
        text = SCALES[coloring.name].describe(value) if np.isfinite(value) else "not known"
        lines.append(f"{coloring.title}: {text}")
    return "\n".join(lines)
