"""MO-SegNet on radiographs with truth: lesions by component, boxes around components, lungs where masks are given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...evaluation.radiographs import evaluate_radiographs

if TYPE_CHECKING:
    from .predictor import MosegnetPredictor


def evaluate(predictor: MosegnetPredictor, data: Path, weights: Path, **options: Any) -> dict[str, Any]:
    """Figures of a loaded predictor, see `evaluate_radiographs`."""
    return evaluate_radiographs(predictor, data, weights, lungs=True, **options)
