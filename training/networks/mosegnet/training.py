"""Training of MO-SegNet: both tasks at once (§3.3), by the clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from ...data.public.radiographs import RadiographSamples
from ...fitting.fit import config_from, fit_schedule
from ...fitting.learner import Learner
from .config import SHIPPED, SHIPPED_TRAINING, Config, TrainingConfig
from .loss import joint_loss, lesion_loss, lung_loss
from .network import MoSegNet, normalise
from .release import release
from .samples import Sample, Samples


@cache
def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is faster than float32 there: on processors that emulate it, it is not."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    found = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return device.type == "cpu" and bool(found.get("avx512_bf16") or found.get("amx_bf16"))


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
        What the batches come from; told after a resume how many were drawn.
    """

    config: TrainingConfig

    def __init__(self, network: Config, config: TrainingConfig, samples: Samples) -> None:
        super().__init__(MoSegNet(network).to(memory_format=torch.channels_last), config, moving_average)
        self.samples = samples

    def side(self) -> int:
        """Pixels of the radiographs that are due (`TrainingConfig.stages`)."""
        network = self.net.config
        reduction = next(r for share, r in reversed(self.config.stages) if self.progress >= share)
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
        with torch.autocast(device.type, torch.bfloat16, enabled=config.bfloat16 and has_bfloat16(device)):
            lesions, lungs = self.net(x)
        known = batch["lesions_known"]
        losses = {
            "lesions": lesion_loss(
                lesions[known],
                batch["lesions"][known],
                config.lesion_loss,
                config.weight_cap,
                config.alpha,
                config.gamma,
            )
        }
        if lungs is not None:
            known = batch["lungs_known"]
            # A network with one class of lung is judged by the union.
            sides = batch["sides"][known] & (lungs.shape[1] == 3)
            losses["lungs"] = lung_loss(
                lungs[known], batch["lungs"][known], sides, config.lung_loss, config.weight_cap
            )
        return losses

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on where the checkpoint was, with radiographs that were not drawn before."""
        super().on_load_checkpoint(checkpoint)
        self.samples.seen = checkpoint["global_step"] * self.config.batch


def make_loader(samples: Samples, config: TrainingConfig) -> DataLoader:
    """Endless batches."""
    return DataLoader(
        samples,
        batch_size=None,
        num_workers=config.workers,
        persistent_workers=config.workers > 0,
    )


def settle(settings: dict[str, Any]) -> tuple[Config, TrainingConfig]:
    """The configurations of a settings file: what differs from the shipped ones."""
    return (
        config_from(SHIPPED, settings.get("network", {})),
        config_from(SHIPPED_TRAINING, settings.get("training", {})),
    )


def fit_network(
    radiographs: RadiographSamples,
    out: Path,
    network: Config,
    config: TrainingConfig,
    *,
    resume: bool = False,
    weights: Path | None = None,
) -> tuple[MoSegNet, dict[str, Any]]:
    """Train on a source, from scratch or from weights; gives the network, on the CPU, and what happened (steps, minutes …)."""
    L.seed_everything(config.seed, verbose=False)
    samples = Samples(radiographs, network, config.augmentation, config.batch, config.seed)
    module = Training(network, config, samples)
    samples.side.fill_(module.side())
    log = fit_schedule(module, make_loader(samples, config), out, config, resume=resume, weights=weights)
    return module.trained.cpu().eval(), log


def train_on(
    radiographs: RadiographSamples,
    dev: RadiographSamples,
    out: Path,
    settings: dict[str, Any],
    *,
    resume: bool = False,
) -> Path:
    """Train on radiographs, set the operating point on others, and write weights with their card."""
    network, config = settle(settings)
    net, log = fit_network(radiographs, out, network, config, resume=resume, weights=settings.get("weights"))
    return release(net, config, radiographs, dev, out, settings.get("version", "0.1"), log)


def train(data: Path, out: Path, settings: dict[str, Any], *, resume: bool = False) -> Path:
    """Train on a folder of radiographs and write weights with their card.

    Parameters
    ----------
    data
        A layout that `data.public.open_radiographs` knows: a prepared simulation, NODE21, JSRT with SCR.
    out
        Gets checkpoints, the log, and ``mosegnet.safetensors`` with ``mosegnet.json``.
    settings
        ``{"network": {...}, "training": {...}}``: what differs from the shipped configuration; ``"weights"``: a weights' file
        to start from.
    resume
        Go on from ``out/last.ckpt``.
    """
    from ...data.public.open_radiographs import open_training_radiographs

    radiographs = open_training_radiographs(data)
    dev = open_dev_radiographs(data, settle(settings)[1].dev_folds) or radiographs
    return train_on(radiographs, dev, out, settings, resume=resume)


def open_dev_radiographs(data: Path, folds: Sequence[str]) -> RadiographSamples | None:
    """Radiographs that set the operating point: other folds of a simulation, other patients of a real set; None where there are
    none."""
    from ...data.errors import DatasetError
    from ...data.public.open_radiographs import PREPARED, open_training_radiographs

    try:
        if (data / PREPARED).is_file():
            return open_training_radiographs(data, folds=folds)
        return open_training_radiographs(data, part="held-out")
    except DatasetError:
        return None
