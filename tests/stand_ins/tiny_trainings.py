"""Tiny trainings of real networks in one or several processes, which note their losses and weights."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader

from napari_lungmtl.training.data.public.luna16_nodules import NoduleCube
from napari_lungmtl.training.fitting import fit as fitting
from napari_lungmtl.training.fitting.batches import endless_loader, ends_step
from napari_lungmtl.training.fitting.learner import Learner
from napari_lungmtl.training.fitting.machines import Machines
from napari_lungmtl.training.fitting.train_network import train_network
from napari_lungmtl.training.networks.ag3d import config as ag3d_config
from napari_lungmtl.training.networks.ag3d import training as ag3d_training
from napari_lungmtl.training.networks.mosegnet import config as mosegnet_config
from napari_lungmtl.training.networks.mosegnet import training as mosegnet_training
from napari_lungmtl.training.networks.nodule_masks import config as masks_config
from napari_lungmtl.training.networks.nodule_masks.fitting import Training as masks_training
from napari_lungmtl.training.networks.nodule_masks.samples import Batches, load_masked_nodules

from .blob_radiographs import ToyRadiographs


def ag3d(batch: int, steps: int) -> tuple[Learner[Any], DataLoader]:
    """The detector on patches of 32³ with balls; both branches from the middle on."""
    rng = np.random.default_rng(0)
    nothing, ball = np.zeros((0, 4)), np.linalg.norm(np.indices((50, 50, 50)) - 25, axis=0) < 5
    cubes = []
    for i in range(4):
        voxels = rng.integers(10, 30, (50, 50, 50)).astype(np.uint8)
        voxels[ball] = 140
        cubes.append(NoduleCube(str(i), voxels, np.array([[25.0, 25, 25, 10]]), nothing, "1", {}))
    small = {"stem_channels": 4, "growth": 2, "bottleneck": 1, "pyramid_channels": 4}
    network = replace(ag3d_config.SHIPPED, anchors=((4, 8, 16), (), ()), **small)
    config = replace(
        ag3d_config.SHIPPED_TRAINING, batch=batch, patch=32, steps=steps, joint_from=0.5, ema=0.9
    )
    return ag3d_training.make_learner(cubes, network, config)


def mosegnet(batch: int, steps: int) -> tuple[Learner[Any], DataLoader]:
    """The radiographs' network on toys of 32², each normalised by itself."""
    network = replace(
        mosegnet_config.SHIPPED, side=32, widths=(4, 4, 8, 8), norm="group", groups=4, local_contrast=False
    )
    config = replace(
        mosegnet_config.SHIPPED_TRAINING,
        batch=batch,
        steps=steps,
        stages=((0, 1),),
        ema=0.9,
        bfloat16=False,
    )
    return mosegnet_training.make_learner(ToyRadiographs(32), network, config)


def masks(batch: int, steps: int, data: Path) -> tuple[Learner[Any], DataLoader]:
    """The masks' network, which normalises each nodule by itself, on cubes of a folder."""
    torch.manual_seed(0)
    found = load_masked_nodules(data)
    network = masks_config.Config(points=8, channels=(8, 16))
    config = masks_config.TrainingConfig(steps=steps, batch=batch, ema=0.9, bfloat16=False)
    draw = Batches(found, np.arange(len(found)), network, config)
    return masks_training(network, config), endless_loader(draw, 0, config.seed)


def network(settings: Path, name: str, data: Path, out: Path) -> None:
    """Train a network as ``lungmtl train`` does."""
    train_network(name, data, out, settings)
    (out / "went on").touch(exist_ok=False)


class _Signal(L.Callback):
    """Sends this process a signal, after the first part of a step."""

    def __init__(self, step: int, number: int) -> None:
        self.step, self.number = step, number

    def on_train_batch_end(
        self, trainer: L.Trainer, _module: Any, _out: Any, _batch: Any, index: int
    ) -> None:
        """Send it."""
        if trainer.global_step == self.step - 1 and not ends_step(trainer, index):
            signal.raise_signal(self.number)


def stopped(
    make: Callable[..., tuple[Learner[Any], DataLoader]],
    out: Path,
    arguments: Sequence[Any],
    machines: Machines,
    step: int,
    number: int,
) -> None:
    """Train in this process; the last of all processes gets a signal in a step."""
    learner, loader = make(*arguments)
    last = int(os.environ.get("LOCAL_RANK", "0")) + 1 == machines.devices
    learner.configure_callbacks = lambda: [_Signal(step if last else 0, number)]  # type: ignore[method-assign]
    fitting.fit(learner, loader, out, learner.config, machines=machines)  # type: ignore[arg-type]


class _Notes(L.Callback):
    """Appends the loss of each step to a file, the mean over what was accumulated and over all processes."""

    def __init__(self, path: Path, hold: int) -> None:
        self.path, self.hold, self.parts = path, hold, []

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, out: Any, _batch: Any, index: int) -> None:
        """Write after each step."""
        self.parts.append(float(out["loss"]) * trainer.accumulate_grad_batches)
        if ends_step(trainer, index):
            with self.path.open("a") as file:
                file.write(json.dumps([trainer.global_step, float(np.mean(self.parts))]) + "\n")
            self.parts.clear()
            if trainer.global_step == self.hold and trainer.global_rank:
                time.sleep(300)


def train(
    make: Callable[..., tuple[Learner[Any], DataLoader]],
    out: Path,
    arguments: Sequence[Any],
    machines: Machines,
    resume: bool = False,
    hold: int = 0,
) -> None:
    """Train in this process, one of `machines`; notes losses and the last weights.

    With `hold` each step has a checkpoint, and at that step all processes but the first wait to be killed.
    """
    if hold:
        fitting.EVERY = timedelta(milliseconds=1)
    learner, loader = make(*arguments)
    rank = os.environ.get("LOCAL_RANK", "0")
    out.mkdir(parents=True, exist_ok=True)
    notes = _Notes(out / f"losses{rank}.jsonl", hold)
    learner.configure_callbacks = lambda: [notes]  # type: ignore[method-assign]
    try:
        fitting.fit(learner, loader, out, learner.config, machines=machines, resume=resume)  # type: ignore[arg-type]
    finally:
        if learner.progress == 1:
            state = {"net": learner.net.state_dict(), "released": learner.trained.state_dict()}
            flat = {
                f"{of}.{k}": t.cpu().contiguous().clone()
                for of, part in state.items()
                for k, t in part.items()
            }
            save_file(flat, out / f"rank{rank}.safetensors")


def losses(out: Path, rank: int = 0) -> np.ndarray:
    """(steps,) the losses of a training, the last time that each step was done."""
    lines = [json.loads(line) for line in (out / f"losses{rank}.jsonl").read_text().splitlines()]
    last = dict(lines)
    return np.array([last[step] for step in sorted(last)])


def weights(out: Path, rank: int = 0) -> dict[str, Tensor]:
    """Give the last weights of a process: ``net.…``, and ``released.…`` for their moving average."""
    return load_file(out / f"rank{rank}.safetensors")
