"""Detection and characterisation on the command line, with stand-ins for the networks."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli import app as cli
from napari_lungmtl.training.cli import models
from napari_lungmtl.training.evaluation import evaluate as engine_evaluate
from napari_lungmtl.training.evaluation import fusion
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Opinion, Provenance, Sphere
from napari_lungmtl.training.findings.formats.csv_file import write_csv
from napari_lungmtl.training.findings.formats.json_file import read_findings, write_findings
from napari_lungmtl.training.imaging import Image, write_volume
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import ModelInfo, PredictorError, Progress
from napari_lungmtl.training.inference.weights import ModelCard, WeightsError

from ...stand_ins.fresh_models import fresh_model_store


def lungmtl(*arguments):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


class Detector:
    info = ModelInfo("ag3d", "3D-AG", "finds", ("CT",), "0.1", 0.5)

    def run(self, image):
        yield Progress(0.5, "detecting")
        items = (
            Finding(Sphere((-98, 12, 23), 9), 0.9, provenance=Provenance("ag3d", "0.1")),
            Finding(Sphere((-96, 13, 24), 8), 0.2, provenance=Provenance("ag3d", "0.1")),
        )
        return Findings(items, ImageReference(image.series_uid, modality="CT"))


class Judge:
    """The larger the sphere, the more malignant; 40 mm is refused."""

    def __init__(self, name):
        self.info = ModelInfo(name, name.upper(), "judges", ("CT",), "0.1", task="characterisation")

    def run(self, image, findings):
        yield Progress(0.1, "judging")
        if image.modality == "MR":
            raise PredictorError(f"{self.info.title} was trained on CT. Open a CT series.")
        if any(f.diameter == 40 for f in findings):
            raise RuntimeError("too large")
        said = [
            Opinion(self.info.name, "0.1", f.diameter / 10, 0.1, attributes={"margin": 2.0}) for f in findings
        ]
        return findings.with_items(
            tuple(f.with_(opinions=(*f.opinions, o)) for f, o in zip(findings, said, strict=True))
        )


@pytest.fixture(autouse=True)
def hand(monkeypatch):
    at_hand = {m.info.name: m for m in (Detector(), Judge("mtmr"), Judge("mtcnn"))}
    monkeypatch.setattr(registry, "models", lambda: tuple(m.info for m in at_hand.values()))
    monkeypatch.setattr(registry, "load_predictor", lambda name, device="auto", weights=None: at_hand[name])
    fresh_model_store(monkeypatch)
    return at_hand


@pytest.fixture
def ct(tmp_path):
    path = tmp_path / "ct.mha"
    write_volume(Image(np.full((4, 5, 6), -1000, np.int16), "CT", (2.0, 1.0, 1.0), (-100, 10, 20)), path)
    return path


def rows(folder: Path):
    with (folder / "findings.csv").open() as file:
        return list(csv.DictReader(file))


def test_predict_runs_the_whole_chain(ct, tmp_path):
    result = lungmtl("predict", ct, "--out", tmp_path / "out", "--json", tmp_path / "s.json")
    assert result.exit_code == 0, result.output
    first, second = rows(tmp_path / "out")
    assert float(first["malignancy"]) == pytest.approx(0.9)
    assert [float(first[c]) for c in ("malignancy_spread", "mtmr_malignancy", "mtcnn_spread", "margin")] == (
        pytest.approx([0.1, 0.9, 0.1, 2.0])
    )
    assert float(second["malignancy"]) == pytest.approx(0.8)
    findings = read_findings(tmp_path / "out" / "ct.lungmtl.json")
    assert [o.model for o in findings[0].opinions] == ["mtmr", "mtcnn"]
    assert [m["name"] for m in findings.models] == ["ag3d", "mtmr", "mtcnn"]
    # What the table shows: the highest malignancy of what passes the threshold.
    assert "malignancy" in result.stdout
    assert "0.90" in result.stdout
    (case,) = json.loads((tmp_path / "s.json").read_text())["cases"]
    assert case["highest_malignancy"] == pytest.approx(0.9)
    assert case["notes"] == []


def test_model_selects_stages(ct, tmp_path):
    assert lungmtl("predict", ct, "--out", tmp_path / "a", "--model", "ag3d").exit_code == 0
    assert [r["malignancy"] for r in rows(tmp_path / "a")] == ["", ""]
    options = ("--model", "mtcnn", "--model", "ag3d")
    assert lungmtl("predict", ct, "--out", tmp_path / "b", *options).exit_code == 0
    assert [(r["mtmr_malignancy"], r["mtcnn_malignancy"]) for r in rows(tmp_path / "b")] == [
        ("", "0.9"),
        ("", "0.8"),
    ]
    result = lungmtl("predict", ct, "--out", tmp_path / "c", "--model", "mtmr")
    assert result.exit_code == 1
    assert "name a detector too" in result.stderr


@pytest.mark.parametrize("kind", ["json", "csv", "luna16"])
def test_given_findings_are_judged_without_looking_for_others(ct, tmp_path, kind, hand, monkeypatch):
    del hand["ag3d"]
    mine = (Finding(Sphere((-97, 11, 22), 5), id="mine"), Finding(Sphere((300, 11, 22), 7), id="far"))
    findings = Findings(mine, ImageReference("ct"))
    file = tmp_path / ("given.json" if kind == "json" else "given.csv")
    if kind == "json":
        write_findings(findings, file)
    elif kind == "csv":
        write_csv([findings], file)
    else:
        file.write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\nct,22,11,-97,5\nct,22,11,300,7\n")
    monkeypatch.chdir(ct.parent)
    result = lungmtl(
        *("predict", ct.name, "--out", tmp_path / "out", "--findings", file, "--json", tmp_path / "s.json")
    )
    assert result.exit_code == 0, result.output
    judged = read_findings(tmp_path / "out" / "ct.lungmtl.json")
    assert [f.geometry for f in judged] == [f.geometry for f in mine]
    assert judged[0].malignancy == pytest.approx(0.5)
    assert judged[1].malignancy is None
    assert judged.image.shape == (4, 5, 6)
    assert judged.image.source == str(ct), "also where it was named from here"
    assert "Sphere at z 300.0 mm: not judged, because outside the scan" in result.stderr
    (case,) = json.loads((tmp_path / "s.json").read_text())["cases"]
    assert "outside the scan" in case["notes"][0]


def test_given_findings_of_another_series_are_an_error(ct, tmp_path):
    file = tmp_path / "given.json"
    write_findings(Findings((), ImageReference("1.2.3")), file)
    result = lungmtl("predict", ct, "--out", tmp_path / "out", "--findings", file)
    assert result.exit_code == 1
    assert "has none for series ct" in result.stderr
    result = lungmtl("predict", ct, "--out", tmp_path / "out", "--findings", tmp_path / "none.csv")
    assert result.exit_code == 1
    assert "none.csv does not exist" in result.stderr


def test_one_that_fails_does_not_take_the_others_along(ct, tmp_path):
    file = tmp_path / "given.csv"
    file.write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\nct,22,11,-97,5\nct,22,11,-98,40\n")
    result = lungmtl("predict", ct, "--out", tmp_path / "out", "--findings", file)
    assert result.exit_code == 0
    assert [r["malignancy"] != "" for r in rows(tmp_path / "out")] == [True, False]
    assert "Sphere at z −98.0 mm: not judged. MTMR stopped (RuntimeError: too large)" in result.stderr


def test_models_show_what_characterisers_are_good_for(monkeypatch):
    card = ModelCard(
        *("mtmr", "0.1", "MTMR-Net", "judges", ("CT",), {}),
        metrics={"auc": 0.94, "auc_median_rule": 0.961, "calibration_error": 0.03},
        training={"folds": {f"1.2.{i}": "0" for i in range(600)}, "models": ["0", "1"]},
        task="characterisation",
    )
    monkeypatch.setattr(registry, "card", lambda name: card)
    text = lungmtl("models").stdout
    for part in (
        "AUC 0.940",
        "AUC by the readers' median 0.961",
        "calibration error 0.030",
        "judges nodules that",
    ):
        assert part in text
    whole = lungmtl("models", "mtmr").stdout
    assert "folds: 600 entries" in whole
    assert "auc: 0.94" in whole
    assert models.key_figures({"helps": False}) == "gains the detector too little, so off by default"


@pytest.fixture
def evaluations(monkeypatch):
    """Evaluations that keep what they were called with."""
    called = {}

    def evaluate(*arguments, **options):
        called.update(options, arguments=arguments)
        return {"network": "x", "cases": 1, "metrics": {}}

    def evaluate_of(self, *arguments, **options):
        called["package"] = self.package
        return evaluate(*arguments, **options)

    monkeypatch.setattr(registry.NetworkFolder, "evaluate", evaluate_of)
    monkeypatch.setattr(fusion, "evaluate_fusion", evaluate)
    monkeypatch.setattr(registry, "load_predictor", lambda name, device, weights: "predictor")
    card = ModelCard("ag3d", "0.1", "3D-AG", "", ("CT",), {})
    monkeypatch.setattr(engine_evaluate, "read_card", lambda path: card)
    return called


def test_evaluate_calls_the_network_of_the_weights(evaluations, tmp_path):
    engine_evaluate.evaluate_network("mtcnn_fpr", tmp_path)
    assert ".networks.mtcnn" in evaluations["package"]
    assert "findings" not in evaluations  # a detector's evaluation would not know it
    assert evaluations["arguments"][:2] == ("predictor", tmp_path)
    with pytest.raises(WeightsError, match="no model 'other'"):
        engine_evaluate.evaluate_network("other", tmp_path)


def test_evaluate_passes_a_detectors_findings_to_characterisers_only(evaluations, tmp_path, monkeypatch):
    with pytest.raises(PredictorError, match="--findings is for characterisers"):
        engine_evaluate.evaluate_network("ag3d", tmp_path, findings=tmp_path / "f.csv")
    card = ModelCard("mtmr", "0.1", "", "", ("CT",), {}, task="characterisation")
    monkeypatch.setattr(engine_evaluate, "read_card", lambda path: card)
    engine_evaluate.evaluate_network("mtmr", tmp_path, findings=tmp_path / "f.csv", folds=["0"])
    assert evaluations["package"].endswith(".networks.mtmr")
    assert (evaluations["findings"], evaluations["folds"]) == (tmp_path / "f.csv", ["0"])


def test_evaluate_fusion(evaluations, tmp_path):
    engine_evaluate.evaluate_network("fusion", tmp_path, device="cpu", findings=tmp_path / "f.csv")
    assert "package" not in evaluations
    assert evaluations["arguments"] == (tmp_path,)
    assert (evaluations["device"], evaluations["findings"]) == ("cpu", tmp_path / "f.csv")
    with pytest.raises(PredictorError, match="without --weights"):
        engine_evaluate.evaluate_network("fusion", tmp_path, weights=tmp_path / "w")
