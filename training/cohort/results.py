"""Nodules of many result files (``*.lungmtl.json``)."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

from ..findings import Finding, Findings
from ..findings.formats.errors import FindingsFileError
from ..findings.formats.json_file import SUFFIX, read_findings
from ..findings.image_place import image_place
from ..inference.predictor import Progress
from .cohort import Cohort, CohortError, Nodule
from .indexed import indexed_nodules


def loading_results(path: Path, min_score: float) -> Generator[Progress, None, Cohort]:
    """The nodules of all result files below a folder, or of one file.

    Where two files hold the same finding of the same case (a result and the review of it), the newer file counts.

    Raises
    ------
    CohortError
        No file, no file that can be read, or no nodule in them.
    """
    files = [path] if path.is_file() else list(path.rglob(f"*{SUFFIX}"))
    if not files:
        raise CohortError(
            f"{path} holds no results (*{SUFFIX}) and no nodule cubes (nodules.csv, cubes.npz): choose the folder that "
            "'lungmtl predict --out' wrote."
        )
    nodules: dict[tuple[str, str], Nodule] = {}
    problems: list[str] = []
    known = indexed_nodules(path, files, min_score)
    for number, file in enumerate(sorted(files, key=_modified, reverse=True)):
        if file in known:
            for nodule in known[file]:
                nodules.setdefault((nodule.case, nodule.id), _where_it_is(nodule))
            continue
        yield Progress(number / len(files), f"reading results, {number + 1} of {len(files)}")
        try:
            findings = read_findings(file)
        except FindingsFileError as error:
            problems.append(str(error))
            continue
        for nodule in _nodules(file, findings, min_score):
            nodules.setdefault((nodule.case, nodule.id), nodule)
    if not nodules:
        if len(problems) == len(files):
            raise CohortError(f"None of the {len(files)} result files can be read. {problems[0]}")
        raise CohortError(
            f"The {len(files)} result files in {path} name no nodule on a CT with a score of {min_score:.2f} or more."
        )
    ordered = sorted(nodules.values(), key=lambda n: (n.case, -n.finding.score))
    return Cohort(path, tuple(ordered), tuple(problems))


def _where_it_is(nodule: Nodule) -> Nodule:
    return replace(nodule, source=image_place(nodule.file, str(nodule.source)))


def _modified(file: Path) -> tuple[float, str]:
    try:
        return file.stat().st_mtime, file.name
    except OSError:
        return 0.0, file.name


def _nodules(file: Path, findings: Findings, min_score: float) -> Iterator[Nodule]:
    case = findings.image.series_uid or file.name.removesuffix(SUFFIX)
    source = image_place(file, findings.image.source)
    for finding in findings:
        if len(finding.center) == 3 and finding.status != "rejected" and _counts(finding, min_score):
            yield Nodule(case, file, source, finding)


def _counts(finding: Finding, min_score: float) -> bool:
    by_person = bool(finding.provenance.person) or not finding.provenance.model
    return finding.score >= min_score or finding.status == "accepted" or by_person
