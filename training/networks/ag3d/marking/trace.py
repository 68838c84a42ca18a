"""Why 3D-AG marks a place of a CT, or why not: what a run has in memory anyway, kept and asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from ....explain.answer import (
    AIR,
    FIELD,
    FLOOR,
    JOINED,
    LIMIT,
    NOTHING,
    OVERLAP,
    PROPOSAL,
    SCORES,
    UNSEEN,
    Answer,
    Cause,
    Place,
    promising,
)
from ....findings import Sphere
from ....imaging.image import Image
from ....inference.predictor import SCORE_FLOOR, ModelInfo
from ....ops.spheres import same_nodule
from ..anatomy import air_around
from ..anchors import anchor_grid, decode
from ..detect import Detections, Reading, Spare, combine, proposals_of, read_all, second_look
from ..network import Fprn
from . import words
from .marks import Lungs, Selection, select, with_further

MOST = 24
"""Candidates that are looked at closer, the ones that the RPN is surest of."""
ROUND_MM = 130.0
"""Marks further away have no part in what is joined to a candidate: no lesion is larger than half of it (`lesions.LARGEST_MM`)."""
NEAR_MM = 2.0
"""A mark is at a point within its radius, and within so much at least."""
BEST = 3
"""Candidates that are followed to the end."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What the network made of a volume: maps (1, C, …) at strides 4, 8 and 16, the RPN's output (1, A, 5), what was read off."""

    pyramid: list[Tensor]
    rpn: Tensor
    reading: Reading


@dataclass(frozen=True, eq=False)
class Candidates:
    """Anchors at a place, K of them, by descending RPN score, with what the run had against each.

    Parameters
    ----------
    anchor, rpn, fprn, score
        (K,) place in the grid, the branches' scores, and the combined one.
    spheres
        (K, 4) in voxels of the volume.
    against
        By word of `explain.answer`, bool (K,).
    """

    anchor: np.ndarray
    spheres: np.ndarray
    rpn: np.ndarray
    fprn: np.ndarray
    score: np.ndarray
    against: dict[str, np.ndarray]

    def row(self, i: int) -> Detections:
        """One of them as a detection."""
        one = slice(i, i + 1)
        return Detections(
            self.spheres[one], self.rpn[one], self.fprn[one], self.score[one], anchor=self.anchor[one]
        )


class Ag3dTrace:
    """A run's reasons.

    Parameters
    ----------
    info
        Of the network.
    fprn
        The second branch, on the CPU, to look at places again that the run did not look at twice.
    seen
        What the network made of the padded volume.
    offset
        (3,) the volume's first voxel in the padded one.
    volume
        At 1 mm.
    lungs, selection
        The stages after the network; None where there were none (`Ag3dPredictor.detect_cubes`).
    """

    def __init__(
        self,
        info: ModelInfo,
        fprn: Fprn,
        seen: Seen,
        offset: np.ndarray,
        volume: Image,
        lungs: Lungs | None = None,
        selection: Selection | None = None,
    ) -> None:
        self.model, self.version, self.title = info.name, info.version, info.title
        self._fprn, self._seen, self._offset = fprn, seen, offset
        self._volume, self._lungs, self._selection = volume, lungs, selection
        self._config = fprn.config

    @property
    def nbytes(self) -> int:
        """Memory that it holds, with what it computes when it is asked first."""
        anchors = self._seen.rpn.shape[1]
        maps = sum(m.nbytes for m in (*self._seen.pyramid, self._seen.rpn))
        return maps + self._volume.voxels.nbytes + self._volume.voxels.size + 20 * anchors

    def answer(self, place: Place) -> Answer:
        """Say which mark is at a place, shown or not, or why the run made none."""
        answer = Answer(self.model, self.title, place)
        if not self._volume.contains(place.point):
            return replace(answer, causes=(Cause(UNSEEN, words.unseen(self.title)),))
        at = np.flatnonzero(self._here(self._marks.spheres, place))
        if len(at):
            return self._marked(answer, self._marks, int(at[0]))
        candidates = self._candidates(place)
        if candidates is None:
            return replace(answer, causes=(Cause(NOTHING, words.nothing(self.title)),))
        found: list[Answer] = []
        for i in promising(candidates.against, candidates.score)[:BEST]:
            found.append(self._follow(answer, candidates, i))
            if len(found[-1].causes) == 1:
                return found[-1]
        return min(found, key=lambda a: len(a.causes))

    def marks_without(self, answer: Answer) -> list[tuple[Sphere, float]]:
        """Run everything after the convolutions again without an answer's causes: all marks, with their scores."""
        off = frozenset[str]().union(*(c.off for c in answer.causes))
        spare = Spare(-1 if answer.candidate is None else answer.candidate, off)
        reading = read_all(self._fprn, self._seen.pyramid, self._seen.rpn, spare)[0]
        found = reading.detections.moved(-self._offset)
        if self._lungs is not None:
            found = select(found, self._lungs, self._config, spare).marks
        rows = zip(found.spheres, found.score, strict=True)
        return [(sphere_of(sphere, self._volume), float(score)) for sphere, score in rows]

    def is_here(self, sphere: Sphere, place: Place) -> bool:
        """Test whether a mark is at a place."""
        row = np.array([[*self._volume.to_index(sphere.center), sphere.diameter]])
        return bool(self._here(row, place)[0])

    # ---- places

    def _here(self, spheres: np.ndarray, place: Place) -> np.ndarray:
        """Which spheres (K, 4) in voxels are at a place: bool (K,)."""
        nodule = place.nodule
        center = nodule.center if isinstance(nodule, Sphere) else place.point
        away = ((spheres[:, :3] - self._volume.to_index(center)) ** 2).sum(1)
        if isinstance(nodule, Sphere):
            return away < (nodule.diameter / 2) ** 2
        return away < np.maximum(spheres[:, 3] / 2, NEAR_MM) ** 2

    @cached_property
    def _marks(self) -> Detections:
        if self._selection is not None:
            return self._selection.marks
        found = self._seen.reading.detections.moved(-self._offset)
        return replace(found, members=tuple(s[None] for s in found.spheres))

    @cached_property
    def _scores(self) -> np.ndarray:
        """(A,) RPN scores of all anchors."""
        return torch.sigmoid(self._seen.rpn[0, :, 0].float()).numpy()

    @cached_property
    def _anchors(self) -> Tensor:
        shape = tuple(n * self._config.strides[0] for n in self._seen.pyramid[0].shape[2:])
        return anchor_grid(self._config, shape)

    @cached_property
    def _proposed(self) -> np.ndarray:
        """(4, A) the sphere that each anchor proposes, float32, in voxels of the padded volume."""
        with torch.inference_mode():
            spheres = decode(self._seen.rpn[0, :, 1:].float(), self._anchors)
            return np.ascontiguousarray(spheres.numpy().T)

    def _at(self, place: Place) -> np.ndarray:
        """Anchors at a place, at most `MOST`, by descending RPN score."""
        nodule = place.nodule if isinstance(place.nodule, Sphere) else None
        middle = self._volume.to_index(place.point if nodule is None else nodule.center) + self._offset
        diameter = self._proposed[3] if nodule is None else np.float32(nodule.diameter)
        reach = np.maximum(diameter / 2, np.float32(NEAR_MM)) + np.float32(0.01)  # first roughly, for all
        here = np.flatnonzero(np.abs(self._proposed[0] - np.float32(middle[0])) <= reach)
        for axis in (1, 2):
            near = reach[here] if np.ndim(reach) else reach
            here = here[np.abs(self._proposed[axis, here] - np.float32(middle[axis])) <= near]
        here = here[self._here(self._in_volume(here), place)]
        if len(here) > MOST:
            here = here[np.argpartition(-self._scores[here], MOST)[:MOST]]
        return here[np.argsort(-self._scores[here], kind="stable")]

    def _in_volume(self, anchors: np.ndarray) -> np.ndarray:
        """(K, 4) spheres of anchors in voxels of the volume."""
        spheres = self._proposed[:, anchors].T.astype(float)
        spheres[:, :3] -= self._offset
        return spheres

    @cached_property
    def _considered(self) -> np.ndarray:
        """Which anchors the RPN's suppression looked at: bool (A,)."""
        considered = np.zeros(len(self._scores), bool)
        considered[self._seen.reading.proposals.considered] = True
        return considered

    @cached_property
    def _survivors(self) -> tuple[np.ndarray, cKDTree]:
        """Spheres that suppression left, in voxels of the volume, and a tree of their centres."""
        spheres = self._in_volume(self._seen.reading.proposals.survivors)
        return spheres, cKDTree(spheres[:, :3])

    # ---- what the run had against them

    def _candidates(self, place: Place) -> Candidates | None:
        anchor = self._at(place)
        if not len(anchor):
            return None
        proposals, config = self._seen.reading.proposals, self._config
        spheres, rpn = self._in_volume(anchor), self._scores[anchor].astype(float)
        second, score = self._second_look(anchor)
        self._as_recorded(anchor, (spheres, rpn, second, score))
        weak = rpn <= config.rpn_floor
        ahead = np.searchsorted(-self._scores[proposals.survivors], -rpn)
        limit = proposals_of(config, tuple(n * config.strides[0] for n in self._seen.pyramid[0].shape[2:]))
        beyond = (ahead >= limit) | (~self._considered[anchor] & ~weak)
        lungs = self._lungs
        against = {
            PROPOSAL: weak,
            LIMIT: beyond,
            OVERLAP: np.array([self._surer(a) is not None for a in anchor.tolist()], bool),
            FIELD: np.zeros(len(anchor), bool) if lungs is None else ~lungs.hold(spheres),
            FLOOR: np.zeros(len(anchor), bool) if lungs is None else score < SCORE_FLOOR,
        }
        return Candidates(anchor, spheres, rpn, second, score, against)

    @torch.inference_mode()
    def _second_look(self, anchor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """FPRN scores and combined ones (K,) of anchors."""
        index = torch.from_numpy(anchor)
        where = torch.from_numpy(self._proposed[:, anchor].T.copy()), self._anchors[index, 4].long()
        (second,) = second_look(self._fprn, self._seen.pyramid, [where])
        score = combine(torch.from_numpy(self._scores[anchor]), second, self._config)
        return second.numpy().astype(float), score.numpy().astype(float)

    def _as_recorded(self, anchor: np.ndarray, numbers: tuple[np.ndarray, ...]) -> None:
        """Put in what the run itself computed of its proposals: other batches round otherwise."""
        known = self._seen.reading.detections.moved(-self._offset)
        _, mine, its = np.intersect1d(anchor, known.anchor, return_indices=True)
        for own, recorded in zip(numbers, (known.spheres, known.rpn, known.fprn, known.score), strict=True):
            own[mine] = recorded[its]

    def _surer(self, anchor: int) -> int | None:
        """The anchor whose proposal swallowed another's, or would have."""
        survivors = self._seen.reading.proposals.survivors
        spheres, tree = self._survivors
        own = self._in_volume(np.array([anchor]))[0]
        near = np.sort(tree.query_ball_point(own[:3], (own[3] + spheres[:, 3].max(initial=0)) / 2)).astype(
            int
        )
        if (survivors[near] == anchor).any():
            return None
        near = near[self._scores[survivors[near]] >= self._scores[anchor]]
        same = near[same_nodule(spheres[near], own, self._config.nms_iou)]
        return int(survivors[same[0]]) if len(same) else None

    def _follow(self, answer: Answer, candidates: Candidates, i: int) -> Answer:
        """Follow one candidate to the end, past whatever stops it."""
        anchor = int(candidates.anchor[i])
        off = [kind for kind, bad in candidates.against.items() if bad[i]]
        one, mark, score = candidates.row(i), candidates.spheres[i], float(candidates.score[i])
        if self._lungs is not None:
            mark, score = self._past_the_lungs(answer.place, one, off)
        causes = tuple(self._told(off, candidates, i, answer.place))
        stages = words.stages(one, off, self._anchor_of(anchor), self._config, self._lungs is not None)
        if self._lungs is not None:
            stages = (*stages, words.air_stage(air_around(self._lungs.hu, mark), AIR not in off))
        return replace(answer, stages=stages, causes=causes, score=score, candidate=anchor)

    def _past_the_lungs(self, place: Place, one: Detections, off: list[str]) -> tuple[np.ndarray, float]:
        """Where a candidate's mark would be, and its score; `off` gains what stops it after the lung field."""
        assert self._lungs is not None
        anchor = int(one.anchor[0])
        while True:
            selection = self._select(one, Spare(anchor, frozenset(off)))
            lesion = _holding(selection.joined, one.spheres[0])
            assert lesion is not None
            sphere = selection.joined.spheres[lesion]
            if not self._here(sphere[None], place)[0]:
                off.append(JOINED)
                continue
            at = np.flatnonzero(selection.marks.anchor == selection.joined.anchor[lesion])
            if not len(at):
                off.append(AIR)
                continue
            return sphere, float(selection.marks.score[at[0]])

    def _select(self, one: Detections, spare: Spare) -> Selection:
        """The stages after the network with a candidate among the detections."""
        assert self._lungs is not None
        assert self._selection is not None
        if not spare.off:
            return self._selection
        found = self._seen.reading.detections.moved(-self._offset)
        away = np.linalg.norm(found.spheres[:, :3] - one.spheres[0, :3], axis=1)
        found = found[(away < ROUND_MM) & (found.score >= SCORE_FLOOR) | (found.anchor == spare.anchor)]
        if not (found.anchor == spare.anchor).any():
            found = with_further(found, one)
            found = found[np.argsort(-found.score, kind="stable")]
        return select(found, self._lungs, self._config, spare)

    # ---- words

    def _marked(self, answer: Answer, marks: Detections, i: int) -> Answer:
        one = marks[np.array([i])]
        stages = words.stages(
            one, (), self._anchor_of(int(one.anchor[0])), self._config, self._lungs is not None
        )
        if self._lungs is not None:
            parts = len(marks.members[i])
            share = air_around(self._lungs.hu, one.spheres[0])
            stages = (*stages, *words.joined_stage(parts), words.air_stage(share, True))
        mark = sphere_of(one.spheres[0], self._volume)
        return replace(answer, stages=stages, mark=mark, score=float(one.score[0]))

    def _told(self, off: Sequence[str], candidates: Candidates, i: int, place: Place) -> Iterator[Cause]:
        """The causes: first what took a candidate out, then that its score is too low."""
        sphere, score = candidates.spheres[i], float(candidates.score[i])
        for kind in off:
            if kind == OVERLAP:
                other = self._surer(int(candidates.anchor[i]))
                assert other is not None
                yield words.overlapped(*self._apart(self._in_volume(np.array([other]))[0], place))
            elif kind == FIELD:
                yield words.outside(self._volume.shape, sphere)
            elif kind == JOINED:
                yield words.joined(*self._apart(self._lesion_with(candidates.row(i), off), place))
            elif kind == AIR:
                assert self._lungs is not None
                yield words.airless(air_around(self._lungs.hu, sphere))
        if too_low := [kind for kind in off if kind in SCORES]:
            first = float(candidates.rpn[i])
            yield words.too_low(too_low, self.title, float(sphere[3]), first, score, self._config)

    def _lesion_with(self, one: Detections, off: Sequence[str]) -> np.ndarray:
        """The sphere (4,) of the lesion that a candidate is joined to."""
        before = frozenset(k for k in off if k not in (JOINED, AIR))
        joined = self._select(one, Spare(int(one.anchor[0]), before)).joined
        lesion = _holding(joined, one.spheres[0])
        assert lesion is not None
        return joined.spheres[lesion]

    def _apart(self, sphere: np.ndarray, place: Place) -> tuple[float, float]:
        """Distance (mm) of a sphere's centre from a place, and its diameter."""
        return float(np.linalg.norm(sphere[:3] - self._volume.to_index(place.point))), float(sphere[3])

    def _anchor_of(self, anchor: int) -> tuple[float, int]:
        """Diameter and stride (mm) of an anchor."""
        return float(self._anchors[anchor, 3]), self._config.strides[int(self._anchors[anchor, 4])]


def _holding(joined: Detections, sphere: np.ndarray) -> int | None:
    """The lesion that a sphere is a member of."""
    return next((k for k, m in enumerate(joined.members) if bool((m == sphere).all(1).any())), None)


def sphere_of(row: np.ndarray, volume: Image) -> Sphere:
    """A row z, y, x, diameter in voxels of 1 mm as a sphere in the world."""
    return Sphere(tuple(volume.to_world(row[:3])), max(row[3], 1.0))
