"""What the false-positive reduction does to a detector's cube-FROC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ....crossval.folds import FOLDS
from ....data.errors import DatasetError
from ....data.public.luna16_nodules import NoduleCube, load_cubes, require_folds, to_hu
from ....evaluation.candidates import Candidates, read_candidates
from ....evaluation.cubes import regions, score_regions
from ....inference.progress import OnProgress
from ....inference.weights import read_card
from ....metrics.characterisation.classification import roc_auc
from ....metrics.froc.luna16 import RATES, Matching, by_rate, froc_curve, sensitivity_at
from .predictor import ReductionPredictor, inside_mask

WORTH_A_STAGE = 0.01
"""Gain in mean sensitivity that the lower bound must pass before the reduction runs by default. In whole scans there is more that
looks round than in cubes around nodules, so a gain of some thousandths in cubes says nothing about them.
"""


def evaluate(
    predictor: ReductionPredictor,
    data: Path,
    weights: Path,
    *,
    folds: Sequence[str] | None = None,
    findings: Path | None = None,
    on_progress: OnProgress = lambda _f, _s: None,
) -> dict[str, Any]:
    """cube-FROC of a detector's marks before and after the reduction, each scan by the model that never saw it.

    Parameters
    ----------
    findings
        The marks, written by ``lungmtl candidates``, which hold the truth too.
    """
    require_folds(data, folds)
    if findings is None:
        raise DatasetError(
            "false-positive reduction is measured on a detector's marks: write them with 'lungmtl candidates' and name the "
            "file with --findings."
        )
    card = read_card(weights)
    marks = read_candidates([findings])
    cubes = load_cubes(data, folds=FOLDS if folds is None or "all" in folds else folds)
    cubes = [c for c in cubes if c.fold in set(marks.fold)]
    if not cubes:
        raise DatasetError(f"{findings} has no marks in the cubes chosen of {data}.")
    marks = marks.take(np.isin(marks.index, [int(c.row["index"]) for c in cubes]))
    figures = before_and_after(predictor, marks, cubes, on_progress)
    trained = card.training.get("folds", {})
    seen = sum(c.series in trained for c in cubes)
    warning = (
        f"{seen} of {len(cubes)} cubes come from scans that these weights were trained on; each was evaluated only by the fold "
        "model that never saw its scan."
    )
    return {
        "network": card.name,
        "data": str(data),
        "weights": f"{card.name} {card.version} {card.sha256[:12]}",
        "cases": len(cubes),
        "scans": len({c.series for c in cubes}),
        "metrics": figures,
        "table": rows(figures),
        "warnings": [warning] if seen else [],
    }


def before_and_after(
    predictor: ReductionPredictor,
    marks: Candidates,
    cubes: Sequence[NoduleCube],
    on_progress: Callable[[float, str], None] = lambda _f, _s: None,
) -> dict[str, Any]:
    """Compute the figures: sensitivities at the seven rates before and after, by fold too, and their paired difference."""
    config = predictor.config
    inside = inside_mask(marks, config.field_mm, config.pixels, cubes[0].voxels.shape)
    after, own = marks.probability.copy(), np.full(len(marks), np.nan)
    hu = {int(c.row["index"]): to_hu(c.voxels) for c in cubes}
    for n, i in enumerate(np.flatnonzero(inside)):
        cube = hu[int(marks.index[i])]
        after[i], own[i] = predictor.score(
            cube, marks.center[i], float(marks.probability[i]), str(marks.series[i])
        )
        on_progress((n + 1) / inside.sum(), "marks")
    # A mark whose field leaves the cube is an artefact of cubes: in a scan there is lung around it. It is in neither list.
    first, second = (
        matchings(replace(marks, probability=scores).take(inside), cubes)
        for scores in (marks.probability, after)
    )
    fold = np.array([c.fold for c in cubes])
    clear = inside & (marks.nodule >= 0)
    both = len(np.unique(marks.nodule[clear])) == 2
    difference = paired_difference(first, second, [c.series for c in cubes], fold)
    return {
        "before": sensitivities(first),
        "after": sensitivities(second),
        "by_fold": {
            k: {
                "before": sensitivities([m for m, f in zip(first, fold, strict=True) if f == k]),
                "after": sensitivities([m for m, f in zip(second, fold, strict=True) if f == k]),
            }
            for k in sorted(set(fold))
        },
        "difference": difference,
        "helps": difference["lower"] > WORTH_A_STAGE,
        "auc": float(roc_auc(marks.nodule[clear], own[clear])) if both else None,
        "judged": int(inside.sum()),
        "not_judged": int((~inside).sum()),
    }


def matchings(marks: Candidates, cubes: Sequence[NoduleCube]) -> list[Matching]:
    """Match the marks with the nodules of each whole cube, by the rules of the cube-FROC."""
    detections = []
    for cube in cubes:
        own = marks.take(marks.index == int(cube.row["index"]))
        detections.append((np.column_stack([own.center, own.diameter]), own.probability))
    return [s.matching for s in score_regions(cubes, regions(cubes)["whole"], detections)]


def sensitivities(matched: Sequence[Matching]) -> dict[str, Any]:
    """Read the sensitivities at the seven rates per cube, and their mean."""
    at = sensitivity_at(froc_curve(matched))
    return {"sensitivity_at": by_rate(RATES, at), "mean_sensitivity": float(at.mean())}


def paired_difference(
    first: Sequence[Matching],
    second: Sequence[Matching],
    series: Sequence[str],
    fold: np.ndarray,
    samples: int = 500,
) -> dict[str, float]:
    """Mean sensitivity after minus before, averaged over the folds (their detectors' scores are not comparable), with its 95 %
    interval: the same scans drawn for both.
    """

    def gain(chosen: np.ndarray) -> float:
        parts = []
        for k in np.unique(fold):
            own = chosen[fold[chosen] == k]
            if len(own):
                means = [
                    sensitivity_at(froc_curve([matched[i] for i in own])).mean()
                    for matched in (second, first)
                ]
                parts.append(means[0] - means[1])
        return float(np.nanmean(parts))

    names, group = np.unique(series, return_inverse=True)
    members = [np.flatnonzero(group == i) for i in range(len(names))]
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(samples):
        chosen = np.concatenate([members[i] for i in rng.integers(len(names), size=len(names))])
        gains.append(gain(chosen))
    lower, upper = np.nanquantile(gains, [0.025, 0.975])
    return {"value": gain(np.arange(len(first))), "lower": float(lower), "upper": float(upper)}


def rows(figures: dict[str, Any]) -> list[list[str]]:
    """The table for a person, the heading first."""
    table = [["marks", *(f"{r:g}" for r in RATES), "mean"]]
    parts = [("all", figures), *((f"fold {k}", part) for k, part in figures["by_fold"].items())]
    for name, part in parts:
        for when in ("before", "after"):
            at = [f"{v:.3f}" if v is not None else "–" for v in part[when]["sensitivity_at"].values()]
            table.append([f"{name}, {when}", *at, f"{part[when]['mean_sensitivity']:.3f}"])
    d = figures["difference"]
    table.append(
        ["difference", *[""] * len(RATES), f"{d['value']:+.3f} ({d['lower']:+.3f}–{d['upper']:+.3f})"]
    )
    return table
