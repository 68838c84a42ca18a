"""Fits and releases the heads that tell readers' votes from the networks' opinions.

``python -m napari_lungmtl.training.crossval.votes --data luna16_nodules --out runs/votes`` rates every nodule with the shipped
networks (each by the models that never saw its scan), fits a head for each fold on the nodules of the others, and writes
``votes.safetensors`` with a card that says how good the heads are out of fold.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from ..data.public.luna16_nodules import to_hu
from ..data.public.rated_nodules import RatedNodules, load_rated_nodules
from ..findings import ATTRIBUTES, Opinion
from ..findings.finding import MALIGNANCY
from ..findings.lidc_scales import NOMINAL
from ..inference import registry
from ..inference.fusion import fused_networks
from ..inference.votes.head import CATEGORIES, VotesHead, head_of, inputs, inputs_of_scale
from ..inference.weights import ModelCard, save_weights
from ..metrics.characterisation.votes import count_votes
from ..metrics.characterisation.votes_figures import votes_figures
from .folds import FOLDS, training_record

PENALTY = {True: 0.03, False: 0.0003}
"""Weight of the squared coefficients, for nominal scales and for the others: nominal ones have many inputs and few votes."""
BIAS_PENALTY = 1e-3
"""Holds what a scale's rarest categories are given near how often they were chosen."""
RATINGS = (*ATTRIBUTES, MALIGNANCY)
"""Order of the readers' ratings."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the card says of the fit."""

    penalty: float = PENALTY[False]
    penalty_nominal: float = PENALTY[True]
    bias_penalty: float = BIAS_PENALTY


def count_by_scale(readers: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Count the votes of each nodule's readers (r, 9) by scale: (n, K)."""
    return {
        scale: np.array([count_votes(r[:, place], CATEGORIES[scale]) for r in readers])
        for place, scale in enumerate(RATINGS)
    }


def opinions_out_of_fold(nodules: RatedNodules, device: str = "auto") -> list[tuple[Opinion, ...]]:
    """Characterise nodules with all fused networks, each by the models that never saw its scan."""
    models = [registry.load_predictor(name, device) for name in fused_networks()]
    return [
        tuple(m.opinion(to_hu(v), c, float(d), str(s)) for m in models)
        for v, c, d, s in zip(nodules.voxels, nodules.center, nodules.diameter, nodules.series, strict=True)
    ]


def inputs_table(
    opinions: Sequence[Sequence[Opinion]], diameter: np.ndarray, networks: Sequence[str]
) -> dict[str, np.ndarray]:
    """Gather the heads' inputs of many nodules: (n,) by name."""
    rows = [inputs(o, float(d), networks) for o, d in zip(opinions, diameter, strict=True)]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def fit_scale(values: np.ndarray, votes: np.ndarray, penalty: float) -> np.ndarray:
    """Fit log odds (K, p + 1) of K categories to votes (n, K), by inputs (n, p); each nodule counts as one.

    The penalty is on coefficients of inputs that are scaled to unit deviation.
    """
    known = votes.sum(1) > 0
    values, votes = values[known], votes[known]
    mean, scale = values.mean(0), values.std(0) + 1e-6
    rows = np.column_stack([(values - mean) / scale, np.ones(len(values))])
    share = votes / votes.sum(1, keepdims=True)
    start = np.zeros((votes.shape[1], rows.shape[1]))
    start[:, -1] = np.log((votes.sum(0) + 0.5) / (votes.sum() + 0.5 * votes.shape[1]))
    weight = np.full_like(start, penalty)
    weight[:, -1] = BIAS_PENALTY

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        table = flat.reshape(start.shape)
        scores = rows @ table.T
        away = table - start * (np.arange(rows.shape[1]) == rows.shape[1] - 1)
        value = -(share * log_softmax(scores, axis=1)).sum() / len(rows) + (weight * away**2).sum()
        slope = (softmax(scores, axis=1) - share).T @ rows / len(rows) + 2 * weight * away
        return float(value), slope.ravel()

    table = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 2000}).x
    table = table.reshape(start.shape)
    table[:, :-1] /= scale
    table[:, -1] -= table[:, :-1] @ mean
    return table


def fit_heads(
    values: Mapping[str, np.ndarray],
    votes: Mapping[str, np.ndarray],
    fold: np.ndarray,
    networks: Sequence[str],
) -> dict[str, np.ndarray]:
    """Fit ``fold<k>.<scale>`` on the nodules of all folds but k, and never on those of no fold."""
    tensors = {}
    for k in FOLDS:
        chosen = np.isin(fold, [f for f in FOLDS if f != k])
        for scale in CATEGORIES:
            own = np.column_stack([values[name][chosen] for name in inputs_of_scale(scale, networks)])
            tensors[f"fold{k}.{scale}"] = fit_scale(own, votes[scale][chosen], PENALTY[scale in NOMINAL])
    return tensors


def card_of(networks: Sequence[str], nodules: RatedNodules) -> ModelCard:
    """Make the card without figures."""
    record = training_record(nodules, Settings(), {"steps": 0, "minutes": 0.0})
    record["networks"] = {name: registry.card(name).version for name in networks}
    record["note"] = (
        "Five heads for each scale; each was fitted on the out-of-fold opinions of the nodules of four folds and "
        "evaluated on the fifth. A series named under folds gets the head that never saw it, any other the mean of all five."
    )
    return ModelCard(
        name="votes",
        version="0.1",
        title="Readers' votes",
        purpose="Tells from the networks' opinions how readers would vote on malignancy and the eight LIDC attributes.",
        modalities=("CT",),
        config={
            "networks": list(networks),
            "scales": {scale: list(inputs_of_scale(scale, networks)) for scale in CATEGORIES},
        },
        input={"opinions": "log odds of malignancy and attributes of the networks, diameter in mm"},
        training=record,
        limits=(
            "Votes are those of LIDC's radiologists, who saw the CT alone: no biopsy.",
            "Fitted on nodules of 3 to 30 mm that at least three of four readers marked.",
            "Votes on the internal structure are next to always soft tissue: fluid, fat and air were too rare to be told.",
        ),
        task="votes",
    )


def shares_out_of_fold(
    head: VotesHead, values: Mapping[str, np.ndarray], series: Sequence[str]
) -> dict[str, np.ndarray]:
    """Tell the votes on nodules, each by the head that never saw its scan: (n, K) by scale."""
    rows = [
        head.shares({name: float(v[i]) for name, v in values.items()}, str(s)) for i, s in enumerate(series)
    ]
    return {scale: np.array([row[scale] for row in rows]) for scale in rows[0]}


def release(nodules: RatedNodules, values: Mapping[str, np.ndarray], out: Path) -> Path:
    """Fit the heads of all folds and write them with a card; gives the weights' path."""
    networks, votes = fused_networks(), count_by_scale(nodules.readers)
    card = card_of(networks, nodules)
    tensors = fit_heads(values, votes, nodules.fold, networks)
    head = head_of(card, tensors)
    shares = shares_out_of_fold(head, values, [str(s) for s in nodules.series])
    metrics: dict[str, Any] = {
        "how": "5-fold cross-validation by scan (folds.csv), scores of one reader's vote averaged over a nodule's readers",
        "nodules": len(nodules),
        "scales": {
            scale: votes_figures(
                shares[scale], votes[scale], nodules.fold, nodules.series, nominal=scale in NOMINAL
            )
            for scale in shares
        },
    }
    state = {key: torch.from_numpy(table) for key, table in tensors.items()}
    return save_weights(state, dataclasses.replace(card, metrics=metrics), out)


def main() -> None:
    """What ``python -m`` runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of nodule cubes with folds.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the weights to")
    parser.add_argument("--device", default="auto")
    a = parser.parse_args()
    nodules = load_rated_nodules(a.data)
    nodules = nodules.take(np.isin(nodules.fold, FOLDS))
    opinions = opinions_out_of_fold(nodules, a.device)
    values = inputs_table(opinions, nodules.diameter, fused_networks())
    print(release(nodules, values, a.out))


if __name__ == "__main__":
    main()
