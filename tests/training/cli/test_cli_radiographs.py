"""Radiographs on the command line, with stand-ins for the networks."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli import app as cli
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.inference import chain, model_store, registry
from napari_lungmtl.training.inference.predictor import PredictorError, finish
from napari_lungmtl.training.inference.suitability import frontal_doubt, suits
from napari_lungmtl.training.inference.weights import ModelCard

from ...stand_ins.fresh_models import fresh_model_store
from ...stand_ins.square_finder import SquareFinder, radiograph, save, write_simulated


def lungmtl(*arguments):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


@pytest.fixture
def hand(monkeypatch):
    at_hand = {name: SquareFinder(name, threshold) for name, threshold in (("dhn", 0.5), ("mosegnet", 0.9))}
    monkeypatch.setattr(registry, "models", lambda: tuple(m.info for m in at_hand.values()))
    monkeypatch.setattr(registry, "load_predictor", lambda name, device="auto", weights=None: at_hand[name])
    fresh_model_store(monkeypatch)
    return at_hand


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_predict_writes_boxes_masks_and_what_is_said_of_the_image(hand, tmp_path):
    for name, nodules in (("a", [(15, 30, 10)]), ("b", [])):
        save(radiograph(nodules), tmp_path / f"{name}.png")
    out = tmp_path / "out"
    done = lungmtl(
        "predict", tmp_path / "a.png", tmp_path / "b.png", "--out", out, "--json", tmp_path / "s.json"
    )
    assert done.exit_code == 0, done.output
    table = rows(out / "findings.csv")
    assert [(r["seriesuid"], r["model"], r["kind"]) for r in table] == [
        ("a", "dhn 0.1", "box"),
        ("a", "mosegnet 0.1", "mask"),
    ]
    for row in table:  # between the outer edges, the first pixel's centre being 0
        assert [float(row[c]) for c in ("x0", "y0", "x1", "y1")] == [14.5, 29.5, 24.5, 39.5]
        assert row["coordX"] == row["diameter_mm"] == ""
    a, b = rows(out / "images.csv")
    assert list(a) == [
        "seriesuid",
        "model",
        "probability",
        "threshold",
        "height",
        "width",
        "spacing_y",
        "spacing_x",
        "doubt",
        "orientation",
    ]
    assert list(a.values())[:8] == ["a", "dhn 0.1", "0.8", "0.4", "120", "100", "", ""]
    assert "seems to lie" in a["doubt"]
    assert (b["seriesuid"], b["probability"]) == ("b", "0.01")
    findings = read_findings(out / "a.lungmtl.json")
    assert findings.image_scores[0].probability == pytest.approx(0.8)
    assert {r.name for r in findings.regions} == {"right lung", "left lung"}
    # Each network's findings are shown from its own threshold.
    case, empty = json.loads((tmp_path / "s.json").read_text())["cases"]
    assert (case["findings"], case["above_threshold"], case["thresholds"]) == (
        2,
        1,
        {"dhn": 0.5, "mosegnet": 0.9},
    )
    assert (case["largest_mm"], case["largest_px"]) == (None, 10.0)
    assert case["image_scores"] == [{"model": "dhn", "version": "0.1", "probability": 0.8, "threshold": 0.4}]
    assert empty["above_threshold"] == 0
    assert "10 px" in done.stdout
    assert "P(nodule)" in done.stdout


def test_without_a_global_head_there_is_no_images_csv(hand, tmp_path):
    save(radiograph(), tmp_path / "a.png")
    assert (
        lungmtl("predict", tmp_path / "a.png", "--out", tmp_path / "out", "--model", "mosegnet").exit_code
        == 0
    )
    assert not (tmp_path / "out" / "images.csv").exists()


def test_a_photograph_is_refused_with_a_reason_and_the_others_go_on(hand, tmp_path):
    save(radiograph(), tmp_path / "radiograph.png")
    colors = np.random.default_rng(0).integers(0, 255, (120, 100, 3), np.uint8)
    save(colors, tmp_path / "photo.png")
    done = lungmtl("predict", tmp_path / "photo.png", tmp_path / "radiograph.png", "--out", tmp_path / "out")
    assert done.exit_code == 1
    (line,) = [line for line in done.stderr.splitlines() if "photo.png" in line and "pixel size" not in line]
    assert "not a radiograph" in line
    assert (tmp_path / "out" / "radiograph.lungmtl.json").exists()


LATERAL = Image(np.arange(10000, dtype=np.int16).reshape(100, 100), "DX", metadata={"view_position": "LL"})


def test_a_lateral_view_is_refused_before_anything_is_loaded(hand):
    with pytest.raises(PredictorError, match="lateral view"):
        finish(chain.choose(LATERAL).run(LATERAL))
    assert len(model_store.store) == 0


def test_a_doubt_is_a_note(hand):
    image = Image(
        radiograph().astype(np.int16), "DX", metadata={"view_position": "PA", "patient_orientation": "R\\F"}
    )
    steps = list(chain.choose(image).run(image))
    assert any("mirrored" in step.note for step in steps)


def test_what_suits_radiograph_networks(hand):
    dhn = hand["dhn"].info
    flat, volume = np.zeros((4, 4), np.int16), np.zeros((4, 4, 4), np.int16)
    assert all(suits(dhn, Image(flat, modality)) for modality in ("", "CR", "DX", "DR"))
    assert not any(suits(dhn, image) for image in (Image(volume), Image(flat, "CT"), Image(flat, "US")))
    assert frontal_doubt([dhn], Image(volume, "CT")) == ""


@pytest.fixture
def weights(tmp_path, monkeypatch, hand):
    def write(name):
        path = tmp_path / f"{name}.safetensors"
        card = ModelCard(name, "0.1", name, "", ("CR", "DX"), {}, "a" * 64)
        path.with_suffix(".json").write_text(json.dumps(card.to_json()))
        monkeypatch.setattr(registry, "load_predictor", lambda network, device, file: hand[network])
        return path

    return write


@pytest.mark.parametrize("network", ["dhn", "mosegnet"])
def test_evaluate(network, weights, tmp_path):
    folder = write_simulated(tmp_path / "set")
    options = ("--data", folder, "--weights", weights(network), "--json", tmp_path / "m.json")
    done = lungmtl("evaluate", network, *options)
    assert done.exit_code == 0, done.output
    figures = json.loads((tmp_path / "m.json").read_text())
    assert figures["network"] == network
    for key in (
        "roc_auc",
        "pr_auc",
        "froc_auc",
        "afroc_auc",
        "map",
        "node21_score",
        "f1",
        "recall",
        "precision",
    ):
        assert isinstance(figures["metrics"][key], float), key
    assert ("lung_dice" in figures["metrics"]) == (network == "mosegnet")
    assert len(figures["cases_detail"]) == figures["cases"] == 8
    assert "froc_auc" in done.stdout


def test_evaluate_names_the_image_that_cannot_be_read(weights, tmp_path):
    folder = write_simulated(tmp_path / "set")
    (folder / "images" / "f2.png").write_bytes(b"no picture")
    done = lungmtl(
        "evaluate", "dhn", "--data", folder, "--weights", weights("dhn"), "--json", tmp_path / "m.json"
    )
    assert done.exit_code == 1
    (line,) = [line for line in done.stderr.splitlines() if "f2.png" in line]
    assert line.startswith("lungmtl: WARNING:")
    assert json.loads((tmp_path / "m.json").read_text())["cases"] == 7


def test_help_names_the_networks():
    text = lungmtl("evaluate", "--help").stdout
    assert "dhn" in text
    assert "mosegnet" in text


@pytest.mark.parametrize(
    ("network", "said"),
    [("unet", "there is no model 'unet'; the models are: "), ("dhn", "dhn outlines no lungs")],
)
def test_real_radiographs_need_a_network_that_outlines_lungs(tmp_path, network, said):
    done = lungmtl("simulate", "real", "--data", tmp_path, "--out", tmp_path / "out", "--lungs", network)
    assert done.exit_code == 1
    assert said in done.stderr
