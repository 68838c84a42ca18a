"""The command on made-up data and runs: whole, with nothing trained, and with runs that do not belong to the data."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.crossval.out_of_fold_file import read_out_of_fold, write_out_of_fold
from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public import rated_nodules
from napari_lungmtl.training.data.public.rated_nodules import load_rated_nodules
from napari_lungmtl.training.report.baselines import cross_validated
from napari_lungmtl.training.report.build import write_report
from napari_lungmtl.training.report.figures import DIAMETER, MASK, READERS
from napari_lungmtl.training.report.runs import EXPECTED, find_reduction, find_runs, fuse, title

from ...stand_ins.cross_validation import write_data, write_runs

VARIANTS = {
    "mtmr/shipped": 0.8,
    "mtmr/no_ranking": 1.5,
    "mtmr/no_regression": 1.5,
    "mtcnn/shipped": 1.0,
    "mtcnn/alpha_0.0": 4.0,
    "mtcnn/alpha_1.0": 2.0,
}


def read(folder):
    return json.loads((folder / "report.json").read_text())


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    data = write_data(root / "data", 100)
    nodules = cross_validated(load_rated_nodules(data))
    return data, write_runs(root / "runs", nodules, VARIANTS), nodules


@pytest.fixture(scope="module")
def report(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    data, runs, _ = study
    result = CliRunner().invoke(app, ["report", "--data", str(data), "--runs", str(runs), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "MTMR-Net without ranking loss" in result.output
    return out


def test_every_file_is_there_and_the_text_shows_every_picture(report):
    text = (report / "report.md").read_text()
    for name in ("roc.png", "reliability.png", "attribute_map.png"):
        assert (report / name).read_bytes().startswith(b"\x89PNG")
        assert f"]({name})" in text
    for heading in (
        "Targets",
        "Table II",
        "Table III",
        "Table IV",
        "Fig. 7",
        "Paired differences",
        "Calibration",
    ):
        assert heading in text
    assert "0.979" in text, "the paper's figures stand beside"


def test_figures_are_those_of_the_files(report, study):
    _, runs, _ = study
    figures = read(report)["malignancy"]
    run = read_out_of_fold(runs / "mtmr/shipped/oof.csv")
    for rule in ("mean", "median"):
        label = run.label(rule)
        known = label >= 0
        expected = roc_auc_score(label[known], run.malignancy[known])
        assert figures["mtmr/shipped"][rule]["auc"]["value"] == pytest.approx(expected)
        assert f"| MTMR-Net | {expected:.3f} (" in (report / "report.md").read_text()


def test_a_noisier_variant_is_told_from_the_shipped_one(report):
    rows = {(r["first"], r["second"], r["rule"]): r for r in read(report)["differences"]}
    assert rows["mtcnn/shipped", "mtcnn/alpha_0.0", "mean"]["lower"] > 0
    assert ("fused", "mtmr/shipped", "median") in rows
    assert ("mtmr/shipped", "15 mask features", "mean") in rows


def test_what_is_missing_is_listed(report):
    result = read(report)
    assert set(result["missing"]) == set(EXPECTED) - set(VARIANTS) | {"fpr/…"}
    assert "`mtmr/no_diameter`" in (report / "report.md").read_text()


def test_attributes_that_nothing_was_taught_are_not_reported(report):
    errors = read(report)["attributes"]
    assert "mtmr/no_ranking" in errors
    assert not {"mtmr/no_regression", "mtcnn/shipped", "fused"} & set(errors)


def test_weights_of_the_reconstruction_are_in_order(report):
    rows = read(report)["reconstruction"]
    assert [(row["weight"], row["name"]) for row in rows] == [
        (0.0, "mtcnn/alpha_0.0"),
        (0.3, "mtcnn/shipped"),
        (1.0, "mtcnn/alpha_1.0"),
    ]


def test_the_same_input_gives_the_same_files(report, study, tmp_path):
    data, runs, _ = study
    write_report(data, runs, tmp_path)
    assert len(list(report.iterdir())) == 5
    for file in report.iterdir():
        assert file.read_bytes() == (tmp_path / file.name).read_bytes(), file.name


def test_without_any_run_the_baselines_stand_and_false_positive_reduction_comes_from_its_card(
    study, tmp_path
):
    folder = tmp_path / "fpr" / "shipped"
    folder.mkdir(parents=True)
    metrics = {
        "before": {"sensitivity_at": {"0.125": 0.6, "8": 0.9}, "mean_sensitivity": 0.75},
        "after": {"sensitivity_at": {"0.125": 0.7, "8": None}, "mean_sensitivity": 0.8},
        "difference": {"value": 0.05, "lower": -0.01, "upper": 0.11},
        "auc": 0.93,
    }
    card = folder / "mtcnn_fpr.json"
    card.write_text(json.dumps({"metrics": metrics}))
    result = write_report(study[0], tmp_path, tmp_path / "out", samples=50)
    assert result["false_positive_reduction"] == {"fpr/shipped": metrics}
    assert "fpr/…" not in result["missing"]
    assert [name for name in result["malignancy"] if "/" in name] == []
    assert all(row["met"] is None for row in result["targets"])
    text = (tmp_path / "out" / "report.md").read_text()
    assert "No run of MT-CNN" in text
    assert "| fpr/shipped, after | 0.700 | – | 0.800 | 0.930 |" in text
    assert "+0.050 (−0.010 to +0.110)" in text
    card.write_text("{}")
    with pytest.raises(DatasetError, match="no card of a false-positive"):
        find_reduction(tmp_path)


@pytest.mark.parametrize("runs", ["empty", "nowhere"])
def test_a_folder_without_any_run_is_refused(study, tmp_path, runs):
    """As after a slip of the pen: a report of the baselines alone looks whole."""
    (tmp_path / "empty" / "mtmr").mkdir(parents=True)
    where = ["--runs", str(tmp_path / runs), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["report", "--data", str(study[0]), *where])
    assert result.exit_code == 1
    assert str(tmp_path / runs) in result.stderr
    assert not (tmp_path / "out").exists()


def test_fusion_learns_nothing_from_the_readers(study):
    _, runs, nodules = study
    found = find_runs(runs, nodules)
    mtmr, mtcnn = found["mtmr/shipped"], found["mtcnn/shipped"]
    turned = {k: 6 - v for k, v in mtmr.readers.items()}
    before, after = fuse(mtmr, mtcnn), fuse(replace(mtmr, readers=turned), mtcnn)
    np.testing.assert_allclose(before.malignancy, after.malignancy)
    np.testing.assert_array_equal(before.malignancy, found["fused"].malignancy)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"fold": "9"}, "split of folds.csv"),
        ({"series": "8.8"}, "the series 8.8"),
        ({"index": 5000}, "other data"),
    ],
)
def test_a_run_on_another_split_or_other_data_is_refused(study, tmp_path, change, says):
    data, runs, _ = study
    run = read_out_of_fold(runs / "mtmr/shipped/oof.csv").take(np.array([3]))
    changed = replace(run, **{k: np.array([v]) for k, v in change.items()})
    (tmp_path / "mtmr" / "odd").mkdir(parents=True)
    write_out_of_fold(tmp_path / "mtmr" / "odd" / "oof.csv", changed)
    result = CliRunner().invoke(
        app, ["report", "--data", str(data), "--runs", str(tmp_path), "--out", str(tmp_path / "out")]
    )
    assert result.exit_code == 1
    assert says in result.output
    assert "Traceback" not in result.output


def test_every_expected_variant_has_a_name_for_a_person():
    assert len({title(name) for name in EXPECTED}) == len(EXPECTED)
    assert not [name for name in EXPECTED if "/" in title(name) or "_" in title(name)]
    assert title("mtcnn/alpha_0.5") == "MT-CNN, α = 0.5"
    assert title("15 mask features") == "15 mask features"


def test_on_the_real_nodules(lungmtl_data, luna16_cubes, tmp_path, monkeypatch):
    """The real data with two made-up networks, and what is known of the baselines: AUC and accuracy, readers' mean, by scan."""
    data = lungmtl_data / "luna16_nodules"
    monkeypatch.setattr(rated_nodules, "load_cubes", lambda _folder: luna16_cubes)
    nodules = cross_validated(load_rated_nodules(data))
    runs = write_runs(tmp_path / "runs", nodules, {"mtmr/shipped": 0.6, "mtcnn/shipped": 0.8})
    write_report(data, runs, tmp_path / "out", samples=50)
    result = read(tmp_path / "out")
    assert result["labels"]["mean"] == {"malignant": 389, "benign": 464}
    auc, accuracy = (
        {name: result["malignancy"][name]["mean"][of]["value"] for name in (DIAMETER, MASK, READERS)}
        for of in ("auc", "accuracy")
    )
    assert auc == pytest.approx({DIAMETER: 0.885, MASK: 0.927, READERS: 0.930}, abs=0.004)
    assert accuracy[MASK] == pytest.approx(0.866, abs=0.005)
    met = {row["what"]: row["met"] for row in result["targets"]}
    assert met["fused: AUC, readers' mean"]
    assert result["attributes"]["readers"]["subtlety"]["mae"] == pytest.approx(0.84, abs=0.01)
