"""Could the two networks' malignancies be put together better than by the mean of their log odds?

    python experiments/characterisation/fusions.py --data luna16_nodules

Prints the AUC of the mean of their log odds, of each alone, and of logistic regressions on what they say, on attributes, the
diameter and fifteen features of the given masks, each fitted on the other folds; and how far the fused probability is from
calibrated, beside a perfect predictor that says the same. Every nodule is rated by models that never saw its scan; intervals
are over scans.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from common import print_aucs
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from napari_lungmtl.training.crossval.folds import FOLDS
from napari_lungmtl.training.crossval.votes import opinions_out_of_fold
from napari_lungmtl.training.data.public.rated_nodules import RatedNodules, load_rated_nodules
from napari_lungmtl.training.findings import ATTRIBUTES
from napari_lungmtl.training.inference.fusion import fused_networks
from napari_lungmtl.training.metrics.calibration import platt
from napari_lungmtl.training.metrics.characterisation.classification import calibration_error
from napari_lungmtl.training.ops.logits import OPINION_EPS, log_odds
from napari_lungmtl.training.report.features import simple_features

PERFECT = 1000
"""How often a perfect predictor is drawn."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    nodules = load_rated_nodules(args.data)
    nodules = nodules.take(np.isin(nodules.fold, FOLDS))
    opinions = opinions_out_of_fold(nodules, "cpu")
    said = {
        name: log_odds([o[place].malignancy for o in opinions], OPINION_EPS)
        for place, name in enumerate(fused_networks())
    }
    attributes = np.array([[o[0].attributes[a] for a in ATTRIBUTES] for o in opinions])
    own = np.column_stack(list(said.values()))
    regressions = regressions_on(nodules, own, attributes, simple_features(args.data, nodules))
    print_aucs("", nodules, {"mean of the log odds": own.mean(1), **said, **regressions})
    print_calibration(nodules, own.mean(1))


def regressions_on(
    nodules: RatedNodules, own: np.ndarray, attributes: np.ndarray, features: np.ndarray
) -> dict[str, np.ndarray]:
    """Scores with weights of their own for what is known of a nodule, cross-fitted."""
    diameter = np.log(nodules.diameter)[:, None]
    inputs = {
        "regression on both log odds": (own,),
        "and attributes": (own, attributes),
        "and log diameter": (own, diameter),
        "and 15 mask features": (own, features),
        "and all of these": (own, attributes, diameter, features),
    }
    return {name: cross_fitted(nodules, np.column_stack(values)) for name, values in inputs.items()}


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
    again = float(calibration_error(label[known], expit(anew[known])))
    print(
        f"calibration error, readers' mean: {own:.3f}; calibrated anew on the other folds {again:.3f}; "
        f"a perfect predictor that says the same {np.mean(perfect):.3f} (95 % of {PERFECT}: {low:.3f} to {high:.3f})"
    )


if __name__ == "__main__":
    main()
