"""A tiny overfit run, the whole way from cubes to weights with a card, and no scan on both sides."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from napari_lungmtl.training.crossval.out_of_fold_file import read_out_of_fold
from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.luna16_nodules import load_masks
from napari_lungmtl.training.data.public.rated_nodules import load_rated_nodules
from napari_lungmtl.training.evaluation.evaluate import evaluate_network
from napari_lungmtl.training.fitting.batches import Place
from napari_lungmtl.training.fitting.train_network import train_network
from napari_lungmtl.training.fitting.training_run import TrainingRun
from napari_lungmtl.training.inference.registry import load_predictor
from napari_lungmtl.training.inference.weights import load_state, read_card
from napari_lungmtl.training.networks.mtcnn import fitting
from napari_lungmtl.training.networks.mtcnn.config import PAPER, SHIPPED, SHIPPED_TRAINING, TrainingConfig
from napari_lungmtl.training.networks.mtcnn.fitting import Training, fit_views, indices
from napari_lungmtl.training.networks.mtcnn.samples import (
    nodule_samples,
    random_views,
    turned,
    view_probabilities,
)
from napari_lungmtl.training.networks.mtcnn.training import check_field, masks_for
from napari_lungmtl.training.networks.mtcnn.views import AXES

from ....stand_ins.rated_cubes import write_rated_cubes

SMALL = {"pixels": 20, "layers": 2}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_rated_cubes(tmp_path_factory.mktemp("cubes"), 40, masks=True)


@pytest.mark.parametrize(("shared", "masks"), [(True, False), (False, False), (True, True)])
def test_overfit(data, shared, masks, tmp_path):
    """It learns both tasks: classes apart, and images far better than their mean; masks too, where it is to draw them."""
    nodules = load_rated_nodules(data)
    config = TrainingConfig(steps=60, batch=20, learning_rate=3e-3, ema=0.0, shift_mm=0.5)
    network = dataclasses.replace(
        SHIPPED, pixels=20, layers=2, shared_views=shared, flips=False, dropout=0.2, size=False, masks=masks
    )
    samples = nodule_samples(nodules, config, load_masks(data) if masks else None)
    known = np.flatnonzero(samples.label >= 0)
    net = fit_views(samples, np.arange(len(samples)), network, config, 0, tmp_path / "log.jsonl")
    p = view_probabilities(net, samples, known, torch.device("cpu")) @ net.fusion.numpy()
    label = samples.label[known]
    assert p[label == 1].min() > p[label == 0].max()
    views, drawn = random_views(samples, known[:8], network, config, torch.Generator().manual_seed(1))
    with torch.inference_mode():
        again = torch.sigmoid(net(views)[1])
    assert (again[:, :, 0] - views).pow(2).mean() < 0.5 * views.var()
    assert (drawn is not None) == masks
    if masks:
        assert 0 < drawn.mean() < 0.5
        assert (again[:, :, 1] - drawn).pow(2).mean() < 0.5 * drawn.var()


def test_masks_follow_their_nodules_and_are_missed_where_there_are_none(data, tmp_path):
    drawing = dataclasses.replace(SHIPPED, masks=True)
    nodules = load_rated_nodules(data)
    few = nodules.take(nodules.fold == "2")
    assert np.array_equal(masks_for(drawing, few, data), few.voxels == 132)
    assert masks_for(SHIPPED, few, data) is None
    bare = write_rated_cubes(tmp_path, 4)
    with pytest.raises(DatasetError, match="no masks: leave masks = true"):
        masks_for(drawing, load_rated_nodules(bare), bare)


def test_no_scan_is_on_both_sides(data, tmp_path, monkeypatch):
    """Whatever `fit_views` is given for a fold holds none of that fold's scans, nor any of ``never``."""
    nodules = load_rated_nodules(data)
    folds = np.where(nodules.series == nodules.series[0], "never", nodules.fold)
    nodules = dataclasses.replace(nodules, fold=folds)
    samples = nodule_samples(nodules, SHIPPED_TRAINING)
    seen = {}
    real = fitting.fit_views

    def watched(samples, chosen, *rest):
        seen["series"] = set(samples.series[chosen])
        return real(samples, chosen, *rest)

    monkeypatch.setattr(fitting, "fit_views", watched)
    network = dataclasses.replace(SHIPPED, **SMALL)
    config = dataclasses.replace(SHIPPED_TRAINING, steps=1, batch=4)
    for fold in "01234":
        result = fitting.fold_result(
            samples, nodules.index, fold, network, config, TrainingRun(data, tmp_path)
        )
        judged = set(nodules.series[np.isin(nodules.index, result.predictions["index"])])
        assert judged == set(nodules.series[nodules.fold == fold])
        assert not seen["series"] & judged
        assert nodules.series[0] not in seen["series"] | judged


def test_targets_follow_the_rule(data):
    nodules = load_rated_nodules(data)
    hard = nodule_samples(nodules, TrainingConfig(rule="median"))
    assert np.array_equal(np.isnan(hard.target), nodules.label("median") < 0)
    grade = nodule_samples(nodules, TrainingConfig(target="grade"))
    assert np.allclose(grade.target, (nodules.malignancy("mean") - 1) / 4)
    votes = nodule_samples(nodules, TrainingConfig(target="votes"))
    assert votes.target.tolist() == [{1: 1.0, 0: 0.0, -1: 0.5}[k] for k in nodules.label("mean")]
    balanced = indices(hard, np.arange(40), TrainingConfig(batch=20, balance=True), Place(0))
    assert sorted(hard.label[balanced]) == [0] * 10 + [1] * 10
    first, second, third, fourth = (
        indices(hard, np.arange(40), TrainingConfig(batch=20), Place(number)) for number in range(4)
    )
    assert sorted(np.concatenate([first, second])) == list(range(40))
    assert sorted(np.concatenate([third, fourth])) == list(range(40))
    assert list(first) != list(third)


@pytest.mark.parametrize("how", ["quarter", "plane", "space"])
def test_turned_views_keep_right_angles_and_millimetres(how):
    axes = torch.from_numpy(AXES).float().expand(200, -1, -1, -1)
    found = turned(axes, how, torch.Generator().manual_seed(0))
    assert torch.allclose(found @ found.transpose(2, 3), torch.eye(2), atol=1e-4)
    normal = torch.linalg.cross(found[:, :, 0], found[:, :, 1])
    same = (normal * torch.linalg.cross(axes[:, :, 0], axes[:, :, 1])).sum(-1).abs()
    if how == "space":
        assert 0.4 < same.mean() < 0.6, "uniform over all planes"
    else:
        assert torch.allclose(same, torch.ones(()), atol=1e-5), "it stays in its plane"
        kinds = len(torch.unique(found[:, 0].flatten(1).round(decimals=3), dim=0))
        assert kinds == 8 if how == "quarter" else kinds > 150


def test_the_papers_learning_rates():
    def rates(config, *progress):
        learner = Training(dataclasses.replace(SHIPPED, **SMALL), config)
        for learner.progress in progress:
            yield learner.learning_rate()

    assert list(rates(TrainingConfig(), 0.0, 0.6, 0.8)) == pytest.approx([1e-4, 1e-5, 5e-6])
    cosine = list(rates(SHIPPED_TRAINING, 0.0, 0.05, 0.5, 0.999))
    assert max(cosine) == pytest.approx(SHIPPED_TRAINING.learning_rate)
    assert cosine[0] < cosine[2] < cosine[1]
    assert cosine[3] < 0.02 * cosine[1]


def test_a_field_that_the_cubes_do_not_have_is_refused(data, tmp_path):
    (tmp_path / "c.json").write_text(json.dumps({"network": {"field_mm": 64, "pixels": 64}}))
    with pytest.raises(DatasetError, match="64 mm do not fit into cubes of 50 mm"):
        train_network("mtcnn", data, tmp_path / "out", tmp_path / "c.json")
    check_field(dataclasses.replace(PAPER, field_mm=50.0), np.zeros((1, 50, 50, 50)))


def test_from_cubes_to_weights_and_their_figures(data, tmp_path):
    settings = {"network": SMALL, "training": {"steps": 4, "batch": 8}, "version": "0.0-test"}
    (tmp_path / "c.json").write_text(json.dumps(settings))
    path = train_network("mtcnn", data, tmp_path / "out", tmp_path / "c.json")
    card = read_card(path)
    assert load_state(path, card)
    assert card.task == "characterisation"
    assert set(card.training["folds"].values()) == set("01234")
    assert 0 <= card.metrics["auc"] <= 1
    assert "pixels 20 (64)" in " ".join(card.limits)
    predictions = read_out_of_fold(tmp_path / "out" / "oof.csv")
    assert len(predictions) == 40
    # Finished folds are kept on resume: the same file comes out without training.
    before = path.read_bytes()
    started = (tmp_path / "out" / "fold0.safetensors").stat().st_mtime_ns
    train_network("mtcnn", data, tmp_path / "out", tmp_path / "c.json", resume=True)
    assert (tmp_path / "out" / "fold0.safetensors").stat().st_mtime_ns == started
    assert path.read_bytes() == before
    figures = evaluate_network("mtcnn", data, weights=path, device="cpu")
    assert {"auc", "auc_median_rule", "accuracy", "sensitivity", "specificity", "brier"} <= set(
        figures["metrics"]
    )
    assert figures["metrics"]["auc"] == pytest.approx(card.metrics["auc"], abs=1e-6)
    assert figures["warnings"]
    # What evaluate says of a nodule is what its fold's model said when it was left out, but for half precision.
    predictor = load_predictor("mtcnn", "cpu", path)
    nodules = load_rated_nodules(data)
    for i in (0, 7, 31):
        opinion = predictor.opinion(
            nodules.voxels[i] * 8.0 - 1024, nodules.center[i], 10.0, str(nodules.series[i])
        )
        assert opinion.malignancy == pytest.approx(predictions.malignancy[i], abs=5e-3)
        assert len(opinion.fold_scores) == 1
    assert (
        len(predictor.opinion(nodules.voxels[0] * 8.0 - 1024, nodules.center[0], 10.0, "new").fold_scores)
        == 5
    )
