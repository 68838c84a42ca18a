"""The marks of an evaluation's scans or radiographs, as ``lungmtl evaluate --json`` writes them, for curves over the threshold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..error_boundary import reads
from ..errors import LungmtlError

Row = Mapping[str, Any]


class EvaluationFileError(LungmtlError):
    """A file holds no evaluation that a curve can be drawn of; the message says why and what to do."""


@dataclass(frozen=True, eq=False)
class EvaluatedCase:
    """One scan or radiograph.

    Parameters
    ----------
    name, group
        The case, and what the bootstrap draws: cases of one patient share it.
    nodules, hits, false
        Of a scan: its nodules, the scores of the best mark on each found one, and of all false marks.
    positive, score
        Of a radiograph: whether it shows a nodule, and what the network says of it as a whole (0–1); None where unknown, and of a
        scan.
    """

    name: str
    group: str
    nodules: int = 0
    hits: np.ndarray = field(default_factory=lambda: np.zeros(0))
    false: np.ndarray = field(default_factory=lambda: np.zeros(0))
    positive: bool | None = None
    score: float | None = None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All cases of an evaluation.

    Parameters
    ----------
    title
        What was evaluated on what, for a person.
    network, sha256
        Whose marks they are, and the SHA-256 of its weights, or its first digits.
    cases
        The cases.
    radiographs
        Whether they are radiographs: curves are then ROC curves.
    notes
        What the figures leave out, in sentences.
    """

    title: str
    network: str
    sha256: str
    cases: tuple[EvaluatedCase, ...]
    radiographs: bool = False
    notes: tuple[str, ...] = ()


@reads(EvaluationFileError)
def read_evaluation(path: Path) -> Evaluation:
    """Read what ``lungmtl evaluate --json`` wrote of whole scans or radiographs.

    Raises
    ------
    EvaluationFileError
        The file is missing or damaged, or has no marks by scan.
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise EvaluationFileError(
            f"{path} is no JSON ({error}): write it with 'lungmtl evaluate --json'."
        ) from error
    if not isinstance(values, dict) or "metrics" not in values:
        raise EvaluationFileError(
            f"{path} is no evaluation: choose a file that 'lungmtl evaluate --json' wrote."
        )
    try:
        return evaluation_of(values)
    except EvaluationFileError as error:
        raise EvaluationFileError(f"{path} {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise EvaluationFileError(
            f"{path} is damaged ({type(error).__name__}: {error}): write it again with 'lungmtl evaluate --json'."
        ) from error


def evaluation_of(values: Row) -> Evaluation:
    """Make an `Evaluation` of an evaluation's JSON values.

    Raises
    ------
    EvaluationFileError
        It has no marks by scan; the message goes on after the file's name.
    """
    name, _, rest = str(values.get("weights", "")).partition(" ")
    network, digits = str(values.get("network", name)), rest.rpartition(" ")[2]
    title = f"{values.get('weights', network)} on {Path(str(values.get('data', ''))).name}".strip()
    notes = tuple(map(str, values.get("warnings", ())))
    if rows := values.get("cases_detail"):
        cases = tuple(map(_radiograph, rows))
        if len({c.positive for c in cases} - {None}) < 2:
            raise EvaluationFileError(
                "needs radiographs with a nodule and others without: evaluate on a set that has both."
            )
        return Evaluation(title, network, digits, cases, radiographs=True, notes=notes)
    if "marks" in values and "by_scan" in values["metrics"]:
        scans = _scans(values["metrics"]["by_scan"], values["metrics"]["lesions"], values["marks"])
        if not any(scan.nodules for scan in scans):
            raise EvaluationFileError("has no scan with a nodule: evaluate on a set that has some.")
        return Evaluation(title, network, digits, scans, notes=notes)
    raise EvaluationFileError(
        "has no marks by scan (it is of nodule cubes, or of a characteriser): evaluate a detector on whole scans, or a network on "
        "radiographs."
    )


def _scans(
    by_scan: Mapping[str, Row], lesions: Sequence[Row], marks: Sequence[Row]
) -> tuple[EvaluatedCase, ...]:
    """Scans of `evaluation.whole_scans`: marks on or beside a lesion are no false marks, as in its counts."""

    def scores(rows: Sequence[Row], scan: str) -> np.ndarray:
        return np.array([float(r["score"]) for r in rows if r["scan"] == scan and r["score"] is not None])

    others = [mark for mark in marks if mark["kind"] == "other"]
    return tuple(
        EvaluatedCase(name, name, int(counts["lesions"]), scores(lesions, name), scores(others, name))
        for name, counts in by_scan.items()
    )


def _radiograph(row: Row) -> EvaluatedCase:
    name, positive = str(row["name"]), row["positive"]
    if positive not in (True, False, None):
        raise ValueError(f"positive of {name} is {positive!r}")
    return EvaluatedCase(
        name, str(row.get("background") or name), positive=positive, score=float(row["score"])
    )
