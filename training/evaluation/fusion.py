"""Both characterisers and their fusion on nodule cubes: what ``lungmtl evaluate fusion`` prints."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..crossval.nodule_cubes import evaluate_on_cubes
from ..findings import Opinion
from ..inference import registry
from ..inference.fusion import NAMES, mean_log_odds
from ..metrics.characterisation.classification import roc_auc


def evaluate(
    data: Path,
    *,
    folds: Sequence[str] | None = None,
    findings: Path | None = None,
    device: str = "auto",
    report: Callable[[float, str], None] = lambda _f, _s: None,
) -> dict[str, Any]:
    """Figures of the fused malignancy, and the AUC of each network on the same nodules.

    Parameters
    ----------
    data
        Layout of ``luna16_nodules``.
    folds, findings
        See `crossval.nodule_cubes.evaluate_on_cubes`.
    """
    models = [registry.load_predictor(name, device) for name in NAMES]
    cards = [registry.card(name) for name in NAMES]
    version = " + ".join(f"{c.name} {c.version}" for c in cards)
    trained = cards[0].training.get("folds", {}) | cards[1].training.get("folds", {})
    alone: list[tuple[float, ...]] = []

    def judge(cube: np.ndarray, center: np.ndarray, diameter: float, series: str) -> Opinion:
        one, other = (m.opinion(cube, center, diameter, series) for m in models)
        alone.append((one.malignancy, other.malignancy))
        return Opinion(
            "fusion",
            version,
            float(mean_log_odds(one.malignancy, other.malignancy)),
            math.hypot(one.std, other.std) / math.sqrt(2),
            attributes=one.attributes,
        )

    card = replace(
        cards[0],
        name="fusion",
        version=version,
        sha256="",
        training={**cards[0].training, "folds": trained},
    )
    figures, predictions = evaluate_on_cubes(judge, card, data, folds=folds, findings=findings, report=report)
    for rule, key in (("mean", "auc"), ("median", "auc_median_rule")):
        label = predictions.label(rule)
        known = label >= 0
        for name, scores in zip(NAMES, np.array(alone).T, strict=True):
            both = len(np.unique(label[known])) == 2
            value = float(np.squeeze(roc_auc(label[known], scores[known]))) if both else None
            figures["metrics"].setdefault("alone", {}).setdefault(name, {})[key] = value
            shown = "–" if value is None else f"{value:.3f}"
            figures["table"].append([f"{name} alone, readers' {rule}: AUC", shown, "", ""])
    return figures
