"""The losses of DHN: eq. 1–3, with the generalised IoU for both box regressions (§3.1)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import generalized_box_iou_loss

from ...fitting.processes import mean, total


def global_loss(logits: Tensor, positive: Tensor, alpha: tuple[float, float]) -> Tensor:
    """Eq. 2, the weighted cross entropy, as the mean over radiographs (the sum would grow with the batch).

    Parameters
    ----------
    logits
        (N, 2): without and with a nodule.
    positive
        (N,) whether there is one.
    alpha
        α₁ of radiographs with nodules, α₂ of radiographs without.
    """
    log_p = torch.log_softmax(logits.float(), dim=1)
    y = positive.to(log_p)
    return mean(-(alpha[0] * y * log_p[:, 1] + alpha[1] * (1 - y) * log_p[:, 0]))


def classification_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross entropy of sampled anchors or proposals, as a mean; 0 without any."""
    return mean(F.binary_cross_entropy_with_logits(logits.float(), labels.float(), reduction="none"))


def box_loss(predicted: Tensor, target: Tensor, sampled: int) -> Tensor:
    """1 − gIoU, summed over the positives (P, 4) and divided by all `sampled` anchors or proposals, as in torchvision."""
    loss = generalized_box_iou_loss(predicted.float(), target.float(), reduction="sum")
    sums = total(torch.stack([loss, loss.new_tensor(float(sampled))]))
    return sums[0] / sums[1].clamp(min=1)


def total_loss(losses: Mapping[str, Tensor], weights: tuple[float, float]) -> Tensor:
    """Eq. 3 with eq. 1: λ₁ × the term ``global`` + λ₂ × the sum of the local terms; heads that are not there weigh nothing."""
    return torch.stack(
        [(weights[0] if name == "global" else weights[1]) * term for name, term in losses.items()]
    ).sum()
