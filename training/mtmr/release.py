"""From five fold models to weights with an honest card."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..datasets.rated_nodules import RatedNodules
from ..engine.characterise import evaluate_on_cubes
from ..engine.folds import FoldResult, joined, training_record
from ..engine.weights import ModelCard, read_card, save_weights
from .config import Config
from .room import build


def release(
    network: Config,
    training: dict[str, Any],
    nodules: RatedNodules,
    results: Mapping[str, FoldResult],
    calibration: Mapping[str, tuple[float, float]],
    data: Path,
    out: Path,
    log: dict[str, Any],
    settings: Mapping[str, Any],
) -> Path:
    """Write ``mtmr.safetensors`` and its card, measure what was written, and put the figures into the card."""
    card = ModelCard(
        name="mtmr",
        version=settings.get("version", "0.1"),
        title="MTMR-Net",
        purpose="Says how likely a nodule is malignant and rates the eight LIDC attributes, slice by slice.",
        modalities=("CT",),
        config={**dataclasses.asdict(network), "calibration": {k: list(v) for k, v in calibration.items()}},
        input={
            "voxels_mm": 1.0,
            "field": "50 mm cube around the sphere, cut to its diameter",
            "axes": "z, y, x (LPS)",
            "hu_range": list(network.hu_range),
            "diameter_mm": [3, 30],
        },
        training=training_record(nodules, training, log),
        limits=(
            "The truth is the opinion of three or four radiologists who saw the CT alone (LIDC-IDRI), not a biopsy.",
            "Nodules of 3 mm and more that at least three of four readers marked (LUNA16); slices up to 2.5 mm.",
            "Under 3 mm and over 30 mm it has seen next to nothing; internal structures other than soft tissue were too rare.",
        ),
        task="characterisation",
    )
    path = save_weights(joined(results), card, out)
    card = read_card(path)
    predictor = build(path, card, "cpu")
    figures, _ = evaluate_on_cubes(predictor.opinion, card, data, folds=card.training["models"])
    metrics = {
        "how": f"lungmtl evaluate mtmr --data {data.name}: 5-fold cross-validation by scan (folds.csv), each nodule judged by "
        "the model that never saw its scan; settings were chosen with these scans in sight",
        "cases": figures["cases"],
        "scans": figures["scans"],
        **figures["metrics"],
    }
    return save_weights(joined(results), dataclasses.replace(card, metrics=metrics), out)
