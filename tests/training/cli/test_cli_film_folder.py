"""``lungmtl predict`` on folders of pictures: each film is a case, and what lies beside a scan is no film."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli import app as cli
from napari_lungmtl.training.findings.formats.csv_file import read_csv
from napari_lungmtl.training.imaging import Image, write_volume
from napari_lungmtl.training.inference import registry

from ...stand_ins.fresh_models import fresh_model_store
from ...stand_ins.square_finder import SquareFinder, radiograph, save


@pytest.fixture(autouse=True)
def finder(monkeypatch):
    at_hand = SquareFinder("dhn", 0.5)
    monkeypatch.setattr(registry, "models", lambda: (at_hand.info,))
    monkeypatch.setattr(registry, "load_predictor", lambda name, device="auto", weights=None: at_hand)
    fresh_model_store(monkeypatch)


def predict(folder, out):
    arguments = ["predict", str(folder), "--out", str(out), "--json", str(out / "s.json")]
    done = CliRunner().invoke(cli.app, arguments)
    return done, json.loads((out / "s.json").read_text())


def test_each_film_of_a_folder_is_a_case_and_a_damaged_one_costs_no_other(tmp_path):
    films = tmp_path / "films"
    for patient, nodules in (("p1", [(15, 30, 10)]), ("p2", [(50, 60, 10)])):
        (films / patient).mkdir(parents=True)
        save(radiograph(nodules), films / patient / "frontal.png")
    (films / "p2" / "cut.png").write_bytes((films / "p2" / "frontal.png").read_bytes()[:30])
    (films / "notes.txt").write_text("read on Monday")
    done, summary = predict(films, tmp_path / "out")
    assert done.exit_code == 1
    assert [f["input"] for f in summary["failed"]] == [str(films / "p2" / "cut.png")]
    assert [case["case"] for case in summary["cases"]] == ["frontal", "frontal_2"]
    # Two patients' films of one name stay two in the table.
    with (tmp_path / "out" / "findings.csv").open(newline="") as file:
        boxes = {row["seriesuid"]: float(row["x0"]) for row in csv.DictReader(file)}
    assert boxes == {"p1/frontal": 14.5, "p2/frontal": 49.5}
    assert set(read_csv(tmp_path / "out" / "findings.csv")) == {"p1/frontal", "p2/frontal"}
    assert [case["series"] for case in summary["cases"]] == ["p1/frontal", "p2/frontal"]
    with (tmp_path / "out" / "images.csv").open(newline="") as file:
        assert {row["seriesuid"] for row in csv.DictReader(file)} <= {"p1/frontal", "p2/frontal"}


def test_what_predict_wrote_comes_back_on_its_own_film(tmp_path):
    films = tmp_path / "films"
    for patient, x in (("p1", 15), ("p2", 50)):
        (films / patient).mkdir(parents=True)
        save(radiograph([(x, 30, 10)]), films / patient / "frontal.png")
    predict(films, tmp_path / "out")
    for patient, low in (("p1", 14.5), ("p2", 49.5)):
        out = tmp_path / f"{patient}.lungmtl.json"
        arguments = ["import", str(tmp_path / "out" / "findings.csv"), "--out", str(out)]
        done = CliRunner().invoke(cli.app, [*arguments, "--image", str(films / patient / "frontal.png")])
        assert done.exit_code == 0, done.output
        (box,) = json.loads(out.read_text())["findings"]
        assert box["box"]["low_yx"][1] == low


def test_pictures_in_a_tree_with_a_scan_are_no_films(tmp_path):
    write_volume(
        Image(np.zeros((8, 9, 10), np.int16), "CR", spacing=(1.0, 1.0, 1.0)), tmp_path / "s" / "a.nii.gz"
    )
    (tmp_path / "s" / "previews").mkdir()
    save(radiograph([]), tmp_path / "s" / "previews" / "b.png")
    _, summary = predict(tmp_path / "s", tmp_path / "out")
    assert [case["path"] for case in summary["cases"]] == []
    (failed,) = summary["failed"]
    assert "a.nii.gz is volume" in failed["error"]
