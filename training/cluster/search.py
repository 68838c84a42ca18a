"""Searching the findings of many studies: the studies with the best of those that meet some conditions, as a list of cases."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..case_list.read import saved_in
from ..case_list.row import ListedCase
from ..error_boundary import as_sentences
from ..storage.address import StorageError, address_of, shown
from ..storage.files import is_there
from .columns import INDEX, STUDIES, folder_of
from .index import Index, first_and_count, is_on_web, open_index
from .task import DONE, ClusterError

if TYPE_CHECKING:
    import pyarrow.dataset as ds

ORDERS = {"score": "probability", "malignancy": "malignancy", "diameter": "diameter_mm"}
"""What findings are sorted by, from high to low, and the column that it is."""
STUDY_FIGURES = {"score": "best_score", "malignancy": "highest_malignancy", "findings": "findings"}
FIGURES = (*STUDY_FIGURES, "diameter")
"""What an index knows of a study: the highest score and malignancy, how many findings; and of each finding the diameter."""
COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
MOST = 1000
"""Findings whose studies are listed: nobody reads a longer list, and the conditions narrow it."""
_PLACE = ("coordX", "coordY", "coordZ", "x0", "y0", "x1", "y1")


@dataclass(frozen=True)
class Conditions:
    """What findings must be to be listed, and in which order.

    Parameters
    ----------
    score, malignancy
        Least probabilities, 0–1; 0 takes those without one too.
    diameter
        Least diameter in mm; 0 takes boxes of radiographs too.
    words
        Text in the path or the series of their study, whatever its case.
    figures
        Comparisons that studies must meet: one of `FIGURES`, one of `COMPARE`, and a number.
    by
        One of `ORDERS`.
    """

    score: float = 0.0
    malignancy: float = 0.0
    diameter: float = 0.0
    words: str = ""
    figures: tuple[tuple[str, str, float], ...] = ()
    by: str = "score"

    @property
    def expression(self) -> ds.Expression | None:
        """The conditions on numbers of findings in pyarrow's terms; None where there is none."""
        import pyarrow.dataset as ds

        least = {ORDERS[f.name]: getattr(self, f.name) for f in fields(self) if f.name in ORDERS}
        parts = [ds.field(column) >= value for column, value in least.items() if value > 0]
        parts += [
            COMPARE[sign](ds.field(ORDERS[n]), v) for n, sign, v in self.figures if n not in STUDY_FIGURES
        ]
        whole = None
        for part in parts:
            whole = part if whole is None else whole & part
        return whole


@dataclass(frozen=True)
class Matches:
    """What a search found.

    Parameters
    ----------
    cases
        Studies in the order of their best finding, each with the place of it; of one that was done again, the last result.
    findings, total
        How many findings meet the conditions, and how many there are, replaced results included.
    problems
        Sentences on what the index lacks.
    """

    cases: tuple[ListedCase, ...]
    findings: int
    total: int
    problems: tuple[str, ...] = ()


_TABLES = (".csv", ".csv.gz", ".json", ".parquet")


def results_of(path: Path) -> Path | None:
    """The folder of results that an index is in, from itself or the folder ``index``; None where there is no index.

    An address that is no file's by its name is taken for one: no server is asked here, and opening it tells.
    """
    places = (path, path.parent) if path.name == INDEX else (path,)
    if (address := address_of(path)) is not None:  # of a signed one the query is none of its name
        return None if address.name.lower().endswith(_TABLES) else places[-1]
    return next((place for place in places if folder_of(place, STUDIES).is_dir()), None)


def holds_index(path: Path) -> bool:
    """Whether there is an index in a folder, here or on a server.

    A server that does not answer, or that gives files and lists no folders, shows none: whoever opens the address tells why.
    """
    results = results_of(path)
    if results is None or is_on_web(results):
        return False
    with suppress(StorageError):
        return is_there(folder_of(results, STUDIES))
    return False


def search(results: Path, conditions: Conditions, most: int = MOST) -> Matches:
    """Find the studies with the first `most` findings that meet the conditions; memory does not grow with the index.

    Raises
    ------
    MissingExtraError
        pyarrow is not installed.
    ClusterError
        There is no index, or it is damaged.
    """
    index = open_index(results)
    with as_sentences(shown(results / INDEX), ClusterError):  # of pyarrow's own errors some are a TypeError
        where = conditions.expression
        figures = [each for each in conditions.figures if each[0] in STUDY_FIGURES]
        if conditions.words.strip() or figures:
            named = _of_studies(index, conditions.words, figures)
            where = named if where is None else where & named
        columns = ("key", *_PLACE)
        found, matching = first_and_count(index.findings, columns, where, ORDERS[conditions.by], most=most)
        first: dict[str, dict[str, Any]] = {}
        for row in found.to_pylist():
            first.setdefault(row["key"], row)
        studies = last_results(index, list(first))
        total = index.findings.count_rows()
        cases = tuple(_case(studies[key], row, results) for key, row in first.items() if key in studies)
    return Matches(cases, matching, total, index.problems)


def _of_studies(index: Index, words: str, figures: Sequence[tuple[str, str, float]]) -> ds.Expression:
    """Findings of studies whose path or series has all words, and whose figures meet all comparisons."""
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    asked = ds.field("status") == DONE
    for word in words.split():
        columns = (ds.field(name) for name in ("path", "series_uid", "name"))
        path, series, name = (pc.match_substring(column, word, ignore_case=True) for column in columns)
        asked = asked & (path | series | name)
    for name, sign, value in figures:
        asked = asked & COMPARE[sign](ds.field(STUDY_FIGURES[name]), value)
    keys = index.studies.to_table(["key"], filter=asked)["key"]
    return ds.field("key").isin(keys.combine_chunks())  # without any chunk it would have no type


def last_results(index: Index, keys: list[str]) -> dict[str, dict[str, Any]]:
    """Read the rows of studies by key, without those that were done again since; of one that was written twice, the last."""
    columns = ("key", "name", "path", "series_uid", "file", "findings", "best_score", "written")
    studies = {row["key"]: row for row in _in_time(index, columns, "key", keys)}
    replaced = _replaced(index, studies)
    return {key: row for key, row in studies.items() if key not in replaced}


def _replaced(index: Index, studies: dict[str, dict[str, Any]]) -> set[str]:
    """Keys of those studies that were done again since, with other weights or by another version."""
    paths = list({row["path"] for row in studies.values()})
    last = {
        (row["path"], row["series_uid"]): row["key"]
        for row in _in_time(index, ("key", "path", "series_uid", "written"), "path", paths)
    }
    return {key for key, row in studies.items() if last.get((row["path"], row["series_uid"]), key) != key}


def _in_time(index: Index, columns: Sequence[str], name: str, values: list[str]) -> list[dict[str, Any]]:
    """Rows of done studies with one of some values in a column, in the order in which they were written."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    where = (ds.field("status") == DONE) & ds.field(name).isin(pa.array(values, pa.string()))
    return index.studies.to_table(list(columns), filter=where).sort_by("written").to_pylist()


def _case(study: dict[str, Any], finding: dict[str, Any], results: Path) -> ListedCase:
    path = Path(study["path"]) if study["path"] else None
    if finding["coordX"] is not None:
        at = tuple(finding[name] for name in ("coordX", "coordY", "coordZ"))
    else:
        # Corners have the first pixel's middle at 0, and a place has it at 0.5.
        at = tuple((finding[f"{axis}0"] + finding[f"{axis}1"]) / 2 + 0.5 for axis in "xy")
    return ListedCase(
        "/".join(path.parts[-2:]) if path is not None else study["name"],
        path,
        study["series_uid"] or "",
        at=at,
        saved=saved_in(study, results),
    )
