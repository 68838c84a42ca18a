"""All figures of the report, as plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..data.public.rated_nodules import RatedNodules
from ..findings import ATTRIBUTES
from ..findings.lidc_scales import RULES
from ..metrics.characterisation.attributes import attribute_figures, reader_disagreement
from ..metrics.characterisation.figures import rule_figures, statistics
from ..metrics.characterisation.out_of_fold import OutOfFold, same_nodules
from ..metrics.intervals.bootstrap import bootstrap_weights, finite, paired_difference
from .baselines import logistic, median_attributes, shrunken_attributes
from .published import ATTRIBUTE_TARGETS, AUC_TARGETS, CALIBRATION_TARGET
from .relatedness import left_out_auc, relatedness
from .runs import FUSED, MTCNN, MTMR, WITHOUT_ATTRIBUTES, reconstruction_weight

Predictor = dict[str, OutOfFold]
"""By label rule; a network says the same under both, a baseline is fitted anew."""
DIAMETER, MASK, READERS, READERS_AND_DIAMETER = (
    "log diameter",
    "15 mask features",
    "readers' attributes",
    "readers' attributes and log diameter",
)


def baseline_predictors(nodules: RatedNodules, features: np.ndarray) -> dict[str, Predictor]:
    """Logistic regressions, by name."""
    diameter = np.log(nodules.diameter)[:, None]
    return {
        DIAMETER: logistic(nodules, diameter),
        MASK: logistic(nodules, features),
        READERS: logistic(nodules, nodules.attributes),
        READERS_AND_DIAMETER: logistic(nodules, np.hstack([nodules.attributes, diameter])),
    }


def malignancy(predictors: Mapping[str, Predictor], samples: int, seed: int) -> dict[str, Any]:
    """Name -> rule -> `rule_figures`."""
    return {
        name: {rule: rule_figures(by_rule[rule], rule, samples=samples, seed=seed) for rule in RULES}
        for name, by_rule in predictors.items()
    }


def differences(predictors: Mapping[str, Predictor], samples: int, seed: int) -> list[dict[str, Any]]:
    """Paired differences of AUC on the nodules that both know, for the comparisons that the tables are about."""
    networks = [name for name in (FUSED, MTMR, MTCNN) if name in predictors]
    pairs = [(name, baseline) for name in networks for baseline in (MASK, DIAMETER)]
    pairs += [(FUSED, name) for name in networks[1:] if FUSED in predictors]
    for network, shipped in (("mtmr", MTMR), ("mtcnn", MTCNN)):
        for name in predictors:
            if name.startswith(f"{network}/") and name != shipped and shipped in predictors:
                pairs.append((shipped, name))
    rows = []
    for first, second in pairs:
        for rule in RULES:
            a, b = same_nodules([predictors[first][rule], predictors[second][rule]])
            label = a.label(rule)
            a, b, label = a.take(label >= 0), b.take(label >= 0), label[label >= 0]
            if len(np.unique(label)) < 2:
                continue
            auc = [statistics(label, p.malignancy)["auc"] for p in (a, b)]
            gain = paired_difference(auc[0], auc[1], bootstrap_weights(a.series, samples, seed))
            rows.append(
                {"first": first, "second": second, "rule": rule, "nodules": len(label), **gain.to_json()}
            )
    return rows


def attributes(
    nodules: RatedNodules, features: np.ndarray, runs: Mapping[str, OutOfFold], samples: int, seed: int
) -> dict[str, Any]:
    """Predictor -> attribute -> ``{"mae", "mae_lower", "mae_upper", "spearman", "accuracy"}``; ``readers`` only ``mae``."""
    predicted = {
        "median predictor": (nodules, median_attributes(nodules)),
        "LASSO": (nodules, shrunken_attributes(nodules, features, "lasso")),
        "elastic net": (nodules, shrunken_attributes(nodules, features, "elastic net")),
    }
    for name, run in runs.items():
        # The fused opinion has MTMR-Net's attributes; without regression loss nothing has learnt any.
        if run.has_attributes and name not in (FUSED, *WITHOUT_ATTRIBUTES):
            predicted[name] = (rated(run, nodules), run.attributes)
    disagreement = reader_disagreement(nodules.readers)
    figures: dict[str, Any] = {
        "readers": {
            name: {"mae": finite(value)} for name, value in zip(ATTRIBUTES, disagreement, strict=True)
        }
    }
    for name, (known, values) in predicted.items():
        weights = bootstrap_weights(known.series, samples, seed)
        figures[name] = attribute_figures(known.readers, values, weights)
    return figures


def rated(run: OutOfFold, nodules: RatedNodules) -> RatedNodules:
    """The nodules of a run, in its order."""
    place = {int(index): position for position, index in enumerate(nodules.index)}
    return nodules.take(np.array([place[int(index)] for index in run.index], int))


def attribute_sources(
    nodules: RatedNodules, runs: Mapping[str, OutOfFold]
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Whose eight attributes malignancy is explained by: attributes (n, 8), label and fold (n,) under the mean rule."""
    label = nodules.label("mean")
    known = label >= 0
    sources = {"readers": (nodules.attributes[known], label[known], nodules.fold[known])}
    if MTMR in runs and runs[MTMR].has_attributes:
        run = runs[MTMR]
        label = run.label("mean")
        known = (label >= 0) & np.isfinite(run.attributes).all(1)
        sources[MTMR] = (run.attributes[known], label[known], run.fold[known])
    return sources


def relatedness_figures(
    sources: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> dict[str, Any]:
    """Table IV for each source, with the AUC of the attributes below average and of all eight."""
    figures = {}
    for name, (values, label, fold) in sources.items():
        found = relatedness(values, label, fold)
        low = ~found.above_average
        figures[name] = {
            **{key: value.tolist() for key, value in asdict(found).items()},
            "above_average": found.above_average.tolist(),
            "auc_below_average": left_out_auc(values[:, low], label, fold),
            "auc_all": left_out_auc(values, label, fold),
        }
    return figures


def reconstruction(folder: Path, malignancies: Mapping[str, Any]) -> list[dict[str, Any]]:
    """MT-CNN's Fig. 7: weight of the reconstruction and figures by rule, in the order of the weights."""
    rows = [
        {"weight": weight, "name": name, **{rule: figures[rule]["auc"] for rule in RULES}}
        for name, figures in malignancies.items()
        if "alpha_" in name or name == MTCNN
        if (weight := reconstruction_weight(folder, name)) is not None
    ]
    return sorted(rows, key=lambda row: (row["weight"], row["name"]))


def targets(malignancies: Mapping[str, Any], errors: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each target with what was reached; ``met`` is None where there is nothing to compare."""
    rows: list[dict[str, Any]] = []

    def add(what: str, target: float, value: float | None, *, at_least: bool) -> None:
        met = None if value is None else bool(value >= target if at_least else value <= target)
        rows.append({"what": what, "target": target, "at_least": at_least, "value": value, "met": met})

    for name, key in (("fused", FUSED), ("mtmr", MTMR), ("mtcnn", MTCNN)):
        own = malignancies.get(key)
        for rule, target in AUC_TARGETS[name].items():
            cell = own[rule]["auc"] if own else None
            add(f"{key}: AUC, readers' {rule}", target, cell["value"] if cell else None, at_least=True)
        if key != FUSED:
            baseline, cell = malignancies[MASK]["mean"]["auc"], own["mean"]["auc"] if own else None
            if baseline:
                value = cell["value"] if cell else None
                add(f"{key}: AUC above the mask features", baseline["value"], value, at_least=True)
        error = own["mean"]["calibration_error"] if own else None
        add(f"{key}: calibration error, readers' mean", CALIBRATION_TARGET, error, at_least=False)
    for attribute, target in ATTRIBUTE_TARGETS.items():
        value = errors[MTMR][attribute]["mae"] if MTMR in errors else None
        add(f"{MTMR}: error of {attribute}", target, value, at_least=False)
    return rows
