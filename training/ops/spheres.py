"""Spheres as detection geometry: intersection over union, and non-maximum suppression."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

Values = TypeVar("Values", np.ndarray, Tensor)

TOUCHING = 1e-9
"""Distance from which on centres are apart: the formula of the lens divides by it."""
SHARED = 0.3
"""Fraction of the smaller ball from which two detections are one nodule; two balls of one size reach it at a radius' distance."""


def sphere_iou(a: Tensor, b: Tensor) -> Tensor:
    """Compute the intersection over union of balls, every one of `a` against every one of `b`.

    Parameters
    ----------
    a, b
        (N, 4) and (M, 4): z, y, x, diameter in one unit of length.

    Returns
    -------
    Tensor
        (N, M), 0–1.

    """
    d = torch.cdist(a[:, :3].double(), b[:, :3].double())
    ra, rb = a[:, None, 3].double() / 2, b[None, :, 3].double() / 2
    overlap = _lens(d.clamp((ra - rb).abs().clamp(min=TOUCHING), ra + rb), ra, rb)
    union = 4 / 3 * torch.pi * (ra**3 + rb**3) - overlap
    return (overlap / union).to(a.dtype)


def paired_overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Compute how each ball of `a` lies to the same of `b`, with gradients also where one holds the other.

    Parameters
    ----------
    a, b
        (N, 4): z, y, x, diameter in one unit of length.

    Returns
    -------
    iou : Tensor
        (N,) intersection over union, 0–1.
    distance : Tensor
        (N,) of the centres.
    reach : Tensor
        (N,) diameter of the smallest ball that holds both.
    """
    # A root has no slope at 0: centres that coincide are taken a little apart.
    d = ((a[:, :3] - b[:, :3]).double() ** 2).sum(1).clamp(min=1e-12).sqrt()
    ra, rb = a[:, 3].double() / 2, b[:, 3].double() / 2
    smaller = 4 / 3 * math.pi * torch.minimum(ra, rb) ** 3
    apart, nested = d >= ra + rb, d <= (ra - rb).abs()
    shared = torch.where(nested, smaller, torch.where(apart, 0.0, _lens(d, ra, rb)))
    union = 4 / 3 * math.pi * (ra**3 + rb**3) - shared
    reach = torch.maximum(d + ra + rb, 2 * torch.maximum(ra, rb))
    return (shared / union).to(a.dtype), d.to(a.dtype), reach.to(a.dtype)


def _lens(d: Values, ra: Values, rb: Values | float) -> Values:
    """Compute the volume that two balls share (Weisstein, "Sphere-Sphere Intersection", MathWorld).

    Parameters
    ----------
    d
        Distance of the centres, held between |ra − rb| (and `TOUCHING`) and ra + rb: there the lens is the smaller ball, and 0.
    ra, rb
        Radii.
    """
    return math.pi * (ra + rb - d) ** 2 * (d**2 + 2 * d * (ra + rb) - 3 * (ra - rb) ** 2) / (12 * d)


def nms_spheres(spheres: np.ndarray, scores: np.ndarray, iou: float = 0.1) -> np.ndarray:
    """Suppress spheres that a better one overlaps (greedy non-maximum suppression).

    A sphere falls to a better one when their IoU passes `iou`, or when the two share more than `SHARED` of the smaller
    ball: a small detection in or on the rim of a large one is the same nodule though its IoU is tiny.

    Parameters
    ----------
    spheres
        (N, 4): z, y, x, diameter.
    scores
        (N,).
    iou
        Overlap from which the lower score falls.

    Returns
    -------
    ndarray
        Indices of the survivors, by descending score (ties by index).
    """
    spheres, scores = np.asarray(spheres, float), np.asarray(scores, float)
    order = np.argsort(-scores, kind="stable")
    if len(order) < 2:
        return order
    ranked = spheres[order]
    centers, radii = ranked[:, :3], ranked[:, 3] / 2
    tree = cKDTree(centers)
    alive = np.ones(len(order), bool)
    largest = radii.max()
    for i in range(len(order)):
        if not alive[i]:
            continue
        # Only balls nearer than the sum of the radii can touch: the tree keeps this linear on scattered detections.
        near = np.asarray(tree.query_ball_point(centers[i], radii[i] + largest))
        near = near[(near > i) & alive[near]]
        if not len(near):
            continue
        alive[near[same_nodule(ranked[near], ranked[i], iou)]] = False
    return order[alive]


def same_nodule(spheres: np.ndarray, other: np.ndarray, iou: float) -> np.ndarray:
    """Test which spheres (N, 4) are one nodule with another (4,), as `nms_spheres` has it: bool (N,)."""
    radii, radius = spheres[:, 3] / 2, other[3] / 2
    distance = np.linalg.norm(spheres[:, :3] - other[:3], axis=1)
    nearest = np.maximum(np.abs(radii - radius), TOUCHING)
    shared = _lens(np.clip(distance, nearest, radii + radius), radii, radius)
    volumes = [4 / 3 * np.pi * r**3 for r in (radii, radius)]
    union = volumes[0] + volumes[1] - shared
    return (shared > SHARED * np.minimum(*volumes)) | (shared > iou * union)
