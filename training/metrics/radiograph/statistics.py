"""The measures of radiograph networks as functions of weights over radiographs: what intervals and comparisons are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from ..characterisation.classification import roc_auc
from ..froc.average_precision import COCO_IOUS, average_precision, mean_of, pr_auc
from ..froc.boxes import IOU, match_boxes, match_centers, only, without_false
from ..froc.boxes_auc import afroc_area, froc_area, froc_sensitivities, froc_sensitivity
from ..froc.luna16 import RATES, Matching
from ..intervals.bootstrap import Statistic
from .components import count_components, detection_rates
from .quantiles import quantile_of
from .shams import ShamMarks

NODE21_IOU, NODE21_RATE = 0.2, 0.25
BANDS = {"8-10": (8.0, 10.0), "10+": (10.0, np.inf), "12+": (12.0, np.inf), "20+": (20.0, np.inf)}
"""Diameters in mm, the lower bound included, the upper not."""
SUBTLETIES = (1, 2, 3, 4, 5)
"""Of JSRT: 1 extremely subtle, 5 obvious."""
SUBTLETY_RATES = (0.25, 1.0)
CENTER = "center"
"""Rule of a hit: the mark's centre lies in the nodule's box."""


@dataclass(frozen=True, eq=False)
class RadiographResult:
    """What a network says of one radiograph beside the truth; positions in pixels of the file, edge coordinates.

    Parameters
    ----------
    name, background
        Of the radiograph, and of the picture (or patient) that it shares with others: what the bootstrap draws.
    score
        0–1 that the radiograph shows a nodule: of the network's global head, else of its surest box, 0 without any.
    boxes, scores, centers
        (n, 4) x0, y0, x1, y1; (n,); (n, 2) x, y: middles of boxes, centres of mass of components.
    positive
        Whether a nodule is on it, None where unknown.
    truth
        (m, 4) boxes of the nodules, None where unknown; empty where there is none.
    diameter_mm
        (m,), NaN where unknown.
    shams
        Marks on sham pastes at the network's default threshold.
    complete
        Whether `truth` has every nodule; else a mark beside them is neither hit nor false.
    subtlety
        (m,), NaN where unknown.
    group
        How the truth is known (`RadiographCase.group`).
    lung_dice, lung_iou
        By region: ``"lungs"`` (both), ``"right lung"``, ``"left lung"``; empty where no truth is known.
    """

    name: str
    background: str
    score: float
    boxes: np.ndarray
    scores: np.ndarray
    centers: np.ndarray
    positive: bool | None = None
    truth: np.ndarray | None = None
    diameter_mm: np.ndarray = field(default_factory=lambda: np.zeros(0))
    shams: ShamMarks = field(default_factory=ShamMarks)
    lung_dice: dict[str, float] = field(default_factory=dict)
    lung_iou: dict[str, float] = field(default_factory=dict)
    complete: bool = True
    subtlety: np.ndarray = field(default_factory=lambda: np.zeros(0))
    group: str = ""

    @property
    def _target(self) -> np.ndarray:
        return np.zeros((0, 4)) if self.truth is None else self.truth

    def matching(self, iou: float = IOU) -> Matching:
        """Match its boxes with its nodules."""
        return self._judged(match_boxes(self.boxes, self.scores, self._target, iou))

    def center_matching(self) -> Matching:
        """Match the centres of its marks with its nodules."""
        return self._judged(match_centers(self.centers, self.scores, self._target))

    def _judged(self, matching: Matching) -> Matching:
        return matching if self.complete else without_false(matching)


def groups_of(results: Sequence[RadiographResult]) -> list[str]:
    """Name what the bootstrap draws: the background of each radiograph, or its own name."""
    return [r.background or r.name for r in results]


def radiograph_statistics(results: Sequence[RadiographResult], threshold: float) -> dict[str, Statistic]:
    """Make every measure by name, as a function of weights over `results`, (n,) or (samples, n).

    Radiographs whose truth is unknown are left out of what takes that truth; a measure without radiographs is NaN.

    * ``roc_auc``, ``pr_auc``: of `RadiographResult.score` (`classification.roc_auc`, `average_precision.pr_auc`).
    * ``froc_auc``, ``afroc_auc``, ``sensitivity_at_1`` (false positives per radiograph; so for all of `luna16.RATES`), ``map``:
      at an overlap of 0.4; ``map_50_95``: see `average_precision`; ``sensitivity_at_1_iou_0.2``: with NODE21's rule for a hit.
    * ``sensitivity_at_1_center`` (all rates): the same where a hit is a mark whose centre lies in the nodule's box, and
      ``sensitivity_at_1_center/subtlety 3``, also at 0.25.
    * ``sensitivity_at_1/10+`` and so on: the same for nodules of `BANDS`; hits on other nodules count neither way.
    * ``sensitivity_at_default``: fraction of nodules hit by a box of at least `threshold`.
    * ``false_positives_per_image``: boxes of at least `threshold` per radiograph without nodule; ``…/read`` and so on by group.
    * ``node21_score``: 0.75 AUC + 0.25 sensitivity at 0.25 false positives per radiograph, a hit being an overlap of 0.2, the
      ranking of the NODE21 challenge (Sogancioglu et al., doi:10.1109/TMI.2024.3382042). A submission there holds boxes only,
      so its AUC is of the surest box, also for networks with a global head; ``node21_auc`` is that part.
    * ``f1``, ``recall``, ``precision``: `components` at `threshold`; ``…/positive``: the same on radiographs with nodules, as in
      MO-SegNet's paper.
    * ``marks_per_sham``, ``marks_per_sham_excess``: see `shams`; the excess is over what is expected elsewhere.
    * ``lung_dice/median``, ``/p10``, ``/mean``.
    """
    return {name: statistic for part in _parts(results, threshold) for name, statistic in part().items()}


def radiograph_statistic(results: Sequence[RadiographResult], threshold: float, name: str) -> Statistic:
    """Make one measure of `radiograph_statistics`: most of the others are not made, which takes much longer.

    Raises
    ------
    KeyError
        There is no such measure.
    """
    for part in _parts(results, threshold):
        if name in (made := part()):
            return made[name]
    raise KeyError(name)


def _parts(
    results: Sequence[RadiographResult], threshold: float
) -> tuple[Callable[[], dict[str, Statistic]], ...]:
    """What makes the measures, part by part; the boxes' take longest."""
    known = np.array([r.positive is not None for r in results], bool)
    boxed = np.array([r.truth is not None for r in results], bool)
    positive_known = [r for r in results if r.positive is not None]
    with_boxes = [r for r in results if r.truth is not None]
    return (
        partial(_by_image, positive_known, known, threshold),
        partial(_by_center, with_boxes, boxed),
        partial(_by_box, with_boxes, boxed, threshold),
        partial(_by_component, with_boxes, boxed, threshold),
        partial(_by_sham, results),
        partial(_by_lung, results),
    )


def on(statistic: Statistic, part: np.ndarray) -> Statistic:
    """Make a measure of some radiographs (boolean) a function of weights over all."""
    return lambda weights: statistic(np.asarray(weights, float)[..., part])


def _by_image(
    radiographs: Sequence[RadiographResult], part: np.ndarray, threshold: float
) -> dict[str, Statistic]:
    positive = np.array([bool(r.positive) for r in radiographs], bool)
    score = np.array([r.score for r in radiographs])
    false = np.array([0 if r.positive else int((r.scores >= threshold).sum()) for r in radiographs], float)
    return {
        "roc_auc": on(lambda w: roc_auc(positive.astype(int), score, w), part),
        "pr_auc": on(pr_auc(positive, score), part),
        "false_positives_per_image": on(ratio(false, ~positive), part),
    } | {
        f"false_positives_per_image/{name}": on(ratio(false * own, ~positive & own), part)
        for name in sorted({r.group for r in radiographs if r.group and not r.positive})
        for own in [np.array([r.group == name for r in radiographs])]
    }


def ratio(above: np.ndarray, below: np.ndarray) -> Statistic:
    """Make the measure: sum of one number by radiograph over the sum of another."""

    def of(weights: np.ndarray) -> np.ndarray:
        w = np.asarray(weights, float)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.divide(w @ np.asarray(above, float), w @ np.asarray(below, float))

    return of


def _by_box(
    radiographs: Sequence[RadiographResult], part: np.ndarray, threshold: float
) -> dict[str, Statistic]:
    if not radiographs:
        return dict.fromkeys(_BOX_NAMES, _unknown)
    at = {iou: [r.matching(iou) for r in radiographs] for iou in (NODE21_IOU, IOU, *COCO_IOUS)}
    positive = np.array([len(r.truth if r.truth is not None else ()) > 0 for r in radiographs], bool)
    surest = np.array([r.scores.max(initial=0.0) for r in radiographs])
    nodules = np.array([len(m.nodule_mark) for m in at[IOU]], float)
    hits = np.array([(m.hit_scores >= threshold).sum() for m in at[IOU]], float)

    def auc(weights: np.ndarray) -> np.ndarray:
        return roc_auc(positive.astype(int), surest, weights)

    complete = np.array([r.complete for r in radiographs], bool)
    sensitive = froc_sensitivity(at[NODE21_IOU], NODE21_RATE, complete)
    measures = {
        "froc_auc": froc_area(at[IOU], complete=complete),
        "afroc_auc": afroc_area(at[IOU], positive),
        "map": average_precision(at[IOU]),
        "map_50_95": mean_of([average_precision(at[iou]) for iou in COCO_IOUS]),
        "node21_auc": auc,
        "node21_score": lambda w: 0.75 * auc(w) + 0.25 * sensitive(w),
        "sensitivity_at_default": ratio(hits, nodules),
    }
    for iou, rule in ((IOU, ""), (NODE21_IOU, f"_iou_{NODE21_IOU}")):
        for rate, statistic in froc_sensitivities(at[iou], RATES, complete).items():
            measures[f"sensitivity_at_{rate:g}{rule}"] = statistic
    for name in BANDS:
        kept = [only(m, in_band(r, name)) for m, r in zip(at[IOU], radiographs, strict=True)]
        measures[f"sensitivity_at_1/{name}"] = froc_sensitivity(kept, 1.0, complete)
        measures[f"froc_auc/{name}"] = froc_area(kept, complete=complete)
        loose = [only(m, in_band(r, name)) for m, r in zip(at[NODE21_IOU], radiographs, strict=True)]
        measures[f"sensitivity_at_1_iou_{NODE21_IOU}/{name}"] = froc_sensitivity(loose, 1.0, complete)
    return {name: on(statistic, part) for name, statistic in measures.items()}


def _by_center(radiographs: Sequence[RadiographResult], part: np.ndarray) -> dict[str, Statistic]:
    if not radiographs:
        return dict.fromkeys((f"sensitivity_at_{rate:g}_{CENTER}" for rate in RATES), _unknown)
    complete = np.array([r.complete for r in radiographs], bool)
    matchings = [r.center_matching() for r in radiographs]
    measures = {
        f"sensitivity_at_{rate:g}_{CENTER}": statistic
        for rate, statistic in froc_sensitivities(matchings, RATES, complete).items()
    }
    for level in levels(radiographs):
        kept = [only(m, of_subtlety(r, level)) for m, r in zip(matchings, radiographs, strict=True)]
        for rate, statistic in froc_sensitivities(kept, SUBTLETY_RATES, complete).items():
            measures[f"sensitivity_at_{rate:g}_{CENTER}/subtlety {level}"] = statistic
    return {name: on(statistic, part) for name, statistic in measures.items()}


def levels(radiographs: Sequence[RadiographResult]) -> list[int]:
    """List the subtleties of which there is a nodule."""
    return [n for n in SUBTLETIES if any(of_subtlety(r, n).any() for r in radiographs)]


def of_subtlety(radiograph: RadiographResult, level: int) -> np.ndarray:
    """Tell for each nodule (m,) whether it is of that subtlety; one of unknown subtlety is of none."""
    known = np.full(0 if radiograph.truth is None else len(radiograph.truth), np.nan)
    known[: len(radiograph.subtlety)] = radiograph.subtlety
    return known == level


def in_band(radiograph: RadiographResult, name: str) -> np.ndarray:
    """Tell for each nodule (m,) whether its diameter is of the band; one of unknown diameter is in none."""
    low, high = BANDS[name]
    known = np.full(0 if radiograph.truth is None else len(radiograph.truth), np.nan)
    known[: len(radiograph.diameter_mm)] = radiograph.diameter_mm
    return (known >= low) & (known < high)


_BOX_NAMES = (
    *("froc_auc", "afroc_auc", "map", "map_50_95", "node21_auc", "node21_score", "sensitivity_at_default"),
    *(f"sensitivity_at_{r:g}{rule}" for r in RATES for rule in ("", f"_iou_{NODE21_IOU}")),
    *(
        f"{name}/{band}"
        for band in BANDS
        for name in ("froc_auc", "sensitivity_at_1", f"sensitivity_at_1_iou_{NODE21_IOU}")
    ),
)


def _unknown(weights: np.ndarray) -> np.ndarray:
    return np.full(np.shape(weights)[:-1], np.nan)


def _by_component(
    radiographs: Sequence[RadiographResult], part: np.ndarray, threshold: float
) -> dict[str, Statistic]:
    def rate(name: str, some: list[RadiographResult], where: np.ndarray) -> Statistic:
        counts = [
            count if r.complete else replace(count, false=0)
            for r in some
            if r.truth is not None
            for count in [count_components(r.centers[r.scores >= threshold], r.truth)]
        ]
        return on(lambda w: getattr(detection_rates(counts, w), name), where)

    positive = [r for r in radiographs if r.truth is not None and len(r.truth)]
    where = part.copy()
    where[part] = [r.truth is not None and len(r.truth) > 0 for r in radiographs]
    names = ("f1", "recall", "precision")
    return {name: rate(name, list(radiographs), part) for name in names} | {
        f"{name}/positive": rate(name, positive, where) for name in names
    }


def _by_sham(results: Sequence[RadiographResult]) -> dict[str, Statistic]:
    places = np.array([r.shams.places for r in results], float)
    marks = np.array([r.shams.marks for r in results], float)
    expected = np.array([r.shams.expected for r in results], float)
    return {"marks_per_sham": ratio(marks, places), "marks_per_sham_excess": ratio(marks - expected, places)}


def _by_lung(results: Sequence[RadiographResult]) -> dict[str, Statistic]:
    dice = np.array([r.lung_dice.get("lungs", np.nan) for r in results], float)
    known = np.isfinite(dice)
    return {
        "lung_dice/median": quantile_of(dice, 0.5),
        "lung_dice/p10": quantile_of(dice, 0.1),
        "lung_dice/mean": ratio(np.where(known, dice, 0.0), known),
    }
