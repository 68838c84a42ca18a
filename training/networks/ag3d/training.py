"""Training of 3D-AG: RPN first, then both branches together (§III-E)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ...data.public.luna16_nodules import NoduleCube, load_cubes
from ...fitting.fit import endless_loader, fit
from ...fitting.learner import Learner
from ...fitting.training_run import TrainingRun
from ...inference.weights import WeightsError, start_from
from .anchors import anchor_grid, assign, encode
from .config import SHIPPED, SHIPPED_TRAINING, Config, TrainingConfig
from .detect import normalise, propose
from .loss import adaptive_focal_loss, classification_loss, regression_loss
from .network import Ag3d
from .patches import Patch, Patches, load_phantoms
from .release import CubeSplit, release
from .stored import StoredPatches, collate_stored, freeze_first
from .thorax import thorax_source


def is_dev(series: str, config: TrainingConfig) -> bool:
    """Whether a training scan is kept for tuning the threshold: a fixed choice by the identifier alone."""
    return zlib.crc32(series.encode()) % config.dev_every == 0


def training_cubes(folder: Path, config: TrainingConfig) -> CubeSplit:
    """Load the cubes to train on and those to tune the threshold on; the test folds and ``never`` are in neither."""
    folds = [str(f) for f in range(5) if f not in config.test_folds]
    cubes = load_cubes(folder, folds=folds)
    return CubeSplit(
        [c for c in cubes if not is_dev(c.series, config)], [c for c in cubes if is_dev(c.series, config)]
    )


def collate(patches: Sequence[Patch]) -> dict[str, Any]:
    """Make a batch: voxels (B, 1, w, w, w) in HU, lists of spheres, sources."""
    return {
        "hu": torch.from_numpy(np.stack([p.hu for p in patches]))[:, None],
        "truth": [torch.from_numpy(p.truth).float() for p in patches],
        "ignore": [torch.from_numpy(p.ignore).float() for p in patches],
        "source": [p.source for p in patches],
    }


class Training(Learner[Ag3d]):
    """The loss; `fitting.fit` drives it.

    Parameters
    ----------
    hardness
        Shared with the sampler of patches; updated from what the detector gets wrong.
    """

    config: TrainingConfig

    def __init__(self, network: Config, config: TrainingConfig, hardness: Tensor) -> None:
        super().__init__(Ag3d(network).to(memory_format=torch.channels_last_3d), config)
        self.hardness = hardness

    def training_step(self, batch: dict[str, Any], _index: int) -> Tensor:
        """Loss of one batch."""
        losses = self.losses(batch)
        self.log_dict(
            {k: v.detach() for k, v in losses.items()}, prog_bar=True, batch_size=len(batch["truth"])
        )
        return torch.stack(list(losses.values())).sum()

    def losses(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """The terms of the loss by name."""
        config = self.config
        pyramid = self._pyramid(batch)
        rpn = self.net.rpn(pyramid)
        shape = tuple(n * self.net.config.strides[0] for n in pyramid[0].shape[2:])
        anchors = anchor_grid(self.net.config, shape).to(rpn.device)
        labels, targets, predicted = [], [], []
        for i, (truth, ignore) in enumerate(zip(batch["truth"], batch["ignore"], strict=True)):
            label, matched = assign(
                anchors.cpu(), truth.cpu(), ignore.cpu(), config.iou_positive, config.iou_negative
            )
            label, matched = label.to(rpn.device), matched.to(rpn.device)
            positive = label == 1
            labels.append(label)
            if positive.any():
                targets.append(encode(truth.to(rpn.device)[matched[positive]], anchors[positive]))
                predicted.append(rpn[i, positive, 1:])
        t = config.t_first + (config.t_last - config.t_first) * self.progress
        logits = rpn[:, :, 0].flatten().float()
        losses = {"rpn": adaptive_focal_loss(logits, torch.cat(labels), t, config.alpha, config.gamma)}
        losses["sphere"] = regression_loss(
            torch.cat([*predicted, rpn.new_zeros((0, 4))]), torch.cat([*targets, rpn.new_zeros((0, 4))])
        )
        proposals = self.proposals(rpn.detach().float(), anchors, batch)
        if self.progress >= config.joint_from:
            spheres = [p for p, _ in proposals]
            fprn = self.net.fprn([f.float() for f in pyramid], spheres)
            losses["fprn"] = classification_loss(
                fprn, torch.cat([label for _, label in proposals]).to(fprn.device)
            )
        return losses

    def _pyramid(self, batch: dict[str, Any]) -> list[Tensor]:
        if "first" in batch:
            return self.net.backbone.rest(batch["first"])
        x = normalise(batch["hu"], self.net.config).contiguous(memory_format=torch.channels_last_3d)
        return self.net.backbone(x)

    def on_train_batch_start(self, batch: Any, index: int) -> None:
        """Set the rate, and keep a first part whose maps are stored as it is: Lightning switches all to training."""
        super().on_train_batch_start(batch, index)
        if self.config.stored:
            freeze_first(self.net)

    @torch.no_grad()
    def proposals(self, rpn: Tensor, anchors: Tensor, batch: dict[str, Any]) -> list[tuple[Tensor, Tensor]]:
        """Proposals (K, 5) and their labels for the FPRN: the RPN's best, and the truth slightly moved."""
        chosen = []
        for i, (truth, ignore) in enumerate(zip(batch["truth"], batch["ignore"], strict=True)):
            truth, ignore = truth.to(rpn.device), ignore.to(rpn.device)
            scores, spheres, levels = propose(rpn[i], anchors, 24, self.net.config.nms_iou)
            label = label_proposals(spheres, truth, ignore)
            self._remember(batch["source"][i], scores, spheres, label, truth)
            jitter = torch.randn(len(truth), 4, device=rpn.device) * 0.12
            moved = torch.cat(
                [truth[:, :3] + jitter[:, :3] * truth[:, 3:4], truth[:, 3:4] * jitter[:, 3:4].exp()], 1
            )
            diameters = torch.stack([a[:, 3].log().mean() for a in anchors.split(_level_sizes(anchors))])
            level = (moved[:, 3:4].log() - diameters[None]).abs().argmin(1)
            rows = torch.cat([torch.cat([spheres, moved]), torch.cat([levels, level])[:, None].float()], 1)
            chosen.append((rows, torch.cat([label, label_proposals(moved, truth, ignore)])))
        return chosen

    def _remember(self, source: int, scores: Tensor, spheres: Tensor, label: Tensor, truth: Tensor) -> None:
        """Note how hard a cube was: its best false alarm, or its worst missed nodule."""
        if source < 0:
            return
        false = scores[label == 0].max().item() if (label == 0).any() else 0.0
        near = torch.cdist(truth[:, :3], spheres[:, :3]) < truth[:, 3:4] / 2
        missed = (1 - (near * scores[None]).amax(1)).max().item() if len(truth) and len(spheres) else 0.0
        self.hardness[source] = 0.5 * self.hardness[source] + 0.5 * max(false, missed)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what the sampler learnt, too."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["hardness"] = self.hardness.clone()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on where the checkpoint was."""
        super().on_load_checkpoint(checkpoint)
        self.hardness.copy_(checkpoint["hardness"])


def make_learner(
    cubes: Sequence[NoduleCube],
    network: Config,
    config: TrainingConfig,
    thorax: Callable[[np.random.Generator], Patch] | None = None,
    weights: Path | None = None,
) -> tuple[Training, DataLoader]:
    """Make what `fitting.fit` drives: the learner and its batches (`thorax` draws patches of whole scans).

    Raises
    ------
    WeightsError
        Patches are to be stored, and there are no `weights`.
    """
    L.seed_everything(config.seed, verbose=False)
    hardness = torch.ones(len(cubes)).share_memory_()
    phantoms = load_phantoms(Path(config.phantoms)) if config.phantoms else []
    patches = Patches(cubes, phantoms, config, hardness, thorax)
    learner = Training(network, config, hardness)
    if not config.stored:
        return learner, endless_loader(patches, config.workers, config.batch, collate)
    if weights is None:
        raise WeightsError("Patches are stored behind trained layers only: add --weights.")
    start_from(learner.net, weights)
    freeze_first(learner.net)
    stored = StoredPatches(patches, learner.net.eval(), config.stored)
    return learner, endless_loader(stored, 0, config.batch, collate_stored)


def train(run: TrainingRun) -> Path:
    """Train on a folder of cubes and write weights with their card.

    Parameters
    ----------
    run
        Its data are nodule cubes with ``folds.csv`` (`load_cubes`); its folder gets checkpoints, the log, and
        ``ag3d.safetensors`` with ``ag3d.json``.
    """
    network, config = run.configs(SHIPPED, SHIPPED_TRAINING)
    cubes = training_cubes(run.data, config)
    learner, loader = make_learner(
        cubes.training,
        network,
        config,
        thorax_source(run.data, cubes.training, config),
        run.weights,
    )
    net, log = fit(learner, loader, run.out, config, resume=run.resume, weights=run.weights)
    return release(net, config, cubes, run, log)


def _level_sizes(anchors: Tensor) -> list[int]:
    return [int((anchors[:, 4] == level).sum()) for level in range(int(anchors[-1, 4]) + 1)]


def label_proposals(spheres: Tensor, truth: Tensor, ignore: Tensor) -> Tensor:
    """1 where the centre lies in a nodule (LUNA16's hit), −1 near its rim or on a finding left out, else 0."""
    labels = torch.zeros(len(spheres), dtype=torch.long, device=spheres.device)
    if len(ignore):
        labels[(torch.cdist(spheres[:, :3], ignore[:, :3]) < ignore[:, 3] / 2 + 2).any(1)] = -1
    if len(truth):
        distance = torch.cdist(spheres[:, :3], truth[:, :3])
        labels[(distance < truth[:, 3] / 2 + 2).any(1)] = -1
        labels[(distance < truth[:, 3] / 2).any(1)] = 1
    return labels
