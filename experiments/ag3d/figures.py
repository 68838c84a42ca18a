"""What the marks of a row, made once on whole cubes, say about each branch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rows import EVERY, MERGED

from napari_lungmtl.training.data.public.luna16_nodules import NoduleCube
from napari_lungmtl.training.evaluation.cubes import regions, score_regions
from napari_lungmtl.training.metrics.froc.luna16 import RATES, bootstrap, froc_curve, sensitivity_at
from napari_lungmtl.training.metrics.froc.patients import true_negative_patients
from napari_lungmtl.training.networks.ag3d.detect import Branch, Detections, merge, scored_by

SHOWN = (1 / 64, *RATES)
BANDS = ((0, 6), (6, 10), (10, 15), (15, 99))
"""Diameters in mm."""
BRANCHES: tuple[Branch, ...] = ("rpn", "fprn", "combined")


def save_marks(path: Path, marks: Sequence[Detections]) -> None:
    """Write marks with the number of their cube; the last thing that is written of a row."""
    cube = np.repeat(np.arange(len(marks)), [len(m) for m in marks])
    joined = {n: np.concatenate([getattr(m, n) for m in marks]) for n in ("spheres", "rpn", "fprn", "score")}
    partial = path.with_suffix(".part.npz")
    np.savez_compressed(partial, cube=cube, cubes=len(marks), **joined)
    partial.replace(path)


def load_marks(path: Path) -> list[Detections]:
    """Read what `save_marks` wrote."""
    with np.load(path) as f:
        whole = Detections(f["spheres"], f["rpn"], f["fprn"], f["score"])
        return [whole[f["cube"] == i] for i in range(int(f["cubes"]))]


def measure(cubes: Sequence[NoduleCube], marks: Sequence[Detections], branch: Branch) -> dict[str, Any]:
    """Figures of marks that are ranked by one branch."""
    kinds = regions(cubes)
    ranked = [scored_by(m, branch) for m in marks]
    scored, free = (
        score_regions(
            cubes, kinds[kind], [(ranked[r.cube].spheres, ranked[r.cube].score) for r in kinds[kind]]
        )
        for kind in ("whole", "corners")
    )
    matchings, groups = [s.matching for s in scored], [s.series for s in scored]
    sensitivity = sensitivity_at(froc_curve(matchings), SHOWN)
    at, seven = (bootstrap(matchings, rates, groups=groups) for rates in (SHOWN, RATES))
    negative = true_negative_patients(
        matchings, [s.matching for s in free], groups=[s.series for s in free]
    ).fraction
    return {
        "sensitivity": list(zip(sensitivity, at.lower, at.upper, strict=True)),
        "cpm": (sensitivity[1:].mean(), seven.cpm_lower, seven.cpm_upper),
        "max": sum(int(m.found.sum()) for m in matchings) / sum(len(m.nodule_mark) for m in matchings),
        "tnp": (negative.value, negative.lower, negative.upper),
        "sizes": size_ratios(cubes, ranked),
    }


def size_ratios(cubes: Sequence[NoduleCube], marks: Sequence[Detections]) -> list[tuple[float, int]]:
    """Median of the best mark's diameter over the true one, and nodules found, in each of `BANDS`."""
    pairs = []
    for cube, found in zip(cubes, marks, strict=True):
        for nodule in cube.truth[np.all((cube.truth[:, :3] >= 0) & (cube.truth[:, :3] < 50), axis=1)]:
            hits = np.flatnonzero(np.linalg.norm(found.spheres[:, :3] - nodule[:3], axis=1) < nodule[3] / 2)
            if len(hits):
                pairs.append((nodule[3], found.spheres[hits[0], 3] / nodule[3]))
    table = np.array(pairs).reshape(-1, 2)
    inside = [(table[:, 0] >= low) & (table[:, 0] < high) for low, high in BANDS]
    return [(float(np.median(table[i, 1])) if i.any() else np.nan, int(i.sum())) for i in inside]


def all_figures(out: Path, cubes: Sequence[NoduleCube]) -> dict[tuple[str, str], dict[str, Any]]:
    """Figures by row and branch, of the rows that are there."""
    marks = {
        r.name: load_marks(out / r.name / "marks.npz") for r in EVERY if (out / r.name / "marks.npz").exists()
    }
    branches: dict[str, tuple[Branch, ...]] = {
        name: ("rpn",) if name.startswith("II_") else ("rpn", "fprn", "combined") for name in marks
    }
    if set(MERGED) <= set(marks):
        for kind in ("intersection", "union"):
            marks[kind] = [merge(a, b, kind) for a, b in zip(*(marks[n] for n in MERGED), strict=True)]  # type: ignore[arg-type]
            branches[kind] = ("combined",)
    return {(name, b): measure(cubes, marks[name], b) for name, some in branches.items() for b in some}
