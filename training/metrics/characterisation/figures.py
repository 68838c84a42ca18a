"""The figures of one predictor of malignancy and attributes, and the table that a person reads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ...findings.lidc_scales import RULES
from ..intervals.bootstrap import SAMPLES, bootstrap_weights, finite, interval
from .attributes import attribute_figures
from .classification import brier_score, calibration_error, rates, reliability, roc_auc
from .out_of_fold import OutOfFold

MEASURES = ("auc", "accuracy", "sensitivity", "specificity", "brier")


def statistics(label: np.ndarray, probability: np.ndarray, threshold: float = 0.5) -> dict[str, Any]:
    """Make the `MEASURES` as functions of weights, for `interval` and `paired_difference`."""

    def rate(name: str, weight: np.ndarray) -> np.ndarray:
        return getattr(rates(label, probability, threshold, weight), name)

    return {
        "auc": partial(roc_auc, label, probability),
        **{name: partial(rate, name) for name in ("accuracy", "sensitivity", "specificity")},
        "brier": partial(brier_score, label, probability),
    }


def rule_figures(
    predictions: OutOfFold, rule: str, *, threshold: float = 0.5, samples: int = SAMPLES, seed: int = 0
) -> dict[str, Any]:
    """Compute the figures under one label rule; nodules that are neither benign nor malignant are left out.

    Returns
    -------
    dict
        For each of `MEASURES`: ``{"value", "lower", "upper", "fold_mean", "fold_sd"}``: on all nodules together, with the 95 %
        interval over scans, and mean and standard deviation (n − 1) of the folds' own values, None for fewer than two folds.
        Then ``calibration_error`` (10 bins of equal width), ``calibration_error_equal_mass``, ``reliability`` (rows), ``malignant``
        and ``benign`` (counts), ``scans``. Measures that do not exist, as without any malignant nodule, are None.
    """
    label = predictions.label(rule)
    labelled = predictions.take(label >= 0)
    label = label[label >= 0]
    counts = {"malignant": int(label.sum()), "benign": int((1 - label).sum())}
    if not len(labelled):
        return {**dict.fromkeys((*MEASURES, "calibration_error")), **counts, "scans": 0}
    weights = bootstrap_weights(labelled.series, samples, seed)
    folds = [fold for fold in np.unique(labelled.fold) if str(fold).isdigit()]
    in_fold = np.array([labelled.fold == fold for fold in folds], float).reshape(len(folds), len(labelled))
    figures: dict[str, Any] = {}
    for name, statistic in statistics(label, labelled.malignancy, threshold).items():
        by_fold = np.asarray(statistic(in_fold))
        by_fold = by_fold[np.isfinite(by_fold)]
        several = len(by_fold) > 1
        figures[name] = {
            **interval(statistic, weights).to_json(),
            "fold_mean": finite(by_fold.mean()) if several else None,
            "fold_sd": finite(by_fold.std(ddof=1)) if several else None,
        }
    return {
        **figures,
        "calibration_error": finite(float(calibration_error(label, labelled.malignancy))),
        "calibration_error_equal_mass": finite(
            float(calibration_error(label, labelled.malignancy, equal="mass"))
        ),
        "reliability": [vars(row) for row in reliability(label, labelled.malignancy)],
        **counts,
        "scans": len(np.unique(labelled.series)),
    }


def characterisation_figures(
    predictions: OutOfFold,
    readers: Sequence[np.ndarray] | None = None,
    *,
    threshold: float = 0.5,
    samples: int = SAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Compute the figures of one predictor: ``{"nodules", "mean": …, "median": …, "attributes": {name: …}}``; see `rule_figures`.

    Parameters
    ----------
    readers
        What the readers wrote of each nodule, in the order of the predictions (see `attribute_figures`); None leaves the
        attributes out.
    """
    figures: dict[str, Any] = {"nodules": len(predictions)}
    for rule in RULES:
        figures[rule] = rule_figures(predictions, rule, threshold=threshold, samples=samples, seed=seed)
    if readers is not None and predictions.has_attributes:
        weights = bootstrap_weights(predictions.series, samples, seed)
        figures["attributes"] = attribute_figures(readers, predictions.attributes, weights)
    return figures


def characterisation_table(figures: dict[str, Any]) -> list[list[str]]:
    """Make the table for a person, the header first: what, on all nodules, 95 % interval over scans, mean ± SD over folds.

    Both label rules, then the attributes' mean absolute errors with Spearman's rho (and accuracy of the nominal ones).
    """
    rows = [["measure", "all nodules", "95 % interval", "folds: mean ± SD"]]
    for rule in RULES:
        part = figures[rule]
        rows.append([f"readers' {rule}: {part['malignant']} malignant, {part['benign']} benign", "", "", ""])
        for name in MEASURES:
            cell = part[name] or {}
            shown = "AUC" if name == "auc" else "Brier score" if name == "brier" else name
            rows.append(
                [
                    f"  {shown}",
                    text(cell.get("value")),
                    span(cell.get("lower"), cell.get("upper")),
                    spread(cell.get("fold_mean"), cell.get("fold_sd")),
                ]
            )
        rows.append(["  expected calibration error", text(part["calibration_error"]), "", ""])
    for name, part in figures.get("attributes", {}).items():
        extra = f"rho {text(part['spearman'], 2)}"
        if "accuracy" in part:
            extra += f", accuracy {text(part['accuracy'], 3)}"
        bounds = span(part.get("mae_lower"), part.get("mae_upper"), 2)
        rows.append([f"{name}: mean absolute error", text(part["mae"], 2), bounds, extra])
    return rows


def text(value: float | None, digits: int = 3) -> str:
    """Format a number, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def span(lower: float | None, upper: float | None, digits: int = 3) -> str:
    """Format an interval, or a dash."""
    return "–" if lower is None or upper is None else f"{lower:.{digits}f}–{upper:.{digits}f}"


def spread(mean: float | None, sd: float | None, digits: int = 3) -> str:
    """Format mean ± standard deviation, or a dash."""
    return "–" if mean is None or sd is None else f"{mean:.{digits}f} ± {sd:.{digits}f}"
