"""Training of 3D-AG: RPN first, then both branches together (§III-E)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ...data.errors import DatasetError
from ...data.public.luna16_nodules import NoduleCube, load_cubes, read_folds
from ...data.public.rated_nodules import NEVER
from ...fitting.batches import endless_loader
from ...fitting.fit import fit
from ...fitting.hardness import Hardness
from ...fitting.learner import Learner
from ...fitting.processes import is_first
from ...fitting.training_run import TrainingRun
from ...inference.weights import WeightsError, start_from
from .anchors import assign, decode, encode, label_proposals, window_anchors
from .boosting import cube_hardness, hardness_of
from .config import SHIPPED, SHIPPED_TRAINING, Config, TrainingConfig, is_dev
from .detect import normalise, propose
from .loss import (
    adaptive_focal_loss,
    classification_loss,
    hard_example_loss,
    overlap_loss,
    regression_loss,
)
from .network import Ag3d
from .patches import Patch, Patches, load_phantoms
from .release import CubeSplit, about_set, release
from .stored.patches import Store, StoredPatches, draw_store, freeze_first, start_first
from .stored.scans import crop_source, mirrored, store_scan
from .thorax import load_thorax, masks_of, thorax_files, thorax_source

OFFICIAL = {"train": "training", "val": "dev", "test": "test"}
"""Folds of a set that is published in three parts, and what each is for."""
WHOLE = 0.5
"""Fraction of patches from whole scans where the data have such and the settings say nothing."""


def part_of(series: str, fold: str, config: TrainingConfig) -> str:
    """What a scan is for: ``"training"``, ``"dev"``, ``"test"`` or ``"never"``; a set's official parts go before folds."""
    if fold in OFFICIAL:
        return OFFICIAL[fold]
    if not fold or fold == NEVER:
        return NEVER
    if fold in map(str, config.test_folds):
        return "test"
    return "dev" if is_dev(series, config) else "training"


def training_cubes(folder: Path, config: TrainingConfig) -> CubeSplit:
    """Load the cubes to train on and those to tune the threshold on; the test folds and ``never`` are in neither.

    Raises
    ------
    DatasetError
        There is none to train on, to tune on or to test on.
    """
    folds = read_folds(folder)
    if not folds:
        raise DatasetError(f"{folder} has no folds.csv, so no scan could be kept for testing.")
    parts = {series: part_of(series, fold, config) for series, fold in folds.items()}
    cubes: dict[str, list[NoduleCube]] = {"training": [], "dev": [], "test": [], NEVER: []}
    for cube in load_cubes(folder):
        cubes[parts.get(cube.series, NEVER)].append(cube)
    ways = {"training": "test_folds", "dev": "dev_every", "test": "test_folds"}
    for part, setting in ways.items():
        if not cubes[part]:
            raise DatasetError(
                f"{folder} has no nodule in the part for {part}: its folds are {', '.join(sorted(set(folds.values())))}; "
                f"change {setting} in the table 'training' of the settings."
            )
    prepared = sorted((folder / "scans").glob("*/rows.npz"))
    return CubeSplit(
        cubes["training"],
        cubes["dev"],
        tuple(sorted({fold for series, fold in folds.items() if parts[series] == "test"})),
        tuple(path.parent.name for path in prepared if parts.get(path.parent.name) == "training"),
        about_set(folder),
    )


def prepared_run(run: TrainingRun) -> TrainingRun:
    """Turn a public set of whole scans, if that is what the data are, into a folder of cubes and scans in the run's own folder."""
    if (run.data / "nodules.csv").is_file():
        return run
    # Here, because training on cubes needs no readers of images.
    from ...data.public.ct.layouts import holds_scan_set, open_scan_set
    from .sets.prepare import SET, prepare_set

    if not holds_scan_set(run.data):
        return run
    prepared = run.out / "prepared"
    if is_first():
        return replace(run, data=prepare_set(open_scan_set(run.data), prepared))
    # One of several processes that a launcher started; it ends all when the first one fails.
    while not (prepared / SET).is_file():
        time.sleep(1)
    return replace(run, data=prepared)


class Training(Learner[Ag3d]):
    """The loss; `fitting.fit` drives it.

    Parameters
    ----------
    hardness
        Shared with what draws patches; learns from what the detector gets wrong.
    measure
        Gives the hardness of everything by one pass of the network, for a sampling of ``"once"``.
    """

    config: TrainingConfig

    def __init__(
        self,
        network: Config,
        config: TrainingConfig,
        hardness: Hardness,
        measure: Callable[[Ag3d], Tensor] | None = None,
    ) -> None:
        super().__init__(Ag3d(network).to(memory_format=torch.channels_last_3d), config)
        self.hardness, self.measure = hardness, measure
        self.begun: dict[str, Any] = {}
        """What the card says of the weights that training starts from."""
        self.boosted = False
        diameters = [torch.tensor(network.anchors[level]).log().mean() for level in network.levels]
        self.level_sizes = torch.stack(diameters)
        """Mean logarithm of each level's anchors."""

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
        anchors = window_anchors(self.net.config, shape).to(rpn.device)
        losses = self.rpn_losses(rpn, anchors, batch)
        proposals = self.proposals(rpn.detach().float(), anchors, batch)
        if self.progress < config.joint_from:
            return losses
        turn = self.global_step // config.alternate % 2 if config.alternate else None
        if turn == 0:
            return losses
        fprn = self.net.fprn([f.float() for f in pyramid], [p for p, _ in proposals])
        labels = torch.cat([label for _, label in proposals]).to(fprn.device)
        second = {"fprn": classification_loss(fprn, labels)}
        return second if turn == 1 else losses | second

    def rpn_losses(self, rpn: Tensor, anchors: Tensor, batch: dict[str, Any]) -> dict[str, Tensor]:
        """The terms of the RPN's loss by name, of its output (N, A, 5)."""
        config = self.config
        labels, targets, predicted, places = [], [], [], []
        for i, (truth, ignore) in enumerate(zip(batch["truth"], batch["ignore"], strict=True)):
            label, matched = assign(
                anchors.cpu(), truth.cpu(), ignore.cpu(), config.iou_positive, config.iou_negative
            )
            label, matched = label.to(rpn.device), matched.to(rpn.device)
            positive = label == 1
            labels.append(label)
            if positive.any():
                targets.append(truth.to(rpn.device)[matched[positive]])
                predicted.append(rpn[i, positive, 1:])
                places.append(anchors[positive])
        logits, label = rpn[:, :, 0].flatten().float(), torch.cat(labels)
        if config.hard_negatives:
            classes = hard_example_loss(logits, label, config.hard_negatives * len(rpn))
        else:
            t = config.t_first + (config.t_last - config.t_first) * self.progress
            classes = adaptive_focal_loss(logits, label, t, config.alpha, config.gamma)
        # Without positives it still hangs on the network: all processes must take the same ways back.
        offsets = torch.cat([*predicted, rpn[0, :0, 1:]]).float()
        spheres = torch.cat([*targets, rpn.new_zeros((0, 4))])
        at = torch.cat([*places, anchors[:0]])
        losses = {"rpn": classes, "sphere": regression_loss(offsets, encode(spheres, at))}
        if config.iou_weight:
            losses["overlap"] = config.iou_weight * overlap_loss(decode(offsets, at), spheres)
        return losses

    def _pyramid(self, batch: dict[str, Any]) -> list[Tensor]:
        if "first" in batch:
            return self.net.backbone.rest(batch["first"])
        x = normalise(batch["hu"], self.net.config).contiguous(memory_format=torch.channels_last_3d)
        return self.net.backbone(x)

    def on_train_batch_start(self, batch: Any, index: int) -> None:
        """Set the rate, and keep a first part whose maps are stored as it is: Lightning switches all to training."""
        super().on_train_batch_start(batch, index)
        if self.config.sampling == "once" and not self.boosted and self.progress >= self.config.boost_from:
            self._boost()
        if self.config.stored:
            freeze_first(self.net)

    def _boost(self) -> None:
        """Find what is hard, once, with the network as it would be released."""
        assert self.measure is not None
        net = self.trained
        learning = net.training
        self.hardness.set(self.measure(net.eval()))
        net.train(learning)
        self.boosted = True

    @torch.no_grad()
    def proposals(self, rpn: Tensor, anchors: Tensor, batch: dict[str, Any]) -> list[tuple[Tensor, Tensor]]:
        """Proposals (K, 5) and their labels for the FPRN: the RPN's best, and the truth slightly moved."""
        chosen = []
        for i, (truth, ignore) in enumerate(zip(batch["truth"], batch["ignore"], strict=True)):
            truth, ignore = truth.to(rpn.device), ignore.to(rpn.device)
            p = propose(rpn[i], anchors.__getitem__, 24, self.net.config.nms_iou)
            scores, spheres, levels = p.scores, p.spheres, p.levels
            label = label_proposals(spheres, truth, ignore)
            self._remember(batch["source"][i], scores, spheres, label, truth)
            jitter = torch.randn(len(truth), 4, device=rpn.device) * 0.12
            moved = torch.cat(
                [truth[:, :3] + jitter[:, :3] * truth[:, 3:4], truth[:, 3:4] * jitter[:, 3:4].exp()], 1
            )
            diameters = self.level_sizes.to(rpn.device)
            nearest = (moved[:, 3:4].log() - diameters[None]).abs().argmin(1)
            level = torch.tensor(self.net.config.levels, device=rpn.device)[nearest]
            rows = torch.cat([torch.cat([spheres, moved]), torch.cat([levels, level])[:, None].float()], 1)
            chosen.append((rows, torch.cat([label, label_proposals(moved, truth, ignore)])))
        return chosen

    def _remember(self, source: int, scores: Tensor, spheres: Tensor, label: Tensor, truth: Tensor) -> None:
        """Note how hard a cube was: its best false alarm, or its worst missed nodule."""
        if source < 0 or self.config.sampling != "running":
            return
        self.hardness.note(source, hardness_of(scores, spheres, label, truth))

    def on_step_end(self) -> None:
        """Let later draws know what was hard."""
        self.hardness.end_step(self.trainer.global_step)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what the sampler learnt, too."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["hardness"] = self.hardness.state()
        checkpoint["boosted"] = self.boosted

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on where the checkpoint was."""
        super().on_load_checkpoint(checkpoint)
        self.hardness.load(checkpoint["hardness"])
        self.boosted = checkpoint.get("boosted", False)


def make_learner(
    cubes: Sequence[NoduleCube],
    network: Config,
    config: TrainingConfig,
    thorax: Callable[[np.random.Generator], Patch] | None = None,
    weights: Path | None = None,
    store: Store | None = None,
    masks: Sequence[np.ndarray] | None = None,
) -> tuple[Training, DataLoader]:
    """Make what `fitting.fit` drives: the learner and its batches (`thorax` draws patches of whole scans).

    Parameters
    ----------
    store
        What `draw_store` gave for the same first part, instead of drawing it again.
    masks
        Of the cubes' nodules, for cavities.

    Raises
    ------
    WeightsError
        Patches are to be stored, and there are no `weights`.
    """
    L.seed_everything(config.seed, verbose=False)
    hardness = Hardness(len(cubes))
    phantoms = load_phantoms(Path(config.phantoms)) if config.phantoms else []
    patches = Patches(cubes, phantoms, config, hardness, thorax, masks)
    learner = Training(network, config, hardness, lambda net: cube_hardness(net, cubes))
    if weights is not None:
        learner.begun = (start_from if config.keep == "all" else start_first)(learner.net, weights)
    if not config.stored:
        return learner, endless_loader(patches, config.workers, config.seed)
    if weights is None:
        raise WeightsError("Patches are stored behind trained layers only: add --weights.")
    store = store or draw_store(patches, learner.net.eval(), config.stored)
    thoraxes = [load_thorax(path) for path in thorax_files(config)] if config.scan_crops else []
    scans = [store_scan(t, learner.net) for one in thoraxes for t in (one, mirrored(one))]
    crops = crop_source(scans, config.patch) if scans else None
    learner.net.train()  # Lightning leaves modes as they are
    freeze_first(learner.net)
    stored = StoredPatches(store, config.batch, crops, config.scan_crops)
    if config.sampling == "once":
        learner.hardness, learner.measure = stored.hardness, stored.measure
    return learner, endless_loader(stored, 0, config.seed)


def train(run: TrainingRun) -> Path:
    """Train on a folder of cubes and write weights with their card.

    Parameters
    ----------
    run
        Its data are nodule cubes with ``folds.csv`` (`load_cubes`) or a public set (`data.public.ct.layouts`), which is made
        such a folder first; its folder gets checkpoints, the log, and ``ag3d.safetensors`` with ``ag3d.json``.
    """
    network, config = run.configs(SHIPPED, SHIPPED_TRAINING)
    run = prepared_run(run)
    cubes = training_cubes(run.data, config)
    if cubes.scans and "thorax_fraction" not in run.training:
        config = replace(config, thorax_fraction=WHOLE)
    learner, loader = make_learner(
        cubes.training,
        network,
        config,
        thorax_source(run.data, cubes.training, config, cubes.scans),
        run.weights,
        masks=masks_of(cubes.training, run.data) if config.cavity_fraction else None,
    )
    net, log = fit(learner, loader, run.out, config, machines=run.machines, resume=run.resume)
    return release(net, config, cubes, run, log | learner.begun)
