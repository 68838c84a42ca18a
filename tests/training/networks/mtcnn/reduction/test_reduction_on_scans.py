"""False-positive reduction on whole scans: others at equal sensitivity, and weights trained with cubes of scans."""

import json

import numpy as np
import pytest
from scipy.special import expit

from napari_lungmtl.training.data.mark_cubes import MarkCubes, save_mark_cubes
from napari_lungmtl.training.data.public.luna16_nodules import load_cubes
from napari_lungmtl.training.evaluation.candidates import joined, label_marks, write_candidates
from napari_lungmtl.training.fitting.train_network import train_network
from napari_lungmtl.training.inference.weights import read_card
from napari_lungmtl.training.networks.mtcnn.reduction.training import combine_for_scans
from napari_lungmtl.training.networks.mtcnn.reduction.whole_scans import (
    ScoredMarks,
    others,
    rows,
    whole_scan_figures,
)
from tests.stand_ins.rated_cubes import write_rated_cubes


def test_others_are_counted_where_the_nodules_are_kept():
    nodules = np.arange(1, 11) / 10
    false = np.array([0.05, 0.15, 0.2, 0.25, 0.95])
    assert others(nodules, false, 1.0) == 4
    assert others(nodules, false, 0.9) == 3  # all from 0.2 on
    assert others(nodules, false, 0.05) == 0


def marks(before, after, groups):
    return ScoredMarks(np.array(before, float), np.array(after, float), np.resize(groups, len(before)))


def test_a_reduction_helps_only_where_it_surely_does():
    nodules = marks(np.linspace(0, 5, 40), np.linspace(0, 5, 40), [str(i) for i in range(40)])
    litres = {"a": 5.0, "b": 3.0}
    many = np.full(40, 2.0)
    better = whole_scan_figures(nodules, marks(many, many - 4, ["a", "b"]), litres, samples=50)
    assert better["at_sensitivity"]["0.95"] == {
        "before": 40,
        "after": 0,
        "before_per_scan": 20.0,
        "after_per_scan": 0.0,
        "before_per_litre": 5.0,
        "after_per_litre": 0.0,
    }
    assert better["difference_per_scan"]["value"] == -20.0
    assert better["helps"]
    assert rows(better)[2] == ["0.95", "20.00", "0.00", "5.00", "0.00"]
    assert not whole_scan_figures(nodules, marks(many, many, ["a", "b"]), litres, samples=50)["helps"]


def test_the_combination_shows_as_many_nodules_as_the_detector():
    rng = np.random.default_rng(0)
    nodule = np.repeat([1, 0], [300, 700])
    detector = expit(rng.normal(np.where(nodule > 0, 1.0, -1.0), 1.5))
    network = rng.normal(np.where(nodule > 0, 1.5, -1.5), 1.0)
    score = expit(combine_for_scans(detector, network, nodule)(detector, network))
    shown = (detector >= 0.5) & (nodule == 1)
    assert ((score >= 0.5 - 1e-9) & (nodule == 1)).sum() == shown.sum()
    assert ((score >= 0.5) & (nodule == 0)).sum() < ((detector >= 0.5) & (nodule == 0)).sum()


def scan_cubes(count, rng):
    """Cubes of two scans: false marks are flat plates, nodules balls."""
    grid = np.indices((50, 50, 50)) - 25
    ball, plate = np.linalg.norm(grid, axis=0) < 5, np.abs(grid[0]) < 2
    nodule = np.arange(count) % 2
    voxels = rng.integers(10, 40, (count, 50, 50, 50)).astype(np.uint8)
    for one, is_nodule in zip(voxels, nodule, strict=True):
        one[ball if is_nodule else plate] = 132
    return MarkCubes(
        voxels,
        np.full((count, 3), 25.0),
        np.full(count, 10.0),
        np.where(nodule, np.nan, rng.uniform(0.2, 0.9, count)),
        nodule,
        np.where(np.arange(count) < count // 2, "S", "T"),
        np.where(np.arange(count) < count // 2, "1", "2"),
        np.where(nodule, "pasted", "mark"),
        np.full(count, 3.0),
        np.full(count, 5.0),
    )


def test_cubes_of_scans_join_the_marks_of_some_folds(tmp_path):
    data = tmp_path / "cubes"
    data.mkdir()
    write_rated_cubes(data, 20)
    rng = np.random.default_rng(0)
    parts = []
    for cube in load_cubes(data, folds=["0", "3", "4"]):
        false = [[cube.truth[0, 0], 18.0, 31.0, 5.0]]
        spheres = np.concatenate([cube.truth[:1], false])
        parts.append(label_marks(cube, spheres, rng.uniform(0.2, 0.9, 2)))
    write_candidates(tmp_path / "marks.csv", joined(parts))
    save_mark_cubes(tmp_path / "scans.npz", scan_cubes(24, rng))
    settings = {
        "candidates": [str(tmp_path / "marks.csv")],
        "network": {"field_mm": 14, "pixels": 14, "layers": 2},
        "training": {"steps": 30, "batch": 16, "marks": str(tmp_path / "scans.npz")},
    }
    (tmp_path / "c.json").write_text(json.dumps(settings))
    card = read_card(train_network("mtcnn_fpr", data, tmp_path / "out", tmp_path / "c.json"))
    assert {card.training["folds"][scan] for scan in "ST"} == {"1", "2"}
    assert card.training["marks"] == {"nodules": 24, "false_positives": 24}
    assert len({tuple(c) for c in card.config["combination"].values()}) == 1
    whole = card.metrics["whole_scans"]
    assert (whole["scans"], whole["litres"], whole["false_marks"], whole["nodules"]) == (2, 10.0, 12, 12)
    assert card.metrics["helps"] == whole["helps"]
    at = whole["at_sensitivity"]["0.95"]
    assert at["after"] <= at["before"]
    assert at["after_per_litre"] == pytest.approx(at["after"] / 10)
