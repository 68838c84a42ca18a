"""Fitting what tells places that are no nodule."""

from __future__ import annotations

import numpy as np

from napari_lungmtl.training.crossval.unlike import NODULE, OF_CUBE, OF_SCAN, Measured, figures, fit
from napari_lungmtl.training.data.bright_places import of_cube
from napari_lungmtl.training.data.public.luna16_nodules import NoduleCube
from napari_lungmtl.training.inference.unlike.head import UnlikeHead
from napari_lungmtl.training.ops.surroundings import NAMES


def test_a_fold_has_no_part_in_its_own_regression():
    rng = np.random.default_rng(0)
    kind = np.array([NODULE, NODULE, OF_CUBE, OF_SCAN] * 25)
    values = rng.normal(size=(100, len(NAMES))) + (kind != NODULE)[:, None]
    fold = np.repeat(list("01234"), 20)
    places = Measured(values, kind, np.array(["s"] * 100), fold, np.full(100, 8.0))
    before = fit(places)
    other = Measured(
        np.where(fold[:, None] == "2", -values, values), kind, places.series, fold, places.diameter
    )
    after = fit(other)
    near = {k: float(np.abs(before[k] - after[k]).max()) for k in before}
    assert min(near, key=near.__getitem__) == "fold2"
    told = figures(places, UnlikeHead({k.removeprefix("fold"): t for k, t in before.items()}, {}))
    assert told[f"auc, {OF_CUBE}"] > 0.8
    assert told["unlike from 0.5 on"][NODULE] < 0.3 < told["unlike from 0.5 on"][OF_SCAN]


def test_bright_places_keep_away_from_annotations():
    grid = np.stack(np.meshgrid(*(np.arange(50.0),) * 3, indexing="ij"), -1)
    spots = np.array([[25.0, 25, 25], [14, 14, 14], [14, 35, 35]])
    hu = np.full((50,) * 3, -850.0, np.float32)
    for spot in spots:
        hu[np.linalg.norm(grid - spot, axis=-1) < 3] = 40
    known = np.array([[25.0, 25, 25, 6]])
    cube = NoduleCube("s", np.zeros((50,) * 3, np.uint8), known, np.zeros((0, 4)), "0", {})
    found = of_cube(cube, hu, np.random.default_rng(1))
    away = [np.linalg.norm(spots[1:] - place, axis=1).min() for place, _ in found]
    assert 2 <= len(found) <= 3
    assert max(away) < 4  # in or at one of the two others
