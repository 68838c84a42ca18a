"""The losses of 3D-AG: adaptive focal loss (eq. 3), Smooth L1 of the spheres, cross entropy of the FPRN."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

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
    true_negatives = (p < 0.5).sum().clamp(min=2).float()
    loss = t * torch.log(true_negatives) / true_negatives * focal.sum()
    if len(positive):
        loss = loss + F.softplus(-positive).mean()
    return loss


def hard_example_loss(logits: Tensor, labels: Tensor, count: int) -> Tensor:
    """OHEM: half the cross entropy of the positives and half that of the `count` highest scored negatives.

    As in DeepLung (Zhu et al., doi:10.1109/WACV.2018.00079), which §IV-B compares with; the paper prints no formula of its own.

    Parameters
    ----------
    logits, labels
        (N,): labels 1, 0, or −1 (left out).
    """
    negative, positive = logits[labels == 0], logits[labels == 1]
    hardest = negative.topk(min(count, len(negative))).values
    parts = [F.softplus(sign * part).mean() for sign, part in ((1, hardest), (-1, positive)) if len(part)]
    return 0.5 * torch.stack(parts).sum() if parts else logits.sum() * 0


def overlap_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """1 − IoU + squared distance of the centres over that of the farthest points, a mean over pairs of spheres; zero without any.

    The distance term draws spheres that do not touch together (Zheng et al., distance-IoU loss, doi:10.1609/aaai.v34i07.6999,
    here for balls). Unlike Smooth L1 on the logarithm of the ratio, it weighs errors of size and of place as the overlap does.

    Parameters
    ----------
    predicted, target
        (N, 4) spheres: z, y, x, diameter.
    """
    if not len(predicted):
        return predicted.sum()
    iou, distance, reach = paired_overlap(predicted, target)
    return (1 - iou + (distance / reach) ** 2).mean()


def regression_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Smooth L1 over the four offsets of positive anchors; zero without any."""
    if not len(predicted):
        return predicted.sum()
    return F.smooth_l1_loss(predicted, target, beta=0.1, reduction="sum") / len(predicted)


def classification_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of the FPRN over labelled proposals (1, 0; −1 left out), positives and negatives weighing the same."""
    keep = labels >= 0
    if not keep.any():
        return logits.sum() * 0
    each = F.binary_cross_entropy_with_logits(logits[keep], labels[keep].float(), reduction="none")
    return torch.stack(
        [each[labels[keep] == side].mean() for side in (0, 1) if (labels[keep] == side).any()]
    ).mean()
