"""From logs and truth to all figures of a reader study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..error_boundary import sentence
from ..errors import LungmtlError
from ..findings.finding import ImageReference
from ..findings.formats.truth.load import load_truth_of
from ..findings.truth import Truth
from ..metrics.mrmc.components import Components
from ..metrics.mrmc.figures import Estimates, auc, delong, wafroc
from ..metrics.mrmc.obuchowski_rockette import Analysis, Mrmc, analyse
from .agreement import Agreement, agreements
from .errors import ReaderStudyError
from .figures import ChangesOfMind, Condition, Judged, Row, changes_of_mind, judge, rows
from .log import StudyLog
from .readings import Reading, replay, unfinished
from .truth_folder import TruthFolder

PAIRS = ((Condition.BEFORE, Condition.AFTER), (Condition.UNAIDED, Condition.AIDED))
"""Conditions that are compared."""


@dataclass(frozen=True)
class Compared:
    """Two conditions by the readers and cases that have both: MRMC on one figure of merit, or a sentence why there is none."""

    figure: str
    conditions: tuple[Condition, Condition]
    readers: tuple[str, ...]
    cases: int
    result: Mrmc | None
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """Convert for JSON; NaN becomes None."""
        values: dict[str, Any] = {
            "figure": self.figure,
            "conditions": list(map(str, self.conditions)),
            "readers": list(self.readers),
            "cases": self.cases,
        }
        if self.result is None:
            return values | {"problem": self.problem}
        variance, cov1, cov2, cov3 = self.result.components.means
        analyses = {
            "random_readers_and_cases": self.result.both,
            "fixed_readers": self.result.cases,
            "fixed_cases": self.result.readers,
        }
        return values | {
            "figures": self.result.figures.tolist(),
            "components": {"variance": variance, "cov1": cov1, "cov2": cov2, "cov3": cov3},
            **{name: _analysis_json(a) for name, a in analyses.items()},
        }


def _analysis_json(analysis: Analysis | None) -> dict[str, Any] | None:
    if analysis is None:
        return None
    difference = analysis.differences.get((0, 1))
    return {
        "test": analysis.test.to_json() if analysis.test is not None else None,
        "difference_first_less_second": difference.to_json() if difference is not None else None,
        "means": [mean.to_json() for mean in analysis.means],
    }


@dataclass(frozen=True)
class StudyResult:
    """All figures of a reader study."""

    readings: tuple[Reading, ...]
    rows: tuple[Row, ...]
    changes: tuple[ChangesOfMind, ...]
    agreements: tuple[Agreement, ...]
    compared: tuple[Compared, ...]
    problems: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Convert for JSON."""
        return {
            "readings": len(self.readings),
            "unfinished": len(list(unfinished(self.readings))),
            "rows": [row.to_json() for row in self.rows],
            "changes_of_mind": [change.to_json() for change in self.changes],
            "agreement": [one.to_json() for one in self.agreements],
            "mrmc": [one.to_json() for one in self.compared],
            "problems": list(self.problems),
        }


def analyse_study(logs: Sequence[StudyLog], truth: Path | str, covariance: str = "jackknife") -> StudyResult:
    """Analyse the logs of all readers.

    Parameters
    ----------
    logs
        Of one study, of any number of readers.
    truth
        A file with the truth of all cases (LUNA16's ``annotations.csv``, ``findings.csv``, NODE21, NIH, JSRT, COCO …), or a folder
        with a ``*.lungmtl.json`` for each case.
    covariance
        Of AUCs: ``"jackknife"`` or ``"delong"``.

    Raises
    ------
    ReaderStudyError
        No reading was finished, or no case of the logs has a truth.
    """
    problems = [problem for log in logs for problem in log.problems]
    # In a log's own order: a clock may be set back.
    ordered = sorted(logs, key=lambda log: log.events[0].at)
    events = [event for log in ordered for event in log.events]
    readings, said = replay(events)
    problems += said
    done = [reading for reading in readings if reading.after is not None]
    if not done:
        names = ", ".join(str(log.path) for log in logs)
        raise ReaderStudyError(f"no reading of {names} was finished: there is nothing to analyse yet")
    truths = _truths({reading.case: reading.image for reading in done}, Path(truth), problems)
    judged = judge(done, truths)
    compared = [
        _compare(judged, pair, figure, covariance)
        for pair in PAIRS
        if {j.condition for j in judged} >= set(pair)
        for figure in ("AUC", "wAFROC")
    ]
    return StudyResult(
        tuple(readings),
        tuple(rows(judged)),
        tuple(changes_of_mind(done, judged)),
        tuple(agreements(done)),
        tuple(compared),
        tuple(problems),
    )


def _truths(images: Mapping[str, ImageReference], path: Path, problems: list[str]) -> dict[str, Truth]:
    """The truth of each case, by its hash."""
    if not path.exists():
        raise ReaderStudyError(f"{path} does not exist: name the file or folder with the truth of the cases")
    files = TruthFolder.of(path, list(images.values()), problems) if path.is_dir() else None
    found = {}
    for case, image in images.items():
        try:
            file = path if files is None else files.file_of(image)
            if file is None:
                problems.append(f"{path} has no truth of case {_named(case, image)}: it is left out.")
                continue
            found[case] = load_truth_of(file, image)
        except LungmtlError as error:
            problems.append(f"Case {_named(case, image)} is left out: {sentence(error)}")
            continue
        problems += [p for p in found[case].problems if p not in problems]
    if not found:
        raise ReaderStudyError(f"{path} has the truth of none of the {len(images)} cases: {problems[-1]}")
    return found


def _named(case: str, image: ImageReference) -> str:
    return f"{Path(image.source).name or image.series_uid} ({case})"


def _compare(
    judged: Sequence[Judged], pair: tuple[Condition, Condition], figure: str, covariance: str
) -> Compared:
    """MRMC needs every reader's reading of every case in both conditions: what not all have is left out."""
    table = {(j.reader, j.condition, j.case): j for j in judged if j.condition in pair}
    read = {
        reader: {
            c
            for r, condition, c in table
            if r == reader and (r, pair[1], c) in table and condition == pair[0]
        }
        for reader in sorted({j.reader for j in judged})
    }
    readers = tuple(reader for reader, cases in read.items() if cases)
    cases = sorted(set.intersection(*(read[reader] for reader in readers))) if readers else []
    cells = [[[table[reader, condition, case] for case in cases] for reader in readers] for condition in pair]
    try:
        estimates, matrix = _estimates(cells, figure, covariance)
    except ValueError as error:
        return Compared(figure, pair, readers, len(cases), None, f"{figure}: {sentence(error)}")
    result = analyse(estimates.figure, Components.of(matrix, 2, len(readers)))
    return Compared(figure, pair, readers, len(cases), result)


def _estimates(
    cells: Sequence[Sequence[Sequence[Judged]]], figure: str, covariance: str
) -> tuple[Estimates, np.ndarray]:
    if not cells[0] or not cells[0][0]:
        raise ValueError("no case was read by all readers in both conditions")
    if figure == "wAFROC":
        marked = wafroc([[[j.marked for j in reader] for reader in condition] for condition in cells])
        return marked, marked.covariance()
    ratings = np.array([[[j.stand.rating for j in reader] for reader in condition] for condition in cells])
    truth = [bool(j.nodules) for j in cells[0][0]]
    estimates = auc(ratings, truth)
    return estimates, delong(ratings, truth) if covariance == "delong" else estimates.covariance()
