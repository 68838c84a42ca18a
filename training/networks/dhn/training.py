"""Training of DHN: one augmented view of each radiograph for each head (Fig. 3), eq. 1–3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ...data.public.radiographs import RadiographSample, RadiographSamples
from ...fitting.batches import Place, Seed, endless_loader
from ...fitting.fit import fit
from ...fitting.learner import Learner, weight_groups
from ...fitting.radiograph_draws import draw_radiographs
from ...fitting.radiograph_sources import RadiographSources, open_radiograph_sources
from ...fitting.training_run import TrainingRun
from ...ops.widths import check_width
from .augment import augment, window
from .config import SHIPPED, SHIPPED_TRAINING, Config, TrainingConfig
from .loss import global_loss, total_loss
from .network import Dhn
from .release import release

DEV_FOLDS = ("1",)
"""Of a prepared simulation, which trains on folds 2–4: the radiographs that scores are calibrated on."""


@dataclass(frozen=True, eq=False)
class Sample:
    """φ_g(x) with its label and φ_l(x) with its boxes; a head that is not trained has None, and so has the local head where both
    look at φ_g(x)."""

    global_view: Tensor | None
    positive: bool
    local_view: Tensor | None
    boxes: Tensor


def make_sample(
    radiograph: RadiographSample, network: Config, config: TrainingConfig, rng: np.random.Generator
) -> Sample:
    """Both views of a radiograph. The global label is the one of the view: a nodule may leave it."""
    pixels = torch.from_numpy(np.ascontiguousarray(radiograph.pixels, np.float32))
    boxes = torch.from_numpy(np.asarray(radiograph.boxes, np.float32).reshape(-1, 4))
    global_view, local_view, positive = None, None, radiograph.positive
    if network.heads != "local":
        global_view, seen = augment(pixels, boxes, config.augment_global, config.probability, rng)
        if config.crop:
            global_view, seen = window(global_view, seen, config.crop, rng)
        positive = len(seen) > 0
        if config.one_view:
            return Sample(global_view, positive, None, seen)
    if network.heads != "global":
        local_view, boxes = augment(pixels, boxes, config.augment_local, config.probability, rng)
        if config.crop:
            local_view, boxes = window(local_view, boxes, config.crop, rng)
    return Sample(global_view, positive, local_view, boxes)


class Samples:
    """Draws samples of a source; radiographs of which nobody knows whether they show nodules are passed over."""

    def __init__(self, radiographs: RadiographSamples, network: Config, config: TrainingConfig) -> None:
        self.radiographs, self.network, self.config = radiographs, network, config

    def __call__(self, place: Place, seed: Seed) -> dict[str, Any]:
        return collate(self.draw(self.config.batch, place, seed))

    def draw(self, count: int, place: Place, seed: Seed) -> list[Sample]:
        """Draw the `count` samples of a place.

        Raises
        ------
        ValueError
            The radiographs are not of the network's size, or nobody knows of any whether it shows nodules.
        """
        drawn = draw_radiographs(self.radiographs, count, place, seed, self._wanted)
        return [make_sample(one, self.network, self.config, rng) for one, rng in drawn]

    def _wanted(self, radiograph: RadiographSample) -> bool:
        if radiograph.pixels.shape != (self.network.side, self.network.side):
            raise ValueError(
                f"the radiographs of {self.radiographs.name} have {radiograph.pixels.shape} pixels, the network wants "
                f"{self.network.side}²: set side in the table 'network' of the settings."
            )
        return bool(radiograph.nodule_known)


def collate(samples: Sequence[Sample]) -> dict[str, Any]:
    """A batch: ``views`` (V, side, side), those of the global head first; ``positive`` (N,), ``boxes``, a list of (n, 4);
    ``local_from``, the first view of the local head."""
    global_views = [s.global_view for s in samples if s.global_view is not None]
    local_views = [s.local_view for s in samples if s.local_view is not None]
    return {
        "views": torch.stack([*global_views, *local_views]),
        "positive": torch.tensor([s.positive for s in samples][: len(global_views)]),
        "boxes": [s.boxes for s in samples][: len(local_views) or len(global_views)],
        "local_from": len(global_views) if local_views else 0,
    }


class Training(Learner[Dhn]):
    """The loss of both heads, and the paper's optimiser; `fitting.fit` drives it."""

    config: TrainingConfig

    def __init__(self, network: Config, config: TrainingConfig) -> None:
        net = Dhn(network).to(memory_format=torch.channels_last)
        if net.local_head is not None:
            net.local_head.learn_from(config.anchors_per_radiograph, config.rois_per_radiograph)
        super().__init__(net, config)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """SGD with momentum as in §4, or AdamW."""
        config = self.config
        if config.optimizer == "adamw":
            return super().configure_optimizers()
        groups = weight_groups(self.net, config.weight_decay)
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum)

    def learning_rate(self) -> float:
        """Constant, or the warm cosine."""
        return self.config.learning_rate if self.config.schedule == "constant" else super().learning_rate()

    def training_step(self, batch: dict[str, Any], _index: int) -> Tensor:
        """Loss of one batch (eq. 3)."""
        losses = self.losses(batch)
        figures = {k: v.detach() for k, v in losses.items()}
        self.log_dict(figures, prog_bar=True, batch_size=self.config.batch)
        return total_loss(losses, self.config.loss_weights)

    def losses(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """The terms by name. All views pass the body together; each head gets the features of its own (Fig. 3)."""
        features = self.net.features(batch["views"], self.config.bfloat16)
        count = len(batch["positive"])
        losses = {}
        if self.net.local_head is not None:
            first = batch.get("local_from", count)
            losses = self.net.local_head.losses([m[first:] for m in features], batch["boxes"])
        if self.net.global_head is not None:
            logits = self.net.global_logits([m[:count] for m in features])
            losses["global"] = global_loss(logits, batch["positive"], self.config.alpha)
        return losses


def make_learner(
    radiographs: RadiographSamples, network: Config, config: TrainingConfig
) -> tuple[Training, DataLoader]:
    """Make what `fitting.fit` drives: the learner and its batches."""
    L.seed_everything(config.seed, verbose=False)
    samples = Samples(radiographs, network, config)
    return Training(network, config), endless_loader(samples, config.workers, config.seed)


def train(run: TrainingRun) -> Path:
    """Train on a folder of radiographs and write weights with their card.

    Parameters
    ----------
    run
        Its data have a layout that `fitting.radiograph_sources` knows (prepared simulation, NODE21 …); its folder gets
        checkpoints, the log, and ``dhn.safetensors`` with ``dhn.json``.

    Raises
    ------
    DatasetError
        The folder is none of the layouts, or holds nothing to train or to calibrate on.
    """
    _, config = run.configs(SHIPPED, SHIPPED_TRAINING)
    sources = open_radiograph_sources(run.data, DEV_FOLDS, held_out=run.held_out, pasted=config.pasted)
    return train_on(sources, run)


def train_on(sources: RadiographSources, run: TrainingRun) -> Path:
    """Train on radiographs that are open, calibrate, and write weights with their card; see `train`."""
    network, config = run.configs(SHIPPED, SHIPPED_TRAINING)
    check_width(network.width)
    learner, loader = make_learner(sources.training, network, config)
    net, log = fit(
        learner, loader, run.out, config, machines=run.machines, resume=run.resume, weights=run.weights
    )
    return release(net, config, sources, run, log)
