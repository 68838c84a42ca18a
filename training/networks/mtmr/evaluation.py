"""MTMR-Net on nodule cubes with readers' ratings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...crossval.nodule_cubes import evaluate_on_cubes
from ...inference.weights import read_card

if TYPE_CHECKING:
    from .predictor import MtmrPredictor


def evaluate(predictor: MtmrPredictor, data: Path, weights: Path, **options: Any) -> dict[str, Any]:
    """Figures of a loaded predictor; options as in `evaluate_on_cubes`."""
    return evaluate_on_cubes(predictor.opinion, read_card(weights), data, **options)[0]
