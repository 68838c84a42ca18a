"""A training in two processes: each notes its batches, and the gradients that its steps go by.

The network is one weight, and the loss is that weight times the mean of the batch: the gradient of a process is the mean of its own
batch.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from napari_lungmtl.training.fitting.batches import Place, Seed, endless_loader
from napari_lungmtl.training.fitting.fit import fit
from napari_lungmtl.training.fitting.hardness import Hardness
from napari_lungmtl.training.fitting.learner import Learner
from napari_lungmtl.training.fitting.machines import Machines

from .ranks import finished, ranks


@dataclass(frozen=True)
class Settings:
    steps: int = 0
    minutes: float = 0.0
    learning_rate: float = 0.1
    weight_decay: float = 0.0
    ema: float = 0.5
    seed: int = 3


def draw(place: Place, seed: Seed) -> torch.Tensor:
    """Four numbers in a batch."""
    return torch.tensor([[rng.random(dtype=np.float32)] for rng in place.generators(4, seed)])


class Noting(Learner[nn.Linear]):
    """Appends a line for each step to ``rank<k>.jsonl``."""

    gradient_clip = None

    def __init__(self, settings: Settings, out: Path) -> None:
        super().__init__(nn.Linear(1, 1, bias=False), settings)
        # Without a gradient in any step: as a head that has not joined yet.
        self.later = nn.Linear(1, 1)
        self.out, self.hardness = out, Hardness(2)
        self.line: dict[str, object] = {}

    def training_step(self, batch: torch.Tensor, _index: int) -> torch.Tensor:
        """Note the batch and a number that dropout would have drawn."""
        self.hardness.note(self.global_rank, float(batch.mean()))
        self.line = {
            "step": self.trainer.global_step,
            "batch": batch.flatten().tolist(),
            "chance": float(torch.rand(())),
        }
        return self.net(batch).mean()

    def on_before_optimizer_step(self, _optimizer: torch.optim.Optimizer) -> None:
        """Note the gradient."""
        self.line["gradient"] = float(self.net.weight.grad)

    def on_step_end(self) -> None:
        """Write the line."""
        self.hardness.end_step(self.trainer.global_step)
        self.line["hardness"] = self.hardness.now.tolist()
        with (self.out / f"rank{self.global_rank}.jsonl").open("a") as file:
            file.write(json.dumps(self.line) + "\n")


def run_in_two_processes(out: Path, steps: int) -> list[int | None]:
    """Train, as processes that a cluster started; gives their exit codes."""
    with ranks(train, 2, out, steps) as processes:
        return finished(processes)


def train(out: Path, steps: int) -> None:
    """Be one of two processes; whichever goes on after the training writes weights under its number."""
    settings = Settings(steps)
    loader = endless_loader(draw, 0, settings.seed)
    net, record = fit(Noting(settings, out), loader, out, settings, machines=Machines(devices=2))
    (out / f"weights.{os.getpid()}.json").write_text(json.dumps([record["processes"], net.weight.item()]))
