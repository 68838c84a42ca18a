"""Shipped weights keep their figures: a part of what ``lungmtl evaluate`` prints, so that neither weights nor what is around
them gets worse unnoticed.

The parts are small, all of them together take less than a minute of one core. The room is for rounding on other processors: a
pair of radiographs or a nodule that changes sides. Whoever ships other weights puts their figures here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_lungmtl.training.crossval.unlike import NODULE, measured, of_cubes
from napari_lungmtl.training.data.public.luna16_nodules import NoduleCube
from napari_lungmtl.training.data.public.open_radiographs import open_radiograph_cases
from napari_lungmtl.training.data.public.radiographs import RadiographCase
from napari_lungmtl.training.evaluation.cubes import detect_regions, regions, score_regions
from napari_lungmtl.training.evaluation.evaluate import evaluate_network
from napari_lungmtl.training.evaluation.radiographs import predict_radiographs
from napari_lungmtl.training.inference.registry import load_predictor, weights_path
from napari_lungmtl.training.inference.unlike.head import shipped_head
from napari_lungmtl.training.inference.weights import read_card, seen_cases
from napari_lungmtl.training.metrics.characterisation.classification import roc_auc
from napari_lungmtl.training.metrics.froc.luna16 import froc_curve, sensitivity_at
from napari_lungmtl.training.metrics.radiograph.statistics import RadiographResult
from napari_lungmtl.training.networks.ag3d.evaluation import cube_detector
from napari_lungmtl.training.networks.nodule_masks.config import TrainingConfig
from napari_lungmtl.training.networks.nodule_masks.evaluation import agreement
from napari_lungmtl.training.networks.nodule_masks.samples import load_masked_nodules, marked

ONE_NODULE = 1.5 / 74
"""Of the 74 nodules of `test_ag3d_finds_nodules`; half a one more, because the curve is read between its points."""
TWO_PAIRS = 2.5 / (8 * 18)
"""Of a radiograph with and one without nodules, of `test_radiographs_with_nodules_are_told_from_others`."""


def test_malignancy_is_told_out_of_fold(lungmtl_data: Path):
    """The 203 nodules of fold 0 by the models that never saw their scans: both networks and their fusion in one run."""
    figures = evaluate_network("fusion", lungmtl_data / "luna16_nodules", folds=["0"], device="cpu")[
        "metrics"
    ]
    found = {name: alone["auc"] for name, alone in figures["alone"].items()} | {"fusion": figures["auc"]}
    assert found == pytest.approx({"mtmr": 0.9577, "mtcnn": 0.9481, "fusion": 0.9578}, abs=0.002)
    assert figures["brier"] == pytest.approx(0.0876, abs=0.002)
    errors = {name: row["mae"] for name, row in figures["attributes"].items()}
    assert errors["subtlety"] == pytest.approx(0.436, abs=0.005)
    votes = figures["votes"]
    told = {name: votes[name]["score"]["value"] for name in ("malignancy", "spiculation", "calcification")}
    assert told == pytest.approx(
        {"malignancy": 0.4496, "spiculation": 0.3932, "calcification": 0.0756}, abs=0.004
    )
    assert 0.75 < votes["malignancy"]["coverage"]["value"] < 0.85


def test_bright_places_are_unlike_a_nodule(luna16_cubes: list[NoduleCube]):
    """Every fifth cube of fold 0 by the regression that never saw it: its nodule, and what is bright beside."""
    cubes, rng = [c for c in luna16_cubes if c.fold == "0"][::5], np.random.default_rng(0)
    places = measured([*of_cubes(cubes, rng)])
    told = shipped_head().of(places.values, [str(s) for s in places.series]) >= 0.8
    nodule = places.kind == NODULE
    assert (nodule.sum(), told[nodule].sum()) == (82, pytest.approx(3, abs=1))
    assert told[~nodule].mean() == pytest.approx(0.835, abs=0.03)


def test_masks_are_as_large_as_the_mean_of_the_readers(lungmtl_data: Path):
    """Every tenth nodule of fold 0 as a detector might mark it; given masks hold what any reader outlined, 1.4 times as much."""
    data, rng = load_masked_nodules(lungmtl_data / "luna16_nodules"), np.random.default_rng(0)
    rows = np.flatnonzero(data.nodules.fold == "0")[::10]
    marks = [marked(data, int(row), TrainingConfig(), rng) for row in rows]
    center, diameter = (np.array(some) for some in zip(*marks, strict=True))
    predictor = load_predictor("nodule_masks", "cpu", None)
    found = agreement(predictor, data.take(rows), center, diameter, lambda _f, _s: None)
    drawn, outer, *_ = np.median(found.readers, axis=0)
    assert (drawn, outer) == (pytest.approx(1.0, abs=0.12), pytest.approx(1.4, abs=0.15))
    assert np.median(found.dice[:, 1]) == pytest.approx(0.787, abs=0.02)


def test_ag3d_finds_nodules(luna16_cubes: list[NoduleCube]):
    """Every third cube of fold 0, which took part in no training or tuning, whole."""
    cubes = [c for c in luna16_cubes if c.fold == "0"][::3]
    detect = cube_detector(load_predictor("ag3d", "cpu", None).net, torch.device("cpu"))
    whole = regions(cubes)["whole"]
    matchings = [s.matching for s in score_regions(cubes, whole, detect_regions(cubes, whole, detect))]
    assert sum(len(m.nodule_mark) for m in matchings) == 74
    sensitivity = sensitivity_at(froc_curve(matchings), (1 / 64, 0.125, 1.0))
    assert sensitivity == pytest.approx([63 / 74, 71 / 74, 73 / 74], abs=ONE_NODULE)


@pytest.mark.parametrize(("name", "auc"), [("dhn", 0.9028), ("mosegnet", 0.8958)])
def test_radiographs_with_nodules_are_told_from_others(lungmtl_data: Path, name: str, auc: float):
    """8 with and 18 without, of NIH's pictures that no training or tuning saw (``metrics_unseen`` of ``lungmtl evaluate``)."""
    seen = {Path(case).stem for case in seen_cases(read_card(weights_path(name)))}
    cases = [
        case
        for case in open_radiograph_cases(lungmtl_data / "cxr" / "nih", "all")
        if not seen & {Path(case.name).stem, Path(case.background).stem}
    ]
    results = results_of(name, cases)
    positive = np.array([bool(r.positive) for r in results])
    assert (positive.sum(), (~positive).sum()) == (8, 18)
    assert roc_auc(positive, [r.score for r in results]) == pytest.approx(auc, abs=TWO_PAIRS)


def test_mosegnet_outlines_lungs(lungmtl_data: Path):
    """Every sixth radiograph of lung_masks_100, of which training saw none."""
    cases = open_radiograph_cases(lungmtl_data / "cxr" / "lung_masks_100", "all")[::6]
    dice = [r.lung_dice["lungs"] for r in results_of("mosegnet", cases, lungs=True)]
    assert len(dice) == 12
    assert np.mean(dice) == pytest.approx(0.9148, abs=0.003)
    assert np.median(dice) == pytest.approx(0.9573, abs=0.003)


def results_of(name: str, cases: Sequence[RadiographCase], *, lungs: bool = False) -> list[RadiographResult]:
    results, failed = predict_radiographs(load_predictor(name, "cpu", None), cases, 0.5, lungs=lungs)
    assert not failed
    return results
