"""The loss of MT-CNN (eq. 1–3) and the weights of the views from their AUCs (Algorithm 1)."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...fitting.processes import total
from ...metrics.characterisation.classification import roc_auc


def multi_task_loss(
    logits: Tensor,
    images: Tensor | None,
    target: Tensor,
    views: Tensor,
    alpha: float,
    masks: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Eq. 3 for each view, over the nodules of all processes: cross entropy of the class, α times the mean one of the pixels.

    Parameters
    ----------
    logits, views
        (B, V) and (B, V, n, n) in 0…1.
    images
        (B, V, C, n, n) pixels' logits, or None for the single-task network.
    target
        (B,) 0…1; NaN where the class is left out. The pixels of every nodule count.
    masks
        (B, V, n, n) in 0…1 where C is 2. A nodule fills few pixels of a view, so its mask counts by soft Dice too.

    Returns
    -------
    classification, reconstruction : Tensor
        (V,) each; the latter already times `alpha`. Their sum is the loss of each view's network.
    """
    known = ~torch.isnan(target)
    targets = target[known, None].expand(-1, logits.shape[1])
    classification = _mean(F.binary_cross_entropy_with_logits(logits[known], targets, reduction="none"))
    if images is None:
        return classification, torch.zeros_like(classification)
    pixels = _entropy(images[:, :, 0], views)
    if masks is not None:
        drawn = torch.sigmoid(images[:, :, 1])
        both, sum_ = (drawn * masks).sum((2, 3)), (drawn + masks).sum((2, 3))
        pixels = pixels + _entropy(images[:, :, 1], masks) + 1 - (2 * both + 1) / (sum_ + 1)
    return classification, alpha * _mean(pixels)


def _entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    """Mean cross entropy (B, V) of pixels (B, V, n, n)."""
    return F.binary_cross_entropy_with_logits(logits, wanted, reduction="none").mean((2, 3))


def _mean(values: Tensor) -> Tensor:
    """Mean (V,) of each view over the nodules (B, V) of all processes; 0 without any."""
    sums = total(torch.cat([values.sum(0), values.new_tensor([float(len(values))])]))
    return sums[:-1] / sums[-1].clamp(min=1)


def fusion_weights(probabilities: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Algorithm 1, line 7: ω_v = AUC_v / Σ AUC_v.

    Parameters
    ----------
    probabilities
        (N, 9) of the training nodules.
    label
        (N,) 1, 0, or −1 (left out).

    Returns
    -------
    ndarray
        (9,); equal weights where only one class is there, or no view is right about any pair.
    """
    equal = np.full(probabilities.shape[1], 1 / probabilities.shape[1])
    keep = label >= 0
    if len(np.unique(label[keep])) < 2:
        return equal
    auc = np.array([roc_auc(label[keep], column) for column in probabilities[keep].T])
    return auc / auc.sum() if auc.any() else equal
