"""Spheres as detection geometry: intersection over union, and non-maximum suppression."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

SHARED = 0.3
"""Share of the smaller ball from which two detections are one nodule; two balls of one size reach it at a radius' distance."""


def sphere_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of balls, every one of `a` against every one of `b`.

    Parameters
    ----------
    a, b
        (N, 4) and (M, 4): z, y, x, diameter in one unit of length.

    Returns
    -------
    Tensor
        (N, M), 0–1.

    Notes
    -----
    Volume of the lens of two balls of radii R and r at distance d (Weisstein, "Sphere-Sphere Intersection", MathWorld):
    ``π (R + r − d)² (d² + 2d(r + R) − 3(r − R)²) / 12d``.
    """
    d = torch.cdist(a[:, :3].double(), b[:, :3].double())
    ra, rb = a[:, None, 3].double() / 2, b[None, :, 3].double() / 2
    smaller = torch.minimum(ra, rb)
    inside = d <= (ra - rb).abs()
    safe = d.clamp(min=1e-9)
    lens = torch.pi * (ra + rb - d) ** 2 * (d**2 + 2 * d * (ra + rb) - 3 * (ra - rb) ** 2) / (12 * safe)
    overlap = torch.where(inside, 4 / 3 * torch.pi * smaller**3, lens)
    overlap = torch.where(d >= ra + rb, torch.zeros_like(overlap), overlap)
    union = 4 / 3 * torch.pi * (ra**3 + rb**3) - overlap
    return (overlap / union).to(a.dtype)


def nms_spheres(spheres: np.ndarray, scores: np.ndarray, iou: float = 0.1) -> np.ndarray:
    """Greedy non-maximum suppression of spheres.

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
        distance = np.linalg.norm(centers[near] - centers[i], axis=1)
        shared = _shared_volume(distance, radii[near], radii[i])
        volumes = [4 / 3 * np.pi * r**3 for r in (radii[near], radii[i])]
        union = volumes[0] + volumes[1] - shared
        alive[near[(shared > SHARED * np.minimum(*volumes)) | (shared > iou * union)]] = False
    return order[alive]


def _shared_volume(d: np.ndarray, ra: np.ndarray, rb: float) -> np.ndarray:
    """Volume of the lens of pairs of balls given by distance and radii, as in `sphere_iou`."""
    lens = (
        np.pi
        * (ra + rb - d) ** 2
        * (d**2 + 2 * d * (ra + rb) - 3 * (ra - rb) ** 2)
        / (12 * np.maximum(d, 1e-9))
    )
    shared = np.where(d <= np.abs(ra - rb), 4 / 3 * np.pi * np.minimum(ra, rb) ** 3, lens)
    return np.where(d >= ra + rb, 0, shared)
