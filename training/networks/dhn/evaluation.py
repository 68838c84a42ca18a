"""DHN on radiographs with truth: image score, boxes, marks on sham pastes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...evaluation.radiographs import evaluate_radiographs

if TYPE_CHECKING:
    from .predictor import DhnPredictor


def evaluate(predictor: DhnPredictor, data: Path, weights: Path, **options: Any) -> dict[str, Any]:
    """Figures of a loaded predictor, see `evaluate_radiographs`."""
    return evaluate_radiographs(predictor, data, weights, lungs=False, **options)
