"""Why DHN marks a place of a radiograph, or why not: what a run has in memory anyway, kept and asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torchvision.ops import box_iou, clip_boxes_to_image

from ...explain.answer import (
    FIELD,
    FLOOR,
    LIMIT,
    NOTHING,
    OVERLAP,
    PROPOSAL,
    SCORES,
    SMALL,
    UNSEEN,
    Answer,
    Cause,
    Place,
    Stage,
    lower,
    promising,
)
from ...findings import Box
from ...imaging.radiograph.network_input import RadiographInput
from ...inference.predictor import SCORE_FLOOR, ModelInfo
from ...metrics.froc.boxes import IOU
from ...ops.logits import calibrated
from .local_head import SMALLEST, LocalHead, Looks, chosen_boxes

MOST = 16
"""Boxes of the RPN that are looked at closer at a place without a proposal."""


def on_picture(boxes: torch.Tensor, radiograph: RadiographInput) -> tuple[np.ndarray, np.ndarray]:
    """Cut boxes (K, 4) at the rim of the picture: corners (K, 2, 2) y, x in radiograph pixels, and whether enough is left."""
    low, high = radiograph.rim
    corners = boxes.cpu().numpy().astype(float)[:, [1, 0, 3, 2]].reshape(-1, 2, 2)
    corners = np.clip(corners, low, high)
    return corners, np.all(corners[:, 1] - corners[:, 0] >= SMALLEST, axis=1)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Boxes at a place, K of them, with what the run had against each.

    Parameters
    ----------
    number
        (K,) proposals, or, from their count on, boxes of the RPN that were no proposals.
    boxes
        (K, 4) x0, y0, x1, y1 in radiograph pixels.
    first, score
        (K,) the RPN's and the calibrated RoI head's score.
    against
        By word of `explain.answer`, bool (K,).
    """

    number: np.ndarray
    boxes: torch.Tensor
    first: np.ndarray
    score: np.ndarray
    against: dict[str, np.ndarray]


class DhnTrace:
    """A run's reasons.

    Parameters
    ----------
    info
        Of the network.
    head
        On the CPU, to look closer at places again that the run did not look at closer.
    looks
        On the CPU.
    radiograph
        What the network saw.
    """

    def __init__(self, info: ModelInfo, head: LocalHead, looks: Looks, radiograph: RadiographInput) -> None:
        self.model, self.version, self.title = info.name, info.version, info.title
        self._head, self._looks, self._radiograph = head, looks, radiograph
        self._config = head.config

    @property
    def nbytes(self) -> int:
        """Memory that it holds."""
        looks = self._looks
        tensors = (looks.boxes, looks.all_boxes, looks.all_objectness, *looks.features)
        return sum(t.nbytes for t in tensors) + self._radiograph.pixels.nbytes

    def answer(self, place: Place) -> Answer:
        """Say which box is at a place, shown or not, or why the run made none."""
        answer = Answer(self.model, self.title, place)
        y, x = self._radiograph.from_world(place.point)
        row, column = int(np.floor(y)), int(np.floor(x))
        side = len(self._radiograph.pixels)
        if not (0 <= row < side and 0 <= column < side and self._radiograph.inside[row, column]):
            words = f"{self.title} did not look here: the place lies beside the picture."
            return replace(answer, causes=(Cause(UNSEEN, words),))
        candidates = self._proposals(place)
        if candidates is None:
            candidates = self._others(place)
        if candidates is None:
            words = (
                f"{self.title} sees nothing like a nodule here: no box that it can propose covers the place."
            )
            return replace(answer, causes=(Cause(NOTHING, words),))
        proposed = not candidates.against[PROPOSAL].any()
        # What the RoI head says of places that it never learnt from counts less than the RPN's own word.
        best = candidates.score if proposed else candidates.first
        return self._told(answer, candidates, promising(candidates.against, best)[0])

    def marks_without(self, answer: Answer) -> list[tuple[Box, float]]:
        """Choose the boxes again without an answer's causes: all marks, with their scores."""
        off = frozenset[str]().union(*(c.off for c in answer.causes))
        spared = -1 if answer.candidate is None else answer.candidate
        boxes, scores = self._looks.boxes, self._looks.scores
        if spared >= len(boxes):
            more, judged = self._judged(np.array([spared - len(boxes)]))
            boxes, scores, spared = torch.cat([boxes, more]), torch.cat([scores, judged]), len(boxes)
        keep = chosen_boxes(boxes, scores, self._config, spared, off)
        corners, there = on_picture(boxes[keep], self._radiograph)
        score = calibrated(scores[keep].numpy(), self._config.calibration)
        own = keep.numpy() == spared
        kept = ((score >= SCORE_FLOOR) | (own & (FLOOR in off))) & (there | (own & (FIELD in off)))
        return [(self._box(c), float(s)) for c, s in zip(corners[kept], score[kept], strict=True)]

    def is_here(self, box: Box, place: Place) -> bool:
        """Test whether a mark is at a place."""
        corners = self._radiograph.from_world([box.low, box.high])
        rows = torch.from_numpy(np.ascontiguousarray(corners[:, ::-1].reshape(1, 4)))
        return bool(self._here(self._on_picture(rows), place)[0])

    # ---- boxes at a place

    @cached_property
    def _cut(self) -> torch.Tensor:
        """(A, 4) float64: all boxes of the RPN as far as they lie on the picture."""
        return self._on_picture(self._looks.all_boxes)

    def _on_picture(self, boxes: torch.Tensor) -> torch.Tensor:
        corners, _ = on_picture(boxes, self._radiograph)
        return torch.from_numpy(corners[:, :, ::-1].reshape(-1, 4).copy())

    def _here(self, box: torch.Tensor, place: Place) -> np.ndarray:
        """Which boxes (K, 4) on the picture are at a place: bool (K,)."""
        if isinstance(place.nodule, Box):
            nodule = self._radiograph.from_world([place.nodule.low, place.nodule.high])
            true = torch.from_numpy(np.ascontiguousarray(nodule[:, ::-1].reshape(1, 4)))
            return (box_iou(box, true)[:, 0] >= IOU).numpy()
        y, x = self._radiograph.from_world(place.point)
        return ((box[:, 0] <= x) & (x <= box[:, 2]) & (box[:, 1] <= y) & (y <= box[:, 3])).numpy()

    def _box(self, corners: np.ndarray) -> Box:
        low, high = map(tuple, self._radiograph.to_world(corners))
        return Box(low, high)

    def _proposals(self, place: Place) -> Candidates | None:
        looks = self._looks
        at = np.flatnonzero(self._here(self._on_picture(looks.boxes), place))
        if not len(at):
            return None
        keep = looks.keep.numpy()
        survivors = chosen_boxes(
            looks.boxes, looks.scores, replace(self._config, boxes=len(looks.boxes))
        ).numpy()
        big = _sides(looks.boxes[at]) >= SMALLEST
        alive = np.isin(at, survivors)
        against = {
            PROPOSAL: np.zeros(len(at), bool),
            SMALL: ~big,
            OVERLAP: big & ~alive,
            LIMIT: alive & ~np.isin(at, keep),
        }
        return self._scored(at, looks.boxes[at], looks.objectness[at], looks.scores[at], against)

    @cached_property
    def _survivors(self) -> torch.Tensor:
        """The proposals that suppression left, of which the first stay."""
        return chosen_boxes(
            self._looks.boxes, self._looks.scores, replace(self._config, boxes=len(self._looks.boxes))
        )

    def _beyond(self, scores: torch.Tensor) -> np.ndarray:
        """For which scores (K,) enough boxes are surer: bool (K,)."""
        ahead = (self._looks.scores[self._survivors] > scores[:, None]).sum(1)
        return (ahead >= self._config.boxes).numpy()

    def _others(self, place: Place) -> Candidates | None:
        """Boxes of the RPN that were no proposals, looked at closer now."""
        looks = self._looks
        near = np.flatnonzero(self._here(self._cut, place))
        objectness = looks.all_objectness[near].numpy()
        near = near[np.argsort(-objectness, kind="stable")[:MOST]]
        if not len(near):
            return None
        boxes, scores = self._judged(near)
        here = self._here(self._on_picture(boxes), place)
        if not here.any():
            return None
        near, boxes, scores = near[here], boxes[here], scores[here]
        big = _sides(boxes) >= SMALLEST
        surer = self._survivors
        overlaps = box_iou(boxes, looks.boxes[surer]) > self._config.nms_iou
        swallowed = (overlaps & (looks.scores[surer] >= scores[:, None])).any(1).numpy()
        against = {
            PROPOSAL: np.ones(len(near), bool),
            SMALL: ~big,
            OVERLAP: big & swallowed,
            LIMIT: self._beyond(scores),
        }
        return self._scored(near + len(looks.boxes), boxes, looks.all_objectness[near], scores, against)

    def _scored(
        self,
        number: np.ndarray,
        boxes: torch.Tensor,
        first: torch.Tensor,
        scores: torch.Tensor,
        against: dict[str, np.ndarray],
    ) -> Candidates:
        score = calibrated(scores.numpy(), self._config.calibration)
        _, there = on_picture(boxes, self._radiograph)
        against |= {FIELD: ~there, FLOOR: score < SCORE_FLOOR}
        return Candidates(number, boxes, first.numpy().astype(float), score, against)

    @torch.inference_mode()
    def _judged(self, anchors: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Corrected boxes (K, 4) and scores (K,) of the RoI head for boxes of the RPN."""
        side = self._head.side_of(self._looks.features)
        proposals = clip_boxes_to_image(self._looks.all_boxes[anchors], (side, side))
        logits, boxes = self._head.judge(self._looks.features, [proposals])
        return clip_boxes_to_image(boxes, (side, side)), torch.sigmoid(logits)

    # ---- words

    def _told(self, answer: Answer, candidates: Candidates, i: int) -> Answer:
        off = [kind for kind, bad in candidates.against.items() if bad[i]]
        first, score = float(candidates.first[i]), float(candidates.score[i])
        proposed = PROPOSAL not in off
        width, height = (candidates.boxes[i, 2:] - candidates.boxes[i, :2]).tolist()
        stages = (
            Stage("box, px of the network", f"{width:.0f} × {height:.0f}", "", SMALL not in off),
            Stage("proposal (RPN)", lower(first), "", proposed),
            Stage(
                "RoI head, calibrated",
                lower(score),
                f"≥ {SCORE_FLOOR:g}",
                FLOOR not in off if proposed else None,
            ),
            Stage("overlap (NMS)", "swallowed" if OVERLAP in off else "free", "", OVERLAP not in off),
            *((Stage("among the surest", "no", "", False),) if LIMIT in off else ()),
            *((Stage("on the picture", "no", "", False),) if FIELD in off else ()),
        )
        answer = replace(answer, stages=stages, score=score, candidate=int(candidates.number[i]))
        if not off:
            corners, _ = on_picture(candidates.boxes[i : i + 1], self._radiograph)
            return replace(answer, mark=self._box(corners[0]))
        causes = [self._cause(kind) for kind in off if kind not in SCORES]
        if too_low := [kind for kind in off if kind in SCORES]:
            causes.append(self._too_low(too_low, first, score))
        return replace(answer, causes=tuple(causes))

    def _cause(self, kind: str) -> Cause:
        words = {
            SMALL: "What is seen here is too small for a box.",
            OVERLAP: "A surer box that overlaps this place stays, and of two that overlap only the surer does.",
            FIELD: "What is seen here lies beside the picture.",
        }
        also = {
            SMALL: "And it is too small for a box.",
            OVERLAP: "And a surer box overlaps it.",
            FIELD: "And it lies beside the picture.",
        }
        return Cause(kind, words[kind], also[kind])

    def _too_low(self, kinds: list[str], first: float, score: float) -> Cause:
        if kinds[0] == PROPOSAL:
            words = (
                f"{self.title} does not propose this place: other places look more like a nodule than its {lower(first)}; "
                f"looked at closer, its score would be {lower(score)}."
            )
        elif kinds[0] == LIMIT:
            words = f"There are more and surer boxes than {self._config.boxes}; this one would have {lower(score)}."
        else:
            words = (
                f"{self.title} looked closer here and takes it for no nodule: score {lower(score)}, and marks are kept from "
                f"{SCORE_FLOOR:g} on."
            )
        return Cause(
            kinds[0], words, f"Its score would be too low as well: {lower(score)}.", frozenset(kinds)
        )


def _sides(boxes: torch.Tensor) -> np.ndarray:
    """The shorter side (K,) of boxes (K, 4)."""
    return (boxes[:, 2:] - boxes[:, :2]).amin(1).numpy()
