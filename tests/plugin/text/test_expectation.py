"""The sentence beside the threshold says what the card measured, and nothing where it measured nothing."""

from dataclasses import replace

import numpy as np
import pytest

from napari_lungmtl.session.session import Session
from napari_lungmtl.text import expectation
from napari_lungmtl.text.expectation import at_threshold
from napari_lungmtl.training.findings import Findings
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference import registry
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


def test_of_few_lesions_is_told_what_was_counted():
    """3 of 4 are no 8 of 10."""
    few = {"lesions": 4, "found": 3, "other_per_scan": 2.0}
    measured = card(whole_scans={"at_threshold": {"0.5": few}})
    assert at_threshold(measured, 0.5) == (
        "At 0.5: about 2.0 other marks a scan, found 3 of the 4 lesions measured."
    )


@pytest.mark.parametrize("metrics", [{}, {"whole_scans": {}}, {"whole_scans": {"at_threshold": {}}}])
def test_a_card_without_figures_says_nothing(metrics):
    assert at_threshold(card(**metrics), 0.5) == ""


def test_own_weights_are_not_worth_what_was_measured_of_the_shipped_ones(monkeypatch):
    shipped = registry.info_of(MEASURED)
    shipped = replace(shipped, task="detection")
    own = replace(shipped, version="1+run7.3fa2c1d")
    in_use = [shipped]
    monkeypatch.setattr(registry, "models", lambda: tuple(in_use))
    monkeypatch.setattr(registry, "shown_card", lambda _name: MEASURED)
    session = Session()
    session.open(Image(np.zeros((4, 8, 8), np.int16), "CT", (2.5, 1.0, 1.0)))
    measured = expectation.of_session(session)
    assert measured.startswith("At 0.5")
    in_use[:] = [own]
    assert expectation.of_session(session) == "", "what a run would find"
    session.replace_findings(Findings(models=({"name": "x", "version": "1"},)))
    assert expectation.of_session(session) == measured, "what is seen is of the shipped ones"
    session.replace_findings(Findings(models=({"name": "x", "version": own.version},)))
    in_use[:] = [shipped]
    assert expectation.of_session(session) == ""
