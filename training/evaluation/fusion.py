"""All characterisers and their fusion on nodule cubes: what ``lungmtl evaluate fusion`` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..crossval.nodule_cubes import evaluate_on_cubes
from ..crossval.votes import count_by_scale
from ..data.public.rated_nodules import readers_by_index
from ..findings import Opinion
from ..findings.lidc_scales import NOMINAL
from ..inference import model_store, registry
from ..inference.fusion import fused_networks, mean_log_odds
from ..inference.progress import OnProgress
from ..inference.votes.head import shipped_head
from ..metrics.characterisation.classification import roc_auc
from ..metrics.characterisation.figures import span, text
from ..metrics.characterisation.votes_figures import votes_figures


def evaluate_fusion(
    data: Path,
    *,
    folds: Sequence[str] | None = None,
    findings: Path | None = None,
    device: str = "auto",
    on_progress: OnProgress = lambda _f, _s: None,
) -> dict[str, Any]:
    """Figures of the fused malignancy, and the AUC of each network on the same nodules.

    Parameters
    ----------
    data
        Layout of ``luna16_nodules``.
    folds, findings
        See `crossval.nodule_cubes.evaluate_on_cubes`.
    """
    names = fused_networks()
    models = [model_store.store.get(name, device) for name in names]
    cards = [registry.card(name) for name in names]
    version = " + ".join(f"{c.name} {c.version}" for c in cards)
    trained = {series: fold for c in cards for series, fold in c.training.get("folds", {}).items()}
    alone: list[tuple[float, ...]] = []
    votes: list[Mapping[str, tuple[float, ...]]] = []

    def fused_opinion(cube: np.ndarray, center: np.ndarray, diameter: float, series: str) -> Opinion:
        opinions = [m.opinion(cube, center, diameter, series) for m in models]
        alone.append(tuple(o.malignancy for o in opinions))
        votes.append(shipped_head().votes(opinions, diameter, series))
        return Opinion(
            "fusion",
            version,
            float(mean_log_odds(*alone[-1])),
            float(np.sqrt(np.mean([o.std**2 for o in opinions]))),
            attributes=next((o.attributes for o in opinions if o.attributes), {}),
        )

    card = replace(
        cards[0],
        name="fusion",
        version=version,
        sha256="",
        training={**cards[0].training, "folds": trained},
    )
    figures, predictions = evaluate_on_cubes(
        fused_opinion, card, data, folds=folds, findings=findings, on_progress=on_progress
    )
    for rule, key in (("mean", "auc"), ("median", "auc_median_rule")):
        label = predictions.label(rule)
        known = label >= 0
        for name, scores in zip(names, np.array(alone).T, strict=True):
            both = len(np.unique(label[known])) == 2
            value = float(np.squeeze(roc_auc(label[known], scores[known]))) if both else None
            figures["metrics"].setdefault("alone", {}).setdefault(name, {})[key] = value
            shown = "–" if value is None else f"{value:.3f}"
            figures["table"].append([f"{name} alone, readers' {rule}: AUC", shown, "", ""])
    readers = readers_by_index(data)
    counted = count_by_scale([readers[int(i)] for i in predictions.index])
    told = figures["metrics"]["votes"] = {
        scale: votes_figures(
            np.array([v[scale] for v in votes]),
            counted[scale],
            predictions.fold,
            predictions.series,
            nominal=scale in NOMINAL,
        )
        for scale in votes[0]
    }
    figures["table"] += [votes_row(scale, part) for scale, part in told.items()]
    return figures


def votes_row(scale: str, part: dict[str, dict[str, float | None]]) -> list[str]:
    """Make a row of the table: the score of the votes on a scale, and what it gains on the marginal distribution."""
    score, gain = part["score"], part.get("minus_marginal")
    kind = "Brier score" if scale in NOMINAL else "CRPS"
    against = "" if gain is None else f"{text(gain['value'])} against votes of any nodule"
    return [f"votes on {scale}: {kind}", text(score["value"]), span(score["lower"], score["upper"]), against]
