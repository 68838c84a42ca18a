"""One fold's network: a fixed number of Adam steps over random views, and the moving average of the weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...crossval.folds import FoldResult, tensors_of
from ...fitting.batches import Place, Seed, endless_loader, shuffled
from ...fitting.fit import fit
from ...fitting.learner import Learner, warm_cosine
from ...fitting.machines import HERE, Machines
from ...fitting.processes import is_first
from ...fitting.training_run import TrainingRun
from ...ops.bfloat16 import bfloat16_where_faster
from ...ops.logits import OPINION_EPS, log_odds
from .config import PAPER, Config, TrainingConfig
from .loss import fusion_weights, multi_task_loss
from .network import MtCnn
from .samples import Samples, random_diameters, random_views, view_probabilities


def indices(samples: Samples, chosen: np.ndarray, config: TrainingConfig, place: Place) -> np.ndarray:
    """Choose the indices of one of the endless batches: every sample once an epoch, with `balance` both classes in turn.

    An epoch's order follows from `TrainingConfig.seed` alone. A batch holds no more samples than there are.
    """
    if not config.balance:
        size = min(config.batch, len(chosen))
        return shuffled(chosen, place.samples(size), config.seed)
    half = config.batch // 2
    sides = [chosen[samples.label[chosen] == side] for side in (0, 1)]
    return np.concatenate([shuffled(side, place.samples(half), config.seed) for side in sides])


class Views:
    """Draws batches of augmented views with their targets.

    Parameters
    ----------
    chosen
        Indices of the samples to draw from.
    """

    def __init__(self, samples: Samples, chosen: np.ndarray, network: Config, config: TrainingConfig) -> None:
        self.samples, self.chosen, self.network, self.config = samples, chosen, network, config

    def __call__(self, place: Place, seed: Seed) -> dict[str, Any]:
        batch = indices(self.samples, self.chosen, self.config, place)
        generator = torch.Generator().manual_seed(int(place.generator(*seed).integers(2**63)))
        views, masks = random_views(self.samples, batch, self.network, self.config, generator)
        return {
            "views": views,
            "masks": masks,
            "diameters": random_diameters(self.samples, batch, generator) if self.network.size else None,
            "target": torch.from_numpy(self.samples.target[batch]),
        }


class Training(Learner[MtCnn]):
    """The loss of all views, and the paper's schedule of the rate beside the cosine."""

    config: TrainingConfig
    gradient_clip = None

    def __init__(self, network: Config, config: TrainingConfig) -> None:
        super().__init__(MtCnn(network).to(memory_format=torch.channels_last), config)

    def learning_rate(self) -> float:
        """The rate of the step that is due, see `TrainingConfig.schedule`."""
        rate, progress = self.config.learning_rate, self.progress
        if self.config.schedule == "paper":
            return rate * (1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.05)
        return rate * warm_cosine(progress, 0.05)

    def training_step(self, batch: dict[str, Any], _index: int) -> Tensor:
        """Loss of one batch (eq. 1)."""
        network, views = self.net.config, batch["views"]
        with bfloat16_where_faster(self.device, self.config.bfloat16):
            logits, images = self.net(views, batch["diameters"])
        images = None if images is None else images.float()
        classification, pixels = multi_task_loss(
            logits.float(), images, batch["target"], views, network.alpha, batch["masks"]
        )
        losses = {"classification": classification.mean(), "reconstruction": pixels.mean()}
        self.log_dict({k: v.detach() for k, v in losses.items()}, batch_size=len(views))
        # Separate networks share no weight, so the sum trains each by its own loss; one network takes the mean.
        each = classification + pixels
        return each.mean() if network.shared_views else each.sum()

    def on_before_zero_grad(self, _optimizer: torch.optim.Optimizer) -> None:
        """Leave the moving average to `on_step_end`."""

    def on_step_end(self) -> None:
        """Follow the weights as the step leaves them: in so few steps the last ones count."""
        if self.average is not None:
            self.average.update_parameters(self.net)


def fit_views(
    samples: Samples,
    chosen: np.ndarray,
    network: Config,
    config: TrainingConfig,
    seed: int,
    log: Path,
    machines: Machines = HERE,
) -> MtCnn:
    """Train on the chosen samples; the fusion's weights come from their AUCs (Algorithm 1: "in the training phase").

    The views' AUCs are those of the trained network on the same nodules without augmentation: nothing of another fold.

    Parameters
    ----------
    log
        Gets lines of figures.
    """
    torch.manual_seed(seed)
    config = dataclasses.replace(config, seed=seed)
    learner = Training(network, config)
    loader = endless_loader(Views(samples, chosen, network, config), 0, seed)
    net, _ = fit(learner, loader, log.parent, config, machines=machines, log=log.name, in_a_row=True)
    if not is_first():
        return net
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    views = view_probabilities(net.to(device), samples, chosen, device)
    net.fusion.copy_(torch.from_numpy(fusion_weights(views, samples.label[chosen])))
    return net


def fold_result(
    samples: Samples, names: np.ndarray, fold: str, network: Config, config: TrainingConfig, run: TrainingRun
) -> FoldResult | None:
    """Train on the other folds and predict this one in the first process.

    Parameters
    ----------
    names
        (N,) what the samples are called in ``index`` of the predictions.
    run
        Its folder gets ``fold<k>.log.jsonl``.
    """
    others, seed = samples.without_fold(fold), config.seed + int(fold)
    log = run.out / f"fold{fold}.log.jsonl"
    net = fit_views(samples, others, network, config, seed, log, run.machines)
    if not is_first():
        return None
    chosen = samples.of_fold(fold)
    each = view_probabilities(net, samples, chosen, net.fusion.device)
    fused = each @ net.fusion.double().cpu().numpy()
    predictions = {
        "index": names[chosen],
        "logit": log_odds(fused, OPINION_EPS),
        "parts": log_odds(each, OPINION_EPS),
    }
    return FoldResult(tensors_of(net), predictions)


def difference(network: Config) -> str:
    """How a configuration differs from the paper's, for the card."""
    paper, own = dataclasses.asdict(PAPER), dataclasses.asdict(network)
    changed = [f"{k} {own[k]} ({paper[k]})" for k in own if own[k] != paper[k]]
    if not changed:
        return "The network is the paper's."
    return f"The network differs from the paper's (in brackets): {', '.join(changed)}."
