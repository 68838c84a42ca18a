"""Losses: the paper's weighted cross entropy (eq. 1, 2), and the ones that the shipped weights were trained with."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ...fitting.processes import total


def adaptive_weights(labels: Tensor, classes: int, cap: float) -> Tensor:
    """Weights of classes by what is in the batch: w_c = (N − r_c) / r_c (eq. 1), at most `cap`; 0 where a class is absent.

    In a batch without lesion the background's weight is 0 as well: taken as printed, such radiographs teach the lesion branch
    nothing (the paper trains on radiographs with nodules only).

    Parameters
    ----------
    labels
        Integers (B, h, w), 0 is background.
    """
    count = total(torch.bincount(labels.flatten(), minlength=classes).float())
    return torch.where(count > 0, (count.sum() - count) / count.clamp(min=1), 0.0).clamp(max=cap)


def weighted_cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Eq. 1: the mean over all pixels of −w_c log p_c, c the pixel's class.

    Parameters
    ----------
    logits, labels
        (B, C, h, w) and integers (B, h, w).
    weights
        (C,), or None for 1 everywhere.
    """
    loss = functional.cross_entropy(logits, labels, weights, reduction="sum")
    sums = total(torch.stack([loss, loss.new_tensor(float(labels.numel()))]))
    return sums[0] / sums[1].clamp(min=1)


def dice_loss(probabilities: Tensor, labels: Tensor, uncertain: Tensor | None = None) -> Tensor:
    """1 − Dice over the whole batch, the mean over the classes but background; 1 is added above and below."""
    truth = functional.one_hot(labels, probabilities.shape[1]).movedim(-1, 1).to(probabilities.dtype)
    if uncertain is not None:
        certain = ~uncertain[:, None]
        probabilities, truth = probabilities * certain, truth * certain
    axes = (0, 2, 3)
    sums = total(torch.stack([(probabilities * truth).sum(axes), (probabilities + truth).sum(axes)]))
    both, size = sums[:, 1:]
    return (1 - (2 * both + 1) / (size + 1)).mean()


def focal_loss(
    logits: Tensor, labels: Tensor, alpha: float, gamma: float, uncertain: Tensor | None = None
) -> Tensor:
    """Lin et al.'s focal loss over classes, summed and divided by the lesions' pixels (at least 100 for each radiograph).

    Every radiograph counts, those without lesion by their false alarms.

    Parameters
    ----------
    alpha
        Share of the lesion classes; background has 1 − `alpha`.
    gamma
        How much what is known already counts less.
    uncertain
        Boolean (B, h, w): pixels that count nothing.
    """
    log_p = functional.log_softmax(logits, 1).gather(1, labels[:, None])[:, 0]
    fraction = torch.where(labels > 0, alpha, 1 - alpha)
    if uncertain is not None:
        fraction = fraction * ~uncertain
    loss = -(fraction * (1 - log_p.exp()) ** gamma * log_p).sum()
    counts = total(torch.stack([(labels > 0).sum(), loss.new_tensor(100 * len(labels))]).to(loss.dtype))
    return total(loss) / counts.max().clamp(min=1)


def lesion_loss(
    logits: Tensor,
    labels: Tensor,
    kind: str,
    cap: float,
    alpha: float,
    gamma: float,
    uncertain: Tensor | None = None,
) -> Tensor:
    """L_y of eq. 2: ``"cross_entropy"`` as in the paper, or ``"focal_dice"``, focal loss and Dice.

    Parameters
    ----------
    logits, labels
        Radiographs whose lesions are known: (B, C, h, w) and integers (B, h, w). 0 when there are none.
    uncertain
        Boolean (B, h, w): pixels that count nothing; the paper's loss knows none.
    """
    if kind == "cross_entropy":
        return weighted_cross_entropy(logits, labels, adaptive_weights(labels, logits.shape[1], cap))
    focal = focal_loss(logits, labels, alpha, gamma, uncertain)
    return focal + dice_loss(logits.softmax(1), labels, uncertain)


def lung_loss(logits: Tensor, labels: Tensor, sides: Tensor, kind: str, cap: float) -> Tensor:
    """L_z of eq. 2: ``"cross_entropy"`` as in the paper, or ``"dice"``, plain cross entropy and Dice.

    Parameters
    ----------
    logits, labels
        Radiographs whose lungs are known: (B, C, h, w) and integers (B, h, w): 0 background, 1 right, 2 left lung. 0 when there
        are none.
    sides
        Boolean (B,): where False, the labels do not tell the sides apart and only the union is judged.
    """
    whole = logits.sum() * 0
    share = total(torch.stack([sides.sum(), (~sides).sum()]).to(logits.dtype))
    share = share / share.sum().clamp(min=1)
    merged = torch.stack([logits[:, 0], logits[:, 1:].logsumexp(1)], 1)
    for chosen, x, y, part in (
        (sides, logits, labels, share[0]),
        (~sides, merged, (labels > 0).long(), share[1]),
    ):
        if not part:
            continue
        x, y = x[chosen], y[chosen]
        if kind == "cross_entropy":
            loss = weighted_cross_entropy(x, y, adaptive_weights(y, x.shape[1], cap))
        else:
            loss = weighted_cross_entropy(x, y) + dice_loss(x.softmax(1), y)
        whole = whole + loss * part
    return whole


def joint_loss(lesion: Tensor, lung: Tensor | None, balance: float) -> Tensor:
    """Eq. 2: λ L_y + (1 − λ) L_z; L_y alone for a network with a single task."""
    return lesion if lung is None else balance * lesion + (1 - balance) * lung
