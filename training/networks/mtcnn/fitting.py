"""One fold's network: a fixed number of Adam steps over random views, and the moving average of the weights."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ...fitting.learner import warm_cosine, weight_groups
from .config import Config, TrainingConfig
from .loss import fusion_weights, multi_task_loss
from .network import MtCnn
from .samples import Samples, random_diameters, random_views, view_probabilities


def learning_rate(config: TrainingConfig, share: float) -> float:
    """The rate after a share of the steps, see `TrainingConfig.schedule`."""
    if config.schedule == "paper":
        return config.learning_rate * (1.0 if share < 0.5 else 0.1 if share < 0.75 else 0.05)
    return config.learning_rate * warm_cosine(share, 0.05)


def batches(
    samples: Samples, chosen: np.ndarray, config: TrainingConfig, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Endless batches of indices: every sample once an epoch, or both classes equally often."""
    if config.balance:
        sides = [chosen[samples.label[chosen] == side] for side in (0, 1)]
        half = config.batch // 2
        while True:
            yield np.concatenate([rng.choice(side, half, replace=len(side) < half) for side in sides])
    size = min(config.batch, len(chosen))
    while True:
        order = rng.permutation(chosen)
        for start in range(0, len(order) - size + 1, size):
            yield order[start : start + size]


def fit_fold(
    samples: Samples,
    chosen: np.ndarray,
    network: Config,
    config: TrainingConfig,
    seed: int,
    log: Path | None = None,
) -> MtCnn:
    """Train on the chosen samples; the fusion's weights come from their AUCs (Algorithm 1: "in the training phase").

    The views' AUCs are those of the trained network on the same nodules without augmentation: nothing of another fold.

    Parameters
    ----------
    log
        Gets a line of figures every 50 steps.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    rng = np.random.default_rng(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = MtCnn(network).to(device).to(memory_format=torch.channels_last)
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(config.ema), use_buffers=True)
    # Without decay AdamW is Adam.
    optimizer = torch.optim.AdamW(weight_groups(net, config.weight_decay), lr=config.learning_rate)
    started = time.monotonic()
    for step, batch in zip(range(config.steps), batches(samples, chosen, config, rng), strict=False):
        net.train()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, step / config.steps)
        views = random_views(samples, batch, network, config, generator).to(device)
        diameters = random_diameters(samples, batch, generator) if network.size else None
        target = torch.from_numpy(samples.target[batch]).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=config.bfloat16):
            logits, images = net(views, diameters)
        images = None if images is None else images.float()
        classification, pixels = multi_task_loss(logits.float(), images, target, views, network.alpha)
        # Separate networks share no weight, so the sum trains each by its own loss; one network takes the mean.
        each = classification + pixels
        loss = each.mean() if network.shared_views else each.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        average.update_parameters(net)
        if log is not None and (step + 1) % 50 == 0:
            line = {
                "step": step + 1,
                "seconds": round(time.monotonic() - started, 1),
                "classification": round(float(classification.mean().detach()), 4),
                "reconstruction": round(float(pixels.mean().detach()), 4),
            }
            with log.open("a") as file:
                file.write(json.dumps(line) + "\n")
    kept = average.module if config.ema else net
    assert isinstance(kept, MtCnn)
    kept.eval()
    seen = view_probabilities(kept, samples, chosen, device)
    kept.fusion.copy_(torch.from_numpy(fusion_weights(seen, samples.label[chosen])))
    return kept
