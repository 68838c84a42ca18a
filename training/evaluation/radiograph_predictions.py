"""What ``lungmtl evaluate --json`` wrote of each radiograph, read again: pooled over folds, and fused from two networks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..data.errors import DatasetError
from ..data.public.radiographs import RadiographCase
from ..metrics.radiograph.statistics import RadiographResult
from ..ops.boxes import box_iou, contains

SAME_PLACE = 0.2
"""Intersection over union from which marks of two networks mean one nodule; a centre in the other's box will do as well."""


def read_predictions(files: Iterable[Path], cases: Sequence[RadiographCase]) -> list[RadiographResult]:
    """Read the predictions of one network, each radiograph from the one file that has it, beside their truth.

    Parameters
    ----------
    files
        Written by ``lungmtl evaluate --json``: by the weights of each fold on its held-out radiographs, say.
    cases
        The radiographs, in the order of the result; those that no file has are left out.

    Raises
    ------
    DatasetError
        A radiograph is in two files, or a file has no predictions.
    """
    found: dict[str, Mapping] = {}
    for path in files:
        rows = json.loads(path.read_text(encoding="utf-8")).get("cases_detail", [])
        if not rows or "found" not in rows[0]:
            raise DatasetError(
                f"{path} has no predictions of radiographs: write it with 'lungmtl evaluate --json'."
            )
        for row in rows:
            if row["name"] in found:
                raise DatasetError(
                    f"{row['name']} is in two of the files, in {path} the second time: leave one out."
                )
            found[row["name"]] = row
    return [_result(case, found[case.name]) for case in cases if case.name in found]


def _result(case: RadiographCase, row: Mapping) -> RadiographResult:
    marks = row["found"]
    dice = row.get("lung_dice")
    return RadiographResult(
        name=case.name,
        background=case.background,
        score=float(row["score"]),
        boxes=np.array([m["box"] for m in marks], float).reshape(-1, 4),
        scores=np.array([m["score"] for m in marks], float),
        centers=np.array([m["center"] for m in marks], float).reshape(-1, 2),
        positive=case.positive,
        truth=None if case.boxes is None else np.asarray(case.boxes, float),
        diameter_mm=np.asarray(case.diameter_mm, float),
        complete=case.complete,
        subtlety=np.asarray(case.subtlety, float),
        group=case.group,
        lung_dice={} if dice is None else {"lungs": float(dice)},
    )


def paired_marks(first: RadiographResult, second: RadiographResult) -> list[tuple[int, int]]:
    """Pair the marks of two networks on one radiograph, the surest first: indices, −1 where the other has no mark there."""
    near = box_iou(first.boxes, second.boxes) >= SAME_PLACE
    near |= contains(second.boxes, first.centers).T | contains(first.boxes, second.centers)
    strength = first.scores[:, None] + second.scores[None]
    free = np.ones(len(first.scores), bool), np.ones(len(second.scores), bool)
    pairs = []
    for flat in np.argsort(-np.where(near, strength, -1), axis=None, kind="stable")[: near.sum()]:
        one, other = (int(i) for i in np.unravel_index(flat, near.shape))
        if free[0][one] and free[1][other]:
            free[0][one] = free[1][other] = False
            pairs.append((one, other))
    return [
        *pairs,
        *((int(i), -1) for i in np.flatnonzero(free[0])),
        *((-1, int(j)) for j in np.flatnonzero(free[1])),
    ]
