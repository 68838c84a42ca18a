"""Windows in, spheres out: the part of inference that training, evaluation and the predictor share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ...imaging.values import window_to_unit
from ...ops.spheres import nms_spheres, sphere_iou
from .anchors import anchor_grid, decode
from .config import Config
from .network import Ag3d

GRID = 16
"""The coarsest stride: sides of what the network sees are multiples of it."""


@dataclass(frozen=True)
class Detections:
    """Spheres of one window or volume.

    Parameters
    ----------
    spheres
        (K, 4): z, y, x, diameter, in voxels of 1 mm.
    rpn, fprn
        (K,) scores of the two branches, 0–1.
    score
        (K,) combined, by descending order.
    members
        The marks that each was joined from, (M, 4) as `spheres`, or empty where nothing was joined yet.
    """

    spheres: np.ndarray
    rpn: np.ndarray
    fprn: np.ndarray
    score: np.ndarray
    members: tuple[np.ndarray, ...] = ()

    def __len__(self) -> int:
        return len(self.score)

    def __getitem__(self, keep: np.ndarray) -> Detections:
        return Detections(self.spheres[keep], self.rpn[keep], self.fprn[keep], self.score[keep])

    def moved(self, offset: np.ndarray) -> Detections:
        """Centres shifted by (z, y, x) voxels."""
        by = np.array([*offset, 0.0])
        members = tuple(m + by for m in self.members)
        return Detections(self.spheres + by, self.rpn, self.fprn, self.score, members)


Branch = Literal["rpn", "fprn", "combined"]
"""Whose score ranks the marks (Table III has all three)."""


def scored_by(detections: Detections, branch: Branch, rpn_weight: float = 0.5) -> Detections:
    """The marks by descending score of one branch, or of the branches' mean as it is before calibration."""
    mean = rpn_weight * detections.rpn + (1 - rpn_weight) * detections.fprn
    score = {"rpn": detections.rpn, "fprn": detections.fprn, "combined": mean}[branch]
    return replace(detections, score=score)[np.argsort(-score, kind="stable")]


def merge(
    a: Detections, b: Detections, keep: Literal["union", "intersection"], iou: float = 0.05
) -> Detections:
    """Merge what two detectors mark in one volume: overlapping marks are averaged (Table III, "Merged").

    Parameters
    ----------
    a, b
        In voxels of the same volume; the paper merges 3D-AG with and without Local Magnification.
    keep
        Whether marks of one detector alone stay as they are (``"union"``) or fall (``"intersection"``).
    iou
        From which overlap two marks are one; each has at most one partner, the one with the largest overlap first.
    """
    overlap = sphere_iou(torch.from_numpy(a.spheres), torch.from_numpy(b.spheres)).numpy()
    where = np.argwhere(overlap >= iou)
    pairs: dict[int, int] = {}
    for i, j in where[np.argsort(-overlap[tuple(where.T)], kind="stable")].tolist():
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    first, second = np.array(list(pairs.items()), int).reshape(-1, 2).T
    alone = np.setdiff1d(np.arange(len(a)), first), np.setdiff1d(np.arange(len(b)), second)

    def joined(of_a: np.ndarray, of_b: np.ndarray) -> np.ndarray:
        mean = (of_a[first] + of_b[second]) / 2
        return mean if keep == "intersection" else np.concatenate([mean, of_a[alone[0]], of_b[alone[1]]])

    merged = Detections(
        joined(a.spheres, b.spheres),
        joined(a.rpn, b.rpn),
        joined(a.fprn, b.fprn),
        joined(a.score, b.score),
    )
    return merged[np.argsort(-merged.score, kind="stable")]


def suppress(detections: Detections, iou: float) -> Detections:
    """Non-maximum suppression by the combined score."""
    return detections[nms_spheres(detections.spheres, detections.score, iou)]


def normalise(hu: Tensor, config: Config) -> Tensor:
    """Scale HU over `config.hu_range` to −1 … 1, clipped."""
    return window_to_unit(hu.float(), *config.hu_range) * 2 - 1


def propose(
    rpn: Tensor, anchors: Tensor, limit: int, iou: float, floor: float = 0.0
) -> tuple[Tensor, Tensor, Tensor]:
    """The RPN's best spheres in one window.

    Parameters
    ----------
    rpn
        (A, 5): logit and offsets of each anchor.
    anchors
        (A, 5), see `anchor_grid`.
    limit
        How many at most, after suppression.
    floor
        Lowest RPN score.

    Returns
    -------
    scores : Tensor
        (K,) descending.
    spheres : Tensor
        (K, 4): z, y, x, diameter in voxels.
    levels : Tensor
        (K,): the scale that proposed each.
    """
    scores = torch.sigmoid(rpn[:, 0])
    best, index = scores.topk(min(len(scores), 8 * limit))
    index = index[best > floor]
    spheres = decode(rpn[index, 1:], anchors[index])
    keep = nms_spheres(spheres.cpu().numpy(), scores[index].cpu().numpy(), iou)[:limit]
    index, spheres = index[keep], spheres[keep]
    return scores[index], spheres, anchors[index, 4].long()


def calibrate(score: Tensor, config: Config) -> Tensor:
    """The combined score as a probability of a true nodule: a line on the log odds, fitted on the dev scans."""
    slope, intercept = config.calibration
    return torch.sigmoid(slope * torch.logit(score, eps=1e-6) + intercept)


@torch.inference_mode()
def detect(net: Ag3d, hu: Tensor) -> list[Detections]:
    """Detect in windows of equal size.

    Parameters
    ----------
    net
        In evaluation mode.
    hu
        (B, 1, D, H, W) in Hounsfield units at 1 mm, sides multiples of 16, on the network's device.

    Returns
    -------
    list of Detections
        One for each window, in its voxel indices.
    """
    x = normalise(hu, net.config).contiguous(memory_format=torch.channels_last_3d)
    return read_off(net, net.backbone(x))


@torch.inference_mode()
def read_off(net: Ag3d, pyramid: list[Tensor], rpn: Tensor | None = None) -> list[Detections]:
    """Both branches on a pyramid: proposals, their second opinion, the combined score, suppression.

    Parameters
    ----------
    rpn
        The RPN's output where it is known already.
    """
    return [suppress(each, net.config.nms_iou) for each in candidates(net, pyramid, rpn)]


@torch.inference_mode()
def candidates(net: Ag3d, pyramid: list[Tensor], rpn: Tensor | None = None) -> list[Detections]:
    """What `read_off` suppresses: every proposal with both branches' scores, in the order in which FPRN was given them."""
    config = net.config
    shape = tuple(n * config.strides[0] for n in pyramid[0].shape[2:])
    if rpn is None:
        rpn = net.rpn(pyramid)
    anchors = anchor_grid(config, shape).to(rpn.device)
    limit = max(config.proposals, round(config.proposals * np.prod(shape) / 96**3))
    found = [propose(r.float(), anchors, limit, config.nms_iou, config.rpn_floor) for r in rpn]
    rows = [torch.cat([spheres, levels[:, None].float()], 1) for _, spheres, levels in found]
    fprn = torch.sigmoid(net.fprn(pyramid, rows)).split([len(r) for r in rows])
    results = []
    for (scores, spheres, _), second in zip(found, fprn, strict=True):
        combined = config.rpn_weight * scores + (1 - config.rpn_weight) * second
        numbers = (spheres, scores, second, calibrate(combined, config))
        marks, first, other, score = (n.cpu().numpy().astype(float) for n in numbers)
        results.append(Detections(marks, first, other, score))
    return results


def pad_widths(shape: Sequence[int], least: int = 7) -> list[tuple[int, int]]:
    """Voxels to add before and behind along each axis, so that sides become multiples of 16."""
    total = [-(-(n + 2 * least) // GRID) * GRID for n in shape]
    return [((t - n) // 2, t - n - (t - n) // 2) for t, n in zip(total, shape, strict=True)]


def pad_edge(hu: np.ndarray, least: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Continue the edges so that sides become multiples of 16; also gives the offset (3,) of the old first voxel."""
    widths = pad_widths(hu.shape, least)
    return np.pad(hu, widths, mode="edge"), np.array([before for before, _ in widths])


@dataclass(frozen=True, eq=False)
class PaddedVolume:
    """A volume as `pad_edge` makes it, of which only slabs are ever made.

    Parameters
    ----------
    hu
        (z, y, x) in Hounsfield units at 1 mm.
    """

    hu: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """Sides of the whole, multiples of 16."""
        return tuple(n + sum(w) for n, w in zip(self.hu.shape, pad_widths(self.hu.shape), strict=True))

    @property
    def offset(self) -> np.ndarray:
        """(3,) index of the old first voxel."""
        return np.array([before for before, _ in pad_widths(self.hu.shape)])

    def slab(self, low: int, high: int) -> np.ndarray:
        """Slices `low` to `high` of the whole."""
        along, *across = pad_widths(self.hu.shape)
        index = np.clip(np.arange(low, high) - along[0], 0, len(self.hu) - 1)
        return np.pad(self.hu[index], [(0, 0), *across], mode="edge")


def detect_arrays(net: Ag3d, volumes: Sequence[np.ndarray], device: torch.device) -> list[Detections]:
    """Detect in small arrays of one shape (HU, 1 mm), edges continued; spheres in their own voxel indices."""
    padded = [pad_edge(v) for v in volumes]
    batch = torch.from_numpy(np.stack([p for p, _ in padded]))[:, None].to(device)
    return [d.moved(-offset) for d, (_, offset) in zip(detect(net, batch), padded, strict=True)]
