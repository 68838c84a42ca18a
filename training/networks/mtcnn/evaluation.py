"""MT-CNN's figures on a folder: of the malignancies, or of the false-positive reduction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...crossval.nodule_cubes import evaluate_on_cubes
from ...inference.weights import read_card
from .predictor import MtcnnPredictor


def evaluate(
    predictor: Any,
    data: Path,
    weights: Path,
    *,
    truth: Path | None = None,
    excluded: Path | None = None,
    folds: Sequence[str] | None = None,
    findings: Path | None = None,
    on_progress: Callable[[float, str], None] = lambda _f, _s: None,
) -> dict[str, Any]:
    """Figures of a loaded predictor; see `crossval.nodule_cubes.evaluate_on_cubes` and `reduction.evaluation.evaluate_candidates`.

    Parameters
    ----------
    truth, excluded
        Have no meaning for malignancies, whose truth are the readers' ratings; the reduction takes its truth from the
        candidates' file.
    findings
        A detector's findings instead of the annotated centres; for the reduction, the candidates to judge.
    """
    card = read_card(weights)
    if not isinstance(predictor, MtcnnPredictor):
        from .reduction.evaluation import evaluate_candidates

        return evaluate_candidates(
            predictor, card, data, folds=folds, candidates=findings, on_progress=on_progress
        )
    figures, _ = evaluate_on_cubes(
        predictor.opinion, card, data, folds=folds, findings=findings, on_progress=on_progress
    )
    return figures
