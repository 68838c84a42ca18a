"""What training shares: the rate over the schedule, decay on weights alone, the moving average, the place kept."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from napari_lungmtl.training.fitting.fit import fit
from napari_lungmtl.training.fitting.learner import Learner, warm_cosine, weight_groups


@dataclass(frozen=True)
class Settings:
    learning_rate: float = 0.1
    weight_decay: float = 0.01
    ema: float = 0.5
    seed: int = 0


class Toy(Learner[nn.Sequential]):
    """Fits a constant; notes the rate of each step and the weights after it."""

    def __init__(self, settings: Settings) -> None:
        torch.manual_seed(0)
        super().__init__(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)), settings)
        self.rates: list[float] = []
        self.weights: list[torch.Tensor] = []

    def training_step(self, x: torch.Tensor, _index: int) -> torch.Tensor:
        self.rates += [group["lr"] for group in self.optimizers().param_groups]
        return (self.net(x) - 1).square().mean()

    def on_train_batch_end(self, *_: object) -> None:
        self.weights.append(self.net[0].weight.detach().clone())


def fitted(settings: Settings, out: Path, steps: int = 4) -> Toy:
    toy = Toy(settings)
    fit(toy, DataLoader(torch.randn(64, 3), batch_size=8), out, SimpleNamespace(steps=steps, minutes=0.0))
    return toy


def test_the_rate_rises_falls_and_ends_at_a_hundredth():
    assert warm_cosine(0) == pytest.approx(0.05)
    assert warm_cosine(0.015) == pytest.approx(0.525)
    assert warm_cosine(0.03) == 1
    assert warm_cosine(0.03 + 0.97 / 2) == pytest.approx(0.505)
    assert warm_cosine(1) == warm_cosine(1.2) == pytest.approx(0.01)
    assert warm_cosine(0.04, 0.05) < 1 == warm_cosine(0.05, 0.05)


def test_a_schedule_of_steps_runs_through_the_cosine(tmp_path):
    toy = Toy(Settings())
    net, record = fit(
        toy, DataLoader(torch.randn(64, 3), batch_size=8), tmp_path, SimpleNamespace(steps=4, minutes=0.0)
    )
    assert net is toy.trained
    assert not net.training
    assert record["steps"] == 4
    assert toy.progress == 1
    expected = [0.1 * warm_cosine(progress) for progress in (0.0, 0.25, 0.5, 0.75)]
    assert toy.rates == pytest.approx([rate for rate in expected for _ in range(2)])
    assert json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])["step"] == 1


def test_only_weights_decay():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.GroupNorm(1, 2))
    weights, plain = weight_groups(net, 0.3)
    assert weights["weight_decay"] == 0.3
    assert [p.shape for p in weights["params"]] == [(2, 1, 3, 3)]
    assert plain["weight_decay"] == 0
    assert len(plain["params"]) == 3


def test_the_average_follows_the_weights(tmp_path):
    toy = fitted(Settings(), tmp_path)
    # The update comes before each step: the first one copies the weights that training began with.
    average = Toy(Settings()).net[0].weight.detach()
    for weight in toy.weights[:-1]:
        average = (average + weight) / 2
    torch.testing.assert_close(toy.trained[0].weight, average)
    assert not torch.equal(toy.trained[0].weight, toy.net[0].weight)
    assert not any(p.requires_grad for p in toy.trained.parameters())


def test_without_an_average_the_weights_are_released(tmp_path):
    toy = fitted(Settings(ema=0), tmp_path)
    assert toy.trained is toy.net
    assert {key.partition(".")[0] for key in toy.state_dict()} == {"net"}


def test_a_checkpoint_keeps_the_names_and_the_place():
    """Runs that earlier versions began go on: the names of the tensors must stay."""
    first, again = Toy(Settings()), Toy(Settings())
    own = {f"net.{key}" for key in first.net.state_dict()}
    averaged = {f"average.module.{key}" for key in first.net.state_dict()}
    assert set(first.state_dict()) == own | averaged | {"average.n_averaged"}
    first.progress = 0.4
    checkpoint: dict = {}
    first.on_save_checkpoint(checkpoint)
    again.on_load_checkpoint(checkpoint)
    assert again.progress == 0.4
