"""The fit of the one answer takes the fusion only where it is better out of fold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from napari_lungmtl.training.evaluation import radiograph_answer
from napari_lungmtl.training.evaluation.radiograph_answer import Film, fit_answer
from napari_lungmtl.training.inference.radiograph_answer import with_prevalence
from napari_lungmtl.training.metrics.radiograph.statistics import RadiographResult

NODULE = np.array([[40.0, 40.0, 60.0, 60.0]])
ELSEWHERE = np.array([[100.0, 100.0, 120.0, 120.0]])
WEIGHTS = {"a": ("0.1", "1"), "b": ("0.1", "2")}


@pytest.fixture(autouse=True, scope="module")
def few_samples():
    """Enough to tell a clear gain from none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(radiograph_answer, "SAMPLES", 30)
        yield


@pytest.fixture(scope="module")
def different(few_samples):
    """Films on which two networks know as much, but not the same, and the fit."""
    some = films(0.8, 0.8, 360)
    return some, fit_answer(some, WEIGHTS, heads={"a", "b"}).answer


def result(name: str, positive: bool, head: float, mark: float, false: float) -> RadiographResult:
    boxes, scores = np.concatenate([NODULE, ELSEWHERE]), expit([mark, false])
    return RadiographResult(
        name=name,
        background=name,
        score=float(expit(head)),
        boxes=boxes,
        scores=scores,
        centers=(boxes[:, :2] + boxes[:, 2:]) / 2,
        positive=positive,
        truth=NODULE if positive else np.zeros((0, 4)),
        diameter_mm=np.full(int(positive), 12.0),
        subtlety=np.full(int(positive), 3.0),
    )


def films(signal_a: float, signal_b: float, count: int = 180) -> list[Film]:
    """Films of which a half shows a nodule, seen by two networks whose errors have nothing in common."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(count):
        positive = number % 2 == 0
        noise = rng.normal(size=(2, 2))
        results = {
            name: result(
                # Head and mark go by the same evidence: one network alone gains nothing from its own second word.
                *(f"f{number}", positive, *(noise[k, [0, 0, 1]] + (signal * positive, signal * positive, -1)))
            )
            for k, (name, signal) in enumerate((("a", signal_a), ("b", signal_b)))
        }
        made.append(Film(results, str(number % 5)))
    return made


def test_a_network_that_knows_nothing_is_left_out():
    answer = fit_answer(films(0.0, 2.0), WEIGHTS, heads={"a", "b"}).answer
    assert tuple(answer.image.coefficients) == ("b.head",)
    assert answer.speakers == ("b",)


def test_two_that_know_different_things_are_fused(different):
    _, answer = different
    assert set(answer.speakers) == {"a", "b"}
    assert answer.measured["image"]["chosen"] == "fused"
    assert answer.place is not None


def test_one_that_has_no_head_answers_with_its_surest_mark_and_what_is_shown_agrees():
    answer = fit_answer(films(0.0, 2.5), WEIGHTS, heads={"a"}).answer
    assert tuple(answer.image.coefficients) == ("b.mark",)
    at_half = answer.image.log_odds({"b.mark": 0.0})
    assert answer.threshold == pytest.approx(float(expit(at_half)))


def test_the_answer_is_a_likelihood_ratio_whatever_the_prevalence_of_the_films():
    """Fitted on films of which a third shows a nodule, it is right at their prevalence."""
    some = [film for film in films(0.0, 2.0, 360) if film.any.positive or int(film.any.name[1:]) % 2]
    some = [film for n, film in enumerate(some) if not film.any.positive or n % 4 == 0]
    share = np.mean([bool(film.any.positive) for film in some])
    answer = fit_answer(some, WEIGHTS, heads={"a", "b"}).answer
    chances = [
        with_prevalence(float(expit(answer.image.log_odds(f.image_row()))), float(share)) for f in some
    ]
    assert np.mean(chances) == pytest.approx(share, abs=0.02)


def test_the_score_of_a_place_is_an_operating_point(different):
    some, answer = different
    clear = [film for film in some if not film.any.positive]
    marks = sum(
        answer.place.log_odds(row) > 0
        for film in clear
        for row in film.places(answer.image.log_odds(film.image_row()))[0]
    )
    assert marks / len(clear) <= radiograph_answer.RATE
