"""Make the page of a case and write it: HTML, PDF, or the PDF as a DICOM object of the study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LungmtlError
from ..export_options import Which
from ..findings.finding import Finding, Findings
from ..findings.formats.atomic import write_atomically
from ..guidelines.calculation import Calculation
from ..imaging.image import Image
from ..imaging.radiograph.orientation import AS_STORED
from ..inference.radiograph_answer import HOSPITAL
from .calculator_lines import calculator_line
from .language import Language
from .lines import FindingLine, brief_line, finding_line, image_scores, networks, other_measurements
from .words import Words

if TYPE_CHECKING:
    from ..findings.deidentify import Deidentifier

PICTURED = 6
"""Findings with pictures at most."""
FEWER = (5, 4, 2, 1)
"""Findings with pictures where that many do not fit on a page of PDF."""
BRIEF = 12
"""Further findings that are named; the others are counted."""
MEASUREMENTS = 6
SUFFIXES = (".html", ".pdf", ".dcm")


class CaseReportError(LungmtlError):
    """A report cannot be made or written; the message says why and what to do."""


@dataclass(frozen=True)
class CaseReport:
    """What a report is made of.

    Parameters
    ----------
    findings
        All of the image.
    shown
        Those that it tells of; rejected ones among them, and all others, are only counted.
    image
        The image, for the pictures; None where it is not at hand.
    name
        What the case is called.
    language
        Of words and numbers.
    calculations
        Of calculators that were asked for.
    hide
        Leaves out names, dates, notes and paths; None keeps them.
    made
        The day that stands on it; none with `hide`.
    prevalence
        Share of radiographs with a nodule (0–1), at which the one answer for a radiograph is told.
    which
        Which part of the findings `shown` is: why others are not told.
    """

    findings: Findings
    shown: Sequence[Finding]
    image: Image | None = None
    name: str = ""
    language: Language = Language.EN
    calculations: Sequence[Calculation] = ()
    hide: Deidentifier | None = None
    made: date = field(default_factory=date.today)
    prevalence: float = HOSPITAL
    which: Which = Which.SHOWN


def order(findings: Sequence[Finding]) -> list[Finding]:
    """Those that a person accepted or drew first, then by score; rejected ones are left out."""
    kept = [f for f in findings if f.status != "rejected"]
    return sorted(kept, key=lambda f: (f.status != "accepted" and bool(f.provenance.model), -f.score))


def page(report: CaseReport, pictured: int = PICTURED) -> str:
    """Make the HTML: one text with all in it, nothing from elsewhere, everything that people wrote escaped.

    Parameters
    ----------
    report
        What it is made of.
    pictured
        Findings that have pictures; the others follow in short.
    """
    return _render(_without_identity(report), pictured)


def write_case_report(report: CaseReport, path: Path | str) -> list[str]:
    """Write a report as its file's name says: ``.html``, ``.pdf``, or ``.dcm`` (the PDF as an object of the study).

    Returns
    -------
    list of str
        Sentences on what a person must look at before it is passed on.

    Raises
    ------
    CaseReportError
        The name says none of these, or no PDF can be made here.
    SaveError
        The file could not be written, or the image is no DICOM series.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise CaseReportError(
            f"{path} was not written: name the report {', '.join(SUFFIXES[:2])} or {SUFFIXES[2]}"
        )
    if suffix == ".html":
        write_atomically(path, page(report).encode("utf-8", "replace"))
    elif suffix == ".pdf":
        write_atomically(path, pdf(report))
    else:
        from ..findings.formats.dicom.writing.attachments import write_pdf
        from ..findings.formats.dicom.writing.source import open_source

        source = open_source(report.findings.image, path)
        hide = report.hide
        write_pdf(pdf(report), path, source if hide is None else hide.source(source))
    return _to_look_at(report)


def pdf(report: CaseReport) -> bytes:
    """Make the PDF, on one A4 page: with fewer pictures where six findings do not fit.

    Raises
    ------
    CaseReportError
        WeasyPrint or Pango is missing here.
    """
    from .pdf import pages_of, render

    plain = _without_identity(report)
    count = len(order(plain.shown))
    for pictured in (min(count, PICTURED), *(n for n in FEWER if n < count)):
        document = render(_render(plain, pictured))
        if pages_of(document) == 1:
            break
    return bytes(document.write_pdf())


def _to_look_at(report: CaseReport) -> list[str]:
    """Pictures may show a name that no header tells."""
    if report.hide is None or report.image is None or report.image.ndim != 2:
        return []
    from ..findings.identity.burnt_in import burnt_in

    return list(burnt_in([report.findings], None))


def _without_identity(report: CaseReport) -> CaseReport:
    hide = report.hide
    if hide is None:
        return report
    findings, image = hide.findings(report.findings), report.image
    ids = {f.id for f in report.shown}
    if image is not None:
        image = replace(image, metadata={}, warnings=(), series_uid=findings.image.series_uid, source=None)
    name = hide.name("case", report.findings.image.series_uid or report.name)
    return replace(
        report, findings=findings, shown=tuple(f for f in findings if f.id in ids), image=image, name=name
    )


def _render(report: CaseReport, pictured: int) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    words = Words(report.language)
    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    told = order(report.shown)
    detailed, rest = told[:pictured], told[pictured:]
    flat = len(report.findings.image.shape) == 2
    return environment.get_template("case.html").render(
        _=words,
        language=report.language.value,
        name=report.name,
        facts=_facts(report, words),
        reader=report.findings.done_by,
        film=_film(report, detailed),
        flat=flat,
        lines=[_with_pictures(report, finding, words) for finding in detailed],
        rest=[brief_line(f, report.findings, words) for f in rest[:BRIEF]],
        more=max(len(rest) - BRIEF, 0),
        counts=_counts(report, words),
        measurements=other_measurements(report.findings, words)[:MEASUREMENTS],
        scores=image_scores(report.findings, words, report.prevalence),
        calculators=[calculator_line(c, words, report.hide is not None) for c in report.calculations],
        networks=networks(report.findings),
        warnings=(report.image.warnings if report.image is not None else ())[:3],
        no_pictures=report.image is None,
        hidden=report.hide is not None,
        side=_side(len(detailed), len(report.calculations), flat),
        **_version(),
    )


def _side(findings: int, calculations: int, flat: bool) -> float:
    """Side of a close-up in mm, so that the page holds them."""
    if flat:
        return 20.0
    side = {0: 40.0, 1: 46.0, 2: 42.0, 3: 36.0, 4: 31.0}.get(findings, 25.0)
    return min(side, 46.0 - 7.0 * calculations) if calculations and findings < 5 else side


def _version() -> dict[str, Any]:
    from importlib.metadata import version

    return {"version": version("napari-lungmtl")}


def _facts(report: CaseReport, words: Words) -> list[str]:
    """Series, date and size of the image."""
    image, reference = report.image, report.findings.image
    facts = [reference.modality or words("radiograph" if len(reference.shape) == 2 else "volume")]
    if image is not None:
        facts.append(str(image.metadata.get("series_description") or "").strip())
        facts.append(words.dicom_date(str(image.metadata.get("study_date") or "")))
    facts.append(" × ".join(map(str, reference.shape)))
    if reference.spacing is not None:
        facts.append(" × ".join(words.number(s, 2) for s in reference.spacing) + " mm")
    return [fact for fact in facts if fact] + (
        [f"{words('Report of')} {words.date(report.made)}"] if report.hide is None else []
    )


def _counts(report: CaseReport, words: Words) -> list[str]:
    """What the report does not show: rejected findings with their reasons, and marks below the thresholds or not accepted."""
    findings = report.findings
    rejected = [f for f in findings if f.status == "rejected"]
    ids = {f.id for f in report.shown}
    further = [f for f in findings if f.id not in ids and f.status != "rejected"]
    lines = []
    if rejected:
        reasons = Counter(words.known(f.reason) for f in rejected if f.reason)
        why = ", ".join(f"{n} {reason}" for reason, n in reasons.most_common(4))
        lines.append(f"{words('Rejected')}: {len(rejected)}" + (f" ({why})" if why else ""))
    if further:
        why = "not accepted" if report.which is Which.ACCEPTED else "below the thresholds"
        lines.append(f"{words(f'Further marks that are not shown ({why})')}: {len(further)}")
    return lines


def _film(report: CaseReport, findings: Sequence[Finding]) -> str:
    if report.image is None or report.image.ndim != 2:
        return ""
    from .pictures import film

    return film(report.image, findings, report.findings.orientation or AS_STORED)


def _with_pictures(report: CaseReport, finding: Finding, words: Words) -> FindingLine:
    line, image = finding_line(finding, report.findings, report.image, words), report.image
    if image is None or len(finding.center) != image.ndim:
        return line
    from .pictures import close_ups

    return replace(line, pictures=tuple(close_ups(image, finding, report.findings.orientation or AS_STORED)))
