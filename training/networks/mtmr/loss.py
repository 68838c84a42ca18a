"""Losses of MTMR-Net (eqs. 1–5)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def classification_loss(logit: Tensor, malignancy: Tensor, soft: bool) -> Tensor:
    """Cross entropy, eq. 1.

    Parameters
    ----------
    logit
        (B,) log odds.
    malignancy
        (B,) the readers' mean on 0–1. Unless `soft`, 0.5 is neither benign nor malignant and left out.
    """
    if soft:
        return F.binary_cross_entropy_with_logits(logit, malignancy)
    known = (malignancy - 0.5).abs() > 1e-3
    if not known.any():
        return logit.sum() * 0
    return F.binary_cross_entropy_with_logits(logit[known], (malignancy[known] > 0.5).float())


def regression_loss(predicted: Tensor, attributes: Tensor, kind: str) -> Tensor:
    """Error of the attributes (B, 8) on 0–1, summed over attributes, mean over nodules: eq. 2, or its smooth absolute kin."""
    if kind == "mse":
        return F.mse_loss(predicted, attributes, reduction="none").sum(1).mean()
    return F.smooth_l1_loss(predicted, attributes, beta=0.05, reduction="none").sum(1).mean()


def ranking_loss(score: Tensor, malignancy: Tensor, margin: float) -> Tensor:
    """Margin ranking of pairs, eq. 3, in the form that has a gradient.

    Eq. 3 takes the sign from the *predicted* order and the difference from the truth: constant almost everywhere. As in its
    source (Kong et al. 2016) the sign is the truth's here, and the difference that of the predicted scores. Pairs that the
    readers rank equal are left out.

    Parameters
    ----------
    score
        (B,) predicted malignancy, 0–1. Nodule i forms a pair with nodule i + B/2: the two branches of the Siamese network.
    malignancy
        (B,) the readers' mean, 0–1.
    """
    first, second = score.chunk(2)[0], score.chunk(2)[1]
    one, other = malignancy.chunk(2)[0], malignancy.chunk(2)[1]
    n = len(second)
    order = torch.sign(one[:n] - other)
    return (F.relu(margin - order * (first[:n] - second)) * (order != 0)).sum() / (2 * max(n, 1))
