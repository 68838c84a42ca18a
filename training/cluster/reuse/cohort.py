"""Nodules of an index as a cohort: those for a map, and those most like one, with no more in memory than these."""

from __future__ import annotations

import heapq
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...cohort.alike import COUNT, Alike, distances, features_of, spread_of
from ...cohort.cohort import Cohort, CohortError, Nodule
from ...cohort.indexed import finding_of
from ...cohort.load import MIN_SCORE
from ...error_boundary import as_sentences
from ...findings import ATTRIBUTES, Finding
from ...inference.predictor import Progress
from ...inference.registry import characterisers
from ...storage.address import shown
from ..columns import INDEX
from ..index import Index, first_and_count, open_index
from ..search import last_results

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

MOST_NODULES = 1000
"""On a map: t-SNE of twice as many takes half a minute, and points cover each other."""
_CANDIDATES = 4
"""So many times the look-alikes asked for are kept until it is known which were replaced by a later result."""
_FACTORS = (1, 4, 16)
"""So many times the nodules of a map are read, as long as too many of them were replaced by a later result."""
_FEATURES = (*ATTRIBUTES, "diameter_mm")
_COLUMNS = ("key", "id", "seriesuid", "model", "probability", "malignancy", "malignancy_spread", *_FEATURES)
_PLACE = ("coordZ", "coordY", "coordX")


def loading_index(
    results: Path, min_score: float = MIN_SCORE, most: int = MOST_NODULES
) -> Generator[Progress, None, Cohort]:
    """Read the nodules of an index with the highest scores, of those that networks have characterised.

    Each ``yield`` is a point at which the caller may stop by closing.

    Raises
    ------
    CohortError
        No finding has such a score and all attributes.
    ClusterError, MissingExtraError
        There is no index, it is damaged, or pyarrow is missing.
    """
    yield Progress(0.0, "searching the index")
    index = open_index(results)
    with as_sentences(shown(results / INDEX), CohortError):  # of pyarrow's own errors some are a TypeError
        nodules, count = yield from _surest(index, results, min_score, most)
    if not nodules:
        raise CohortError(
            f"The index in {shown(results)} has no finding on a CT with a score of {min_score:.2f} or more and all eight "
            f"attributes: {' or '.join(characterisers())} gives them, which 'lungmtl predict' runs unless --model names others."
        )
    problems = index.problems
    if count:
        problems = (
            *problems,
            f"On the map are the {len(nodules):,} surest of {count:,} characterised findings, replaced results included; "
            "look-alikes are looked for among all.".replace(",", "\N{NARROW NO-BREAK SPACE}"),
        )
    return Cohort(results, tuple(sorted(nodules, key=lambda n: (n.case, -n.finding.score))), problems)


def finding_alike(
    cohort: Cohort, finding: Finding, series: str = "", count: int = COUNT, min_score: float = MIN_SCORE
) -> Generator[Progress, None, tuple[Cohort, tuple[Alike, ...]]]:
    """Find the nodules of a whole index most like a finding, as `cohort.alike` does in a cohort.

    Parameters
    ----------
    cohort
        Of `loading_index`: its standard deviations are the measure.
    series
        SeriesInstanceUID that is left out.

    Returns
    -------
    Cohort, tuple of Alike
        The nearest nodules, and their distances in the same order.

    Raises
    ------
    CohortError, ClusterError
        The index is damaged or has gone.
    """
    import pyarrow.dataset as ds

    asked, spread = features_of(finding), spread_of(cohort)
    if not np.isfinite(asked).all():
        return Cohort(cohort.path, ()), ()
    index = open_index(cohort.path)
    where = _characterised(min_score) & (ds.field("seriesuid") != series)
    nearest: list[tuple[float, int, dict[str, Any]]] = []
    seen = 0
    with as_sentences(shown(cohort.path / INDEX), CohortError):
        for batch in index.findings.to_batches(columns=[*_COLUMNS, *_PLACE], filter=where):
            yield Progress(0.0, "looking for look-alikes")
            distance = distances(_features(batch), asked, spread)
            best = np.argsort(distance, kind="stable")[: _CANDIDATES * count]
            rows = batch.take(best).to_pylist()
            new = [
                (float(d), seen + n, row) for n, (d, row) in enumerate(zip(distance[best], rows, strict=True))
            ]
            nearest = heapq.nsmallest(_CANDIDATES * count, [*nearest, *new])
            seen += batch.num_rows
        known = last_results(index, list({row["key"] for _, _, row in nearest}))
        unique = {(row["key"], row["id"]): (d, row) for d, _, row in reversed(nearest) if row["key"] in known}
        kept = list(reversed(unique.values()))[:count]
        nodules = tuple(_nodule(row, known[row["key"]], cohort.path) for _, row in kept)
    return Cohort(cohort.path, nodules), tuple(Alike(n, d) for n, (d, _) in enumerate(kept))


def _characterised(min_score: float) -> ds.Expression:
    """Findings with a place in space, this score, and all that they are compared by."""
    import pyarrow.dataset as ds

    where = ds.field("probability") >= min_score
    for name in ("coordX", *_FEATURES):
        where = where & ds.field(name).is_valid()
    return where


def _features(batch: pa.RecordBatch) -> np.ndarray:
    table = np.column_stack([batch.column(name).to_numpy(zero_copy_only=False) for name in _FEATURES])
    table[:, -1] = np.log(table[:, -1])
    return table


def _surest(
    index: Index, results: Path, min_score: float, most: int
) -> Generator[Progress, None, tuple[list[Nodule], int]]:
    """Up to `most` nodules by descending score, and of how many findings, replaced ones included; 0 where they are all.

    Where a later result replaced many of the first findings, more are read: with other weights all may score lower.
    """
    for factor in _FACTORS:
        found, count = first_and_count(
            index.findings, (*_COLUMNS, *_PLACE), _characterised(min_score), "probability", most=factor * most
        )
        yield Progress(0.8, "looking for studies")
        nodules = _nodules(index, results, found)
        if len(nodules) >= most or found.num_rows == count:
            break
    whole = found.num_rows == count and len(nodules) <= most
    return nodules[:most], 0 if whole else count


def _nodules(index: Index, results: Path, found: pa.Table) -> list[Nodule]:
    rows = found.to_pylist()
    studies = last_results(index, list({row["key"] for row in rows}))
    unique = {(row["key"], row["id"]): row for row in rows if row["key"] in studies}
    return [_nodule(row, studies[row["key"]], results) for row in unique.values()]


def _nodule(row: Mapping[str, Any], study: Mapping[str, Any], results: Path) -> Nodule:
    source = Path(study["path"]) if study["path"] else None
    return Nodule(row["seriesuid"], results / study["file"], source, finding_of(row))
