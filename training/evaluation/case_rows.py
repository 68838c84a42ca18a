"""A row of each case for an evaluation's JSON (``cases_detail``): how hard it was, where to look, what was marked and is true."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..case_list.figures import CaseFigures, beside_truth
from ..case_list.row import ListedCase
from ..case_list.voices import disagreement, spread
from ..data.public.radiographs import RadiographCase
from ..data.public.whole_scans import WholeScan
from ..findings import Findings
from ..imaging.image import Image
from ..metrics.froc.matching import MAX_MARKS, match_marks
from ..metrics.radiograph.statistics import RadiographResult

OnCase = Callable[[dict[str, Any], Image], None]
"""Gets each case's row with its image, while that is open."""


def scan_row(scan: WholeScan, image: Image, findings: Findings, threshold: float) -> dict[str, Any]:
    """Make the row of a whole scan; where nobody looked for nodules, the figures that need truth are None."""
    spheres = np.array([(*f.center, f.diameter) for f in findings], float).reshape(-1, 4)
    scores = np.array([f.score for f in findings], float)
    looked = scan.complete or len(scan.nodules) > 0
    return spheres_row(
        scan.name,
        scan.path,
        spheres,
        scores,
        scan.nodules if looked else None,
        scan.excluded,
        threshold,
        series_uid=image.series_uid,
        complete=scan.complete,
        findings=findings,
    )


def spheres_row(
    name: str,
    path: Path | None,
    spheres: np.ndarray,
    scores: np.ndarray,
    nodules: np.ndarray | None,
    excluded: np.ndarray,
    threshold: float,
    *,
    series_uid: str = "",
    complete: bool = True,
    findings: Findings | None = None,
    most: int | None = None,
    max_marks: int | None = MAX_MARKS,
) -> dict[str, Any]:
    """Make the row of a CT.

    Parameters
    ----------
    spheres, scores
        (n, 4) marks as z, y, x, diameter in mm, and (n,) scores.
    nodules, excluded
        (m, 4) and (k, 4) true nodules (None where nobody knows) and what counts neither way.
    findings
        The marks with what networks and folds say of them.
    most
        How many marks the row lists, the surest first; None for all.
    max_marks
        See `metrics.froc.matching.match_marks`.
    """
    figures, at = CaseFigures(), None
    if nodules is not None:
        matching = match_marks(
            spheres[:, :3],
            scores,
            nodules[:, :3],
            nodules[:, 3],
            excluded[:, :3],
            excluded[:, 3],
            max_marks=max_marks,
        )
        distance = np.linalg.norm(spheres[:, None, :3] - nodules[None, :, :3], axis=2)
        told = beside_truth(matching, distance, scores >= threshold, complete=complete)
        figures = CaseFigures(told.missed, told.highest_false_alarm, distance_mm=told.distance_mm)
        if told.nodule is not None:
            at = nodules[told.nodule, :3]
        elif told.mark is not None:
            at = spheres[told.mark, :3]
    if at is None and len(scores):
        at = spheres[int(scores.argmax()), :3]
    order = np.argsort(-scores, kind="stable")[:most]
    return {
        **_columns(name, path, series_uid, None if nodules is None else len(nodules), figures, at, findings),
        "threshold": threshold,
        "complete": complete,
        "found": [
            {
                "score": float(scores[i]),
                "center_zyx_mm": [float(v) for v in spheres[i, :3]],
                "diameter_mm": float(spheres[i, 3]),
            }
            for i in order
        ],
        "truth": None if nodules is None else nodules.tolist(),
        "excluded": excluded.tolist(),
    }


def film_columns(
    case: RadiographCase, image: Image, result: RadiographResult, findings: Findings, threshold: float
) -> dict[str, Any]:
    """Make what `metrics.radiograph.figures.radiograph_details` does not say of a radiograph: file, figures, place."""
    figures, at = CaseFigures(), None
    if result.truth is not None:
        middle = (result.truth[:, :2] + result.truth[:, 2:]) / 2
        distance = None
        if image.spacing is not None:
            pixel = np.array(image.spacing[::-1])
            distance = np.linalg.norm((result.centers[:, None] - middle[None]) * pixel, axis=2)
        told = beside_truth(result.matching(), distance, result.scores >= threshold, complete=result.complete)
        figures = CaseFigures(told.missed, told.highest_false_alarm, distance_mm=told.distance_mm)
        if told.nodule is not None:
            at = middle[told.nodule]
        elif told.mark is not None:
            at = result.centers[told.mark]
    if at is None and len(result.scores):
        at = result.centers[int(result.scores.argmax())]
    nodules = None if result.truth is None else len(result.truth)
    row = _columns(
        result.name, case.path, image.series_uid, nodules, figures, None if at is None else at[::-1], findings
    )
    return {**row, "threshold": threshold} | ({} if case.upright else {"turned": True})


def _columns(
    name: str,
    path: Path | None,
    series_uid: str,
    nodules: int | None,
    figures: CaseFigures,
    at: Sequence[float] | np.ndarray | None,
    findings: Findings | None,
) -> dict[str, Any]:
    """The columns of every list; `at` is (z, y, x) or (y, x), and written as x, y, z."""
    if findings is not None:
        said = disagreement(findings), spread(findings)
        figures = CaseFigures(
            figures.missed, figures.highest_false_alarm, said[0], figures.distance_mm, said[1]
        )
    place = None if at is None else tuple(float(v) for v in at[::-1])
    return ListedCase(
        name, None if path is None else Path(path).absolute(), series_uid, nodules, figures, place
    ).to_json()
