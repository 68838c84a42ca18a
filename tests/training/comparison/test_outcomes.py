"""Hits, misses and false alarms are those of the official matching, at every threshold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.comparison.outcomes import Matcher, Outcome
from napari_lungmtl.training.findings import Box, Finding, Findings, Mask, Sphere
from napari_lungmtl.training.findings.formats.luna16 import read_annotations, read_submission
from napari_lungmtl.training.findings.truth import Truth
from napari_lungmtl.training.metrics.froc.boxes import match_boxes
from napari_lungmtl.training.metrics.froc.luna16 import froc_curve
from napari_lungmtl.training.metrics.froc.matching import match_marks


def spheres(rows, name):
    return [Finding(Sphere(tuple(r[:3]), r[3]), score=r[4], id=f"{name}{i}") for i, r in enumerate(rows)]


PLACE = st.tuples(*[st.floats(-30, 30)] * 3, st.floats(2, 20), st.floats(0.05, 1))


@given(
    st.lists(PLACE, max_size=25), st.lists(PLACE, max_size=5), st.lists(PLACE, max_size=5), st.floats(0, 1)
)
@settings(max_examples=60, deadline=None)
def test_counts_are_luna16s_at_every_threshold(marks, nodules, excluded, threshold):
    truth = Truth(Findings(tuple(spheres(nodules, "n"))), tuple(spheres(excluded, "e")))
    shown = [m for m in spheres(marks, "m") if m.score >= threshold]
    found = Matcher(truth, flat=False).outcomes(shown)

    def table(rows):
        return np.array(rows, float).reshape(-1, 5)

    m, n, e = table([r for r in marks if r[4] >= threshold]), table(nodules), table(excluded)
    official = match_marks(m[:, :3], m[:, 4], n[:, :3], n[:, 3], e[:, :3], e[:, 3])
    assert found.count(Outcome.HIT) == official.found.sum()
    assert found.count(Outcome.MISS) == len(nodules) - official.found.sum()
    assert found.count(Outcome.FALSE_ALARM) == official.false_positive.sum()
    assert found.count(Outcome.EXCLUDED) == official.on_excluded.sum()
    hits = {id for id, kind in found.marks.items() if kind is Outcome.HIT}
    assert all(found.nodules[found.hits[id]] is Outcome.HIT for id in hits)


BOXES = st.tuples(
    st.integers(0, 40), st.integers(0, 40), st.integers(1, 20), st.integers(1, 20), st.floats(0.05, 1)
)


@given(st.lists(BOXES, max_size=12), st.lists(BOXES, max_size=4))
@settings(max_examples=40, deadline=None)
def test_boxes_are_matched_as_in_the_figures(marks, nodules):
    def findings(rows, name):
        return [
            Finding(Box((y, x), (y + h, x + w)), score=s, id=f"{name}{i}")
            for i, (x, y, w, h, s) in enumerate(rows)
        ]

    def table(rows):
        return np.array([(x, y, x + w, y + h) for x, y, w, h, _ in rows], float).reshape(-1, 4)

    found = Matcher(Truth(Findings(tuple(findings(nodules, "n")))), flat=True).outcomes(findings(marks, "m"))
    official = match_boxes(table(marks), [r[4] for r in marks], table(nodules))
    assert found.count(Outcome.HIT) == official.found.sum()
    assert found.count(Outcome.FALSE_ALARM) == official.false_positive.sum()
    assert found.count(Outcome.DUPLICATE) == official.duplicates


def test_a_real_detector_on_a_real_scan(lungmtl_data):
    """The outcomes along the thresholds make the curve of the challenge's evaluation."""
    marks = read_submission(lungmtl_data / "luna16" / "dpn26bs32.csv.gz")
    nodules = read_annotations(lungmtl_data / "luna16" / "annotations.csv")
    excluded = read_annotations(lungmtl_data / "luna16" / "annotations_excluded.csv.gz")
    uid = max(nodules, key=lambda one: len(nodules[one].value))
    m, n, e = marks[uid], nodules[uid], excluded[uid]
    truth = Truth(
        Findings(tuple(spheres(np.c_[n.center, n.value, n.value * 0 + 1], "n"))),
        tuple(spheres(np.c_[e.center, np.where(e.value < 0, 10, e.value), e.value * 0 + 1], "e")),
    )
    all_marks = spheres(np.c_[m.center, m.value * 0 + 5, m.value], "m")
    matcher = Matcher(truth, flat=False)
    curve = froc_curve([match_marks(m.center, m.value, n.center, n.value, e.center, e.value)])
    for threshold, sensitivity, false in zip(
        curve.threshold[1:], curve.sensitivity[1:], curve.fp_rate[1:], strict=True
    ):
        found = matcher.outcomes([f for f in all_marks if f.score >= threshold])
        assert found.count(Outcome.HIT) / len(n.value) == pytest.approx(sensitivity)
        assert found.count(Outcome.FALSE_ALARM) == pytest.approx(false)


def test_masks_excluded_findings_of_a_film_and_points():
    mask = Mask.from_array(np.ones((4, 4, 4), bool), (1, 1, 1), (0, 0, 0))
    truth = Truth(Findings((Finding(mask, id="n"),)), spheres={"n": Sphere((1.5, 1.5, 1.5), 20)})
    mark = Finding(Sphere((9, 1.5, 1.5), 5), id="m")
    assert Matcher(truth, False).outcomes([mark]).marks == {"m": Outcome.HIT}, "by LUNA16's sphere"
    assert Matcher(Truth(truth.nodules), False).outcomes([mark]).marks == {"m": Outcome.FALSE_ALARM}
    other = Truth(Findings(), (Finding(Box((0, 0), (10, 10))),))
    assert Matcher(other, True).outcomes([Finding(Box((4, 4), (8, 8)), id="m")]).marks == {
        "m": Outcome.EXCLUDED
    }
    points = Truth(Findings((Finding(Box((0, 0), (20, 20))),)), sized=False)
    assert Matcher(points, True).outcomes([Finding(Box((9, 9), (12, 12)), id="m")]).marks == {
        "m": Outcome.HIT
    }
