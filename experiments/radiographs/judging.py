"""The figures of `papers`: what a network says of radiographs that no training saw, and what one does better than another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from napari_lungmtl.training.data.public.lung_masks import read_lungs
from napari_lungmtl.training.data.public.open_radiographs import open_radiograph_cases
from napari_lungmtl.training.data.public.radiograph_files import read_radiograph
from napari_lungmtl.training.data.public.radiographs import RadiographCase
from napari_lungmtl.training.evaluation.radiograph_predictions import read_predictions
from napari_lungmtl.training.evaluation.radiographs import predict_radiographs
from napari_lungmtl.training.inference.predictor import Predictor
from napari_lungmtl.training.metrics.intervals.bootstrap import (
    SAMPLES,
    Statistic,
    bootstrap_weights,
    interval,
)
from napari_lungmtl.training.metrics.radiograph.statistics import (
    RadiographResult,
    groups_of,
    on,
    radiograph_statistics,
    ratio,
)

FLOOR = 0.05
GRID = np.linspace(FLOOR, 0.98, 63)
"""Thresholds to choose from."""
SHOWN = {
    "roc_auc": "ROC-AUC",
    "sensitivity_at_0.25_center": "sens. at 0.25",
    "sensitivity_at_1_center": "at 1",
    "froc_auc": "FROC-AUC, IoU 0.4",
    "afroc_auc": "AFROC-AUC",
    "map": "mAP",
    "f1": "F1",
    "recall": "recall",
    "precision": "precision",
    "outside": "false marks outside the lungs",
}
COMPARISONS: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    (
        "dhn id, id",
        "dhn global only",
        "DHN Table 1",
        {"roc_auc": "+0.064"},
    ),
    (
        "dhn id, id",
        "dhn local only",
        "DHN Table 1",
        {"froc_auc": "+0.010", "afroc_auc": "+0.020", "map": "+0.004"},
    ),
    ("dhn", "dhn global only", "DHN Table 1, as shipped", {"roc_auc": "+0.064"}),
    ("dhn", "dhn local only", "DHN Table 1, as shipped", {"froc_auc": "+0.010", "afroc_auc": "+0.020"}),
    ("dhn bin, uni", "dhn bin, bin", "DHN Table 3", {"roc_auc": "+0.021", "froc_auc": "+0.040"}),
    ("dhn bin, uni", "dhn uni, uni", "DHN Table 3", {"roc_auc": "+0.022", "froc_auc": "+0.044"}),
    ("dhn bin, uni", "dhn uni, bin", "DHN Table 3", {"roc_auc": "+0.025", "froc_auc": "+0.050"}),
    ("dhn bin, uni", "dhn id, id", "DHN Tables 2, 3", {"roc_auc": "+0.030", "froc_auc": "+0.080"}),
    ("dhn", "retinanet", "", {"froc_auc": "", "sensitivity_at_1_center": ""}),
    ("dhn", "fcos", "", {"froc_auc": "", "sensitivity_at_1_center": ""}),
    ("dhn", "densenet121", "", {"roc_auc": ""}),
    (
        "mosegnet",
        "mosegnet nodule only",
        "MO-SegNet Table 2",
        {"f1": "+0.193", "recall": "+0.188", "precision": "+0.198", "outside": "fewer"},
    ),
    (
        "mosegnet",
        "mosegnet u-net",
        "MO-SegNet Table 2",
        {"f1": "+0.098", "recall": "+0.188", "precision": "-0.042"},
    ),
    ("mosegnet group norm", "mosegnet", "MO-SegNet Table 4", {"f1": "+0.019"}),
    ("mosegnet λ 0.99", "mosegnet", "MO-SegNet Table 3 (0.99, 0.7)", {"f1": "+0.087"}),
    ("mosegnet nodule only", "deeplabv3", "", {"f1": "", "sensitivity_at_1_center": ""}),
)
"""First and second network, where the paper compares them, and by how much the first is better there."""


@dataclass(frozen=True)
class Radiographs:
    """What is judged: every case with its set, and whether it sets thresholds or tests them."""

    cases: list[RadiographCase]
    sites: list[str]
    sets_threshold: list[bool]

    @classmethod
    def unseen(
        cls, folders: Sequence[Path], trained_on: frozenset[str], test_folds: Sequence[str]
    ) -> Radiographs:
        """Those of some folders on which nothing was trained."""
        found = [
            (case, folder.name)
            for folder in folders
            for case in open_radiograph_cases(folder)
            if case.name not in trained_on
        ]
        cases = [case for case, _ in found]
        return cls(cases, [site for _, site in found], [case.fold not in test_folds for case in cases])


def save_found(predictor: Predictor, cases: Sequence[RadiographCase], path: Path, record: dict) -> None:
    """Write what a network says of each radiograph, as ``lungmtl evaluate --json`` does, with `record` beside it."""
    results, failed = predict_radiographs(predictor, cases, 0.5)
    if failed:
        raise SystemExit(f"{failed[0]['input']}: {failed[0]['error']}")
    rows = [
        {
            "name": r.name,
            "score": r.score,
            "found": [
                {"box": box.tolist(), "score": float(score), "center": center.tolist()}
                for box, score, center in zip(r.boxes, r.scores, r.centers, strict=True)
            ],
        }
        for r in results
    ]
    path.write_text(json.dumps({**record, "cases_detail": rows}), encoding="utf-8")


def statistics_of(path: Path, radiographs: Radiographs) -> dict[str, Statistic]:
    """The measures of one network as functions of weights over the radiographs: means over the sets."""
    results = read_predictions([path], radiographs.cases)
    if len(results) != len(radiographs.cases):
        raise SystemExit(f"{path} is of other radiographs: remove it and train again.")
    tests = ~np.array(radiographs.sets_threshold)
    threshold = best_threshold([r for r, test in zip(results, tests, strict=True) if not test])
    by_site: dict[str, list[Statistic]] = {}
    for site in dict.fromkeys(radiographs.sites):
        own = np.array([s == site for s in radiographs.sites])
        own &= tests
        measures = radiograph_statistics(_chosen(results, own), threshold)
        for name in SHOWN:
            if name in measures:
                by_site.setdefault(name, []).append(on(measures[name], own))
    tested = on(outside_lungs(_chosen(results, tests), _chosen(radiographs.cases, tests)), tests)
    return {name: _mean(parts) for name, parts in by_site.items()} | {"outside": tested}


def _chosen(some: Sequence[Any], part: np.ndarray) -> list[Any]:
    return [one for one, own in zip(some, part, strict=True) if own]


def _mean(parts: Sequence[Statistic]) -> Statistic:
    return lambda w: np.mean([part(w) for part in parts], 0)


def best_threshold(results: Sequence[RadiographResult]) -> float:
    """The threshold with the best F1."""
    weights = np.ones(len(results))
    f1 = [float(radiograph_statistics(results, t)["f1"](weights)) for t in GRID]
    return float(GRID[int(np.argmax(np.nan_to_num(f1)))])


def outside_lungs(results: Sequence[RadiographResult], cases: Sequence[RadiographCase]) -> Statistic:
    """Share of the false marks outside the outlined lungs, at one false mark a radiograph, where there are outlines."""
    false = [~np.isnan(r.scores) & r.center_matching().false_positive for r in results]
    outlined = [(case.lungs is not None) for case in cases]
    scores = np.concatenate(
        [r.scores[f] for r, f, known in zip(results, false, outlined, strict=True) if known]
    )
    count = sum(outlined)
    least = np.sort(scores)[-count] if len(scores) >= count else FLOOR
    all_marks, beside = np.zeros(len(results)), np.zeros(len(results))
    for i, (result, case, wrong) in enumerate(zip(results, cases, false, strict=True)):
        chosen = result.centers[wrong & (result.scores >= least)]
        if outlined[i] and len(chosen):
            all_marks[i], beside[i] = len(chosen), _outside(case, chosen)
    return ratio(beside, all_marks)


def _outside(case: RadiographCase, points: np.ndarray) -> int:
    lungs = read_lungs(case)
    assert lungs is not None
    scale = np.array(lungs.shape) / read_radiograph(case).shape
    y, x = (np.floor(points[:, ::-1] * scale).astype(int).T[i].clip(0, lungs.shape[i] - 1) for i in (0, 1))
    return int((lungs[y, x] == 0).sum())


def print_tables(found: dict[str, list[Path]], radiographs: Radiographs) -> None:
    """The networks, then the comparisons; intervals over patients, with Holm's correction over all comparisons that are there."""
    weights = bootstrap_weights(groups_of(read_predictions(found[next(iter(found))][:1], radiographs.cases)))
    measures = {name: [statistics_of(path, radiographs) for path in paths] for name, paths in found.items()}
    tests = sum(not sets for sets in radiographs.sets_threshold)
    console = Console(width=220)
    table = Table(
        title=f"{tests} radiographs no training saw; thresholds are set on {len(radiographs.cases) - tests} others"
    )
    for heading in ("", "seeds", *SHOWN.values()):
        table.add_column(heading)
    for name, seeds in measures.items():
        cells = [str(interval(_mean([s[m] for s in seeds]), weights)) for m in SHOWN]
        table.add_row(name, str(len(seeds)), *cells)
    console.print(table)
    rows = compared(measures, weights)
    table = Table(title=f"{len(rows)} comparisons, {SAMPLES} bootstrap samples over patients")
    for heading in ("first − second", "where", "measure", "difference", "p", "p, Holm", "paper"):
        table.add_column(heading)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def compared(measures: dict[str, list[dict[str, Statistic]]], weights: np.ndarray) -> list[list[str]]:
    """The rows of the comparisons of which both networks are there."""
    rows, chances = [], []
    for first, second, where, papers in COMPARISONS:
        if first not in measures or second not in measures:
            continue
        for measure, paper in papers.items():
            one, other = (_mean([s[measure] for s in measures[name]]) for name in (first, second))
            values = np.asarray(one(weights)) - np.asarray(other(weights))
            difference = interval(lambda w, a=one, b=other: np.asarray(a(w)) - np.asarray(b(w)), weights)
            chances.append(chance(values))
            said = f"{difference.value:+.3f} ({difference.lower:+.3f} to {difference.upper:+.3f})"
            rows.append([f"{first} − {second}", where, SHOWN[measure], said, f"{chances[-1]:.3f}", paper])
    for row, corrected in zip(rows, holm(chances), strict=True):
        row.insert(5, f"{corrected:.3f}")
    return rows


def chance(differences: np.ndarray) -> float:
    """Two-sided p of bootstrap samples of a difference: twice the smaller share on one side of 0, samples at 0 counted to both."""
    known = differences[np.isfinite(differences)]
    if not len(known):
        return 1.0
    return float(min(1.0, 2 * (min((known <= 0).sum(), (known >= 0).sum()) + 1) / (len(known) + 1)))


def holm(chances: Sequence[float]) -> np.ndarray:
    """p corrected for how many there are (Holm 1979)."""
    order = np.argsort(chances)
    stepped = np.asarray(chances, float)[order] * np.arange(len(chances), 0, -1)
    corrected = np.empty(len(chances))
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return corrected
