"""Probability maps of a radiograph: the network, and its mean with the mirrored radiograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .network import MoSegNet, normalise


@dataclass(frozen=True, eq=False)
class Maps:
    """Probabilities at each radiograph pixel.

    Parameters
    ----------
    lesions
        float32 (lesions, h, w).
    lungs
        float32 (classes, h, w), background first; None from a network with a single task.
    """

    lesions: np.ndarray
    lungs: np.ndarray | None


@torch.inference_mode()
def probability_maps(net: MoSegNet, pixels: np.ndarray, device: torch.device) -> Maps:
    """The maps of one radiograph.

    Parameters
    ----------
    net
        In evaluation mode and on `device`.
    pixels
        float32 (h, w), 0–1, as `imaging.radiograph` makes them.
    """
    x = normalise(
        torch.from_numpy(np.ascontiguousarray(pixels, np.float32))[None, None].to(device),
        net.config.local_contrast,
    )
    lesions, lungs = _softmax(net, x)
    if net.config.mirror:
        mirrored_lesions, mirrored_lungs = _softmax(net, x.flip(-1))
        lesions = (lesions + mirrored_lesions.flip(-1)) / 2
        if lungs is not None and mirrored_lungs is not None:
            lungs = (lungs + swapped(mirrored_lungs).flip(-1)) / 2
    return Maps(lesions[1:].cpu().numpy(), None if lungs is None else lungs.cpu().numpy())


def _softmax(net: MoSegNet, x: Tensor) -> tuple[Tensor, Tensor | None]:
    lesions, lungs = net(x.contiguous(memory_format=torch.channels_last))
    return lesions[0].softmax(0), None if lungs is None else lungs[0].softmax(0)


def swapped(lungs: Tensor) -> Tensor:
    """Right and left exchanged (classes, h, w); what has no sides stays."""
    return lungs[[0, 2, 1]] if len(lungs) == 3 else lungs
