"""Could the two networks' malignancies be put together better than by the mean of their log odds?

    python experiments/characterisation/fusions.py --data luna16_nodules [--runs runs/mtmr_seed1 runs/mtcnn_masks]

Prints the AUC of the shipped networks, of further trainings (folders with ``oof.csv``) and of means of the log odds of several; of
logistic regressions on what they say, on attributes, the diameter and fifteen features of the given masks, each fitted on the other
folds; and how far the fused probability is from calibrated, beside a perfect predictor that says the same. Every nodule is rated by
models that never saw its scan; intervals are over scans.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from napari_lungmtl.training.crossval.folds import FOLDS
from napari_lungmtl.training.crossval.out_of_fold_file import read_out_of_fold
from napari_lungmtl.training.crossval.votes import opinions_out_of_fold
from napari_lungmtl.training.data.public.rated_nodules import RatedNodules, load_rated_nodules
from napari_lungmtl.training.findings import ATTRIBUTES
from napari_lungmtl.training.inference.fusion import fused_networks
from napari_lungmtl.training.metrics.calibration import platt
from napari_lungmtl.training.metrics.characterisation.classification import calibration_error, roc_auc
from napari_lungmtl.training.metrics.intervals.bootstrap import bootstrap_weights, interval
from napari_lungmtl.training.ops.logits import OPINION_EPS, log_odds
from napari_lungmtl.training.report.features import simple_features

RULES = ("mean", "median")
PERFECT = 1000
"""How often a perfect predictor is drawn."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, nargs="*", default=[], help="folders with oof.csv")
    args = parser.parse_args()
    nodules = load_rated_nodules(args.data)
    nodules = nodules.take(np.isin(nodules.fold, FOLDS))
    opinions = opinions_out_of_fold(nodules, "cpu")
    said = {
        name: log_odds([o[place].malignancy for o in opinions], OPINION_EPS)
        for place, name in enumerate(fused_networks())
    }
    attributes = np.array([[o[0].attributes[a] for a in ATTRIBUTES] for o in opinions])
    for run in args.runs:
        said[run.name] = of_run(run, nodules)
    print_means(nodules, said)
    print_attributes(nodules, attributes, args.runs)
    print_regressions(nodules, said, attributes, simple_features(args.data, nodules))
    print_calibration(nodules, np.mean([said[name] for name in fused_networks()], axis=0))


def of_run(run: Path, nodules: RatedNodules) -> np.ndarray:
    """Log odds of a training's own out-of-fold predictions, in the order of the nodules."""
    found = read_out_of_fold(run / "oof.csv")
    place = {int(i): row for row, i in enumerate(found.index)}
    return log_odds(found.malignancy[[place[int(i)] for i in nodules.index]], OPINION_EPS)


def aucs(nodules: RatedNodules, score: np.ndarray) -> list[str]:
    """The AUC by both rules."""
    found = []
    for rule in RULES:
        label = nodules.label(rule)
        found.append(f"{float(roc_auc(label[label >= 0], score[label >= 0])):.4f}")
    return found


def gain(nodules: RatedNodules, score: np.ndarray, other: np.ndarray) -> list[str]:
    """By how much the AUC is above that of another score, with its interval, by both rules."""
    found = []
    for rule in RULES:
        label = nodules.label(rule)
        known = label >= 0
        weights = bootstrap_weights(nodules.series[known])
        value = interval(
            lambda w, k=known, own=label[known]: roc_auc(own, score[k], w) - roc_auc(own, other[k], w),
            weights,
        )
        found.append(str(value))
    return found


def table(head: list[str], rows: list[list[str]]) -> None:
    """Print a table as Markdown."""
    for row in (head, [":--", *["--:"] * (len(head) - 1)], *rows):
        print("| " + " | ".join(row) + " |")
    print()


def print_means(nodules: RatedNodules, said: dict[str, np.ndarray]) -> None:
    """Each alone, and the mean of any of them."""
    today = np.mean([said[name] for name in fused_networks()], axis=0)
    rows = []
    for count in range(1, len(said) + 1):
        for names in combinations(said, count):
            score = np.mean([said[name] for name in names], axis=0)
            rows.append([" + ".join(names), *aucs(nodules, score), *gain(nodules, score, today)])
    table(["AUC", *RULES, *(f"above today's, {rule}" for rule in RULES)], rows)


def print_attributes(nodules: RatedNodules, attributes: np.ndarray, runs: list[Path]) -> None:
    """Mean absolute errors of the attributes: as shipped, of further trainings, and of the mean of both."""
    every = {"shipped": attributes}
    for run in runs:
        found = read_out_of_fold(run / "oof.csv")
        if not found.has_attributes:
            continue
        place = {int(i): row for row, i in enumerate(found.index)}
        every[run.name] = found.attributes[[place[int(i)] for i in nodules.index]]
        every[f"mean with {run.name}"] = (attributes + every[run.name]) / 2
    rows = [
        [name, *(f"{value:.3f}" for value in np.abs(own - nodules.attributes).mean(0))]
        for name, own in every.items()
    ]
    table(["mean absolute error", *ATTRIBUTES], rows)


def print_regressions(
    nodules: RatedNodules, said: dict[str, np.ndarray], attributes: np.ndarray, features: np.ndarray
) -> None:
    """Weights of their own for what is known of a nodule, cross-fitted."""
    own = np.column_stack([said[name] for name in fused_networks()])
    diameter = np.log(nodules.diameter)[:, None]
    inputs = {
        "log odds of both": own,
        "and attributes": np.column_stack([own, attributes]),
        "and log diameter": np.column_stack([own, diameter]),
        "and 15 mask features": np.column_stack([own, features]),
        "all": np.column_stack([own, attributes, diameter, features]),
    }
    today = own.mean(1)
    rows = []
    for name, values in inputs.items():
        score = cross_fitted(nodules, values)
        rows.append([name, *aucs(nodules, score), *gain(nodules, score, today)])
    table(["regression on", *RULES, *(f"above the mean, {rule}" for rule in RULES)], rows)


def cross_fitted(nodules: RatedNodules, values: np.ndarray) -> np.ndarray:
    """Log odds of each nodule by a regression on the readers' mean grade of the other folds' nodules."""
    grade = (nodules.malignancy("mean") - 1) / 4
    score = np.zeros(len(nodules))
    for fold in FOLDS:
        other = nodules.fold != fold
        fitted = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
        # Each nodule counts as malignant by its grade, and as benign by the rest.
        twice = np.repeat(values[other], 2, axis=0)
        weight = np.column_stack([grade[other], 1 - grade[other]]).ravel()
        fitted.fit(twice, np.tile([1, 0], int(other.sum())), logisticregression__sample_weight=weight)
        score[~other] = fitted.decision_function(values[~other])
    return score


def print_calibration(nodules: RatedNodules, fused: np.ndarray) -> None:
    """The calibration error as it is, calibrated anew on the other folds, and of a perfect predictor."""
    label = nodules.label("mean")
    known = label >= 0
    anew = fused.copy()
    for fold in FOLDS:
        slope, intercept = platt(fused[nodules.fold != fold], label[nodules.fold != fold])
        anew[nodules.fold == fold] = slope * fused[nodules.fold == fold] + intercept
    p = expit(fused[known])
    rng = np.random.default_rng(0)
    perfect = [float(calibration_error(rng.random(len(p)) < p, p)) for _ in range(PERFECT)]
    own = float(calibration_error(label[known], p))
    low, high = np.percentile(perfect, [2.5, 97.5])
    rows = [
        ["fused, as it is", f"{own:.3f}"],
        [
            "calibrated anew on the other folds",
            f"{float(calibration_error(label[known], expit(anew[known]))):.3f}",
        ],
        [
            "a perfect predictor that says the same",
            f"{np.mean(perfect):.3f} (95 % of {PERFECT}: {low:.3f} to {high:.3f}; "
            f"as high as the fused one's: {np.mean(np.array(perfect) >= own):.0%})",
        ],
    ]
    table(["calibration error, readers' mean", ""], rows)


if __name__ == "__main__":
    main()
