"""A submission to LUNA16 case by case: what of each scan a report lists beside the challenge's figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..imaging.find import find_series
from ..imaging.paths import stem_of
from ..imaging.series import Series
from ..metrics.froc.luna16 import FrocResult
from ..metrics.froc.matching import UNKNOWN_DIAMETER_MM, Points
from .case_rows import spheres_row

RATE = 1.0
"""False positives per scan at whose threshold a nodule counts as missed: a submission has no threshold of its own."""
MOST_MARKS = 100
"""Marks that a row lists: so many count in a scan."""
_NONE: Points = (np.zeros((0, 3)), np.zeros(0))


def submission_report(
    result: FrocResult,
    series: Sequence[str],
    marks: Mapping[str, Points],
    nodules: Mapping[str, Points],
    excluded: Mapping[str, Points],
    *,
    submission: Path,
    truth: Path,
    images: Mapping[str, Series],
) -> dict[str, Any]:
    """Return the challenge's figures in the keys of every evaluation, with a row for each scan (``cases_detail``).

    Parameters
    ----------
    images
        The scans that are at hand, by the identifiers of the submission (`series_by_name`).
    """
    threshold = threshold_at(result)
    figures = result.to_json()
    rows = []
    for uid in series:
        at_hand = images.get(uid)
        center, score = (np.asarray(v, float) for v in marks.get(uid, _NONE))
        size = np.full((len(score), 1), UNKNOWN_DIAMETER_MM)
        row = spheres_row(
            uid,
            None if at_hand is None else at_hand.path,
            np.hstack([center.reshape(-1, 3), size]),
            score,
            _spheres(nodules.get(uid, _NONE)),
            _spheres(excluded.get(uid, _NONE)),
            threshold,
            series_uid=uid if at_hand is None else at_hand.uid,
            most=MOST_MARKS,
        )
        rows.append(row)
    return {
        "network": submission.name,
        "data": str(truth),
        "weights": submission.name.replace(" ", "_"),
        "cases": result.scans,
        "threshold": threshold,
        "metrics": {key: value for key, value in figures.items() if key != "warnings"},
        "curve": {
            name: [float(v) for v in getattr(result.curve, name)[1:]]
            for name in ("fp_rate", "sensitivity", "threshold")
        },
        "cases_detail": rows,
        "warnings": figures["warnings"],
    }


def threshold_at(result: FrocResult, rate: float = RATE) -> float:
    """Return the lowest score with at most so many false positives per scan, and the highest of all where there is none."""
    curve = result.curve
    if len(curve.threshold) < 2:
        return 1.0
    below = int(np.flatnonzero(curve.fp_rate <= rate).max())
    return float(curve.threshold[max(below, 1)])


def series_by_name(folder: Path, names: Iterable[str]) -> dict[str, Series]:
    """Find the scans of a folder that some names mean: SeriesInstanceUID, or the name of a file or folder without suffix."""
    wanted = set(names)
    found: dict[str, Series] = {}
    for one in find_series(folder):
        if isinstance(one, Series):
            known = next((name for name in (one.uid, stem_of(one.path)) if name in wanted), None)
            if known is not None:
                found[known] = one
    return found


def _spheres(points: Points) -> np.ndarray:
    center, diameter = (np.asarray(v, float) for v in points)
    return np.column_stack([center.reshape(-1, 3), diameter])
