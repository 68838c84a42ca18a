"""What was written of each radiograph comes back: pooled over folds, and paired between networks."""

import json

import numpy as np
import pytest

from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.open_radiographs import open_radiograph_cases
from napari_lungmtl.training.evaluation.radiograph_predictions import paired_marks, read_predictions
from napari_lungmtl.training.inference.weights import ModelCard
from napari_lungmtl.training.metrics.radiograph.figures import radiograph_figures
from napari_lungmtl.training.metrics.radiograph.statistics import RadiographResult
from napari_lungmtl.training.networks.mosegnet.evaluation import evaluate

from ...stand_ins.radiograph_sets import write_jsrt_rows
from ...stand_ins.square_finder import SquareFinder


def test_folds_pooled_are_the_whole(tmp_path):
    write_jsrt_rows(tmp_path / "jsrt")
    card = ModelCard("mosegnet", "0.1", "m", "", ("CR", "DX"), {}, "a" * 64)
    weights = tmp_path / "m.safetensors"
    weights.with_suffix(".json").write_text(json.dumps(card.to_json()))
    files = []
    for fold in ("0", "1"):
        figures = evaluate(SquareFinder("mosegnet"), tmp_path / "jsrt", weights, folds=[fold])
        files.append(tmp_path / f"{fold}.json")
        files[-1].write_text(json.dumps({k: v for k, v in figures.items() if k != "table"}))
    cases = open_radiograph_cases(tmp_path / "jsrt")
    pooled = read_predictions(files, cases)
    assert [r.name for r in pooled] == [case.name for case in cases]
    whole = evaluate(SquareFinder("mosegnet"), tmp_path / "jsrt", weights)["metrics"]
    again = radiograph_figures(pooled, 0.5, lungs=True)
    for name in (
        "roc_auc",
        "sensitivity_at_center",
        "sensitivity_at",
        "by_subtlety",
        "false_positives_per_image",
    ):
        assert again[name] == whole[name]
    assert again["lung_dice"]["median"] == whole["lung_dice"]["median"]
    with pytest.raises(DatasetError, match="two of the files"):
        read_predictions([*files, files[0]], cases)
    files[0].write_text("{}")
    with pytest.raises(DatasetError, match="no predictions"):
        read_predictions(files, cases)


def marks(*boxes, scores) -> RadiographResult:
    box = np.array(boxes, float).reshape(-1, 4)
    return RadiographResult("r", "r", 0.5, box, np.array(scores, float), (box[:, :2] + box[:, 2:]) / 2)


def test_marks_at_one_place_are_paired_once():
    dhn = marks([0, 0, 20, 20], [100, 100, 120, 120], scores=[0.9, 0.4])
    # A small mask in the middle of a box, one that overlaps it less surely, and one elsewhere.
    other = marks([8, 8, 12, 12], [0, 0, 18, 18], [50, 50, 60, 60], scores=[0.8, 0.3, 0.2])
    assert sorted(paired_marks(dhn, other)) == [(-1, 1), (-1, 2), (0, 0), (1, -1)]
    nothing = marks(scores=[])
    assert paired_marks(nothing, other) == [(-1, 0), (-1, 1), (-1, 2)]
    assert paired_marks(nothing, nothing) == []
