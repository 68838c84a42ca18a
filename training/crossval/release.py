"""From five fold models of a characteriser to weights with an honest card."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data.public.rated_nodules import RatedNodules
from ..fitting.presentation import presentation
from ..inference.registry import load_predictor
from ..inference.weights import ModelCard, read_card, save_weights
from .folds import FoldResult, cross_fitted, fold_tensors, out_of_fold
from .nodule_cubes import evaluate_on_cubes
from .out_of_fold_file import write_out_of_fold

LIMITS = (
    "The truth is the opinion of three or four radiologists who saw the CT alone (LIDC-IDRI), not a biopsy.",
    "Nodules of 3 mm and more that at least three of four readers marked (LUNA16); slices up to 2.5 mm.",
)


def calibrate(
    nodules: RatedNodules, results: Mapping[str, FoldResult], out: Path, *, attributes: bool
) -> dict[str, tuple[float, float]]:
    """Fit each fold's calibration on the out-of-fold scores of the others; writes ``out/oof.csv``."""
    scores = np.concatenate([r.predictions["logit"] for r in results.values()])
    index = np.concatenate([r.predictions["index"] for r in results.values()])
    row_of = {int(i): n for n, i in enumerate(nodules.index)}
    rows = np.array([row_of[int(i)] for i in index])
    calibration = cross_fitted(scores, nodules.label("mean")[rows], nodules.fold[rows])
    write_out_of_fold(out / "oof.csv", out_of_fold(nodules, results, calibration, attributes=attributes))
    return calibration


@dataclass(frozen=True)
class CardText:
    """What a network says of itself on its card.

    Parameters
    ----------
    name, version, purpose
        Of the weights.
    field
        What of the scan it sees.
    limits
        Beside `LIMITS`.
    """

    name: str
    version: str
    purpose: str
    field: str
    limits: tuple[str, ...]


def card_of(
    text: CardText, network: Any, calibration: Mapping[str, tuple[float, float]], training: dict[str, Any]
) -> ModelCard:
    """Make a card without metrics.

    Parameters
    ----------
    network
        The network's config, which has `hu_range`.
    training
        Of `folds.training_record`.
    """
    return ModelCard(
        name=text.name,
        version=text.version,
        purpose=text.purpose,
        modalities=("CT",),
        config={**dataclasses.asdict(network), "calibration": {k: list(v) for k, v in calibration.items()}},
        input={
            "voxels_mm": 1.0,
            "field": text.field,
            "axes": "z, y, x (LPS)",
            "hu_range": list(network.hu_range),
            "diameter_mm": [3, 30],
        },
        training=training,
        limits=(*LIMITS, *text.limits),
        task="characterisation",
        **presentation(text.name),
    )


def release_folds(card: ModelCard, results: Mapping[str, FoldResult], data: Path, out: Path) -> Path:
    """Write weights and card, measure what was written, and put the figures into the card."""
    path = save_weights(fold_tensors(results), card, out)
    card = read_card(path)
    predictor = load_predictor(card.name, "cpu", path)
    figures, _ = evaluate_on_cubes(predictor.opinion, card, data, folds=card.training["models"])
    metrics = {
        "how": f"lungmtl evaluate {card.name} --data {data.name}: 5-fold cross-validation by scan (folds.csv), each nodule "
        "judged by the model that never saw its scan; settings were chosen with these scans in sight",
        "cases": figures["cases"],
        "scans": figures["scans"],
        **figures["metrics"],
    }
    return save_weights(fold_tensors(results), dataclasses.replace(card, metrics=metrics), out)
