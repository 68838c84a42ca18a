"""LUNA16's files: annotations, excluded annotations, lists of series, submissions.

In the files positions are ``coordX, coordY, coordZ`` in LPS mm; here they are (z, y, x), as everywhere. Series
identifiers are strings, never numbers: LUNA16's are too long for any number, and short ones may begin with zeros.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...error_boundary import reads
from ..finding import Finding, Findings, ImageReference, Sphere
from ..truth import TRUTH, stands_for
from .errors import FindingsFileError
from .images.image_names import renamed
from .tables import bad_line, cells_of, numbers, plain_name, read_columns, write_rows

SERIES = "seriesuid"
POSITION = ("coordX", "coordY", "coordZ")
log = logging.getLogger(__name__)
_OF_FINDINGS = ("kind", "status", "model", "person")
"""Columns of a ``findings.csv`` that tell which rows are meant."""
_UNNAMED = "0"  # how pandas heads a column without a name


class Spots(NamedTuple):
    """Positions in one series.

    Parameters
    ----------
    center
        (n, 3) z, y, x in LPS mm.
    value
        (n,) diameter in mm (annotations; below 0 where unknown) or probability (submissions).
    """

    center: np.ndarray
    value: np.ndarray


def _read(
    path: Path | str,
    column: str,
    chosen: Callable[[Path | str, Mapping[str, list[str]]], list[bool]] | None = None,
) -> dict[str, Spots]:
    """Rows by series; `chosen` tells which rows of a ``findings.csv`` are meant (all without)."""
    lines, table = read_columns(path, ("seriesuid", *POSITION, column), _OF_FINDINGS)
    rows: dict[str, list[int]] = {}
    meant = [True] * len(lines) if chosen is None else chosen(path, table)
    for row, uid in enumerate(table["seriesuid"]):
        if not uid:
            raise bad_line(path, lines[row], "no seriesuid")
        if meant[row]:
            rows.setdefault(uid, []).append(row)
    kept = [row for group in rows.values() for row in group]
    at = [lines[row] for row in kept]
    # From here on the rows lie together by series, so that each series is a slice.
    x, y, z, value = (
        numbers(path, at, [table[name][row] for row in kept], name) for name in (*POSITION, column)
    )
    center = np.stack([z, y, x], axis=1)
    ends = np.cumsum([len(group) for group in rows.values()])
    return {
        uid: Spots(center[end - len(group) : end], value[end - len(group) : end])
        for (uid, group), end in zip(rows.items(), ends, strict=True)
    }


def _marks(path: Path | str, table: Mapping[str, list[str]]) -> list[bool]:
    """Rows of a ``findings.csv`` that are marks: no boxes, and not what a person drew."""
    scored = [
        bool(value) or not kind for value, kind in zip(table["probability"], table["kind"], strict=True)
    ]
    if by_hand := scored.count(False):
        log.warning("%s: %d findings drawn by hand have no probability and are left out", path, by_hand)
    return [a and b for a, b in zip(_placed(table), scored, strict=True)]


def _true(path: Path | str, table: Mapping[str, list[str]]) -> list[bool]:
    """Rows of a ``findings.csv`` that somebody stands for; of a table without decisions and networks every row."""
    words = zip(table["status"], table["model"], table["person"], strict=True)
    true = [stands_for(*each) for each in words]
    if others := true.count(False):
        log.warning(
            "%s: %d findings are no nodules: they were rejected, or a network's that nobody reviewed",
            path,
            others,
        )
    flat = [bool(kind) and not at for kind, at in zip(table["kind"], _placed(table), strict=True)]  # a box
    return [a and not b for a, b in zip(true, flat, strict=True)]


def _placed(table: Mapping[str, list[str]]) -> list[bool]:
    return [any(position) for position in zip(*(table[name] for name in POSITION), strict=True)]


@reads(FindingsFileError)
def read_annotations(path: Path | str) -> dict[str, Spots]:
    """Spheres by series from ``annotations.csv`` or ``annotations_excluded.csv`` (may be gzipped).

    Further columns are passed over. A diameter below 0 means that it is not known.

    Raises
    ------
    FindingsFileError
        The file, a column or a value is missing or damaged; the message names file and line.
    """
    return _read(path, "diameter_mm")


@reads(FindingsFileError)
def read_nodules(path: Path | str) -> dict[str, Spots]:
    """Nodules to be found, as `read_annotations`; a row that is there twice counts once, with a word in the log.

    Of a ``findings.csv`` those that were rejected, and a network's that nobody reviewed, are none.
    A detector can find a nodule once: its second row would be one that everybody misses. (LUNA16's excluded findings have many.)
    """
    read = _read(path, "diameter_mm", _true)
    spots = {uid: _once(each) for uid, each in read.items()}
    if again := sum(len(each.value) - len(spots[uid].value) for uid, each in read.items()):
        log.warning("%s: %d rows are there twice and count once", path, again)
    if points := sum(int((each.value == 0).sum()) for each in spots.values()):
        log.warning("%s: %d nodules have a diameter of 0, so that no mark can hit them", path, points)
    return spots


def _once(spots: Spots) -> Spots:
    """Each position with its value once, in the order of their first places."""
    rows = np.column_stack([spots.center, spots.value])
    first = np.sort(np.unique(rows, axis=0, return_index=True)[1])
    return Spots(spots.center[first], spots.value[first])


@reads(FindingsFileError)
def read_submission(path: Path | str) -> dict[str, Spots]:
    """Marks by series from a submission (``seriesuid,coordX,coordY,coordZ,probability``; may be gzipped).

    Further columns, such as those of this project's own ``findings.csv``, are passed over; its rows without a position
    in space (boxes on radiographs) are left out, and so are those without a probability (what a person drew).
    """
    marks = _read(path, "probability", _marks)
    if any(spots.value.size and (spots.value.min() < 0 or spots.value.max() > 1) for spots in marks.values()):
        log.warning("%s has probabilities below 0 or above 1: they only rank the marks", path)
    return marks


@reads(FindingsFileError)
def read_series(path: Path | str) -> list[str]:
    """Series identifiers: a column ``seriesuid``, or one on each line (may be gzipped; blank lines are passed over).

    Raises
    ------
    FindingsFileError
        No identifier, several values on a line without a column ``seriesuid``, or one that is listed twice.
    """
    rows = list(cells_of(path, (SERIES,)))
    header = rows[0][1] if rows else []
    if SERIES in map(plain_name, header):
        uids = [uid for uid in read_columns(path, (SERIES,))[1][SERIES] if uid]
    else:
        uids = [_only(path, line, values) for line, values in rows]
        # A heading that is no identifier beside identifiers: letters only above digits and dots only.
        named = len(uids) > 1 and (not any(map(str.isdigit, uids[0])) or uids[0] == _UNNAMED)
        if named and all(re.fullmatch(r"[\d.]+", uid) for uid in uids[1:]):
            del uids[0]
    if not uids:
        raise FindingsFileError(f"{path} names no series: it needs one identifier on each line")
    seen: set[str] = set()
    for uid in uids:
        if uid in seen:
            raise FindingsFileError(
                f"{path} lists {uid} twice: every scan counts once, delete one of the lines"
            )
        seen.add(uid)
    return uids


def _only(path: Path | str, line: int, values: Sequence[str]) -> str:
    """The one value of a line; columns that end in a delimiter are no further values."""
    given = [value for value in values if value]
    if len(given) > 1:
        raise bad_line(
            path,
            line,
            f"{len(given)} values where one identifier is expected (name the column of identifiers {SERIES!r} in the "
            "first line)",
        )
    return given[0]


def write_submission(marks: Mapping[str, Spots] | Iterable[Findings], path: Path | str) -> None:
    """Write a submission, gzipped where the name ends in .gz: marks by series, or findings (rejected ones left out).

    The format asks for a probability of every mark: what a person drew, who gave none, has 1.

    Raises
    ------
    SaveError
        Nothing tells two images apart, or the file could not be written.
    """
    if not isinstance(marks, Mapping):
        marks = {findings.image.series_uid: _spots(findings) for findings in renamed(marks, path)}
    rows = (
        (uid, float(x), float(y), float(z), float(value))
        for uid, spots in marks.items()
        for (z, y, x), value in zip(spots.center, spots.value, strict=True)
    )
    write_rows(path, ("seriesuid", *POSITION, "probability"), rows)


def _spots(findings: Findings) -> Spots:
    kept = [f for f in findings if len(f.center) == 3 and f.status != "rejected"]
    return Spots(np.array([f.center for f in kept]).reshape(-1, 3), np.array([f.score for f in kept]))


def truth_of(annotations: Mapping[str, Spots], series_uid: str) -> Findings:
    """One series' annotations as findings (none where the series is not annotated); unknown diameters become 10 mm."""
    spots = annotations.get(series_uid)
    items = (
        Finding(
            Sphere((c[0], c[1], c[2]), d if d > 0 else 10.0),
            provenance=TRUTH,
            status="accepted",
            id=f"truth{i}",
        )
        for i, (c, d) in enumerate(zip(spots.center, spots.value, strict=True) if spots else ())
    )
    return Findings(tuple(items), ImageReference(series_uid=series_uid, modality="CT"))
