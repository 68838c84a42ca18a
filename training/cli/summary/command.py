"""``lungmtl summary``: the report of one case, as HTML, PDF, or the PDF as a DICOM object of its study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...case_report.language import Language
from ...export_options import Which
from ...guidelines.guideline import Guideline
from ..common import Failed, complain, explained

if TYPE_CHECKING:
    from ...findings import Finding, Findings
    from ...guidelines.calculation import Calculation, Given
    from ...imaging.image import Image


def summary(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="The findings: *.lungmtl.json.")],
    out: Annotated[
        Path,
        typer.Option(metavar="FILE", help=".html; .pdf; or .dcm, the PDF as a DICOM object of the study."),
    ],
    image: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="The image, where it does not lie where it was read from."),
    ] = None,
    series: Annotated[
        str | None, typer.Option(metavar="UID", help="Which series of --image, where it holds several.")
    ] = None,
    language: Annotated[Language, typer.Option(help="Language of words, numbers and dates.")] = Language.EN,
    which: Annotated[
        Which, typer.Option(help="Findings that it shows; rejected ones are counted only.")
    ] = Which.SHOWN,
    guideline: Annotated[
        list[Guideline] | None,
        typer.Option(help="A calculator that is added (may be repeated); it asks for its inputs."),
    ] = None,
    nodule: Annotated[
        int | None, typer.Option(metavar="N", help="Number of the finding that calculators are about.")
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="An input of a calculator (may be repeated): age=62, woman=yes, texture=part-solid …",
        ),
    ] = None,
    deidentify: Annotated[
        bool, typer.Option("--deidentify", help="Without names, dates, notes and paths.")
    ] = False,
) -> None:
    """One page on a case: key images, findings, measurements, networks, and calculators that you ask for.

    Calculators (Lung-RADS v2022, Fleischner 2017, Brock) assume nothing: what nobody has given or measured is asked for.

    Example: lungmtl summary case.lungmtl.json --out case.pdf --guideline brock --nodule 1 --given age=62 --given woman=yes
    """
    with explained():
        from ...case_report.report import CaseReport, write_case_report
        from ...findings.deidentify import Deidentifier
        from ...findings.formats.json_file import read_findings
        from ...findings.image_place import image_place
        from ...findings.import_file import numbered

        findings = read_findings(case)
        findings = findings.with_items(numbered(findings))
        place = image or image_place(case, findings.image.source)
        picture = _image(findings, place, image is not None, series)
        if picture is not None:  # where it lies now, for DICOM refers to its instances
            findings = replace(findings, image=replace(findings.image, source=str(place)))
        report = CaseReport(
            findings,
            _shown(findings, which),
            picture,
            _name(case, picture),
            language,
            _calculations(findings, guideline or (), nodule, given or ()),
            Deidentifier() if deidentify else None,
            which=which,
        )
        for sentence in write_case_report(report, out):
            complain(f"warning: {sentence}")
        typer.echo(str(out))


def _image(findings: Findings, where: Path | None, named: bool, series: str | None) -> Image | None:
    """The image: that one that was `named`, or the one that the findings name as far as it is there."""
    from ...imaging.read import read_image

    if not named and (where is None or not where.exists()):
        complain("warning: the image is not where it was read from: no pictures; name it with --image")
        return None
    assert where is not None
    uid = findings.image.series_uid
    image = read_image(where, series=series or (uid if where.is_dir() and uid else None))
    if uid and uid != image.series_uid:
        raise Failed(
            f"the findings belong to the series {uid}, and {where} is {image.series_uid}: name their image"
        )
    return image


def _name(case: Path, image: Image | None) -> str:
    patient = str(image.metadata.get("patient_id") or "").strip() if image is not None else ""
    return patient or case.name.removesuffix(".lungmtl.json")


def _shown(findings: Findings, which: Which) -> tuple[Finding, ...]:
    from ...findings.export import chosen
    from ...inference import registry

    least = {info.name: info.default_threshold for info in registry.models()}
    passes = lambda f: f.is_touched or f.score >= least.get(f.provenance.model, 0.0)  # noqa: E731
    return chosen(findings, which, passes).items


def _calculations(
    findings: Findings, guidelines: Sequence[Guideline], number: int | None, given: Sequence[str]
) -> list[Calculation]:
    """Apply the calculators to a finding.

    Raises
    ------
    Failed
        The finding is not named, or not there; or nobody has given what a calculator asks for.
    """
    from ...guidelines.calculation import calculate, known
    from ...guidelines.inputs import hint

    if not guidelines:
        if given or number is not None:
            raise Failed(
                "--given and --nodule are for calculators: name one with --guideline, or leave them out"
            )
        return []
    if len(findings.image.shape) == 2:
        raise Failed("the calculators are for nodules on a CT: leave --guideline out for a radiograph")
    kept = [f for f in findings if f.number and f.status != "rejected"]
    finding = next((f for f in kept if f.number == number), None)
    if finding is None:
        numbers = ", ".join(str(f.number) for f in kept) or "none"
        raise Failed(f"calculators are about one finding: name it with --nodule; there are {numbers}")
    inputs = known(findings, finding) | _given(given)
    made = [calculate(guideline, inputs, finding.number) for guideline in guidelines]
    asked = list(dict.fromkeys(name for one in made for name in one.missing))
    if asked:
        options = " ".join(f"--given {name}={hint(name)}" for name in asked)
        raise Failed(f"the calculators ask for what nobody has given, and assume nothing: add {options}")
    for one in made:
        if one.refusal:
            complain(f"warning: {one.refusal}")
    return made


def _given(texts: Sequence[str]) -> dict[str, Given]:
    from ...guidelines.calculation import Given, Source
    from ...guidelines.inputs import parse

    values = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise Failed(f"--given {text} is no NAME=VALUE, such as age=62")
        values[name.strip()] = Given(parse(name.strip(), value), Source.PERSON)
    return values
