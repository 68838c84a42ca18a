"""Which marks hit which nodules, in one scan, by the rules of the LUNA16 challenge (see `luna16`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MAX_MARKS = 100
UNKNOWN_DIAMETER_MM = 10.0
"""What a diameter below 0 stands for: most excluded findings have none."""

Points = tuple[npt.ArrayLike, npt.ArrayLike]
"""Centres (n, 3) as z, y, x in mm, and one value for each: score or diameter in mm."""


@dataclass(frozen=True, eq=False)
class Matching:
    """What became of one scan's marks; arrays are in the order of the marks and nodules given.

    Parameters
    ----------
    score
        (n,) scores of the marks.
    hit
        (n,) index of the nodule that the mark hits (the nearest, where several overlap), or -1.
    used
        (n,) False for marks beyond the allowed number in a scan; these count nowhere.
    on_excluded
        (n,) True where the mark is ignored because it lies on an excluded finding and on no nodule.
    nodule_mark
        (m,) index of the best mark on each nodule, or -1 where it was missed.
    duplicates
        Number of further marks on found nodules.
    """

    score: np.ndarray
    hit: np.ndarray
    used: np.ndarray
    on_excluded: np.ndarray
    nodule_mark: np.ndarray
    duplicates: int

    @property
    def false_positive(self) -> np.ndarray:
        """(n,) True for marks that count as false positives."""
        return self.used & (self.hit < 0) & ~self.on_excluded

    @property
    def found(self) -> np.ndarray:
        """(m,) True for nodules that have a mark."""
        return self.nodule_mark >= 0

    @property
    def hit_scores(self) -> np.ndarray:
        """Highest score on each *found* nodule."""
        return self.score[self.nodule_mark[self.found]]


def _within_limit(score: np.ndarray, max_marks: int | None) -> np.ndarray:
    if max_marks is None or len(score) <= max_marks:
        return np.ones(len(score), bool)
    # Strictly above the first one left out: marks tied with it go too, so the order of marks cannot matter.
    return score > np.sort(score)[::-1][max_marks]


def _squared_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    d = a[:, None, :] - b[None, :, :]
    # Summed x first, as the challenge does: the comparison is strict, and the last bit can decide.
    return d[..., 2] ** 2 + d[..., 1] ** 2 + d[..., 0] ** 2


def _squared_radius(diameter: np.ndarray) -> np.ndarray:
    return (np.where(diameter < 0, UNKNOWN_DIAMETER_MM, diameter) / 2) ** 2


def _points(centers: npt.ArrayLike, values: npt.ArrayLike, what: str) -> tuple[np.ndarray, np.ndarray]:
    center = np.asarray(centers, float).reshape(-1, 3)
    value = np.asarray(values, float).reshape(-1)
    if len(center) != len(value):
        raise ValueError(f"{len(center)} {what} positions but {len(value)} values")
    if not (np.isfinite(center).all() and np.isfinite(value).all()):
        raise ValueError(f"{what} positions and values must be finite numbers")
    return center, value


def match_marks(
    marks: npt.ArrayLike,
    scores: npt.ArrayLike,
    nodules: npt.ArrayLike,
    diameters: npt.ArrayLike,
    excluded: npt.ArrayLike = (),
    excluded_diameters: npt.ArrayLike = (),
    *,
    max_marks: int | None = MAX_MARKS,
) -> Matching:
    """Match one scan's marks with its nodules.

    Parameters
    ----------
    marks, scores
        (n, 3) positions z, y, x in mm and (n,) scores; any order.
    nodules, diameters
        (m, 3) centres z, y, x in mm and (m,) diameters in mm, of the nodules to be found.
    excluded, excluded_diameters
        The same for findings on which marks count neither way; a diameter below 0 means 10 mm.
    max_marks
        Marks allowed, 100 in LUNA16; None for no limit.

    Raises
    ------
    ValueError
        Positions and values differ in number or are not finite.
    """
    position, score = _points(marks, scores, "mark")
    nodule, diameter = _points(nodules, diameters, "nodule")
    other, other_diameter = _points(excluded, excluded_diameters, "excluded finding")
    used = _within_limit(score, max_marks)

    distance = _squared_distance(position, nodule)
    inside = (distance < _squared_radius(diameter)) & used[:, None]
    hit = np.full(len(score), -1)
    nodule_mark = np.full(len(nodule), -1)
    if inside.size:
        hit = np.where(inside.any(1), np.where(inside, distance, np.inf).argmin(1), -1)
        nodule_mark = np.where(inside.any(0), np.where(inside, score[:, None], -np.inf).argmax(0), -1)
    on_excluded = (
        (_squared_distance(position, other) < _squared_radius(other_diameter)).any(1) & used & (hit < 0)
    )
    duplicates = int(np.maximum(inside.sum(0) - 1, 0).sum())
    return Matching(score, hit, used, on_excluded, nodule_mark, duplicates)
