"""LUNA16's files: annotations, excluded annotations, lists of series, submissions.

In the files positions are ``coordX, coordY, coordZ`` in LPS mm; here they are (z, y, x), as everywhere. Series
identifiers are strings, never numbers: LUNA16's are too long for any number, and short ones may begin with zeros.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..finding import Finding, Findings, ImageReference, Provenance, Sphere
from .errors import FindingsFileError
from .tables import bad_line, numbers, read_columns, read_text, write_rows

POSITION = ("coordX", "coordY", "coordZ")
TRUTH = Provenance(model="truth")


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


def _read(path: Path | str, column: str, *, skip_unplaced: bool = False) -> dict[str, Spots]:
    lines, table = read_columns(path, ("seriesuid", *POSITION, column))
    rows: dict[str, list[int]] = {}
    placed = [any(position) for position in zip(*(table[name] for name in POSITION), strict=True)]
    for row, uid in enumerate(table["seriesuid"]):
        if not uid:
            raise bad_line(path, lines[row], "no seriesuid")
        if placed[row] or not skip_unplaced:
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


def read_annotations(path: Path | str) -> dict[str, Spots]:
    """Spheres by series from ``annotations.csv`` or ``annotations_excluded.csv`` (may be gzipped).

    Further columns are passed over. A diameter below 0 means that it is not known.

    Raises
    ------
    FindingsFileError
        The file, a column or a value is missing or damaged; the message names file and line.
    """
    return _read(path, "diameter_mm")


def read_submission(path: Path | str) -> dict[str, Spots]:
    """Marks by series from a submission (``seriesuid,coordX,coordY,coordZ,probability``; may be gzipped).

    Further columns, such as those of this project's own ``findings.csv``, are passed over; its rows without a position
    in space (boxes on radiographs) are left out.
    """
    return _read(path, "probability", skip_unplaced=True)


def read_series(path: Path | str) -> list[str]:
    """Series identifiers, one on each line (may be gzipped; a header ``seriesuid`` and blank lines are passed over).

    Raises
    ------
    FindingsFileError
        No identifier, or one that is listed twice.
    """
    lines = (line.split(",")[0].strip().strip('"') for line in read_text(path).splitlines())
    uids = [uid for uid in lines if uid and uid.lower() != "seriesuid"]
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


def write_submission(marks: Mapping[str, Spots] | Iterable[Findings], path: Path | str) -> None:
    """Write a submission, gzipped where the name ends in .gz: marks by series, or findings (rejected ones left out).

    Raises
    ------
    SaveError
        The file could not be written.
    """
    if not isinstance(marks, Mapping):
        marks = {findings.image.series_uid: _spots(findings) for findings in marks}
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
