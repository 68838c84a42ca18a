"""Training of MTMR-Net: a Siamese pair on random slices, one model for each fold (§II-C, §III-A)."""

from __future__ import annotations

import dataclasses
import logging
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, IterableDataset

from ...crossval.folds import FoldResult, train_folds
from ...crossval.release import calibrate, card_of, release
from ...data.public.lidc_ratings import SCALE_MAX
from ...data.public.luna16_nodules import HU_LOW, HU_STEP
from ...data.public.rated_nodules import NEVER, RatedNodules, load_rated_nodules
from ...findings import ATTRIBUTES
from ...fitting.fit import config_from, fit_steps
from ...ops.nodule_size import standard_size
from .build import build
from .config import PLANES, SHIPPED, Config, TrainingConfig
from .loss import classification_loss, ranking_loss, regression_loss
from .network import Mtmr
from .nodule_prediction import predict_nodules
from .patches import cut, neighbours, side, to_unit

log = logging.getLogger(__name__)


class Balanced(IterableDataset):
    """Endless batches of positions; malignant and benign nodules equally often, ambiguous ones by their share (§III-A 3)."""

    def __init__(self, label: np.ndarray, batch: int, seed: int) -> None:
        share = {k: float((label == k).mean()) for k in (-1, 0, 1)}
        clear = (1 - share[-1]) / 2
        weight = np.array([share[-1] if k < 0 else clear for k in label])
        count = np.array([(label == k).sum() for k in label])
        self.probability = weight / count / (weight / count).sum()
        self.batch, self.random = batch, np.random.default_rng(seed)

    def __iter__(self) -> Iterator[Tensor]:
        while True:
            yield torch.from_numpy(self.random.choice(len(self.probability), self.batch, p=self.probability))


class Training(L.LightningModule):
    """One fold's model.

    Parameters
    ----------
    nodules
        What to train on; the fold to leave out is not among them.
    """

    cubes: Tensor
    center: Tensor
    diameter: Tensor
    attributes: Tensor
    grade: Tensor

    def __init__(self, network: Config, config: TrainingConfig, nodules: RatedNodules) -> None:
        super().__init__()
        self.config = config
        self.net = Mtmr(network, config.dropout).to(memory_format=torch.channels_last)
        self.average = AveragedModel(
            self.net, multi_avg_fn=get_ema_multi_avg_fn(config.ema), use_buffers=True
        ).requires_grad_(False)
        scale = np.array([SCALE_MAX[a] - 1 for a in ATTRIBUTES])
        tensors = {
            # Half a gigabyte, and a third of a step's time saved.
            "cubes": to_unit(torch.from_numpy(nodules.voxels).float() * HU_STEP + HU_LOW, network),
            "centre": torch.from_numpy(nodules.center).float(),
            "diameter": torch.from_numpy(nodules.diameter).float(),
            "attributes": torch.from_numpy((nodules.attributes - 1) / scale).float(),
            "grade": torch.from_numpy((nodules.malignancy("mean") - 1) / 4).float(),
        }
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor, persistent=False)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW; the paper has Adam with an L2 term."""
        return torch.optim.AdamW(
            self.net.parameters(), lr=self.config.learning_rate, weight_decay=10 * self.config.l2
        )

    def training_step(self, chosen: Tensor, _index: int) -> Tensor:
        """Loss of one batch (eq. 5)."""
        optimizer = self.optimizers()
        assert not isinstance(optimizer, list)
        for group in optimizer.param_groups:
            group["lr"] = self.learning_rate()
        config = self.config
        patches, size = self.batch(chosen)
        logit, attributes = self.net(patches, size)
        grade = self.grade[chosen]
        return (
            config.classification * classification_loss(logit, grade, config.soft_labels)
            + config.regression * regression_loss(attributes, self.attributes[chosen], config.attribute_loss)
            + config.ranking * ranking_loss(torch.sigmoid(logit), grade, config.margin)
        )

    def on_before_zero_grad(self, _optimizer: torch.optim.Optimizer) -> None:
        """Follow the weights after each step."""
        self.average.update_parameters(self.net)

    def learning_rate(self) -> float:
        """Warm-up over 5 %, then a cosine."""
        share = self.global_step / max(self.config.steps, 1)
        return (
            self.config.learning_rate
            * min(1.0, (share + 1e-3) / 0.05)
            * 0.5
            * (1 + math.cos(math.pi * share))
        )

    def batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """A random slice of each nodule, moved, zoomed, turned and mirrored, with its `standard_size`."""
        config, network = self.config, self.net.config
        n, device = len(chosen), chosen.device

        def normal(sd: float, *shape: int) -> Tensor:
            return torch.randn(n, *shape, device=device) * sd

        diameter = self.diameter[chosen] * normal(config.zoom).clamp(-0.15, 0.15).exp()
        center = self.center[chosen] + normal(config.jitter, 3) * diameter.clamp(max=12.0)[:, None]
        offset = (torch.rand(n, device=device) - 0.5) * 0.8 * diameter
        wanted = torch.tensor([PLANES.index(p) for p in network.planes], device=device)
        plane = wanted[torch.randint(len(wanted), (n,), device=device)][:, None].expand(-1, network.channels)
        sides = side(diameter, network) * normal(config.zoom).exp()
        angle = torch.rand(n, device=device) * 2 * math.pi
        x = cut(
            self.cubes[chosen],
            center,
            neighbours(offset, diameter, network),
            plane,
            sides,
            network.pixels,
            angle,
        )
        mirrored = torch.rand(n, device=device) < 0.5
        x = torch.where(mirrored[:, None, None, None], x.flip(-1), x)
        x = x + normal(0.03, 1, 1, 1) + torch.randn_like(x) * 0.01
        return x.contiguous(memory_format=torch.channels_last), standard_size(diameter)


def fit_fold(fold: str, nodules: RatedNodules, network: Config, config: TrainingConfig) -> FoldResult:
    """Train without a fold, then judge it."""
    L.seed_everything(config.seed, verbose=False)
    chosen = nodules.take((nodules.fold != fold) & (nodules.fold != NEVER))
    module = Training(network, config, chosen)
    loader = DataLoader(Balanced(chosen.label("mean"), config.batch, config.seed), batch_size=None)
    fit_steps(module, loader, config.steps)
    net = module.average.module
    assert isinstance(net, Mtmr)
    held_out = nodules.take(nodules.fold == fold)
    predictions = predict_nodules(net.eval(), held_out) if len(held_out) else {}
    state = {k: t for k, t in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    return FoldResult(state, predictions)


def train(data: Path, out: Path, settings: dict[str, Any], *, resume: bool = False) -> Path:
    """Train five models and write them with out-of-fold predictions and a card.

    Parameters
    ----------
    data
        Layout of ``shared/data/luna16_nodules``, with ``folds.csv``.
    out
        Gets ``fold<k>.*``, ``oof.csv``, ``mtmr.safetensors`` and ``mtmr.json``.
    settings
        ``{"network": {...}, "training": {...}}``: what differs from the shipped configuration.
    resume
        Keep the folds that are finished.
    """
    network = config_from(SHIPPED, settings.get("network", {}))
    config = config_from(TrainingConfig(), settings.get("training", {}))
    nodules = load_rated_nodules(data)
    start = time.monotonic()
    results = train_folds(out, lambda fold: fit_fold(fold, nodules, network, config), resume=resume)
    record = {"steps": config.steps, "minutes": round((time.monotonic() - start) / 60, 1)}
    card = card_of(
        "mtmr",
        "MTMR-Net",
        "Says how likely a nodule is malignant and rates the eight LIDC attributes, slice by slice.",
        network,
        dataclasses.asdict(config),
        calibrate(nodules, results, out, attributes=True),
        nodules,
        version=settings.get("version", "0.1"),
        field="50 mm cube around the sphere, cut to its diameter",
        limits=(
            "Under 3 mm and over 30 mm it has seen next to nothing; internal structures other than soft tissue were too rare.",
        ),
        log=record,
    )
    return release(card, results, build, data, out)
