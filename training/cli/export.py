"""``lungmtl export``: findings in the formats of other programs, or for them without anybody's name."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..export_options import ExportOptions, Format, Which
from .common import Failed, complain, explained

if TYPE_CHECKING:
    from ..findings import Findings
    from ..findings.deidentify import Deidentifier

_HELP = {each.name: str(each.metadata["help"]) for each in fields(ExportOptions)}


def export(
    findings: Annotated[
        list[Path], typer.Argument(metavar="FINDINGS", help="*.lungmtl.json, or one findings.csv.")
    ],
    to: Annotated[Format, typer.Option(help=_HELP["format"])],
    out: Annotated[
        Path,
        typer.Option(
            metavar="PATH", help="The file; a folder where a format holds one image and there are several."
        ),
    ],
    image: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="The image, where the findings do not say where it lies."),
    ] = None,
    series: Annotated[
        str | None, typer.Option(metavar="UID", help="Which series of --image, where it holds several.")
    ] = None,
    which: Annotated[Which, typer.Option(help=_HELP["which"])] = Which.ALL,
    attach: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="PDF, picture or heat-map volume (may be repeated): written beside as DICOM of the same study.",
        ),
    ] = None,
    deidentify: Annotated[
        bool,
        typer.Option(
            "--deidentify",
            help="Without names, dates, notes and paths; identifiers are hashed alike within this run.",
        ),
    ] = False,
) -> None:
    """Write findings in another format, and say what it cannot hold.

    DICOM objects refer to the instances of the series: it must lie where it was read from, or be named by --image. Rejected
    findings are left out where a format cannot say that they are.

    Example: lungmtl export case.lungmtl.json --to dicom-sr --out report.dcm --image ~/studies/case
    """
    with explained():
        from ..findings.deidentify import Deidentifier
        from ..findings.export import ONE_IMAGE, chosen, left_out_words, tellable
        from ..findings.held import loss_sentence

        shown = threshold_of()
        wanted = [
            chosen(case, which, lambda f: f.score >= shown.get(f.provenance.model, 0.0))
            for file in findings
            for case in cases_of(file, image, series)
        ]
        cases = [tellable(case, to) for case in wanted]
        if not cases:
            raise Failed(f"{', '.join(map(str, findings))} has no findings of an image")
        if left_out := left_out_words(wanted, to):
            complain(left_out)
        hide = Deidentifier() if deidentify else None
        together = to not in ONE_IMAGE
        if together and attach:
            raise Failed(f"--attach goes with DICOM formats, not with {to.value}")
        if together or (len(cases) == 1 and not out.is_dir()):
            _write(cases, out, to, hide, attach or ())
        else:
            _write_each(cases, out, to, hide, attach or ())
        lost = loss_sentence(cases, to)
        if lost:
            complain(lost)


def cases_of(file: Path, image: Path | None, series: str | None) -> list[Findings]:
    """The findings of a file, of the image that was named."""
    from ..findings.finding import ImageReference
    from ..findings.formats.csv_file import read_csv
    from ..findings.formats.images.image_names import own_name
    from ..findings.formats.images.other_image import is_another
    from ..findings.formats.json_file import read_findings
    from ..findings.formats.tables import read_text
    from ..findings.image_place import image_place
    from ..imaging.read import read_image
    from ..storage.address import is_remote

    if image is None:
        if not read_text(file).lstrip().startswith("{"):
            return list(read_csv(file).values())
        findings = read_findings(file)
        place = image_place(file, findings.image.source)
        if place is None or is_remote(place):  # an address stays as it is written
            return [findings]
        return [replace(findings, image=replace(findings.image, source=str(place)))]
    reference = ImageReference.of(read_image(image, series=series))
    if not read_text(file).lstrip().startswith("{"):
        cases = read_csv(file, (reference,))
        own = cases.get(own_name(cases, reference, file) or "")
        if own is None:
            raise Failed(
                f"{file} has no line of {image} (series {reference.series_uid}): name the image of the file"
            )
        return [replace(own, image=reference)]
    findings = read_findings(file)
    if is_another(findings.image, reference):
        theirs, ours = findings.image.series_uid, reference.series_uid
        if theirs == ours:
            theirs, ours = findings.image.source, "another image of that name"
        raise Failed(
            f"{file} belongs to the series {theirs}, and {image} is {ours}: name the image of the findings"
        )
    return [replace(findings, image=reference)]


def threshold_of() -> dict[str, float]:
    """The score from which on a network's findings are shown, by the names of those at hand."""
    from ..inference import registry

    return {info.name: info.default_threshold for info in registry.models()}


def _write_each(
    cases: list[Findings], folder: Path, to: Format, hide: Deidentifier | None, attach: list[Path] | tuple[()]
) -> None:
    from ..findings.export import FILE_NAMES
    from ..findings.hand_on import file_stem

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failed(f"{folder} cannot be made ({error.strerror}): choose another --out") from error
    taken: set[str] = set()
    for case in cases:
        uid = hide.series(case.image) if hide is not None else case.image.series_uid
        name = file_stem(uid or "case", taken)
        _write([case], folder / f"{name}_{FILE_NAMES[to]}", to, hide, attach)


def _write(
    cases: list[Findings], path: Path, to: Format, hide: Deidentifier | None, attach: list[Path] | tuple[()]
) -> None:
    from ..findings.hand_on import hand_on
    from ..inference.predictor import finish

    handed = finish(hand_on(cases, path, to, hide, attach))
    typer.echo(f"{path}: {handed.count} findings" + "".join(f"; {one}" for one in handed.said))
    for file, made in handed.attached:
        typer.echo(f"{made}: {file.name}")
    for one in handed.look_at:
        complain(f"warning: {one}")
