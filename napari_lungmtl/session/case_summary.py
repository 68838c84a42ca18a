"""What a list of cases says of each: how far its reading is, how many findings it has, and how sure the surest is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..training.errors import LungmtlError
from ..training.findings import Finding, Findings, Geometry, Mask
from ..training.findings.formats.json_file import read_findings
from ..training.findings.truth import sphere_of
from ..training.imaging.series import Series
from .review import is_reviewed, passes
from .same_findings import partners
from .sidecar import Sidecar
from .thresholds import opening_thresholds

UNREAD, IN_WORK, DONE = "unread", "in work", "done"
STATES = (UNREAD, IN_WORK, DONE)


@dataclass(frozen=True)
class CaseSummary:
    """One case in a few values.

    Parameters
    ----------
    state
        One of `STATES`: in work once a person has said anything about it, done once a person has said that.
    findings
        How many are shown when the image is opened, rejected ones not counted; None where nobody and nothing has looked.
    score
        The highest score (0–1) that a network gave to a finding that was not rejected, shown or not.
    probability
        The highest probability that networks give to a radiograph's showing a nodule.
    models
        Name and version of the networks that have looked.
    done_by
        Who said that it is read.
    problem
        A sentence where the file with the findings cannot be read.
    marks
        What is counted, without what a count does not need: to count again where images open at other thresholds (`recounted`).
    """

    state: str = UNREAD
    findings: int | None = None
    score: float | None = None
    probability: float | None = None
    models: frozenset[tuple[str, str]] = frozenset()
    done_by: str = ""
    problem: str = ""
    marks: Findings = field(default=Findings(), compare=False, repr=False)


def summary_of(findings: Findings, shown: Iterable[Finding] | None = None) -> CaseSummary:
    """Sum up findings.

    Parameters
    ----------
    findings
        All of the case.
    shown
        Those that pass the thresholds; by default, those that pass the ones an image is opened with.
    """
    shown = _shown_at_first(findings) if shown is None else shown
    scores = [f.network_score for f in findings if f.status != "rejected" and f.network_score is not None]
    looked = bool(len(findings) or findings.models)
    return CaseSummary(
        DONE if findings.done_by else IN_WORK if _is_in_work(findings) else UNREAD,
        _lesions(findings, shown) if looked else None,
        max(scores, default=None),
        max((s.probability for s in findings.image_scores), default=None),
        frozenset((str(m.get("name", "")), str(m.get("version", ""))) for m in findings.models),
        findings.done_by,
        marks=_light(findings),
    )


def recounted(summary: CaseSummary) -> CaseSummary:
    """Count the findings of a case that is not open again, by the thresholds that images open with now."""
    marks = summary.marks
    if not len(marks):
        return summary
    return replace(summary, findings=_lesions(marks, _shown_at_first(marks)))


def _shown_at_first(findings: Findings) -> list[Finding]:
    thresholds = opening_thresholds(findings)
    return [f for f in findings if passes(f, thresholds)]


def _light(findings: Findings) -> Findings:
    """Findings with the fields that are counted by: a list has thousands of cases."""
    items = tuple(
        Finding(
            _light_shape(f),
            f.score,
            f.malignancy,
            provenance=f.provenance,
            status=f.status,
            id=f.id,
        )
        for f in findings
    )
    return Findings(items, findings.image, findings.models)


def _light_shape(finding: Finding) -> Geometry:
    """A ball in the place of a mask in space; on a radiograph lesions are matched by what their boxes are."""
    solid = isinstance(finding.geometry, Mask) and len(finding.center) == 3
    return sphere_of(finding) if solid else finding.geometry


def stored_summary(series: Series) -> CaseSummary:
    """Sum up what is saved of a series that is not open; a damaged file stays as it is until the image is opened."""
    return stored(series)[1]


def stored(series: Series) -> tuple[Findings, CaseSummary]:
    """Read what is saved of a series that is not open (nothing where its file is damaged), and sum it up."""
    path = Sidecar.of_series(series).newest()
    if path is None:
        return Findings(), CaseSummary()
    try:
        findings = read_findings(path)
    except LungmtlError as error:
        return Findings(), CaseSummary(problem=str(error))
    return findings, summary_of(findings)


def _lesions(findings: Findings, shown: Iterable[Finding]) -> int:
    """Rows that the table of findings has of them: what both networks mark on a radiograph is one lesion."""
    ids = {f.id for f in shown if f.status != "rejected"}
    twice = [id for id, other in partners(findings, ids).items() if id < other and {id, other} <= ids]
    return len(ids) - len(twice)


def _is_in_work(findings: Findings) -> bool:
    drawn = any(r.provenance.person for r in findings.regions)
    return drawn or bool(findings.measurements) or any(map(is_reviewed, findings))
