"""MTMR-Net on nodule cubes with readers' ratings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...crossval.nodule_cubes import evaluate_on_cubes
from ...inference.weights import read_card

if TYPE_CHECKING:
    from .predictor import MtmrPredictor


def evaluate(
    predictor: MtmrPredictor,
    data: Path,
    weights: Path,
    *,
    folds: Sequence[str] | None = None,
    findings: Path | None = None,
    report: Callable[[float, str], None] = lambda _f, _s: None,
    **_others: Any,
) -> dict[str, Any]:
    """Figures of a loaded predictor, see `evaluate_on_cubes`."""
    figures, _ = evaluate_on_cubes(
        predictor.opinion, read_card(weights), data, folds=folds, findings=findings, on_progress=report
    )
    return figures
