"""From detections to marks: what lies in the lungs and is high enough, one mark for each lesion, with air around."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....explain.answer import AIR, FIELD, FLOOR, JOINED
from ....inference.predictor import SCORE_FLOOR
from ..anatomy import with_anatomy
from ..config import Config
from ..detect import NOBODY, Detections, Spare
from ..lesions import join_marks

RIM_MM = 5.0
"""A nodule's centre may lie this far outside the lung field (juxtapleural)."""


@dataclass(frozen=True, eq=False)
class Lungs:
    """What the network looked at.

    Parameters
    ----------
    hu
        (z, y, x) in Hounsfield units at 1 mm.
    near
        bool, as `hu`: where a nodule's centre may lie.
    """

    hu: np.ndarray
    near: np.ndarray

    def hold(self, spheres: np.ndarray) -> np.ndarray:
        """Test which centres of spheres (K, 4) lie in or next to the lungs, and not in padding: bool (K,)."""
        index = np.round(spheres[:, :3]).astype(int)
        inside = np.all((index >= 0) & (index < self.near.shape), axis=1)
        index = np.clip(index, 0, np.array(self.near.shape) - 1)
        return inside & self.near[tuple(index.T)]


@dataclass(frozen=True, eq=False)
class Selection:
    """The stages after the network.

    Parameters
    ----------
    kept
        Detections in or next to the lungs from `SCORE_FLOOR` on, in voxels of the lungs' volume.
    joined
        One for each lesion.
    marks
        The same with what the anatomy around says, from `SCORE_FLOOR` on.
    """

    kept: Detections
    joined: Detections
    marks: Detections


def select(detections: Detections, lungs: Lungs, config: Config, spare: Spare = NOBODY) -> Selection:
    """Select the marks of a scan.

    Parameters
    ----------
    detections
        In voxels of `lungs.hu`.
    """
    anchor = detections.anchor
    found = detections[lungs.hold(detections.spheres) | spare.without(FIELD, anchor)]
    kept = found[(found.score >= SCORE_FLOOR) | spare.without(FLOOR, found.anchor)]
    alone = spare.without(JOINED, kept.anchor)
    joined = join_marks(kept[~alone], lungs.hu)
    if alone.any():
        joined = _both(joined, join_marks(kept[alone], lungs.hu))
    own = kept.spheres[spare.without(AIR, kept.anchor)]
    free = np.array([len(own) > 0 and bool((m == own[0]).all(1).any()) for m in joined.members], bool)
    marks = with_anatomy(joined[~free], lungs.hu, config)
    if free.any():
        marks = _both(marks, joined[free])
    return Selection(kept, joined, marks[(marks.score >= SCORE_FLOOR) | spare.without(FLOOR, marks.anchor)])


def _both(a: Detections, b: Detections) -> Detections:
    """Marks of two by descending score."""
    both = with_further(a, b)
    return both[np.argsort(-both.score, kind="stable")]


def with_further(a: Detections, b: Detections) -> Detections:
    """Detections of two, one after the other."""
    return Detections(
        np.concatenate([a.spheres, b.spheres]),
        np.concatenate([a.rpn, b.rpn]),
        np.concatenate([a.fprn, b.fprn]),
        np.concatenate([a.score, b.score]),
        (*a.members, *b.members),
        np.concatenate([a.anchor, b.anchor]),
    )
