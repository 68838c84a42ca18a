"""The evaluations that come with the weights, and evaluations of radiographs on the scale of the window's one answer."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

from scipy.special import expit

from ..inference import registry
from ..inference.radiograph_answer import ANSWER, HEAD, MARK, NOTHING, RadiographAnswer, shipped_answer
from ..ops.logits import log_odds
from .cases import EvaluatedCase, Evaluation, EvaluationFileError, evaluation_of

SCANS, RADIOGRAPHS = (
    Path(__file__).with_name("shipped") / name for name in ("scans.json", "radiographs.json")
)
"""Written by ``experiments/operating_point/shipped.py`` from evaluations; each names the weights that it belongs to."""


@cache
def shipped_evaluation(radiographs: bool) -> Evaluation | None:
    """Read the evaluation that comes with the package; None where the weights at hand are others than those that it is of."""
    values = json.loads((RADIOGRAPHS if radiographs else SCANS).read_text(encoding="utf-8"))
    cards = {name: registry.shown_card(name) for name in values["networks"]}
    if any(card is None or card.sha256 != values["networks"][name] for name, card in cards.items()):
        return None
    evaluation = evaluation_of(values)
    if not radiographs:
        return replace(evaluation, title=values["title"], sha256=values["networks"][evaluation.network])
    return replace(on_answers_scale(evaluation, shipped_answer()), title=values["title"])


def on_answers_scale(evaluation: Evaluation, answer: RadiographAnswer) -> Evaluation:
    """Bring what one network says of radiographs to the scale of the answer that the window shows and thresholds.

    Raises
    ------
    EvaluationFileError
        The answer comes from another network, or from several, whose scores the evaluation does not have.
    """
    name = evaluation.network
    sha256 = answer.networks.get(name, ("", ""))[1]
    known = {f"{name}.{HEAD}", f"{name}.{MARK}"}
    if (
        answer.speakers != (name,)
        or not set(answer.image.coefficients) < known
        or not sha256.startswith(evaluation.sha256)
    ):
        speakers = " and ".join(answer.speakers)
        raise EvaluationFileError(
            f"has scores of {evaluation.title.partition(' on ')[0] or name}, and radiographs are judged by {speakers}: choose an "
            "evaluation of the weights at hand."
        )
    (coefficient,) = answer.image.coefficients.values()

    def answered(case: EvaluatedCase) -> EvaluatedCase:
        odds = answer.image.intercept + coefficient * log_odds(case.score or NOTHING)
        return replace(case, score=float(expit(odds)))

    return replace(evaluation, network=ANSWER, cases=tuple(map(answered, evaluation.cases)))
