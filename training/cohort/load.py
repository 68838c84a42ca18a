"""A folder becomes a cohort: results of `lungmtl predict`, or nodule cubes in the layout of LUNA16's."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from ..inference.predictor import Progress
from ..storage.address import is_remote, shown
from .cohort import Cohort, CohortError
from .cubes import CUBES, TABLE, load_cubes_table
from .results import SUFFIX, loading_results

MIN_SCORE = 0.5
"""Findings of a lower score are mostly false alarms, and there are many of them."""


def load_cohort(
    path: Path | str, predictions: Path | str | None = None, *, min_score: float = MIN_SCORE
) -> Cohort:
    """Read a cohort.

    Parameters
    ----------
    path
        A folder with ``*.lungmtl.json`` (folders below it included), or one with ``nodules.csv`` and ``cubes.npz``.
    predictions
        ``oof.csv`` of `lungmtl train mtmr` or `mtcnn`: what a network says of the cubes.
    min_score
        Take findings of at least this score (0–1), and what a person accepted or drew; rejected ones never.

    Raises
    ------
    CohortError, FindingsFileError
        There is nothing to show, or a table is damaged; the message names the file.
    """
    steps = loading(path, predictions, min_score=min_score)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def loading(
    path: Path | str, predictions: Path | str | None = None, *, min_score: float = MIN_SCORE
) -> Generator[Progress, None, Cohort]:
    """The same as `load_cohort` in steps: each ``yield`` is a point at which the caller may stop by closing."""
    path = Path(path)
    if is_remote(path):
        raise CohortError(
            f"{shown(path)} is on a server, and folders of this machine are read here: 'lungmtl view --cohort' opens it."
        )
    if not path.exists():
        raise CohortError(f"{path} does not exist: choose another folder.")
    if path.name in (TABLE, CUBES):
        path = path.parent
    yield Progress(0.0, "reading the table")
    if path.is_dir() and ((path / TABLE).exists() or (path / CUBES).exists()):
        return load_cubes_table(path, None if predictions is None else Path(predictions))
    if predictions is not None:
        raise CohortError(
            f"Predictions in a table belong to a folder of nodule cubes ({TABLE}, {CUBES}); {path} is none."
        )
    if path.is_file() and not path.name.lower().endswith(SUFFIX):
        raise CohortError(f"{path} is neither a folder nor a *{SUFFIX} file: choose the folder of results.")
    return (yield from loading_results(path, min_score))
