"""False-positive reduction: what counts as one, who may judge it, the combined score, and the figures before and after."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit

from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.luna16_nodules import NoduleCube, load_cubes
from napari_lungmtl.training.evaluation.candidates import (
    joined,
    label_marks,
    read_candidates,
    write_candidates,
)
from napari_lungmtl.training.evaluation.evaluate import evaluate_network
from napari_lungmtl.training.findings import Finding, Findings, Provenance, Sphere
from napari_lungmtl.training.fitting.train_network import train_network
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.inference.predictor import finish
from napari_lungmtl.training.inference.registry import load_predictor
from napari_lungmtl.training.inference.weights import read_card
from napari_lungmtl.training.networks.mtcnn.reduction.evaluation import (
    matchings,
    paired_difference,
    sensitivities,
)
from napari_lungmtl.training.networks.mtcnn.reduction.predictor import MOST_PADDING, inside_mask
from napari_lungmtl.training.networks.mtcnn.reduction.training import RATE_AT_DEFAULT, combine

from .....stand_ins.rated_cubes import write_rated_cubes


def test_false_marks_have_no_masks_to_draw(tmp_path):
    settings = tmp_path / "masks.toml"
    settings.write_text("[network]\nmasks = true\n")
    with pytest.raises(DatasetError, match="leave masks = true out"):
        train_network("mtcnn_fpr", tmp_path, tmp_path / "out", settings)


def cube(direction=1):
    row = {"index": "7", "originZ": "-50", "originY": "10", "originX": "20", "direction_xy": str(direction)}
    truth = np.array([[25.0, 25, 25, 10], [-3.0, 25, 25, 12]])
    return NoduleCube("1.2", np.zeros((50, 50, 50), np.uint8), truth, np.array([[40.0, 40, 40, 6]]), "2", row)


def test_marks_are_judged_by_the_rules_of_the_froc():
    marks = np.array(
        [
            [25.0, 26, 25, 9],  # best on the nodule
            [24.0, 25, 23, 9],  # second on it
            [40.0, 41, 40, 5],  # on an excluded finding
            [1.0, 25, 25, 5],  # on a nodule whose centre lies outside
            [10.0, 10, 10, 5],  # false
            [-4.0, 25, 25, 5],  # outside the cube
        ]
    )
    found = label_marks(cube(), marks, np.array([0.9, 0.5, 0.7, 0.6, 0.4, 0.3]))
    assert found.nodule.tolist() == [1, -1, -1, -1, 0]
    assert found.world[0].tolist() == [-25.0, 36.0, 45.0]
    assert label_marks(cube(-1), marks[:1], np.ones(1)).world[0].tolist() == [-25.0, -16.0, -5.0]


def test_files_of_several_detectors_and_back(tmp_path):
    marks = np.array([[25.0, 26, 25, 9], [10.0, 10, 10, 5]])
    first = label_marks(cube(), marks, np.array([0.9, 0.123456789]))
    write_candidates(tmp_path / "a.csv", first)
    read = read_candidates([tmp_path / "a.csv"])
    for name, value in vars(first).items():
        assert np.array_equal(getattr(read, name), value), name
    with pytest.raises(ValueError, match="another file"):
        read_candidates([tmp_path / "a.csv", tmp_path / "a.csv"])


def test_marks_at_the_border_are_not_judged():
    marks = label_marks(cube(), np.array([[25.0, 25, 25, 9], [25.0, 25, 2, 5], [25, 25, 16, 5]]), np.ones(3))
    assert inside_mask(marks, 28.0, 28, (50, 50, 50)).tolist() == [True, False, True]
    assert MOST_PADDING < 0.1


def test_combination_puts_one_half_at_the_rate():
    rng = np.random.default_rng(0)
    nodule = np.repeat([1, 0], [300, 700])
    detector = expit(rng.normal(np.where(nodule > 0, 1.0, -1.0), 1.5))
    network = rng.normal(np.where(nodule > 0, 1.5, -1.5), 1.0)
    combined = combine(detector, network, nodule, 800)
    score = expit(combined(detector, network))
    assert combined.network > combined.detector > 0
    assert (score[nodule == 0] > 0.5).sum() == RATE_AT_DEFAULT * 800
    useless = combine(detector, -network * 0 + rng.normal(size=1000), nodule, 800)
    assert useless.network < 0.3 * useless.detector


def test_the_difference_is_paired(tmp_path):
    cubes = load_cubes(write_rated_cubes(tmp_path, 10))
    marks = joined(
        label_marks(
            c,
            np.array([[*c.truth[0, :3], 10.0], [5.0, 5.0, 5.0, 5.0]]),
            np.array([0.6, 0.7]),
        )
        for c in cubes
    )
    before = matchings(marks, cubes)
    better = matchings(marks.take(marks.nodule == 1), cubes)
    assert sensitivities(before)["sensitivity_at"]["0.125"] == pytest.approx(0.0)
    assert sensitivities(better)["mean_sensitivity"] == 1.0
    series, fold = [c.series for c in cubes], np.array([c.fold for c in cubes])
    same = paired_difference(before, before, series, fold, samples=20)
    assert same == {"value": 0.0, "lower": 0.0, "upper": 0.0}
    gain = paired_difference(before, better, series, fold, samples=20)
    assert gain["lower"] > 0


def test_from_marks_to_weights_and_a_new_score(tmp_path):
    data = tmp_path / "cubes"
    data.mkdir()
    write_rated_cubes(data, 40)
    rng = np.random.default_rng(0)
    parts = []
    for c in load_cubes(data):
        false = np.column_stack([rng.uniform(17, 32, (2, 3)), [5.0, 5.0]])
        false[:, 0] = c.truth[0, 0] + np.array([-1, 1]) * (c.truth[0, 3] / 2 + 1.5)
        spheres = np.concatenate([c.truth[:1], false])
        parts.append(label_marks(c, spheres, rng.uniform(0.2, 0.9, 3)))
    write_candidates(tmp_path / "marks.csv", joined(parts))
    settings = {
        "candidates": [str(tmp_path / "marks.csv")],
        "network": {"field_mm": 14, "pixels": 14, "layers": 2},
        "training": {"steps": 40, "batch": 32},
        "version": "0.0-test",
    }
    (tmp_path / "c.json").write_text(json.dumps(settings))
    path = train_network("mtcnn_fpr", data, tmp_path / "out", tmp_path / "c.json")
    card = read_card(path)
    assert (card.name, card.task) == ("mtcnn_fpr", "reduction")
    assert isinstance(card.metrics["helps"], bool)
    assert card.metrics["auc"] > 0.7
    assert card.metrics["after"]["mean_sensitivity"] > card.metrics["before"]["mean_sensitivity"]
    assert set(card.training["folds"].values()) == set("01234")
    from napari_lungmtl.training.networks.mtcnn.reduction import evaluation

    predictor = load_predictor("mtcnn_fpr", "cpu", path)
    figures = evaluation.evaluate(predictor, data, path, findings=tmp_path / "marks.csv")
    assert figures["metrics"]["after"] == card.metrics["after"]
    assert figures["warnings"]
    with pytest.raises(DatasetError, match="lungmtl candidates"):
        evaluate_network("mtcnn_fpr", data, weights=path, device="cpu")

    hu = np.full((60, 60, 60), -850.0, np.float32)
    hu[np.linalg.norm(np.indices((60,) * 3) - 30, axis=0) < 8] = 32
    image = Image(hu, "CT", (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), "new")
    origin = Provenance("ag3d", "0.1")
    findings = Findings(
        (
            Finding(Sphere((30.0, 30.0, 30.0), 16.0), score=0.6, scores={"rpn": 0.5}, provenance=origin),
            Finding(Sphere((1.0, 30.0, 30.0), 5.0), score=0.4, provenance=origin),
            Finding(Sphere((30.0, 30.0, 30.0), 16.0), provenance=Provenance(person="me")),
        )
    )
    scored = finish(predictor.run(image, findings))
    assert [f.id for f in scored] == [f.id for f in findings]
    assert scored[0].scores["detector"] == 0.6
    assert scored[0].scores["rpn"] == 0.5
    assert 0 < scored[0].scores["mtcnn_fpr"] < 1
    assert scored[0].score != 0.6
    assert scored[1] == findings[1]
    assert scored[2] == findings[2]


def test_candidates_of_scans_that_the_detector_saw_are_refused(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    import napari_lungmtl.training.inference.weights as weights
    from napari_lungmtl.training.cli.app import app

    write_rated_cubes(tmp_path, 10)
    monkeypatch.setattr(weights, "read_card", lambda _p: SimpleNamespace(training={"series": ["1.2.0"]}))
    result = CliRunner().invoke(
        app, ["candidates", "--data", str(tmp_path), "--folds", "0", "--out", str(tmp_path / "c.csv")]
    )
    assert result.exit_code == 1
    assert "was trained on 2 of these" in result.stderr
