"""How hard a case was: the official rule's misses and false alarms, unknown where nobody can know, and what voices disagree on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training.case_list.beside import figures_beside
from napari_lungmtl.training.case_list.figures import CaseFigures, beside_truth, hardness
from napari_lungmtl.training.case_list.voices import between, disagreement, spread
from napari_lungmtl.training.comparison.outcomes import Matcher, Outcome
from napari_lungmtl.training.findings import (
    Box,
    Finding,
    Findings,
    ImageReference,
    ImageScore,
    Opinion,
    Provenance,
    Sphere,
)
from napari_lungmtl.training.findings.truth import Truth
from napari_lungmtl.training.metrics.froc.matching import match_marks

CT = ImageReference("1.2", modality="CT", shape=(9, 9, 9), spacing=(1.0,) * 3, origin=(0.0,) * 3)
PLACES = st.lists(st.tuples(*[st.integers(0, 40)] * 3), max_size=8)


def mark(z, y, x, score, network="one", **fields) -> Finding:
    return Finding(Sphere((z, y, x), 6.0), score, provenance=Provenance(network, "1"), **fields)


@given(PLACES, PLACES, st.floats(0, 1), st.randoms(use_true_random=False))
def test_figures_are_those_of_the_official_rule(marks, nodules, threshold, random):
    found = [mark(*place, random.random(), id=f"m{i}") for i, place in enumerate(marks)]
    truth = Truth(Findings(tuple(Finding(Sphere(p, 9.0), id=f"n{i}") for i, p in enumerate(nodules)), CT))
    findings = Findings(tuple(found), CT, models=({"name": "one"},))
    figures = figures_beside(findings, truth, lambda f: f.score >= threshold)
    shown = Matcher(truth, flat=False).outcomes([f for f in found if f.score >= threshold])
    assert figures.missed == shown.count(Outcome.MISS)
    every = Matcher(truth, flat=False).outcomes(found).marks
    false = [f.score for f in found if every[f.id] is Outcome.FALSE_ALARM]
    assert figures.highest_false_alarm == max(false, default=None)
    nearest = [
        min(
            (float(np.linalg.norm(np.subtract(f.center, n))) for f in found if f.score >= threshold),
            default=None,
        )
        for n in nodules
    ]
    assert figures.distance_mm == pytest.approx(max((d for d in nearest if d is not None), default=None))
    assert figures.disagreement is None  # one network agrees with itself


def matching(marks, scores, nodules):
    return match_marks(marks, scores, nodules, [8.0] * len(nodules))


def test_where_to_look_first():
    """At the missed nodule farthest from all marks; else at the false alarm that is shown; else where a mark is farthest off."""
    marks, scores = np.array([[0, 0, 0], [50, 0, 0], [9, 9, 90]], float), np.array([0.9, 0.4, 0.7])
    nodules = np.array([[0, 0, 1], [50, 0, 0], [99, 0, 0]], float)
    distance = np.linalg.norm(marks[:, None] - nodules[None], axis=2)
    told = beside_truth(matching(marks, scores, nodules), distance, scores >= 0.5)
    assert (told.missed, told.nodule, told.mark, told.highest_false_alarm) == (2, 2, None, 0.7)
    told = beside_truth(matching(marks, scores, nodules[:1]), distance[:, :1], scores >= 0.5)
    assert (told.missed, told.nodule, told.mark, told.distance_mm) == (0, None, 2, 1.0)
    told = beside_truth(matching(marks[:2], scores[:2], nodules[:2]), distance[:2, :2], scores[:2] >= 0.1)
    assert (told.missed, told.nodule, told.highest_false_alarm) == (0, 0, None)
    told = beside_truth(matching(marks, scores, nodules[:1]), distance[:, :1], scores >= 0.5, complete=False)
    assert told.highest_false_alarm is None  # it may be a nodule that nobody marked
    told = beside_truth(matching(marks, scores, nodules), None, scores >= 0.5)
    assert (told.distance_mm, told.missed) == (None, 2)  # pixels of no known size


def test_what_nobody_knows_is_none_and_the_hardest_comes_first():
    assert figures_beside(Findings((), CT), Truth(Findings((), CT))) == CaseFigures()  # nobody has looked
    alone = Findings((mark(1, 1, 1, 0.9),), CT, models=({"name": "one"},))
    assert figures_beside(alone, None) == CaseFigures()
    assert figures_beside(alone, Truth(Findings((), CT))).missed == 0
    cases = [
        CaseFigures(),
        CaseFigures(0, 0.9),
        CaseFigures(1, 0.1),
        CaseFigures(1, None),
        CaseFigures(0, 0.2),
    ]
    order = sorted(cases, key=hardness, reverse=True)
    assert order == [
        CaseFigures(1, 0.1),
        CaseFigures(1),
        CaseFigures(0, 0.9),
        CaseFigures(0, 0.2),
        CaseFigures(),
    ]
    assert CaseFigures.of({"missed": "2", "spread": "nan", "distance_mm": "x"}) == CaseFigures(2)


def test_networks_sets_and_folds_disagree():
    """The largest difference of one place: 0 where a network marks nothing, a place's own score where it has a joint one."""
    a, b = mark(0, 0, 0, 0.9), mark(0, 0, 1, 0.6, "other", scores={"own": 0.5})
    assert disagreement(Findings((a, b), CT)) == pytest.approx(0.4)
    assert disagreement(Findings((a, b, mark(30, 0, 0, 0.7)), CT)) == pytest.approx(0.7)
    assert disagreement(Findings((a, b.with_(status="rejected")), CT)) is None
    scores = (ImageScore("x", "1", 0.2), ImageScore("y", "1", 0.8), ImageScore("radiograph", "1", 0.99))
    assert disagreement(Findings((), image_scores=scores)) == pytest.approx(0.6)
    film = Findings((Finding(Box((0, 0), (4, 4)), 0.8),))
    assert between(film, Findings()) == 0.8
    assert between(Findings(), Findings()) is None
    folds = Opinion(
        "m", "1", 0.5, std=0.2, view_scores=(0.3, 0.7), view_names=("a", "b"), fold_scores=(0.1, 0.7)
    )
    judged = Findings((a.with_(opinions=(folds,)),), CT)
    assert disagreement(judged) == pytest.approx(0.6)  # one network: its folds
    assert spread(judged) == pytest.approx(0.3)
    two = a.with_(opinions=(folds, Opinion("n", "1", 0.6)))
    assert disagreement(Findings((two,), CT)) == pytest.approx(0.1)  # two networks: theirs
    assert spread(Findings((a,), CT)) is None
