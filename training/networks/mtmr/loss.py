"""Losses of MTMR-Net (eqs. 1–5)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...fitting.processes import mean


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
        return mean(F.binary_cross_entropy_with_logits(logit, malignancy, reduction="none"))
    known = (malignancy - 0.5).abs() > 1e-3
    label = (malignancy[known] > 0.5).float()
    return mean(F.binary_cross_entropy_with_logits(logit[known], label, reduction="none"))


def regression_loss(predicted: Tensor, attributes: Tensor, kind: str) -> Tensor:
    """Error of the attributes (B, 8) on 0–1, summed over attributes, mean over nodules: eq. 2, or its smooth absolute kin."""
    if kind == "mse":
        return mean(F.mse_loss(predicted, attributes, reduction="none").sum(1))
    return mean(F.smooth_l1_loss(predicted, attributes, beta=0.05, reduction="none").sum(1))


def ranking_loss(score: Tensor, malignancy: Tensor, margin: float) -> Tensor:
    """Margin ranking of pairs, eq. 3, in the form that has a gradient.

    Eq. 3 takes the sign from the *predicted* order and the difference from the truth: constant almost everywhere. As in its
    source (Kong et al. 2016) the sign is the truth's here, and the difference that of the predicted scores. Pairs that the
    readers rank equal are left out.

    Parameters
    ----------
    score
        (B,) predicted malignancy, 0–1. Nodules 2i and 2i + 1 form a pair, the two branches of the Siamese network; a single
        one at the end has none.
    malignancy
        (B,) the readers' mean, 0–1.
    """
    end = len(score) // 2 * 2
    order = torch.sign(malignancy[:end:2] - malignancy[1:end:2])
    return mean(F.relu(margin - order * (score[:end:2] - score[1:end:2])) * (order != 0)) / 2
