"""Fold models: who judges which series, calibration without the judged fold, weights in one file."""

import errno

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import nn

from napari_lungmtl.training.crossval import folds as f
from napari_lungmtl.training.findings.formats import atomic
from napari_lungmtl.training.findings.formats.errors import SaveError
from napari_lungmtl.training.inference.weights import ModelCard, WeightsError, read_card, save_weights


def test_a_known_series_is_judged_only_by_the_model_that_never_saw_it():
    folds = {"1.2.3": "3"}
    assert f.models_for("1.2.3", folds, f.FOLDS) == ["3"]
    assert f.models_for("9.9", folds, f.FOLDS) == list(f.FOLDS)


def test_a_folds_calibration_does_not_see_the_fold():
    rng = np.random.default_rng(1)
    score, fold = rng.normal(size=500), np.array(list(f.FOLDS) * 100)
    label = (rng.random(500) < expit(score)).astype(int)
    before = f.cross_fitted(score, label, fold)
    other = np.where(fold == "2", 1 - label, label)
    after = f.cross_fitted(score, other, fold)
    assert after["2"] == before["2"]
    assert after["0"] != before["0"]


def test_fold_weights_in_one_file_and_back(tmp_path):
    nets = {k: nn.Linear(3, 2) for k in f.FOLDS}
    results = {k: f.FoldResult(dict(n.state_dict()), {}) for k, n in nets.items()}
    card = ModelCard("x", "0.1", "", "", ("CT",), {}, training={"models": list(f.FOLDS)})
    path = save_weights(f.fold_tensors(results), card, tmp_path)
    models = f.load_models(path, read_card(path), lambda: nn.Linear(3, 2))
    assert list(models) == list(f.FOLDS)
    for k, net in models.items():
        assert torch.allclose(net.weight, nets[k].weight, atol=1e-3)
        assert not net.training
    with pytest.raises(WeightsError, match="do not fit"):
        f.load_models(path, read_card(path), lambda: nn.Linear(4, 2))


def test_finished_folds_are_kept_on_resume(tmp_path):
    asked = []

    def fit(fold):
        asked.append(fold)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return f.FoldResult({"w": torch.full((2,), float(fold))}, {"index": np.array([int(fold)])})

    with pytest.raises(KeyboardInterrupt):
        f.train_folds(tmp_path, fit)
    results, _ = f.train_folds(tmp_path, fit, resume=True)
    assert asked == ["0", "1", "2", "2", "3", "4"]
    assert [float(r.state["w"][0]) for r in results.values()] == [0, 1, 2, 3, 4]
    assert results["1"].predictions["index"].tolist() == [1]


def test_nothing_to_go_on_from_is_told(tmp_path):
    """Else a night's work begins again without a word, as after a slip of the pen in --out."""
    with pytest.raises(FileNotFoundError, match="start without --resume"):
        f.train_folds(tmp_path / "nothing", lambda _: pytest.fail("it begins anew"), resume=True)
    assert not (tmp_path / "nothing").exists()


def test_a_full_disk_is_told_as_everywhere_and_leaves_no_half_fold(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    result = f.FoldResult({"w": torch.zeros(2)}, {"index": np.zeros(1)})
    with pytest.raises(SaveError, match=r"could not be saved \(No space left on device\): free space"):
        f.train_folds(tmp_path, lambda _: result)
    assert not list(tmp_path.iterdir())
