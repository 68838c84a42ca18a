"""Places that are no nodule, by the shipped regressions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lungmtl.training.inference.unlike.head import WEIGHTS, head_of, shipped_head
from napari_lungmtl.training.inference.weights import WeightsError, read_card

GRID = np.stack(np.meshgrid(*(np.arange(50.0),) * 3, indexing="ij"), -1) - 24.5
CENTER = np.full(3, 24.5)


def unlike(held: np.ndarray, hu: float = 40.0, diameter: float = 9.0) -> float | None:
    return shipped_head().unlike(np.where(held, hu, -850.0), CENTER, diameter)


def test_a_ball_in_the_lung_is_like_a_nodule_and_a_vertebra_or_the_hilum_is_not():
    assert unlike(np.linalg.norm(GRID, axis=-1) <= 4.5) < 0.2
    assert unlike(np.linalg.norm(GRID, axis=-1) <= 20, 250.0) > 0.9
    assert unlike(np.ones((50,) * 3, bool)) > 0.9
    assert unlike(np.ones((50,) * 3, bool), diameter=35.0) is None


def test_a_scan_of_the_training_data_is_judged_by_what_never_saw_it():
    head, ball = shipped_head(), np.linalg.norm(GRID, axis=-1) <= 4.5
    series, fold = next(iter(head.folds.items()))
    only = replace(head, tensors={fold: head.tensors[fold]}, folds={})
    cube = np.where(ball, 40.0, -850.0)
    assert head.unlike(cube, CENTER, 9.0, series) == pytest.approx(only.unlike(cube, CENTER, 9.0))
    assert head.unlike(cube, CENTER, 9.0, series) != head.unlike(cube, CENTER, 9.0, "new")


def test_other_measures_are_refused():
    card = replace(read_card(WEIGHTS), config={"measures": ["inside"]})
    with pytest.raises(WeightsError, match="measures other things"):
        head_of(card, shipped_head().tensors)
