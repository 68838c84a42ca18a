"""What lies in and around a place, on shapes whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lungmtl.training.ops.surroundings import NAMES, surroundings

GRID = np.stack(np.meshgrid(*(np.arange(50.0),) * 3, indexing="ij"), -1) - 24.5
CENTER = np.full(3, 24.5)


def said(held: np.ndarray, hu: float = 40.0, diameter: float = 10.0) -> dict[str, float]:
    cube = np.where(held, hu, -850.0).astype(np.float32)
    return dict(zip(NAMES, surroundings(cube, CENTER, diameter), strict=True))


def test_a_ball_a_tube_a_wall_and_a_bone():
    ball = said(np.linalg.norm(GRID, axis=-1) <= 5)
    tube = said(np.linalg.norm(GRID[..., 1:], axis=-1) <= 5)
    wall = said(GRID[..., 2] > -5)
    bone = said(np.linalg.norm(GRID, axis=-1) <= 20, hu=400.0)
    assert ball["inside"] == pytest.approx(0.04, abs=0.01)
    assert (ball["air_2"], ball["through"], ball["near_bone"]) == pytest.approx((1.0, 0.0, 0.0), abs=0.03)
    assert ball["longest"] == pytest.approx(1 / 3, abs=0.02)
    assert ball["reach_50"] == pytest.approx(1.0, abs=0.12)
    assert tube["most_through"] > 0.9
    assert tube["longest"] > 0.5 > ball["longest"]
    assert 0.2 < wall["air_8"] < 0.5
    assert (bone["inside_bone"], bone["near_bone"]) == pytest.approx((1.0, 1.0))
    assert all(np.isfinite(list(said(np.zeros((50,) * 3, bool)).values())))
