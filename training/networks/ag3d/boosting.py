"""Anchor-based sampling (§IV-C): which patches a network finds hard, so that they are drawn more often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...data.public.luna16_nodules import NoduleCube, to_hu
from .anchors import label_proposals
from .detect import Detections, detect_arrays
from .network import Ag3d
from .patches import Block, crop


def hardness_of(scores: Tensor, spheres: Tensor, label: Tensor, truth: Tensor) -> float:
    """How hard a patch is, 0–1: its best false alarm, or its worst missed nodule.

    Parameters
    ----------
    scores, spheres, label
        (K,), (K, 4) and (K,) of proposals: the RPN's score, z, y, x, diameter, and what `anchors.label_proposals` says.
    truth
        (M, 4) nodules.
    """
    false = scores[label == 0].max().item() if (label == 0).any() else 0.0
    near = torch.cdist(truth[:, :3], spheres[:, :3]) < truth[:, 3:4] / 2
    best = (near * scores[None]).amax(1) if len(spheres) else torch.zeros(len(truth))
    missed = (1 - best).max().item() if len(truth) else 0.0
    return max(false, missed)


def hardness_of_marks(marks: Detections, truth: Tensor, ignore: Tensor) -> float:
    """How hard the patch is that a network marked so."""
    spheres = torch.from_numpy(marks.spheres).float()
    return hardness_of(
        torch.from_numpy(marks.rpn).float(), spheres, label_proposals(spheres, truth, ignore), truth
    )


def cube_hardness(net: Ag3d, cubes: Sequence[NoduleCube], batch: int = 8) -> Tensor:
    """How badly a network does on each whole cube: (len(cubes),), 0–1."""
    device = next(net.parameters()).device
    found = []
    for start in range(0, len(cubes), batch):
        part = cubes[start : start + batch]
        marked = detect_arrays(net, [to_hu(c.voxels) for c in part], device)
        for cube, marks in zip(part, marked, strict=True):
            whole = crop(
                Block(cube.voxels, cube.truth, cube.excluded), np.zeros(3, int), np.array(cube.voxels.shape)
            )
            truth, ignore = (torch.from_numpy(s).float() for s in (whole.truth, whole.ignore))
            found.append(hardness_of_marks(marks, truth, ignore))
    return torch.tensor(found)
