"""Curves over the threshold: the evaluation's own counts at every threshold, intervals around them."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest

from napari_lungmtl.training.inference.radiograph_answer import shipped_answer
from napari_lungmtl.training.inference.registry import shown_card
from napari_lungmtl.training.metrics.characterisation.classification import roc_auc
from napari_lungmtl.training.operating_point.cases import (
    EvaluatedCase,
    EvaluationFileError,
    evaluation_of,
    read_evaluation,
)
from napari_lungmtl.training.operating_point.curve import binomial, froc, poisson, roc
from napari_lungmtl.training.operating_point.shipped import (
    RADIOGRAPHS,
    SCANS,
    on_answers_scale,
    shipped_evaluation,
)


@pytest.fixture
def cases():
    random = np.random.default_rng(0)
    return [
        EvaluatedCase(
            f"scan {i}",
            f"scan {i}",
            2,
            random.uniform(0.2, 1, random.integers(0, 3)),
            random.uniform(0, 1, 4),
        )
        for i in range(40)
    ]


def test_froc_is_the_count_at_each_threshold(cases):
    curve = froc(cases)
    assert (curve.cases, curve.nodules, curve.roc) == (40, 80, False)
    for threshold in (0.1, 0.5, 0.777, 0.99, 2.0):
        sensitivity, false = curve.at(threshold)
        assert sensitivity.value == pytest.approx(sum((c.hits >= threshold).sum() for c in cases) / 80)
        assert false.value == pytest.approx(sum((c.false >= threshold).sum() for c in cases) / 40)
    assert (np.diff(curve.sensitivity[0]) >= 0).all()
    for rates in (curve.sensitivity, curve.false):
        assert (rates[1] <= rates[0]).all()
        assert (rates[0] <= rates[2]).all()


def test_bands_hold_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(3)
    held = 0
    for _ in range(60):
        rates = random.gamma(2, 1, 60)
        some = [
            EvaluatedCase(str(i), str(i), 1, np.zeros(0), random.uniform(0, 1, random.poisson(r)))
            for i, r in enumerate(rates)
        ]
        _, false = froc(some).at(0.5)
        held += false.lower <= 1.0 <= false.upper
    assert held >= 52


def test_few_cases_have_the_intervals_of_counts(cases):
    sensitivity, false = froc(cases[:3]).at(0.0)
    found = round(sensitivity.value * 6)
    exact = binomtest(found, 6).proportion_ci(method="exact")
    assert (sensitivity.lower, sensitivity.upper) == pytest.approx((exact.low, exact.high))
    assert false.value == 4
    assert false.lower < 4 < false.upper
    assert binomial(np.array([0.0, 5.0]), 5)[1].tolist() == pytest.approx([0.0, 0.478176], abs=1e-5)
    assert binomial(np.array([0.0, 5.0]), 5)[2].tolist() == pytest.approx([0.521824, 1.0], abs=1e-5)
    assert poisson(np.array([0.0]), 1)[2, 0] == pytest.approx(3.688879, abs=1e-5)


def test_roc_has_the_area_of_the_evaluation():
    random = np.random.default_rng(0)
    positive = random.uniform(size=60) < 0.5
    score = np.round(random.normal(positive, 1.0), 1)
    cases = [
        EvaluatedCase(str(i), str(i), positive=bool(p), score=float(s))
        for i, (p, s) in enumerate(zip(positive, score, strict=True))
    ]
    curve = roc(cases)
    area = np.trapezoid(curve.sensitivity[0], curve.false[0])
    assert area == pytest.approx(float(roc_auc(positive.astype(int), score, np.ones(60))))
    assert roc(cases[:0]) is None
    assert froc(cases) is None


def test_what_is_shipped_is_what_the_card_says():
    evaluation = shipped_evaluation(False)
    measured = shown_card(evaluation.network).metrics["whole_scans"]["at_threshold"]
    curve = froc(evaluation.cases)
    for threshold, counts in measured.items():
        sensitivity, false = curve.at(float(threshold))
        assert sensitivity.value == pytest.approx(counts["found"] / counts["lesions"])
        assert false.value == pytest.approx(counts["other_per_scan"])


def test_shipped_radiographs_are_on_the_scale_of_the_answer():
    evaluation = shipped_evaluation(True)
    measured = shipped_answer().measured
    assert len(evaluation.cases) == measured["films"]
    curve = roc(evaluation.cases)
    speaker = shipped_answer().speakers[0]
    area = np.trapezoid(curve.sensitivity[0], curve.false[0])
    measured_area = float(measured["image"][speaker].split()[0])
    assert area == pytest.approx(measured_area, abs=0.01), "there out of fold, by five fits"


def test_evaluations_of_other_weights_are_not_shown(monkeypatch):
    from dataclasses import replace

    from napari_lungmtl.training.inference import registry

    card = registry.shown_card
    monkeypatch.setattr(registry, "shown_card", lambda name: replace(card(name), sha256="0" * 64))
    shipped_evaluation.cache_clear()
    try:
        assert shipped_evaluation(False) is None
        assert shipped_evaluation(True) is None
    finally:
        shipped_evaluation.cache_clear()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is no JSON"),
        ("[]", "is no evaluation"),
        ('{"metrics": {"whole": {}}}', "has no marks by scan"),
        ('{"metrics": {"by_scan": {"a": {}}, "lesions": []}, "marks": []}', "is damaged"),
        (
            '{"metrics": {"by_scan": {"a": {"lesions": 0}}, "lesions": []}, "marks": []}',
            "no scan with a nodule",
        ),
        (
            '{"metrics": {}, "cases_detail": [{"name": "a", "positive": true, "score": 0.5}]}',
            "others without",
        ),
    ],
)
def test_files_that_hold_no_curve_say_why(tmp_path, text, reason):
    path = tmp_path / "evaluation.json"
    path.write_text(text)
    with pytest.raises(EvaluationFileError, match=f"evaluation.json.*{reason}"):
        read_evaluation(path)
    with pytest.raises(EvaluationFileError, match="does not exist"):
        read_evaluation(tmp_path / "nothing.json")


def test_radiographs_of_other_networks_are_not_on_the_answers_scale():
    values = json.loads(RADIOGRAPHS.read_text(encoding="utf-8"))
    other = evaluation_of({**values, "weights": "other 1.0 aaaaaaaaaaaa", "network": "other"})
    with pytest.raises(EvaluationFileError, match="judged by"):
        on_answers_scale(other, shipped_answer())
    assert read_evaluation(SCANS).cases
