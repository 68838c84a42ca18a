"""A tiny overfit run, the whole way from cubes to weights with a card, and no fold in its own training."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from napari_lungmtl.training.crossval.out_of_fold_file import read_out_of_fold
from napari_lungmtl.training.data.public.rated_nodules import load_rated_nodules
from napari_lungmtl.training.evaluation.evaluate import evaluate_network
from napari_lungmtl.training.fitting.batches import Place
from napari_lungmtl.training.fitting.train_network import train_network
from napari_lungmtl.training.fitting.training_run import TrainingRun
from napari_lungmtl.training.inference.weights import load_state, read_card
from napari_lungmtl.training.networks.mtmr import training as t
from napari_lungmtl.training.networks.mtmr.config import SHIPPED, TrainingConfig

from ....stand_ins.rated_cubes import write_rated_cubes

SMALL = {"width": 8, "pixels": 32, "hidden": 16, "planes": ["axial"], "max_slices": 3}


def test_overfit(tmp_path):
    nodules = load_rated_nodules(write_rated_cubes(tmp_path, 12))
    config = TrainingConfig(steps=250, batch=12, learning_rate=4e-3, ema=0.9, dropout=0.0, soft_labels=False)
    network = dataclasses.replace(SHIPPED, width=8, pixels=32, size=False)
    torch.manual_seed(0)
    module = t.Training(network, config, nodules)
    optimizer = module.configure_optimizers()
    # To the end at one rate, the last step decides how well it ends: a processor's rounding did.
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, total_iters=250)
    chosen = torch.arange(12)
    for _ in range(250):
        patches, size = module.batch(chosen)
        logit, attributes = module.net(patches, size)
        loss = t.classification_loss(logit, module.grade, False) + t.regression_loss(
            attributes, module.attributes, "smooth_l1"
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        decay.step()
    predictions = t.predict_nodules(module.net.eval(), nodules)
    label = nodules.label("mean")
    assert predictions["logit"][label == 1].min() > predictions["logit"][label == 0].max()
    error = np.abs(predictions["attributes"] - nodules.attributes).mean()
    constant = np.abs(nodules.attributes.mean(0) - nodules.attributes).mean()
    assert error < 0.6 * constant


def test_batches_are_balanced():
    label = np.array([1] * 5 + [0] * 40 + [-1] * 10)
    drawn = t.Balanced(label, 5000)(Place(0), (0,)).numpy()
    share = {k: float((label[drawn] == k).mean()) for k in (-1, 0, 1)}
    assert share[1] == pytest.approx(share[0], abs=0.03)
    assert share[-1] == pytest.approx(10 / 55, abs=0.03)


def test_from_cubes_to_weights_and_their_figures(tmp_path):
    data = tmp_path / "cubes"
    data.mkdir()
    write_rated_cubes(data, 40)
    settings = {"network": SMALL, "training": {"steps": 6, "batch": 8}, "version": "0.0-test"}
    (tmp_path / "c.json").write_text(json.dumps(settings))
    path = train_network("mtmr", data, tmp_path / "out", tmp_path / "c.json")
    card = read_card(path)
    assert load_state(path, card)
    assert card.task == "characterisation"
    assert set(card.training["folds"].values()) == {"0", "1", "2", "3", "4"}
    predictions = read_out_of_fold(tmp_path / "out" / "oof.csv")
    assert len(predictions) == 40
    assert predictions.has_attributes
    # Finished folds are not trained again.
    before = load_file(tmp_path / "out" / "fold3.safetensors")
    (tmp_path / "out" / "fold4.npz").unlink()
    train_network("mtmr", data, tmp_path / "out", tmp_path / "c.json", resume=True)
    after = load_file(tmp_path / "out" / "fold3.safetensors")
    assert all(torch.equal(before[k], after[k]) for k in before)

    figures = evaluate_network("mtmr", data, weights=path)
    assert figures["cases"] == 40
    assert set(figures["metrics"]) >= {
        "auc",
        "auc_median_rule",
        "accuracy",
        "sensitivity",
        "specificity",
        "brier",
    }
    assert set(figures["metrics"]["attributes"]["spiculation"]) >= {"mae", "spearman"}
    assert figures["metrics"]["attributes"]["calcification"]["accuracy"] is not None
    assert "40 of 40" in figures["warnings"][0]
    # What evaluate says of known scans is what the models that never saw them said (weights are kept in half precision).
    auc = figures["metrics"]["auc"]
    label, p = predictions.label("mean"), predictions.malignancy
    by_hand = (p[label == 1][:, None] > p[label == 0][None]).mean() + 0.5 * (
        p[label == 1][:, None] == p[label == 0][None]
    ).mean()
    assert auc == pytest.approx(by_hand, abs=0.02)


def test_a_folds_model_does_not_depend_on_its_fold(tmp_path):
    """Other voxels and ratings in the held-out fold change nothing of its model: no nodule is on both sides."""
    nodules = load_rated_nodules(write_rated_cubes(tmp_path, 20))
    network = dataclasses.replace(SHIPPED, width=8, pixels=32, planes=("axial",))
    config = TrainingConfig(steps=3, batch=4)
    run = TrainingRun(tmp_path, tmp_path)
    first = t.fit_fold("2", nodules, network, config, run)
    voxels = nodules.voxels.copy()
    voxels[nodules.fold == "2"] = 255 - voxels[nodules.fold == "2"]
    second = t.fit_fold("2", dataclasses.replace(nodules, voxels=voxels), network, config, run)
    assert all(torch.equal(first.state[k], second.state[k]) for k in first.state)
    assert not np.allclose(first.predictions["logit"], second.predictions["logit"])
    assert set(first.predictions["index"]) == set(nodules.index[nodules.fold == "2"])
