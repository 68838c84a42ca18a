"""Simple predictors on the same folds: each nodule is predicted by a model that its scan was left out of."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNetCV, LassoCV, LogisticRegression
from sklearn.model_selection import PredefinedSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ..data.errors import DatasetError
from ..data.public.rated_nodules import NEVER, RatedNodules
from ..findings import ATTRIBUTES
from ..findings.lidc_scales import RULES, SCALE_MAX
from ..metrics.characterisation.out_of_fold import OutOfFold

PENALTIES = np.logspace(-3, 0, 16)
"""Among these the folds that are trained on choose the strength of LASSO and elastic net."""
Shrinkage = Literal["lasso", "elastic net"]


def cross_validated(nodules: RatedNodules) -> RatedNodules:
    """The nodules of the folds; those of scans that no network may learn from, or of none, are left out.

    Raises
    ------
    DatasetError
        Fewer than two folds are left.
    """
    chosen = nodules.take((nodules.fold != NEVER) & (nodules.fold != ""))
    if len(np.unique(chosen.fold)) < 2:
        raise DatasetError("cross-validation needs a folds.csv with at least two folds beside the nodules.")
    return chosen


def opinion(nodules: RatedNodules) -> OutOfFold:
    """Nodules and readers as `OutOfFold`, still without any prediction (NaN)."""
    n = len(nodules)
    return OutOfFold(
        index=nodules.index,
        series=nodules.series,
        fold=nodules.fold,
        diameter=nodules.diameter,
        readers={rule: nodules.malignancy(rule) for rule in RULES},
        malignancy=np.full(n, np.nan),
        attributes=np.full((n, len(ATTRIBUTES)), np.nan),
    )


def splits(fold: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Masks (n,) of what is learnt from and what is held out, for each fold."""
    for name in np.unique(fold):
        yield fold != name, fold == name


def logistic(nodules: RatedNodules, features: np.ndarray) -> dict[str, OutOfFold]:
    """By label rule, logistic regression (standardised, L2 with C = 1) fitted and evaluated under that rule.

    Parameters
    ----------
    features
        (n, k).

    Raises
    ------
    DatasetError
        What a fold leaves to learn from has only benign or only malignant nodules.
    """
    predictions = {}
    for rule in RULES:
        label, probability = nodules.label(rule), np.full(len(nodules), np.nan)
        for learn, held_out in splits(nodules.fold):
            known = learn & (label >= 0)
            if len(np.unique(label[known])) < 2:
                raise DatasetError(
                    f"by the readers' {rule}, a fold leaves only benign or only malignant nodules: more are needed."
                )
            model = logistic_model().fit(features[known], label[known])
            probability[held_out] = model.predict_proba(features[held_out])[:, 1]
        predictions[rule] = replace(opinion(nodules), malignancy=probability)
    return predictions


def logistic_model() -> Pipeline:
    """Standardisation and logistic regression."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))


def median_attributes(nodules: RatedNodules) -> np.ndarray:
    """(n, 8) always the median of the other folds: what knowing nothing of the nodule errs by."""
    return _attributes(nodules, lambda learn, held_out: np.median(nodules.attributes[learn], axis=0))


def shrunken_attributes(nodules: RatedNodules, features: np.ndarray, kind: Shrinkage) -> np.ndarray:
    """(n, 8) by LASSO or elastic net (half L1, half L2) on standardised features, clipped to the scales.

    The strength is chosen for each attribute by cross-validation over the folds that are learnt from.
    """

    def predict(learn: np.ndarray, held_out: np.ndarray) -> np.ndarray:
        scaler = StandardScaler().fit(features[learn])
        x, others = scaler.transform(features[learn]), np.unique(nodules.fold[learn], return_inverse=True)[1]
        # With two folds there is one to learn from, and nothing to choose by but its nodules.
        inner = PredefinedSplit(others) if others.max() else 3
        columns = []
        for truth in nodules.attributes[learn].T:
            if kind == "lasso":
                model = LassoCV(alphas=PENALTIES, cv=inner, max_iter=20_000, tol=1e-3)
            else:
                model = ElasticNetCV(l1_ratio=0.5, alphas=PENALTIES, cv=inner, max_iter=20_000, tol=1e-3)
            with warnings.catch_warnings():
                # Of few nodules the weakest penalties need not converge; they are candidates, no more.
                warnings.simplefilter("ignore", ConvergenceWarning)
                columns.append(model.fit(x, truth).predict(scaler.transform(features[held_out])))
        return np.column_stack(columns)

    return _attributes(nodules, predict)


def _attributes(nodules: RatedNodules, predict: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    predicted = np.empty((len(nodules), len(ATTRIBUTES)))
    for learn, held_out in splits(nodules.fold):
        predicted[held_out] = predict(learn, held_out)
    return np.clip(predicted, 1, [SCALE_MAX[name] for name in ATTRIBUTES])
