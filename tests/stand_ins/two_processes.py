"""A training in two processes, run as a script: each notes its batches, and the gradients that its steps go by.

``python -m tests.stand_ins.two_processes OUT STEPS [resume]``. The network is one weight, and the loss is that weight times the
mean of the batch: the gradient of a process is the mean of its own batch.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from napari_lungmtl.training.fitting.batches import Place, endless_loader
from napari_lungmtl.training.fitting.fit import fit
from napari_lungmtl.training.fitting.hardness import Hardness
from napari_lungmtl.training.fitting.learner import Learner


@dataclass(frozen=True)
class Settings:
    steps: int = 0
    minutes: float = 0.0
    learning_rate: float = 0.1
    weight_decay: float = 0.0
    ema: float = 0.5
    seed: int = 3


def draw(_place: Place, rng: np.random.Generator) -> torch.Tensor:
    """Four numbers in a batch."""
    return torch.from_numpy(rng.random((4, 1), np.float32))


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

    def on_train_batch_end(self, *_: object) -> None:
        """Write the line."""
        self.hardness.end_step(self.trainer.global_step)
        self.line["hardness"] = self.hardness.now.tolist()
        with (self.out / f"rank{self.global_rank}.jsonl").open("a") as file:
            file.write(json.dumps(self.line) + "\n")


def main(out: Path, steps: int, resume: bool) -> None:
    """Train in two processes; whichever goes on afterwards writes weights under its number."""
    settings = Settings(steps)
    loader = endless_loader(draw, 0, settings.seed)
    net, record = fit(Noting(settings, out), loader, out, settings, resume=resume, devices=2)
    (out / f"weights.{os.getpid()}.json").write_text(json.dumps([record["processes"], net.weight.item()]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), "resume" in sys.argv)
