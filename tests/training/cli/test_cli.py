"""The command line with stand-ins for networks and the window: what it reads, writes, says and returns."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli import app as cli
from napari_lungmtl.training.cli import common, models, predict, view
from napari_lungmtl.training.evaluation import evaluate as engine_evaluate
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.findings.formats.csv_file import read_csv
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.imaging import Image, write_volume
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import ModelInfo, PredictorError, Progress
from napari_lungmtl.training.inference.weights import ModelCard

from ...stand_ins.fresh_models import fresh_model_store


def lungmtl(*arguments):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


class Stub:
    """Marks the brightest voxel; refuses what has none above 0, and fails on a scan as bright as 3000."""

    info = ModelInfo("stub", "Stub", "tests", ("CT",), "1.0", 0.5)

    def run(self, image):
        yield Progress(0.1, "looking", note="a note for the person")
        top = image.voxels.max()
        if top <= 0:
            raise PredictorError(f"{image.source} shows nothing. Open a CT.")
        if top >= 3000:
            raise RuntimeError("the network\nexploded")
        place = image.to_world(np.unravel_index(image.voxels.argmax(), image.shape))
        items = (
            Finding(Sphere(tuple(place), 8), 0.2, provenance=Provenance("stub", "1.0")),
            Finding(Sphere(tuple(place), 9), 0.9, provenance=Provenance("stub", "1.0")),
        )
        return Findings(items, ImageReference(image.series_uid, modality="CT"), ({"name": "stub"},))


@pytest.fixture(autouse=True)
def stub_registry(monkeypatch):
    loaded = []

    def load(name, device="auto", weights=None):
        loaded.append((name, device))
        return Stub()

    monkeypatch.setattr(registry, "models", lambda: (Stub.info,))
    monkeypatch.setattr(registry, "load_predictor", load)
    common.debug(False)
    fresh_model_store(monkeypatch)
    return loaded


def save_ct(path, value=500, place=(1, 2, 3)):
    path.parent.mkdir(exist_ok=True, parents=True)
    voxels = np.full((4, 5, 6), -1000, np.int16)
    voxels[place] = value
    write_volume(Image(voxels, "CT", (2.0, 1.0, 1.0), (-100, 10, 20)), path)
    return path


# predict


def test_predict_writes_one_file_a_case_and_one_table(tmp_path, stub_registry):
    a, b = save_ct(tmp_path / "a.mha"), save_ct(tmp_path / "b.nrrd")
    out = tmp_path / "new" / "out"
    result = lungmtl("predict", a, b, "--out", out, "--device", "cpu", "--json", tmp_path / "s.json")
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in out.iterdir()) == ["a.lungmtl.json", "b.lungmtl.json", "findings.csv"]
    # x, y, z = 23, 12, -98; the best first.
    findings = read_findings(out / "a.lungmtl.json")
    assert [(f.center, f.score) for f in findings] == [((-98, 12, 23), 0.9), ((-98, 12, 23), 0.2)]
    table = read_csv(out / "findings.csv")
    assert [f.geometry for f in table["b"]] == [Sphere((-98, 12, 23), 9), Sphere((-98, 12, 23), 8)]
    summary = json.loads((tmp_path / "s.json").read_text())
    assert [(c["case"], c["findings"], c["above_threshold"]) for c in summary["cases"]] == [
        ("a", 2, 1),
        ("b", 2, 1),
    ]
    assert summary["failed"] == []
    # Loading a network takes seconds: once is enough.
    assert stub_registry == [("stub", "cpu")]
    assert "a note for the person" in result.stderr


def test_predict_takes_every_series_in_a_tree(tmp_path):
    save_ct(tmp_path / "tree" / "one" / "ct.mha")
    save_ct(tmp_path / "tree" / "two" / "ct.mha", place=(3, 4, 5))
    result = lungmtl("predict", tmp_path / "tree", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    # The same name twice, and neither is lost.
    assert {p.name for p in (tmp_path / "out").glob("*.json")} == {"ct.lungmtl.json", "ct_2.lungmtl.json"}
    places = {read_findings(p)[0].center for p in (tmp_path / "out").glob("*.json")}
    assert places == {(-98, 12, 23), (-94, 14, 25)}


def test_one_line_for_each_failed_input_and_the_others_go_on(tmp_path):
    good, empty = save_ct(tmp_path / "good.mha"), save_ct(tmp_path / "air.mha", -1000)
    bright, missing = save_ct(tmp_path / "bright.mha", 3000), tmp_path / "missing.mha"
    broken = tmp_path / "broken.mha"
    broken.write_bytes(good.read_bytes()[:60])
    inputs = (missing, empty, broken, bright, good)
    result = lungmtl("predict", *inputs, "--out", tmp_path / "out", "--json", tmp_path / "s.json")
    assert result.exit_code == 1
    assert (tmp_path / "out" / "good.lungmtl.json").exists()
    failed = json.loads((tmp_path / "s.json").read_text())["failed"]
    assert [f["input"] for f in failed] == [str(p) for p in (missing, empty, broken, bright)]
    errors = [line for line in result.stderr.splitlines() if "note for" not in line]
    assert len(errors) == 5, result.stderr
    for line, path in zip(errors, (missing, empty, broken, bright), strict=False):
        assert str(path) in line
    assert "RuntimeError: the network exploded ('lungmtl --debug ...' shows where)" in errors[3]
    assert errors[4] == "lungmtl: 4 of 5 inputs failed"
    assert "Traceback" not in result.output


def test_debug_shows_the_traceback(tmp_path):
    bright = save_ct(tmp_path / "bright.mha", 3000)
    result = lungmtl("--debug", "predict", bright, "--out", tmp_path / "out")
    assert isinstance(result.exception, RuntimeError)


def test_unknown_names_are_refused(tmp_path):
    ct = save_ct(tmp_path / "ct.mha")
    result = lungmtl("predict", ct, "--out", tmp_path / "out", "--model", "nothing")
    assert result.exit_code == 1
    assert "there is no model 'nothing'" in result.stderr
    folder = tmp_path / "folder"
    save_ct(folder / "ct.mha")
    result = lungmtl("predict", folder, "--out", tmp_path / "out", "--series", "1.2.3")
    assert result.exit_code == 1
    assert "1.2.3" in result.stderr
    assert result.stderr.count("\n") == 2


def test_an_output_folder_that_cannot_be_made(tmp_path):
    ct = save_ct(tmp_path / "ct.mha")
    (tmp_path / "file").write_text("")
    result = lungmtl("predict", ct, "--out", tmp_path / "file" / "out")
    assert result.exit_code == 1
    assert "choose another --out" in result.stderr


def test_case_names_are_safe_file_names(tmp_path):
    batch = predict.Batch(tmp_path)
    names = [
        batch.name(uid, tmp_path / "x.mha") for uid in ("../../etc/passwd", "1.2", "1.2", "", "A", "a", "…")
    ]
    assert names == ["etc_passwd", "1.2", "1.2_2", "x.mha", "A", "a_2", "case"]


# froc


@pytest.fixture
def challenge(tmp_path):
    (tmp_path / "truth.csv").write_text(
        "seriesuid,coordX,coordY,coordZ,diameter_mm\n01,0,0,0,10\n02,0,0,0,10\n"
    )
    (tmp_path / "series.csv").write_text("01\n02\n")
    (tmp_path / "marks.csv").write_text(
        "seriesuid,coordX,coordY,coordZ,probability\n01,0,0,1,0.9\n01,0,0,90,0.8\n9,0,0,0,1\n"
    )
    return ("--truth", tmp_path / "truth.csv", "--series", tmp_path / "series.csv"), tmp_path / "marks.csv"


def test_froc_prints_and_writes(tmp_path, challenge):
    truth, marks = challenge
    result = lungmtl("froc", *truth, "--submission", marks, "--bootstrap", 30, "--json", tmp_path / "f.json")
    assert result.exit_code == 0, result.output
    assert "2 scans, 2 nodules" in result.stdout
    assert "1 found, 1 missed, 1 false positives" in result.stdout
    assert "warning: 1 marks of 1 series" in result.stderr
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["cpm"] == 0.5
    assert list(figures["sensitivity_at"]) == ["0.125", "0.25", "0.5", "1", "2", "4", "8"]
    assert figures["bootstrap"]["samples"] == 30


def test_froc_says_which_file_is_wrong(challenge):
    truth, marks = challenge
    marks.write_text("a,b\n1,2\n")
    result = lungmtl("froc", *truth, "--submission", marks)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"lungmtl: {marks} has no column")
    assert result.stderr.count("\n") == 1


# evaluate, train


def test_evaluate_passes_everything_on(tmp_path, monkeypatch):
    asked = {}

    def fake(network, data, **options):
        options.pop("on_progress")(0.5, "detecting")
        asked.update(options, network=network, data=data)
        return {
            "network": network,
            "data": str(data),
            "weights": "w",
            "cases": 3,
            "metrics": {"x": 1.0},
            "table": [["geometry", "1"], ["whole", "0.97"]],
            "warnings": ["these scans were trained on"],
        }

    monkeypatch.setattr(engine_evaluate, "evaluate_network", fake)
    result = lungmtl(
        *("evaluate", "ag3d", "--data", tmp_path, "--weights", tmp_path / "w", "--folds", "0, 1"),
        *("--truth", "t.csv", "--device", "cpu", "--json", tmp_path / "e.json"),
        *("--findings", "f.csv"),
    )
    assert result.exit_code == 0, result.output
    assert asked["folds"] == ["0", "1"]
    assert asked["weights"] == tmp_path / "w"
    assert str(asked["findings"]) == "f.csv"
    assert (str(asked["truth"]), asked["excluded"], asked["device"]) == ("t.csv", None, "cpu")
    assert "whole" in result.stdout
    assert "WARNING: these scans were trained on" in result.stderr
    figures = json.loads((tmp_path / "e.json").read_text())
    assert set(figures) >= {"network", "data", "weights", "cases", "metrics", "warnings"}


def test_train_calls_the_engine(tmp_path, monkeypatch):
    called = []

    def fake(*arguments):
        called.append(arguments)
        if arguments[4]:
            raise FileNotFoundError("last.ckpt is not there: start without --resume.")
        return tmp_path / "ag3d.safetensors"

    # The real module brings Lightning, which is an extra.
    entry = SimpleNamespace(train_network=fake)
    monkeypatch.setitem(sys.modules, "napari_lungmtl.training.fitting.train_network", entry)
    out = tmp_path / "out"
    result = lungmtl("train", "ag3d", "--data", tmp_path, "--out", out, "--json", tmp_path / "t.json")
    assert result.exit_code == 0, result.output
    assert called == [("ag3d", tmp_path, out, None, False, None)]
    assert json.loads((tmp_path / "t.json").read_text())["weights"].endswith("ag3d.safetensors")
    result = lungmtl(
        "train", "ag3d", "--data", tmp_path, "--out", out, "--weights", tmp_path / "old.safetensors"
    )
    assert called[-1][-1] == tmp_path / "old.safetensors"
    result = lungmtl("train", "ag3d", "--data", tmp_path, "--out", out, "--resume")
    assert result.exit_code == 1
    assert result.stderr == "lungmtl: last.ckpt is not there: start without --resume.\n"
    assert lungmtl("train", "other", "--data", tmp_path, "--out", out).exit_code == 1
    result = lungmtl("train", "ag3d", "--data", tmp_path, "--out", out, "--config", tmp_path / "none.toml")
    assert "none.toml does not exist" in result.stderr


# models

CARD = ModelCard(
    name="stub",
    version="1.0",
    title="Stub",
    purpose="tests",
    modalities=("CT",),
    config={"channels": [1, 2]},
    sha256="ab" * 32,
    training={"data": ["phantoms"], "series": [str(i) for i in range(40)]},
    metrics={"whole": {"sensitivity_at": {"0.125": 0.7, "1": 0.951}}, "auc": 0.9},
)


def test_models(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "card", lambda name: CARD)
    result = lungmtl("models", "--json", tmp_path / "m.json")
    assert result.exit_code == 0, result.output
    for text in ("stub 1.0", "phantoms", "0.951 at 1 false", "AUC 0.900", CARD.sha256, "Research use only"):
        assert text in result.stdout
    assert json.loads((tmp_path / "m.json").read_text())[0]["training"]["series"][39] == "39"
    whole = lungmtl("models", "stub")
    assert "series: 40 entries" in whole.stdout
    assert "channels: 1, 2" in whole.stdout


def test_an_unknown_model():
    result = lungmtl("models", "nothing")
    assert result.exit_code == 1
    assert "ag3d" in result.stderr


def test_key_figures_pass_over_what_is_missing():
    assert models.key_figures({}) == ""
    assert models.key_figures({"whole": {"sensitivity_at": {"1": None}}, "roc_auc": 0.5}) == "roc_auc 0.500"


# view, demo


class ViewError(Exception):
    pass


def test_view_and_demo_open_the_window(tmp_path, monkeypatch):
    calls = []

    def open_window(paths, **options):
        calls.append((paths, options))
        if options["series"]:
            raise ViewError("no display: use --screenshot")

    window = SimpleNamespace(
        ViewError=ViewError, open_window=open_window, demo=lambda folder: [folder / "ct.png"]
    )
    monkeypatch.setattr(view, "import_module", lambda name: window)
    png = tmp_path / "w.png"
    result = lungmtl("view", "a", "b", "--run", "--truth", "t.json", "--screenshot", png)
    assert result.exit_code == 0, result.output
    (paths, options), *_ = calls
    assert [str(p) for p in paths] == ["a", "b"]
    assert options["run"] is True
    assert (str(options["truth"]), options["screenshot"], options["series"]) == ("t.json", png, None)
    result = lungmtl("view", "a", "--series", "1.2")
    assert (result.exit_code, result.stderr) == (1, "lungmtl: no display: use --screenshot\n")
    result = lungmtl("demo", "--screenshot", tmp_path)
    assert result.stdout.strip() == str(tmp_path / "ct.png")


def test_without_a_qt_binding_the_window_says_what_to_install(monkeypatch):
    def missing(name):
        raise ImportError("No module named 'napari'")

    monkeypatch.setattr(view, "import_module", missing)
    result = lungmtl("demo")
    assert result.exit_code == 1
    assert "pip install 'napari-lungmtl[all]'" in result.stderr


# help


@pytest.mark.parametrize(
    "command",
    ["demo", "view", "predict", "models", "evaluate", "train", "froc", "report", "candidates"],
)
def test_every_command_has_help_with_an_example(command):
    result = lungmtl(command, "--help")
    assert result.exit_code == 0
    assert f"Example: lungmtl {command}" in result.stdout


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from napari_lungmtl.training.cli.app import app\n"
        "try: app(['--help'])\n"
        "finally: print(sorted({'torch', 'napari', 'numpy', 'scipy', 'SimpleITK', 'pydicom', 'qtpy', 'rich'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "predict" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
