"""Training steps of the masks' network."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...fitting.learner import Learner
from ...fitting.processes import mean
from ...ops.bfloat16 import bfloat16_where_faster
from .config import Config, TrainingConfig
from .network import MaskNet


def mask_loss(log_odds: Tensor, target: Tensor) -> Tensor:
    """Cross entropy and soft Dice of each nodule (B, n, n, n), averaged over those of all processes."""
    entropy = F.binary_cross_entropy_with_logits(log_odds, target, reduction="none").mean((1, 2, 3))
    return mean(entropy + 1 - soft_dice(torch.sigmoid(log_odds), target))


def soft_dice(probability: Tensor, target: Tensor) -> Tensor:
    """Dice (B,) of probabilities and targets 0–1 (B, n, n, n)."""
    both = (probability * target).sum((1, 2, 3))
    return (2 * both + 1) / (probability.sum((1, 2, 3)) + target.sum((1, 2, 3)) + 1)


class Training(Learner[MaskNet]):
    """The loss of a batch."""

    config: TrainingConfig

    def __init__(self, network: Config, config: TrainingConfig) -> None:
        super().__init__(MaskNet(network).to(memory_format=torch.channels_last_3d), config)

    def training_step(self, batch: dict[str, Any], _index: int) -> Tensor:
        """See `mask_loss`."""
        inputs = batch["input"].contiguous(memory_format=torch.channels_last_3d)
        with bfloat16_where_faster(inputs.device, self.config.bfloat16):
            log_odds = self.net(inputs)
        loss = mask_loss(log_odds.float(), batch["target"])
        self.log_dict({"loss": loss.detach()}, batch_size=len(inputs))
        return loss
