"""Windows in, spheres out: the part of inference that training, evaluation and the predictor share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ...explain.answer import LIMIT, OVERLAP, PROPOSAL
from ...imaging.values import window_to_unit
from ...ops.spheres import nms_spheres, sphere_iou
from .anchors import anchors_at, decode
from .config import Config
from .network import Ag3d, Fprn

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
    anchor
        (K,) the anchors that they come from, by their place in `anchors.anchor_grid`; empty where nobody knows.
    """

    spheres: np.ndarray
    rpn: np.ndarray
    fprn: np.ndarray
    score: np.ndarray
    members: tuple[np.ndarray, ...] = ()
    anchor: np.ndarray = field(default_factory=lambda: np.zeros(0, int))

    def __len__(self) -> int:
        return len(self.score)

    def __getitem__(self, keep: np.ndarray) -> Detections:
        anchor = self.anchor[keep] if len(self.anchor) else self.anchor
        members = tuple(self.members[i] for i in np.arange(len(self))[keep]) if self.members else ()
        return Detections(
            self.spheres[keep], self.rpn[keep], self.fprn[keep], self.score[keep], members, anchor
        )

    def moved(self, offset: np.ndarray) -> Detections:
        """Centres shifted by (z, y, x) voxels."""
        by = np.array([*offset, 0.0])
        members = tuple(m + by for m in self.members)
        return Detections(self.spheres + by, self.rpn, self.fprn, self.score, members, self.anchor)


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


def normalise(hu: Tensor, config: Config) -> Tensor:
    """Scale HU over `config.hu_range` to −1 … 1, clipped."""
    return window_to_unit(hu.float(), *config.hu_range) * 2 - 1


@dataclass(frozen=True)
class Spare:
    """One anchor for which stages of a run are switched off, to see whether its mark then appears (`trace`).

    Parameters
    ----------
    anchor
        Its place in `anchors.anchor_grid`.
    off
        Words of `explain.answer`: what does not count for it.
    """

    anchor: int
    off: frozenset[str] = frozenset()

    def without(self, cause: str, anchors: np.ndarray) -> np.ndarray:
        """Test for which of some anchors a cause is switched off: bool (K,)."""
        return (anchors == self.anchor) & (cause in self.off)


NOBODY = Spare(-1)


@dataclass(frozen=True, eq=False)
class Proposals:
    """What the RPN proposes in one window.

    Parameters
    ----------
    scores
        (K,) descending.
    spheres
        (K, 4): z, y, x, diameter in voxels.
    levels
        (K,): the scale that proposed each.
    anchor
        (K,) the anchors, by their place in the grid.
    considered
        Anchors that were high enough, by descending score.
    survivors
        Those of them that suppression left, of which the first became proposals.
    """

    scores: Tensor
    spheres: Tensor
    levels: Tensor
    anchor: Tensor
    considered: np.ndarray
    survivors: np.ndarray


def propose(
    rpn: Tensor,
    anchors: Callable[[Tensor], Tensor],
    limit: int,
    iou: float,
    floor: float = 0.0,
    spare: Spare = NOBODY,
) -> Proposals:
    """The RPN's best spheres in one window.

    Parameters
    ----------
    rpn
        (A, 5): logit and offsets of each anchor.
    anchors
        Gives those (K, 5) at places (K,) of `anchors.anchor_grid`.
    limit
        How many at most, after suppression.
    floor
        Lowest RPN score.
    """
    scores = torch.sigmoid(rpn[:, 0])
    best, index = scores.topk(min(len(scores), 8 * limit))
    index = index[best > floor]
    index = _with_spared(index, scores, floor, spare)
    own_anchors = anchors(index)
    spheres = decode(rpn[index, 1:], own_anchors)
    survivors = nms_spheres(spheres.cpu().numpy(), scores[index].cpu().numpy(), iou)
    considered = index.cpu().numpy()
    own = np.flatnonzero(considered == spare.anchor)
    alive = np.union1d(survivors, own) if OVERLAP in spare.off else survivors
    keep = alive[:limit]
    if LIMIT in spare.off:
        keep = np.union1d(keep, np.intersect1d(own, alive))
    index, spheres, levels = index[keep], spheres[keep], own_anchors[keep, 4].long()
    return Proposals(scores[index], spheres, levels, index, considered, considered[survivors])


def _with_spared(index: Tensor, scores: Tensor, floor: float, spare: Spare) -> Tensor:
    """The anchors (K,) that are considered, with the spared one at the end where what keeps it out is switched off."""
    if spare.anchor < 0 or bool((index == spare.anchor).any()):
        return index
    outside = PROPOSAL if scores[spare.anchor] <= floor else LIMIT
    return torch.cat([index, index.new_tensor([spare.anchor])]) if outside in spare.off else index


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
    """Both branches on a pyramid: proposals, their second opinion, the combined score.

    Parameters
    ----------
    rpn
        The RPN's output where it is known already.
    """
    rpn = net.rpn(pyramid) if rpn is None else rpn
    return [reading.detections for reading in read_all(net.fprn, pyramid, rpn)]


@dataclass(frozen=True, eq=False)
class Reading:
    """Detections of one window, and the proposals that they come from."""

    detections: Detections
    proposals: Proposals


@torch.inference_mode()
def read_all(fprn: Fprn, pyramid: list[Tensor], rpn: Tensor, spare: Spare = NOBODY) -> list[Reading]:
    """As `read_off`, by the parts of the network that are needed. Proposals do not overlap, so nor do detections."""
    config = fprn.config
    shape = tuple(n * config.strides[0] for n in pyramid[0].shape[2:])
    anchors = partial(anchors_at, config, shape)
    limit = proposals_of(config, shape)
    found = [propose(r.float(), anchors, limit, config.nms_iou, config.rpn_floor, spare) for r in rpn]
    second = second_look(fprn, pyramid, [(p.spheres, p.levels) for p in found])
    results = []
    for proposals, other in zip(found, second, strict=True):
        numbers = (proposals.spheres, proposals.scores, other, combine(proposals.scores, other, config))
        marks, first, fprn_score, score = (n.cpu().numpy().astype(float) for n in numbers)
        detections = Detections(marks, first, fprn_score, score, anchor=proposals.anchor.cpu().numpy())
        results.append(Reading(detections[np.argsort(-score, kind="stable")], proposals))
    return results


def proposals_of(config: Config, shape: Sequence[int]) -> int:
    """How many proposals a window of so many voxels (3,) has at most."""
    return max(config.proposals, round(config.proposals * np.prod(shape) / 96**3))


@torch.inference_mode()
def second_look(
    fprn: Fprn, pyramid: list[Tensor], where: Sequence[tuple[Tensor, Tensor]]
) -> tuple[Tensor, ...]:
    """FPRN scores (K,), 0–1, of spheres (K, 4) and the levels (K,) that proposed them, for each window of a pyramid."""
    rows = [torch.cat([spheres, levels[:, None].float()], 1) for spheres, levels in where]
    return torch.sigmoid(fprn(pyramid, rows)).split([len(r) for r in rows])


def combine(rpn: Tensor, fprn: Tensor, config: Config) -> Tensor:
    """The calibrated score (K,) of both branches' scores."""
    return calibrate(config.rpn_weight * rpn + (1 - config.rpn_weight) * fprn, config)


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
    least
        Voxels that are added at least before and behind along each axis.
    """

    hu: np.ndarray
    least: int = 7

    @property
    def shape(self) -> tuple[int, ...]:
        """Sides of the whole, multiples of 16."""
        widths = pad_widths(self.hu.shape, self.least)
        return tuple(n + sum(w) for n, w in zip(self.hu.shape, widths, strict=True))

    @property
    def offset(self) -> np.ndarray:
        """(3,) index of the old first voxel."""
        return np.array([before for before, _ in pad_widths(self.hu.shape, self.least)])

    def slab(self, low: int, high: int) -> np.ndarray:
        """Slices `low` to `high` of the whole."""
        along, *across = pad_widths(self.hu.shape, self.least)
        index = np.clip(np.arange(low, high) - along[0], 0, len(self.hu) - 1)
        return np.pad(self.hu[index], [(0, 0), *across], mode="edge")


def detect_arrays(net: Ag3d, volumes: Sequence[np.ndarray], device: torch.device) -> list[Detections]:
    """Detect in small arrays of one shape (HU, 1 mm), edges continued; spheres in their own voxel indices."""
    padded = [pad_edge(v) for v in volumes]
    batch = torch.from_numpy(np.stack([p for p, _ in padded]))[:, None].to(device)
    return [d.moved(-offset) for d, (_, offset) in zip(detect(net, batch), padded, strict=True)]
