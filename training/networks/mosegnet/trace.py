"""Why MO-SegNet marks a place of a radiograph, or why not: its probability map, and what became of each peak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from ...explain.answer import (
    EDGE,
    FLOOR,
    LIMIT,
    NOTHING,
    OVERLAP,
    UNSEEN,
    Answer,
    Cause,
    Place,
    Stage,
    lower,
)
from ...findings import Box, Finding
from ...imaging.radiograph.network_input import RadiographInput
from ...inference.predictor import SCORE_FLOOR, ModelInfo
from ...metrics.froc.boxes import IOU
from ...ops.boxes import box_iou
from ...ops.logits import calibrated, uncalibrated
from .components import MOST, NEIGHBOURHOOD, Component


class MosegnetTrace:
    """A run's reasons.

    Parameters
    ----------
    info
        Of the network.
    probability
        float32 (h, w) of a nodule at each radiograph pixel, 0 beside the picture.
    radiograph
        What the network saw.
    found
        The components, with the findings that were made of them.
    calibration
        Of peaks, as scores.
    """

    def __init__(
        self,
        info: ModelInfo,
        probability: np.ndarray,
        radiograph: RadiographInput,
        found: Sequence[tuple[Component, Finding]],
        calibration: tuple[float, float],
    ) -> None:
        self.model, self.version, self.title = info.name, info.version, info.title
        self._probability, self._radiograph, self._found = probability, radiograph, list(found)
        self._calibration = calibration

    @property
    def nbytes(self) -> int:
        """Memory that it holds."""
        return self._probability.nbytes + self._radiograph.pixels.nbytes

    def answer(self, place: Place) -> Answer:
        """Say which mark is at a place, shown or not, or why the run made none."""
        answer = Answer(self.model, self.title, place)
        pixel = self._pixel(place.point)
        if pixel is None:
            words = f"{self.title} did not look here: the place lies beside the picture."
            return replace(answer, causes=(Cause(UNSEEN, words),))
        here = next(
            (k for k, (part, finding) in enumerate(self._found) if self._is_here(part, finding, place)), None
        )
        peak = self._peak(place, pixel) if here is None else self._found[here][0].place
        height = float(self._probability[peak])
        score = float(calibrated(height, self._calibration))
        stages = (
            Stage("probability here", lower(float(self._probability[pixel]))),
            Stage("peak it belongs to", lower(height), self._away(peak, pixel)),
            Stage("peak, calibrated", lower(score), f"≥ {SCORE_FLOOR:g}", score >= SCORE_FLOOR),
        )
        answer = replace(answer, score=score)
        if here is not None:
            finding = self._found[here][1]
            return replace(
                answer, stages=(*stages, Stage("region", *self._region(here))), mark=finding.geometry
            )
        if height <= 0:
            words = f"{self.title} sees nothing like a nodule here: its probability is 0."
            return replace(answer, causes=(Cause(NOTHING, words),), stages=stages, score=None)
        causes, more = self._why_not(peak, score, place)
        return replace(answer, causes=causes, stages=(*stages, *more))

    def _why_not(
        self, peak: tuple[int, int], score: float, place: Place
    ) -> tuple[tuple[Cause, ...], tuple[Stage, ...]]:
        causes, stages = [], []
        owner = self._owner(peak)
        own = owner is not None and self._found[owner][0].place == peak
        if owner is not None and not own:
            words = (
                f"What is seen here is fused with a surer mark, of score {lower(self._found[owner][1].score)}: the map does not "
                "fall to half between the two."
            )
            causes.append(Cause(OVERLAP, words, "And it is fused with a surer mark."))
            stages.append(Stage("fused parts", "with a surer one", "", False))
        if owner is not None:
            causes += self._beyond(owner, place) if own else []
            stages += [Stage("region", *self._region(owner), not own)]
        if score < SCORE_FLOOR:
            words = (
                f"{self.title} takes this place for no nodule: the probability near it reaches a score of {lower(score)}, and "
                f"marks are kept from {SCORE_FLOOR:g} on."
            )
            causes.append(Cause(FLOOR, words, f"Its score would be too low as well: {lower(score)}."))
        elif owner is None:
            words = f"There are more and surer marks than {MOST}; this one would have {lower(score)}."
            causes.append(Cause(LIMIT, words, "And there are too many surer marks."))
        return tuple(causes), tuple(stages)

    def _beyond(self, owner: int, place: Place) -> list[Cause]:
        """The mark next to the place ends before it, or is not as large as the nodule."""
        finding = self._found[owner][1]
        if isinstance(place.nodule, Box):
            words = (
                f"{self.title} has a mark here, of score {lower(finding.score)}, but it covers too little of the nodule, or too "
                f"much beside it: intersection over union {self._iou(finding, place.nodule):.2f}, and a hit needs {IOU:g}."
            )
        else:
            words = (
                f"The mark beside this place, of score {lower(finding.score)}, ends before it: its rim is where the probability "
                "falls to half of its peak."
            )
        return [Cause(EDGE, words, "And the mark ends before it.")]

    # ---- places

    def _pixel(self, point: Sequence[float]) -> tuple[int, int] | None:
        """The radiograph pixel at a world point; None beside the picture."""
        y, x = np.floor(self._radiograph.from_world(point)).astype(int)
        height, width = self._probability.shape
        inside = 0 <= y < height and 0 <= x < width and bool(self._radiograph.inside[y, x])
        return (int(y), int(x)) if inside else None

    def _is_here(self, part: Component, finding: Finding, place: Place) -> bool:
        if isinstance(place.nodule, Box):
            return self._iou(finding, place.nodule) >= IOU
        pixel = self._pixel(place.point)
        assert pixel is not None
        y, x = pixel[0] - part.top, pixel[1] - part.left
        return 0 <= y < part.mask.shape[0] and 0 <= x < part.mask.shape[1] and bool(part.mask[y, x])

    @staticmethod
    def _iou(finding: Finding, nodule: Box) -> float:
        box = finding.box
        assert box is not None
        return float(box_iou([[*box.low, *box.high]], [[*nodule.low, *nodule.high]])[0, 0])

    def _peak(self, place: Place, pixel: tuple[int, int]) -> tuple[int, int]:
        """The local maximum that the map climbs to from a pixel, or the highest within a nodule."""
        if isinstance(place.nodule, Box):
            low, high = (
                np.floor(self._radiograph.from_world(c)).astype(int)
                for c in (place.nodule.low, place.nodule.high)
            )
            low = np.maximum(low, 0)
            part = self._probability[low[0] : high[0] + 1, low[1] : high[1] + 1]
            if part.size:
                row, column = np.unravel_index(int(part.argmax()), part.shape)
                pixel = int(row + low[0]), int(column + low[1])
        reach = NEIGHBOURHOOD // 2
        while True:
            top, left = max(pixel[0] - reach, 0), max(pixel[1] - reach, 0)
            around = self._probability[top : pixel[0] + reach + 1, left : pixel[1] + reach + 1]
            if around.max() <= self._probability[pixel]:
                return pixel
            row, column = np.unravel_index(int(around.argmax()), around.shape)
            pixel = int(row + top), int(column + left)

    def _owner(self, pixel: tuple[int, int]) -> int | None:
        """The component that a pixel belongs to."""
        for k, (part, _) in enumerate(self._found):
            y, x = pixel[0] - part.top, pixel[1] - part.left
            if 0 <= y < part.mask.shape[0] and 0 <= x < part.mask.shape[1] and part.mask[y, x]:
                return k
        return None

    # ---- words

    def _away(self, peak: tuple[int, int], pixel: tuple[int, int]) -> str:
        distance = float(np.hypot(*(np.subtract(peak, pixel) * self._radiograph.pixel)))
        return "here" if distance < 1 else f"{distance:.0f} away"

    def _region(self, component: int) -> tuple[str, str]:
        """How large a component is, and how many peaks are fused in it."""
        part = self._found[component][0]
        window = self._probability[
            part.top : part.top + part.mask.shape[0], part.left : part.left + part.mask.shape[1]
        ]
        highest = ndimage.maximum_filter(window, NEIGHBOURHOOD, mode="constant")
        floor = float(uncalibrated(SCORE_FLOOR, self._calibration))
        peaks = int(((window == highest) & part.mask & (window >= max(floor, 1e-6))).sum())
        return f"{int(part.mask.sum())} px", f"{peaks} peaks" if peaks > 1 else ""
