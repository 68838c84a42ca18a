"""The sentence beside the threshold says what the card measured, and nothing where it measured nothing."""

import pytest

from napari_lungmtl.text.expectation import at_threshold
from napari_lungmtl.training.inference.weights import ModelCard


def card(**metrics) -> ModelCard:
    return ModelCard("x", "1", "X", "Finds.", ("CT",), {}, metrics=metrics)


MEASURED = card(
    whole_scans={
        "at_threshold": {
            "0.5": {"lesions": 13, "found": 12, "other_per_scan": 13.5},
            "0.9": {"lesions": 13, "found": 9, "other_per_scan": 1.7},
            "0.9999": {"lesions": 13, "found": 4, "other_per_scan": 0.0},
        }
    }
)


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (0.5, "At 0.5: about 14 other marks a scan, finds 9 of 10 lesions (12 of 13 measured)."),
        (0.89, "At 0.5: about 14 other marks a scan, finds 9 of 10 lesions (12 of 13 measured)."),
        (0.95, "At 0.9: about 1.7 other marks a scan, finds 7 of 10 lesions (9 of 13 measured)."),
        (1.0, "At 0.9999: no other marks a scan, finds 3 of 10 lesions (4 of 13 measured)."),
        (0.1, "Already at 0.5: about 14 other marks a scan, finds 9 of 10 lesions (12 of 13 measured)."),
    ],
)
def test_the_nearest_score_that_was_measured(threshold, expected):
    assert at_threshold(MEASURED, threshold) == expected


@pytest.mark.parametrize("metrics", [{}, {"whole_scans": {}}, {"whole_scans": {"at_threshold": {}}}])
def test_a_card_without_figures_says_nothing(metrics):
    assert at_threshold(card(**metrics), 0.5) == ""
