"""The one answer of radiograph networks: what it adds to findings, for which weights, and what its file holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logit

from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.radiograph_answer import (
    ANSWER,
    BOTH,
    OWN,
    AnswerError,
    Line,
    RadiographAnswer,
    answered,
    read_answer,
    shipped_answer,
    write_answer,
)

from ...stand_ins.reviewed_radiographs import by_both, radiograph

WEIGHTS = {"dhn": ("0.1", "aa"), "mosegnet": ("0.1", "bb")}
ALONE = RadiographAnswer(WEIGHTS, Line({"mosegnet.mark": 2.0}, -0.5), None, 0.4, {})
FUSED = replace(
    ALONE,
    image=Line({"dhn.head": 1.0, "mosegnet.mark": 1.0}, 0.0),
    place=Line({"dhn.mark": 1.0, "mosegnet.mark": 1.0, BOTH: 2.0}, 0.0),
)


@pytest.fixture
def found():
    """What both networks found, with the hashes of their weights."""
    findings = by_both(radiograph())
    models = tuple({**model, "sha256": WEIGHTS[model["name"]][1]} for model in findings.models)
    return replace(findings, models=models)


def test_where_one_network_is_best_it_answers_by_its_surest_mark(found):
    after = answered(found, ALONE)
    first = after.image_scores[0]
    assert (first.model, first.version, first.threshold) == (ANSWER, "mosegnet 0.1", 0.4)
    assert logit(first.probability) == pytest.approx(2 * logit(0.8) - 0.5)
    assert after.image_scores[1:] == found.image_scores
    assert after.items == found.items


def test_a_place_has_one_score_whichever_network_marks_it(found):
    after = answered(found, FUSED)
    both = logit(0.9) + logit(0.8) + 2
    assert logit([after["d1"].score, after["m1"].score]) == pytest.approx([both, both])
    assert logit(after["d2"].score) == pytest.approx(logit(0.7) + logit(0.01))
    assert after["d2"].scores[OWN] == 0.7
    assert [f.score for f in after] == sorted((f.score for f in after), reverse=True)
    assert {f.id: f.geometry for f in after} == {f.id: f.geometry for f in found}


def test_a_network_that_answers_alone_needs_no_other(found):
    only = replace(found, models=found.models[1:], image_scores=())
    assert [s.model for s in answered(only, ALONE).image_scores] == [ANSWER]


def test_other_weights_or_one_network_alone_have_no_common_answer(found):
    other = replace(found, models=({**found.models[0], "sha256": "cc"}, found.models[1]))
    alone = replace(found, models=found.models[:1])
    assert answered(other, FUSED) is other
    assert answered(alone, FUSED) is alone


def test_a_fit_is_read_as_it_was_written_and_damage_is_said(tmp_path):
    path = tmp_path / "radiograph_answer.json"
    write_answer(FUSED, path)
    assert read_answer(path) == FUSED
    path.write_text(path.read_text().replace('"image"', '"picture"'))
    with pytest.raises(AnswerError, match="no fitted answer"):
        read_answer(path)
    with pytest.raises(AnswerError, match="cannot be read"):
        read_answer(tmp_path / "nothing.json")


def test_the_shipped_fit_is_for_the_shipped_weights():
    """After new weights: experiments/radiographs/fused.py --out training/inference."""
    fit = shipped_answer()
    cards = {name: registry.card(name) for name in fit.networks}
    assert fit.networks == {name: (card.version, card.sha256) for name, card in cards.items()}
    assert 0 < fit.threshold < 1
    assert np.isfinite(fit.image.intercept)
    assert set(fit.speakers) <= set(fit.networks)
