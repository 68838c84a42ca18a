"""Votes from opinions, by the shipped heads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lungmtl.training.findings import ATTRIBUTES, Finding, Opinion, Sphere
from napari_lungmtl.training.inference.fusion import fuse
from napari_lungmtl.training.inference.votes.head import CATEGORIES, WEIGHTS, head_of, load_head
from napari_lungmtl.training.inference.weights import WeightsError, read_card

RATED = dict.fromkeys(ATTRIBUTES, 3.0)


def opinions(malignancy: float, **attributes: float) -> tuple[Opinion, ...]:
    rated = Opinion("mtmr", "1", malignancy, attributes={**RATED, **attributes})
    return rated, Opinion("mtcnn", "1", malignancy)


def mean(shares) -> float:
    return float(np.arange(1, len(shares) + 1) @ shares)


def test_votes_are_distributions_that_follow_the_opinions():
    head = load_head(WEIGHTS)
    low, high = head.votes(opinions(0.05), 8.0), head.votes(opinions(0.95, margin=4.5), 8.0)
    for votes in (low, high):
        assert {name: len(shares) for name, shares in votes.items()} == dict(CATEGORIES)
        assert all(sum(shares) == pytest.approx(1) for shares in votes.values())
    assert mean(high["malignancy"]) > mean(low["malignancy"]) + 1
    assert mean(high["margin"]) > mean(low["margin"]) + 0.5
    assert head.votes((), 8.0) == {}


def test_a_network_that_was_not_asked_agrees_and_attributes_need_somebody():
    head = load_head(WEIGHTS)
    both, alone = head.votes(opinions(0.7), 8.0), head.votes(opinions(0.7)[:1], 8.0)
    assert alone["malignancy"] == pytest.approx(both["malignancy"])
    assert set(head.votes(opinions(0.7)[1:], 8.0)) == {"malignancy"}


def test_a_scan_of_the_training_data_gets_the_head_that_never_saw_it():
    head = load_head(WEIGHTS)
    series, fold = next(iter(head.folds.items()))
    only = replace(head, models=(fold,), folds={})
    assert head.votes(opinions(0.7), 8.0, series) == only.votes(opinions(0.7), 8.0)
    assert head.votes(opinions(0.7), 8.0, series) != head.votes(opinions(0.7), 8.0, "new")
    fused = fuse(Finding(Sphere((0, 0, 0), 8), opinions=opinions(0.7)), series)
    assert fused.votes == head.votes(opinions(0.7), 8.0, series)


def test_tensors_that_do_not_fit_are_refused():
    head, card = load_head(WEIGHTS), read_card(WEIGHTS)
    wrong = {**head.tensors, "fold0.malignancy": np.zeros((5, 2))}
    with pytest.raises(WeightsError, match="do not fit"):
        head_of(card, wrong)
