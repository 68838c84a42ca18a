"""Components, shams, overlap of masks, paired differences, and the figures that they end in."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from napari_lungmtl.training.metrics.froc.boxes import match_boxes
from napari_lungmtl.training.metrics.froc.luna16 import froc_curve, sensitivity_at
from napari_lungmtl.training.metrics.intervals.bootstrap import bootstrap_weights
from napari_lungmtl.training.metrics.intervals.paired import paired_over_seeds
from napari_lungmtl.training.metrics.radiograph.components import Counts, count_components, detection_rates
from napari_lungmtl.training.metrics.radiograph.figures import (
    radiograph_details,
    radiograph_figures,
    radiograph_table,
    radiograph_warnings,
)
from napari_lungmtl.training.metrics.radiograph.quantiles import quantile_of, spread
from napari_lungmtl.training.metrics.radiograph.shams import ShamMarks, count_sham_marks
from napari_lungmtl.training.metrics.radiograph.statistics import RadiographResult, radiograph_statistics

NAN = float("nan")


def box(x, y, side=10.0):
    return [x, y, x + side, y + side]


# Components


def test_a_component_hits_where_its_centre_lies():
    truth = [box(0, 0), box(40, 0)]
    assert count_components([[5, 5], [20, 5]], truth) == Counts(1, 1, 1, 0)
    assert count_components([[5, 5], [6, 5], [44, 4]], truth) == Counts(2, 0, 0, 1)
    assert count_components(np.zeros((0, 2)), truth) == Counts(0, 2, 0, 0)
    assert count_components([[5, 5]], np.zeros((0, 4))) == Counts(0, 0, 1, 0)


def test_two_components_in_overlapping_regions_find_both():
    assert count_components([[6, 5], [7, 5]], [box(0, 0), box(4, 0)]) == Counts(2, 0, 0, 0)


points = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=6)


@given(points, st.lists(st.integers(0, 50), max_size=3), st.randoms())
@settings(deadline=None)
def test_components_are_counted_once_in_any_order(centers, corners, random):
    truth = np.array([box(x, 0, 12) for x in corners]).reshape(-1, 4)
    counts = count_components(centers, truth)
    assert counts.found + counts.missed == len(truth)
    assert counts.found + counts.false + counts.duplicates == len(centers)
    inside = [any(t[0] <= x < t[2] and t[1] <= y < t[3] for t in truth) for x, y in centers]
    assert counts.false == len(centers) - sum(inside)
    other = count_components(random.sample(centers, len(centers)), truth)
    assert (other.false, other.found + other.missed) == (counts.false, len(truth))


def test_rates_of_components():
    rates = detection_rates([Counts(3, 1, 1, 5), Counts(0, 0, 1, 0)], np.ones(2))
    assert (rates.f1, rates.recall, rates.precision) == pytest.approx((6 / 9, 3 / 4, 3 / 5))
    nothing = detection_rates([Counts(0, 0, 0, 0)], np.ones((2, 1)))
    assert np.isnan(nothing.f1).all()
    assert np.isnan(nothing.recall).all()


# Shams


def test_marks_on_shams_against_those_elsewhere():
    """100 x 100, two shams of 10 x 10, one nodule; one mark on a sham, one on the nodule, two elsewhere."""
    shams, truth = [box(10, 10), box(60, 60)], [box(30, 30)]
    found = count_sham_marks([[15, 15], [35, 35], [80, 20], [81, 20]], shams, truth, (100, 100))
    assert found == ShamMarks(1, 2, pytest.approx(200 * 2 / (10000 - 300)))
    lungs = np.zeros((100, 100), bool)
    lungs[:, :50] = True
    left = count_sham_marks([[15, 15], [35, 35], [80, 20], [40, 20]], shams, truth, (100, 100), lungs)
    assert left == ShamMarks(1, 2, pytest.approx(200 * 1 / (5000 - 200)))


def test_a_network_that_marks_anywhere_has_no_excess():
    rng = np.random.default_rng(0)
    shams = [box(20, 20, 20), box(70, 50, 20)]
    radiographs = [count_sham_marks(rng.uniform(0, 120, (30, 2)), shams, [], (120, 120)) for _ in range(400)]
    marks, expected = sum(f.marks for f in radiographs), sum(f.expected for f in radiographs)
    assert marks == pytest.approx(expected, rel=0.1)


def test_spread_and_its_weights():
    values = np.arange(11) / 10
    assert spread(values) == {"median": 0.5, "p10": pytest.approx(0.1), "mean": pytest.approx(0.5), "n": 11}
    assert spread([])["median"] is None
    drawn = quantile_of([0.1, NAN, 0.9], 0.5)(np.array([[1.0, 5.0, 0.0], [0.0, 1.0, 0.0]]))
    assert drawn[0] == 0.1
    assert np.isnan(drawn[1])


# Radiographs


def radiographs(n=60, seed=0, skill=0.8, backgrounds=20):
    """Radiographs of which every other has a nodule, found with a probability; false boxes anywhere."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        truth = np.array([box(100, 100, 40)] if i % 2 else np.zeros((0, 4)))
        boxes = np.array([box(*rng.uniform(200, 400, 2), 40) for _ in range(rng.integers(0, 4))]).reshape(
            -1, 4
        )
        scores = rng.uniform(0.05, 0.6, len(boxes))
        if len(truth) and rng.random() < skill:
            boxes = np.concatenate([boxes, truth + rng.uniform(-3, 3)])
            scores = np.r_[scores, rng.uniform(0.3, 1)]
        found.append(
            RadiographResult(
                f"f{i}.png",
                f"b{i % backgrounds}",
                float(np.clip(0.5 * (i % 2) + rng.random() * 0.7, 0, 1)),
                boxes,
                scores,
                (boxes[:, :2] + boxes[:, 2:]) / 2,
                bool(i % 2),
                truth,
                np.array([8.0 + i % 15] * len(truth)),
                ShamMarks(i % 3 == 0, 1, 0.1),
                {"lungs": 0.9 + 0.001 * i},
                {"lungs": 0.8 + 0.001 * i},
            )
        )
    return found


def test_figures_of_radiographs():
    results = radiographs()
    m = radiograph_figures(results, 0.5, lungs=True, samples=200)
    json.dumps(m, allow_nan=False)
    assert m["roc_auc"] == pytest.approx(
        roc_auc_score([r.positive for r in results], [r.score for r in results])
    )
    curve = froc_curve([r.matching() for r in results])
    assert m["sensitivity_at"]["0.25"] == pytest.approx(float(sensitivity_at(curve, 0.25)))
    best = [r.scores.max(initial=0) for r in results]
    auc = roc_auc_score([r.positive for r in results], best)
    assert m["node21_score"] == pytest.approx(0.75 * auc + 0.25 * m["sensitivity_at_iou_0.2"]["0.25"])
    false = [(r.scores >= 0.5).sum() for r in results if not r.positive]
    assert m["false_positives_per_image"] == pytest.approx(np.mean(false))
    assert m["marks_per_sham_excess"] == pytest.approx(m["marks_per_sham"] - 0.1)
    assert m["lung_dice"]["median"] == pytest.approx(0.9295)
    assert m["lung_dice"]["iou"]["n"] == 60
    assert m["lung_dice"]["right_lung"]["n"] == 0
    assert m["counts"]["backgrounds"] == 20
    for name, i in m["intervals"].items():
        assert i["lower"] <= i["value"] <= i["upper"], name
    text = radiograph_table(m)
    assert ["roc_auc", f"{m['roc_auc']:.3f}"] == text[1][:2]
    assert any("sensitivity at 1 FP/image, 10+ mm" in row for row in text)
    assert radiograph_warnings(results, lungs=True) == []


def test_bands_of_diameter():
    results = radiographs()
    bands = radiograph_figures(results, 0.5, lungs=False, samples=20)["by_diameter_mm"]
    sizes = [float(d) for r in results for d in r.diameter_mm]
    assert bands["8-10"]["nodules"] == sum(8 <= d < 10 for d in sizes)
    assert bands["10+"]["nodules"] == sum(d >= 10 for d in sizes)
    # By hand for 20 mm and more: only their hits, but the false positives of all radiographs.
    false = sorted((s for r in results for s in r.scores[r.matching().false_positive]), reverse=True)
    threshold = false[len(results)] if len(false) > len(results) else 0.0
    large = [r for r in results if len(r.diameter_mm) and r.diameter_mm[0] >= 20]
    found = sum(bool(len(h := r.matching().hit_scores) and h[0] > threshold) for r in large)
    assert bands["20+"]["sensitivity_at_1"]["value"] == pytest.approx(found / len(large))


def test_a_nodule_of_unknown_diameter_is_in_no_band():
    one = RadiographResult(
        "a", "a", 0.5, np.zeros((0, 4)), np.zeros(0), np.zeros((0, 2)), True, np.array([box(0, 0)])
    )
    bands = radiograph_figures([one], 0.5, lungs=False, samples=5)["by_diameter_mm"]
    assert [b["nodules"] for b in bands.values()] == [0] * 4


def test_details_let_one_find_the_worst_radiographs():
    results = radiographs(6)
    rows = radiograph_details(results, 0.5)
    json.dumps(rows, allow_nan=False)
    for r, row in zip(results, rows, strict=True):
        assert row["hits"] == len(match_boxes(r.boxes, r.scores, r.truth).hit_scores)
        assert row["lung_dice"] == r.lung_dice["lungs"]


@pytest.mark.parametrize("positive", [None, True, False])
def test_radiographs_of_one_kind_or_unknown_give_nothing_where_nothing_can_be_judged(positive):
    truth = {None: None, True: np.array([box(0, 0)]), False: np.zeros((0, 4))}[positive]
    results = [
        RadiographResult(
            n, n, 0.3, np.array([box(0, 0)]), np.array([0.7]), np.array([[5.0, 5.0]]), positive, truth
        )
        for n in "ab"
    ]
    m = radiograph_figures(results, 0.5, lungs=True, samples=20)
    json.dumps(m, allow_nan=False)
    assert [m[name] for name in ("roc_auc", "pr_auc", "afroc_auc", "node21_score")] == [None] * 4
    assert (m["froc_auc"] is None) == (positive is not True)
    assert (m["false_positives_per_image"] is None) == (positive is not False)
    said = " ".join(radiograph_warnings(results, lungs=True))
    assert "lung_dice is empty" in said
    expected = {None: "2 of 2 images do not say", True: "no image without", False: "no image with a nodule"}
    assert expected[positive] in said
    assert len(radiograph_table(m)[0]) == 4


def test_radiographs_whose_truth_is_unknown_change_no_figure():
    known = radiographs(30)
    unknown = [RadiographResult("u", "u", 0.99, np.array([box(0, 0)]), np.ones(1), np.array([[5.0, 5.0]]))]
    ones = np.ones(31)
    expected_of = radiograph_statistics(known, 0.5)
    for name, statistic in radiograph_statistics([*known, *unknown], 0.5).items():
        expected = expected_of[name](np.ones(30))
        assert float(statistic(ones)) == pytest.approx(float(expected), nan_ok=True), name
    said = " ".join(radiograph_warnings([*known, *unknown], lungs=False))
    assert "1 of 31 images do not say whether they show a nodule" in said


def test_nodules_without_a_place_are_said():
    results = [
        *radiographs(10),
        RadiographResult("n", "n", 0.9, np.zeros((0, 4)), np.zeros(0), np.zeros((0, 2)), True),
    ]
    assert any("whose place is not given" in w for w in radiograph_warnings(results, lungs=False))
    assert radiograph_figures(results, 0.5, lungs=False, samples=20)["counts"]["boxes_known"] == 10


def test_one_background_has_no_interval():
    m = radiograph_figures(radiographs(backgrounds=1), 0.5, lungs=False, samples=20)
    assert m["intervals"]["roc_auc"]["lower"] is None
    assert m["intervals"]["roc_auc"]["value"] is not None


# Paired differences


def statistic_of(results, name):
    return radiograph_statistics(results, 0.5)[name]


def test_a_better_network_is_told_apart_and_an_equal_one_is_not():
    groups = [r.background for r in radiographs(120)]
    good = [statistic_of(radiographs(120, seed, 0.95), "froc_auc") for seed in range(3)]
    bad = [statistic_of(radiographs(120, seed + 10, 0.4), "froc_auc") for seed in range(3)]
    also = [statistic_of(radiographs(120, seed + 20, 0.95), "froc_auc") for seed in range(3)]
    told = paired_over_seeds(good, bad, groups, samples=100)
    assert told.resolved
    assert told.difference.lower > 0.2
    assert told.difference.value == pytest.approx(told.first - told.second)
    assert told.difference.value == pytest.approx(np.mean(told.by_seed))
    same = paired_over_seeds(good, also, groups, samples=100)
    assert not same.resolved
    assert same.difference.lower < 0 < same.difference.upper
    json.dumps(told.to_json(), allow_nan=False)
    mirrored = paired_over_seeds(bad, good, groups, samples=100)
    assert mirrored.difference.lower == pytest.approx(-told.difference.upper)


def test_seeds_that_disagree_widen_the_second_interval():
    """Constant differences of +0.2 and −0.1: backgrounds say nothing against it, seeds do."""

    def constant(value):
        return lambda w: np.full(np.shape(w)[:-1], value)

    told = paired_over_seeds(
        [constant(0.7), constant(0.4)], [constant(0.5), constant(0.5)], list("abcd"), samples=200
    )
    assert told.by_seed == pytest.approx((0.2, -0.1))
    assert (told.difference.lower, told.difference.upper) == pytest.approx((0.05, 0.05))
    assert (told.with_seeds.lower, told.with_seeds.upper) == pytest.approx((-0.1, 0.2))
    assert not told.resolved


def test_draws_are_shared_by_both_sides():
    one = statistic_of(radiographs(), "roc_auc")
    told = paired_over_seeds([one], [one], [r.background for r in radiographs()], samples=50)
    assert (told.difference.value, told.difference.lower, told.difference.upper) == (0, 0, 0)


def test_seeds_are_compared_in_pairs():
    one = statistic_of(radiographs(), "roc_auc")
    with pytest.raises(ValueError, match="in pairs"):
        paired_over_seeds([one], [one, one], ["a"] * 60)


def test_one_background_says_nothing():
    one = statistic_of(radiographs(), "roc_auc")
    told = paired_over_seeds([one], [one], ["a"] * 60, samples=20)
    assert np.isnan(told.difference.lower)
    assert not told.resolved


def test_vectorised_measures_are_those_of_each_row():
    results = radiographs(24)
    weights = bootstrap_weights([r.background for r in results], 5)
    for name, statistic in radiograph_statistics(results, 0.5).items():
        rows = [float(statistic(w)) for w in weights]
        np.testing.assert_allclose(statistic(weights), rows, err_msg=name)
