"""The losses of 3D-AG: adaptive focal loss (eq. 3), Smooth L1 of the spheres, cross entropy of the FPRN."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...fitting.processes import count as processes
from ...fitting.processes import highest, mean, total
from ...ops.spheres import paired_overlap


def adaptive_focal_loss(logits: Tensor, labels: Tensor, t: float, alpha: float, gamma: float) -> Tensor:
    """Eq. 3: ``T log(N_TN)/N_TN Σ_neg FL + 1/N_pos Σ_pos CE``.

    N_TN counts the negatives that are scored below 0.5, as the text's "number of True Negative samples" over all anchors of
    the batch. Focal loss only for negatives, because there are so few positives.

    Parameters
    ----------
    logits, labels
        (N,): labels 1, 0, or −1 (left out).
    t
        The factor that grows with the iterations.
    """
    negative, positive = logits[labels == 0], logits[labels == 1]
    p = torch.sigmoid(negative)
    focal = alpha * p**gamma * F.softplus(negative)
    true_negatives = total((p < 0.5).sum().float()).clamp(min=2)
    return t * torch.log(true_negatives) / true_negatives * total(focal.sum()) + mean(F.softplus(-positive))


def hard_example_loss(logits: Tensor, labels: Tensor, count: int) -> Tensor:
    """OHEM: half the cross entropy of the positives and half that of the `count` highest scored negatives of all processes.

    As in DeepLung (Zhu et al., doi:10.1109/WACV.2018.00079), which §IV-B compares with; the paper prints no formula of its own.

    Parameters
    ----------
    logits, labels
        (N,): labels 1, 0, or −1 (left out).
    """
    negative, positive = logits[labels == 0], logits[labels == 1]
    hardest = negative[negative >= highest(negative, count * processes())]
    return 0.5 * (mean(F.softplus(hardest)) + mean(F.softplus(-positive)))


def overlap_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """1 − IoU + squared distance of the centres over that of the farthest points, a mean over pairs of spheres; zero without any.

    The distance term draws spheres that do not touch together (Zheng et al., distance-IoU loss, doi:10.1609/aaai.v34i07.6999,
    here for balls). Unlike Smooth L1 on the logarithm of the ratio, it weighs errors of size and of place as the overlap does.

    Parameters
    ----------
    predicted, target
        (N, 4) spheres: z, y, x, diameter.
    """
    iou, distance, reach = paired_overlap(predicted, target)
    return mean(1 - iou + (distance / reach) ** 2)


def regression_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Smooth L1 over the four offsets of positive anchors; zero without any."""
    return mean(F.smooth_l1_loss(predicted, target, beta=0.1, reduction="none").sum(1))


def classification_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of the FPRN over labelled proposals (1, 0; −1 left out), positives and negatives weighing the same."""
    keep = labels >= 0
    each = F.binary_cross_entropy_with_logits(logits[keep], labels[keep].float(), reduction="none")
    sides = [each[labels[keep] == side] for side in (0, 1)]
    counts = total(torch.stack([each.new_tensor(float(len(side))) for side in sides]))
    return torch.stack([mean(side) for side in sides]).sum() / (counts > 0).sum().clamp(min=1)
