"""Training of MO-SegNet: both tasks at once (§3.3), by the clock."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from ...data.public.radiographs import RadiographSamples
from ...fitting.batches import endless_loader
from ...fitting.fit import fit
from ...fitting.learner import Learner
from ...fitting.radiograph_sources import RadiographSources, open_radiograph_sources
from ...fitting.training_run import TrainingRun
from ...ops.bfloat16 import bfloat16_where_faster
from .config import SHIPPED, SHIPPED_TRAINING, Config, TrainingConfig
from .loss import joint_loss, lesion_loss, lung_loss
from .network import MoSegNet, normalise
from .release import release
from .samples import Sample, Samples


def moving_average(decay: float) -> Callable[..., None]:
    """Exponential moving average for `AveragedModel`, faster at first so that short runs forget where they began."""

    def update(averaged: list[Tensor], current: list[Tensor], steps: Tensor | int) -> None:
        n = int(steps)
        get_ema_multi_avg_fn(min(decay, (1 + n) / (10 + n)))(averaged, current, steps)

    return update


class Training(Learner[MoSegNet]):
    """The loss, and radiographs that grow; `fitting.fit` drives it.

    Parameters
    ----------
    samples
        What the batches come from; told how large the radiographs are that are due.
    """

    config: TrainingConfig

    def __init__(self, network: Config, config: TrainingConfig, samples: Samples) -> None:
        super().__init__(MoSegNet(network).to(memory_format=torch.channels_last), config, moving_average)
        self.samples = samples

    def side(self) -> int:
        """Pixels of the radiographs that are due (`TrainingConfig.stages`)."""
        network = self.net.config
        reduction = next(r for begin, r in reversed(self.config.stages) if self.progress >= begin)
        return math.ceil(network.side / reduction / network.multiple) * network.multiple

    def training_step(self, batch: Sample, _index: int) -> Tensor:
        """Loss of one batch (eq. 2)."""
        self.samples.side.fill_(self.side())
        losses = self.losses(batch)
        self.log_dict(
            {k: v.detach() for k, v in losses.items()}, prog_bar=True, batch_size=len(batch["pixels"])
        )
        return joint_loss(losses["lesions"], losses.get("lungs"), self.config.balance)

    def losses(self, batch: Sample) -> dict[str, Tensor]:
        """L_y and L_z by name; what is unknown of a radiograph trains nothing."""
        config, device = self.config, self.device
        x = normalise(batch["pixels"], self.net.config.local_contrast).contiguous(
            memory_format=torch.channels_last
        )
        with bfloat16_where_faster(device, config.bfloat16):
            lesions, lungs = self.net(x)
        marked = batch["lesions_known"]
        losses = {
            "lesions": lesion_loss(
                lesions[marked],
                batch["lesions"][marked],
                config.lesion_loss,
                config.weight_cap,
                config.alpha,
                config.gamma,
                batch["uncertain"][marked],
            )
        }
        if lungs is not None:
            outlined = batch["lungs_known"]
            # A network with one class of lung learns the union.
            sides = batch["sides"][outlined] & (lungs.shape[1] == 3)
            losses["lungs"] = lung_loss(
                lungs[outlined], batch["lungs"][outlined], sides, config.lung_loss, config.weight_cap
            )
        return losses

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on where the checkpoint was, with radiographs of its size from the first batch on."""
        super().on_load_checkpoint(checkpoint)
        self.samples.side.fill_(self.side())


def make_learner(
    radiographs: RadiographSamples, network: Config, config: TrainingConfig
) -> tuple[Training, DataLoader]:
    """Make what `fitting.fit` drives: the learner and its batches."""
    L.seed_everything(config.seed, verbose=False)
    samples = Samples(radiographs, network, config.augmentation, config.batch, config.crop)
    learner = Training(network, config, samples)
    samples.side.fill_(learner.side())
    return learner, endless_loader(samples, config.workers, config.seed)


def train(run: TrainingRun) -> Path:
    """Train on a folder of radiographs and write weights with their card.

    Parameters
    ----------
    run
        Its data have a layout that `fitting.radiograph_sources` knows (prepared simulation, NODE21, JSRT with SCR); its folder
        gets checkpoints, the log, and ``mosegnet.safetensors`` with ``mosegnet.json``.
    """
    _, config = run.configs(SHIPPED, SHIPPED_TRAINING)
    sources = open_radiograph_sources(
        run.data, config.dev_folds, needs_dev=False, held_out=run.held_out, pasted=config.pasted
    )
    return train_on(sources, run)


def train_on(sources: RadiographSources, run: TrainingRun) -> Path:
    """Train on radiographs that are open, set the operating point, and write weights with their card; see `train`."""
    network, config = run.configs(SHIPPED, SHIPPED_TRAINING)
    learner, loader = make_learner(sources.training, network, config)
    net, log = fit(
        learner, loader, run.out, config, machines=run.machines, resume=run.resume, weights=run.weights
    )
    return release(net, config, sources, run, log)
