"""What readers would say, in words."""

from __future__ import annotations

import pytest

from napari_lungmtl.text.votes import attributes_of, is_unlike, panel, sentence, verdict
from napari_lungmtl.training.findings import Finding, Sphere


@pytest.mark.parametrize(
    ("shares", "wanted"),
    [
        ((0.1, 0.1, 0.3, 0.3, 0.2), "Of four readers two would call it suspicious, one benign, one neither."),
        ((0.7, 0.25, 0.05, 0.0, 0.0), "Of four readers all would call it benign."),
        ((0.0, 0.0, 0.0, 0.4, 0.6), "Of four readers all would call it suspicious."),
        ((0.0, 0.0, 1.0, 0.0, 0.0), "Of four readers all would call it neither."),
        (
            (0.2, 0.3, 0.5, 0.0, 0.0),
            "Of four readers none would call it suspicious, two benign, two neither.",
        ),
    ],
)
def test_four_readers(shares, wanted):
    assert sum(panel(shares)) == 4
    assert sentence(Finding(Sphere((0, 0, 0), 8), votes={"malignancy": shares})) == wanted


def test_unlike_a_nodule_comes_first_unless_a_person_says_otherwise():
    found = Finding(
        Sphere((0, 0, 0), 8),
        unlike=0.93,
        votes={"malignancy": (0, 0, 0, 0, 1.0)},
    )
    assert "Unlike a nodule (probability 0.93)" in verdict(found)
    assert not is_unlike(found.with_(status="accepted"))
    assert verdict(Finding(Sphere((0, 0, 0), 8))) == ""


def test_a_category_is_the_one_with_most_votes():
    votes = {"calcification": (0.0, 0.0, 0.45, 0.0, 0.0, 0.55), "margin": (0.0, 0.0, 0.0, 0.0, 1.0)}
    found = Finding(Sphere((0, 0, 0), 8), attributes={"calcification": 4.6, "margin": 4.2}, votes=votes)
    assert attributes_of(found) == {"calcification": 6.0, "margin": 4.2}
