"""Anchors of the three scales, their targets, and the encoding of spheres relative to them."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from ...ops.spheres import sphere_iou
from .config import Config


def anchor_grid(config: Config, shape: tuple[int, ...]) -> Tensor:
    """Anchors of a window, in the order of `Ag3d.rpn`.

    Parameters
    ----------
    shape
        The window's sides in voxels, multiples of 16.

    Returns
    -------
    Tensor
        (A, 5): z, y, x of the centre (voxel index), diameter, level (0, 1, 2 for strides 4, 8, 16).
    """
    levels = []
    for level in config.levels:
        stride, diameters = config.strides[level], config.anchors[level]
        axes = [(torch.arange(n // stride) + 0.5) * stride - 0.5 for n in shape]
        centers = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 1, 3)
        sizes = torch.tensor(diameters).reshape(1, -1, 1)
        grid = torch.cat([centers.expand(-1, len(diameters), -1), sizes.expand(len(centers), -1, -1)], -1)
        levels.append(
            torch.cat([grid.reshape(-1, 4), torch.full((grid.shape[0] * grid.shape[1], 1), level)], 1)
        )
    return torch.cat(levels).float()


window_anchors = lru_cache(maxsize=32)(anchor_grid)
"""`anchor_grid` of windows of a few sizes, kept: a whole scan has a million anchors and a size of its own."""


def anchors_at(config: Config, shape: tuple[int, ...], index: Tensor) -> Tensor:
    """Compute the anchors (K, 5) at some places (K,) of `anchor_grid` without making all of them."""
    found = torch.empty((len(index), 5), device=index.device)
    begin = 0
    for level in config.levels:
        stride, diameters = config.strides[level], config.anchors[level]
        sides = tuple(n // stride for n in shape)
        count = math.prod(sides) * len(diameters)
        here = (index >= begin) & (index < begin + count)
        cells = torch.stack(torch.unravel_index(index[here] - begin, (*sides, len(diameters))), 1)
        sizes = torch.tensor(diameters, device=index.device)[cells[:, 3]]
        level_of_each = torch.full_like(sizes, level)
        found[here] = torch.cat(
            [(cells[:, :3] + 0.5) * stride - 0.5, sizes[:, None], level_of_each[:, None]], 1
        )
        begin += count
    return found


def encode(spheres: Tensor, anchors: Tensor) -> Tensor:
    """Offsets (N, 4) of spheres from their anchors: centre in anchor diameters, log of the diameters' ratio."""
    return torch.cat(
        [(spheres[:, :3] - anchors[:, :3]) / anchors[:, 3:4], torch.log(spheres[:, 3:4] / anchors[:, 3:4])], 1
    )


def decode(offsets: Tensor, anchors: Tensor) -> Tensor:
    """The spheres (N, 4) of offsets: `encode`'s inverse, with the ratio held within e^±1.5."""
    ratio = offsets[:, 3:4].clamp(-1.5, 1.5).exp()
    return torch.cat([anchors[:, :3] + offsets[:, :3] * anchors[:, 3:4], ratio * anchors[:, 3:4]], 1)


def assign(
    anchors: Tensor, truth: Tensor, ignore: Tensor, positive: float, negative: float
) -> tuple[Tensor, Tensor]:
    """Which anchors stand for which nodule.

    An anchor is positive from IoU `positive`; the best anchor of each nodule is positive in any case, because with 0.5
    alone only one nodule in ten would get one. Negative below `negative` of every nodule; between, or on a finding of `ignore`,
    it takes no part.

    Parameters
    ----------
    anchors
        (A, 5), `truth` (M, 4) and `ignore` (K, 4): z, y, x, diameter.

    Returns
    -------
    labels : Tensor
        (A,): 1 positive, 0 negative, −1 left out.
    matched : Tensor
        (A,): index of the nodule with the highest IoU (0 where there is none).
    """
    labels = torch.zeros(len(anchors), dtype=torch.long)
    matched = torch.zeros(len(anchors), dtype=torch.long)
    if len(ignore):
        near = torch.cdist(anchors[:, :3], ignore[:, :3]) < (ignore[:, 3] / 2 + anchors[:, 3:4] / 2)
        labels[near.any(1)] = -1
    if len(truth):
        overlap = sphere_iou(anchors[:, :4], truth)
        best, matched = overlap.max(1)
        labels[best >= negative] = -1
        # A coarse anchor in the middle of a small nodule has a tiny IoU, yet counts as a hit: it is no negative.
        hit = (torch.cdist(anchors[:, :3], truth[:, :3]) < truth[:, 3] / 2).any(1)
        labels[hit] = -1
        labels[best >= positive] = 1
        nearest = overlap.argmax(0)
        labels[nearest] = 1
        matched[nearest] = torch.arange(len(truth))
    return labels, matched


def label_proposals(spheres: Tensor, truth: Tensor, ignore: Tensor) -> Tensor:
    """1 where the centre lies in a nodule (LUNA16's hit), −1 near its rim or on a finding left out, else 0."""
    labels = torch.zeros(len(spheres), dtype=torch.long, device=spheres.device)
    if len(ignore):
        labels[(torch.cdist(spheres[:, :3], ignore[:, :3]) < ignore[:, 3] / 2 + 2).any(1)] = -1
    if len(truth):
        distance = torch.cdist(spheres[:, :3], truth[:, :3])
        labels[(distance < truth[:, 3] / 2 + 2).any(1)] = -1
        labels[(distance < truth[:, 3] / 2).any(1)] = 1
    return labels
