"""Radiograph networks on selections of real radiographs with folds; with a stand-in that sees squares."""

import json

import pytest

from napari_lungmtl.training.inference.predictor import PredictorError
from napari_lungmtl.training.inference.weights import ModelCard
from napari_lungmtl.training.networks.dhn.evaluation import evaluate as evaluate_dhn
from napari_lungmtl.training.networks.mosegnet.evaluation import evaluate as evaluate_mosegnet

from ...stand_ins.radiograph_sets import write_jsrt_rows, write_nih_films
from ...stand_ins.square_finder import SquareFinder


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "dhn.safetensors"
    card = ModelCard("dhn", "0.1", "dhn", "", ("CR", "DX"), {}, "a" * 64)
    path.with_suffix(".json").write_text(json.dumps(card.to_json()))
    return path


def test_jsrt_by_subtlety_and_by_the_centre(tmp_path, weights):
    write_jsrt_rows(tmp_path / "jsrt")
    figures = evaluate_mosegnet(SquareFinder("mosegnet"), tmp_path / "jsrt", weights)
    json.dumps({k: v for k, v in figures.items() if k != "table"}, allow_nan=False)
    metrics = figures["metrics"]
    assert (metrics["counts"]["positive"], metrics["counts"]["negative"]) == (2, 2)
    assert set(metrics["sensitivity_at_center"].values()) == {1.0}
    assert {level: m["nodules"] for level, m in metrics["by_subtlety"].items()} == {"2": 1, "5": 1}
    assert metrics["by_subtlety"]["2"]["sensitivity_at_1_center"]["value"] == 1.0
    assert metrics["counts"]["lungs_known"] == 4
    rows = [row[0] for row in figures["table"]]
    assert "sensitivity at 0.25 FP/image, centre in the box" in rows
    assert "sensitivity at 1 FP/image, centre in the box, subtlety 5" in rows
    (mark,) = figures["cases_detail"][0]["found"]
    (box,) = figures["cases_detail"][0]["truth"]
    assert mark["center"] == pytest.approx([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], abs=1)


def test_nih_against_its_controls_by_group(tmp_path, weights):
    folder = write_nih_films(tmp_path / "cxr")
    figures = evaluate_dhn(SquareFinder(), folder, weights)
    metrics = figures["metrics"]
    assert (metrics["counts"]["positive"], metrics["counts"]["negative"]) == (3, 2)
    assert metrics["roc_auc"] == 1.0
    assert metrics["false_positives_by_group"]["read"]["value"] == 0
    assert any("1 images may show more nodules" in warning for warning in figures["warnings"])
    clear = evaluate_dhn(SquareFinder(), tmp_path / "cxr" / "nih_clear", weights)["metrics"]
    assert set(clear["false_positives_by_group"]) == {"read", "no finding", "other disease"}


def test_a_fold_alone(tmp_path, weights):
    write_jsrt_rows(tmp_path / "jsrt")
    figures = evaluate_dhn(SquareFinder(), tmp_path / "jsrt", weights, folds=["1"])
    assert [row["name"] for row in figures["cases_detail"]] == ["JPCLN001.jpg", "JPCLC003.jpg"]
    with pytest.raises(PredictorError, match="or some of its folds 0, 1"):
        evaluate_dhn(SquareFinder(), tmp_path / "jsrt", weights, folds=["3"])
