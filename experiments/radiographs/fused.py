"""DHN and MO-SegNet on real radiographs, pooled over folds: each alone, and fused out of fold.

    python experiments/radiographs/fused.py --data jsrt nih_boxed --dhn runs/dhn_fold*/*.json --mosegnet runs/mosegnet_fold*/*.json

The files are those of ``lungmtl evaluate --folds K --json`` with the weights that have not seen fold K (or of any weights that
saw none of the radiographs). The fused score of a radiograph is a logistic regression on the log odds of DHN's global head and of
the surest mark of each network; that of a place on the log odds of both networks' marks there (`paired_marks`), whether both marked
it, and the radiograph's fused score. Both are fitted on the other folds (parts of the patients where there is one fold).
Differences come with their 95 % interval over patients.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from napari_lungmtl.training.data.public.open_radiographs import open_radiograph_cases
from napari_lungmtl.training.data.public.radiographs import RadiographCase
from napari_lungmtl.training.evaluation.radiograph_predictions import paired_marks, read_predictions
from napari_lungmtl.training.metrics.intervals.bootstrap import bootstrap_weights, interval
from napari_lungmtl.training.metrics.radiograph.statistics import (
    RadiographResult,
    groups_of,
    radiograph_statistics,
)
from napari_lungmtl.training.ops.boxes import contains
from napari_lungmtl.training.ops.logits import log_odds

NOTHING = 0.01
"""Stands for a network's score where it marks nothing."""
MEASURES = (
    *("roc_auc", "sensitivity_at_0.125_center", "sensitivity_at_0.25_center", "sensitivity_at_0.5_center"),
    *("sensitivity_at_1_center", "sensitivity_at_2_center", "sensitivity_at_4_center"),
    *("sensitivity_at_8_center", "sensitivity_at_0.25", "sensitivity_at_1", "false_positives_per_image"),
    *(f"sensitivity_at_1_center/subtlety {n}" for n in range(1, 6)),
    *("lung_dice/median", "f1/positive", "recall/positive", "precision/positive"),
)
Pair = tuple[RadiographResult, RadiographResult]


def image_features(pair: Pair) -> np.ndarray:
    """Log odds of the global head and of the surest mark of each network."""
    dhn, mosegnet = pair
    return log_odds(
        np.array([dhn.score, dhn.scores.max(initial=NOTHING), mosegnet.scores.max(initial=NOTHING)])
    )


def mark_features(pair: Pair, image: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (n, 4), centres and boxes of all places that either network marks; the box is DHN's where it has one."""
    dhn, mosegnet = pair
    pairs = paired_marks(dhn, mosegnet)
    rows, centers, boxes = [], [], []
    for one, other in pairs:
        scores = [dhn.scores[one] if one >= 0 else NOTHING, mosegnet.scores[other] if other >= 0 else NOTHING]
        rows.append([*log_odds(np.array(scores)), float(one >= 0 and other >= 0), image])
        source, index = (dhn, one) if one >= 0 else (mosegnet, other)
        centers.append(source.centers[index])
        boxes.append(source.boxes[index])
    return (
        np.array(rows).reshape(-1, 4),
        np.array(centers).reshape(-1, 2),
        np.array(boxes).reshape(-1, 4),
    )


def fit(features: np.ndarray, label: np.ndarray) -> LogisticRegression:
    """Fit a logistic regression with a penalty: there are few radiographs."""
    return LogisticRegression(C=0.1, max_iter=1000).fit(features, label)


def fused(pairs: Sequence[Pair], folds: Sequence[str]) -> list[RadiographResult]:
    """Fuse each radiograph with regressions of the other folds."""
    fold = np.array(folds)
    features = np.stack([image_features(pair) for pair in pairs])
    positive = np.array([bool(pair[0].positive) for pair in pairs])
    results: dict[int, RadiographResult] = {}
    for held_out in sorted(set(folds)):
        others, own = np.flatnonzero(fold != held_out), np.flatnonzero(fold == held_out)
        image = fit(features[others], positive[others])
        logit = image.decision_function(features)
        rows, labels = [], []
        for i in others:
            marks, centers, _ = mark_features(pairs[i], logit[i])
            truth = pairs[i][0].truth
            hit = (
                contains(truth, centers).any(0)
                if truth is not None and len(truth)
                else np.zeros(len(marks), bool)
            )
            known = hit | pairs[i][0].complete
            rows.append(marks[known])
            labels.append(hit[known])
        place = fit(np.concatenate(rows), np.concatenate(labels))
        print(
            f"without fold {held_out}: image {np.round(image.coef_[0], 2)}, place {np.round(place.coef_[0], 2)}"
        )
        for i in own:
            marks, centers, boxes = mark_features(pairs[i], logit[i])
            scores = place.predict_proba(marks)[:, 1] if len(marks) else np.zeros(0)
            results[int(i)] = replace(
                pairs[i][0],
                score=float(image.predict_proba(features[i : i + 1])[0, 1]),
                boxes=boxes,
                scores=scores,
                centers=centers,
                lung_dice=pairs[i][1].lung_dice,
            )
    return [results[i] for i in range(len(pairs))]


def show(name: str, results: dict[str, list[RadiographResult]], threshold: float) -> None:
    """Print the measures of each answer on one set, and what the fused one gains."""
    networks = list(results)
    first = results[networks[0]]
    weights = bootstrap_weights(groups_of(first), 1000)
    measures = {n: radiograph_statistics(r, threshold) for n, r in results.items()}
    counts = (
        f"{sum(bool(r.positive) for r in first)} with, {sum(not r.positive for r in first)} without nodules"
    )
    print(f"\n{name}: {len(first)} radiographs, {counts}")
    print(f"{'':34}" + "".join(f"{n:>26}" for n in networks) + f"{'fused - better alone':>28}")
    for measure in MEASURES:
        if measure not in measures[networks[0]]:
            continue
        cells = [interval(measures[n][measure], weights) for n in networks]
        if not any(np.isfinite(c.value) for c in cells):
            continue
        line = f"{measure:34}" + "".join(f"{c!s:>26}" for c in cells)
        if not measure.startswith("lung"):
            better = networks[int(np.nanargmax([c.value for c in cells[:2]]))]
            gain = interval(
                lambda w, m=measure, b=better: measures["fused"][m](w) - measures[b][m](w), weights
            )
            line += f"{gain!s:>28}"
        print(line)


def parts(folds: list[str], cases: Sequence[RadiographCase]) -> list[str]:
    """What the fusion is fitted without: the folds, or five parts of the patients where all are of one fold."""
    if len(set(folds)) > 1:
        return folds
    order = sorted({case.background for case in cases})
    return [str(order.index(case.background) % 5) for case in cases]


def main() -> None:
    """Print the figures of every set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders of radiographs with folds"
    )
    parser.add_argument("--dhn", type=Path, nargs="+", required=True)
    parser.add_argument("--mosegnet", type=Path, nargs="+", required=True)
    parser.add_argument("--threshold", type=float, default=0.5)
    args = parser.parse_args()
    cases = {str(folder.name): open_radiograph_cases(folder) for folder in args.data}
    everything = [case for some in cases.values() for case in some]
    dhn, mosegnet = (
        {r.name: r for r in read_predictions(files, everything)} for files in (args.dhn, args.mosegnet)
    )
    both = [case for case in everything if case.name in dhn and case.name in mosegnet]
    pairs = [(dhn[case.name], mosegnet[case.name]) for case in both]
    together = {r.name: r for r in fused(pairs, parts([case.fold for case in both], both))}
    for name, some in cases.items():
        names = [case.name for case in some if case.name in dhn and case.name in mosegnet]
        results = {"DHN": [dhn[n] for n in names], "MO-SegNet": [mosegnet[n] for n in names]}
        results["fused"] = [together[n] for n in names]
        if names:
            show(name, results, args.threshold)


if __name__ == "__main__":
    main()
