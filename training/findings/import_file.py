"""Findings from a file of whichever format: what this program wrote comes back as it was, as far as the format holds it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ..error_boundary import reads
from ..imaging.dicom.header import is_part10
from ..imaging.formats import format_of
from ..imaging.image import Image
from .finding import Finding, Findings, ImageReference, Provenance, Sphere, new_id
from .formats.csv_file import read_csv
from .formats.errors import FindingsFileError
from .formats.images.image_names import own_name
from .formats.images.other_image import other_image_words
from .formats.json_file import FORMAT, read_findings
from .formats.labels.volume import read_label_volume, table_path
from .formats.labels.yolo import is_yolo, read_yolo
from .formats.luna16 import read_submission
from .formats.read_truth import read_truth
from .formats.tables import plain_name, read_text
from .formats.truth.leniency import read_leniently
from .formats.truth.load import load_truth
from .truth import TRUTH

UNKNOWN_MM = 10.0
"""Diameter of marks without a size, as for the same in LUNA16's annotations."""


@reads(FindingsFileError)
def import_findings(path: Path | str, image: Image) -> tuple[Findings, list[str]]:
    """Read findings of an image, whatever wrote them.

    Parameters
    ----------
    path
        A DICOM SEG, SR, GSPS or RTSTRUCT; ``*.lungmtl.json``, ``findings.csv``, a submission to LUNA16, a label volume, YOLO's
        text, or anything that can be truth (`formats.truth.load`), which comes in as drawn by a person: but for boxes of NODE21
        and YOLO and for what has a score in COCO, which nobody has reviewed and which are the file's.
    image
        The image that they belong to.

    Returns
    -------
    tuple
        The findings, each with a number, and sentences on what was left out.

    Raises
    ------
    FindingsFileError
        The file is none of these, damaged, or says nothing about this image.
    """
    findings, problems = _read(Path(path), image)
    return replace(findings, items=numbered(findings), image=ImageReference.of(image)), problems


def _read(path: Path, image: Image) -> tuple[Findings, list[str]]:
    if path.is_file() and is_part10(path):
        from .formats.dicom.read import read_dicom_findings

        return read_dicom_findings(path, image)
    form = format_of(path) if path.is_file() else None
    if form is not None and not form.flat:
        return read_label_volume(path, image) if table_path(path).exists() else _as_truth(path, image)
    text = read_text(path).lstrip()
    if text.startswith("{") and _is_own(text):
        return _own(path, image)
    if text.startswith("{") and _is_coco(text):
        return _marks(path, image)
    if not text.startswith(("{", "[", "<")):
        if is_yolo(text):
            return read_yolo(path, image), []
        header = set(map(plain_name, next(iter(text.splitlines()), "").replace(";", ",").split(",")))
        if "x0" in header:
            return _of_series(path, image, read_csv(path, (ImageReference.of(image),)))
        if {"seriesuid", "probability"} <= header:
            return _submission(path, image)
        if "imgname" in header:
            return _boxes(path, image)
    return _as_truth(path, image)


def _is_own(text: str) -> bool:
    try:
        return json.loads(text).get("format") == FORMAT
    except (ValueError, RecursionError, AttributeError):
        return False


def _is_coco(text: str) -> bool:
    try:
        return {"images", "annotations"} <= set(json.loads(text))
    except (ValueError, RecursionError, TypeError):
        return False


def _own(path: Path, image: Image) -> tuple[Findings, list[str]]:
    findings = read_findings(path)
    return findings, list(other_image_words(path, findings.image, ImageReference.of(image)))


def _of_series(path: Path, image: Image, cases: dict[str, Findings]) -> tuple[Findings, list[str]]:
    name = own_name(cases, ImageReference.of(image), path)
    if name is None:
        raise FindingsFileError(
            f"{path} has no line of the series {image.series_uid}: it lists {', '.join(list(cases)[:3]) or 'none'}; "
            "open the image that it was written for"
        )
    return cases[name], []


def _submission(path: Path, image: Image) -> tuple[Findings, list[str]]:
    marks = read_submission(path)
    spots = marks.get(own_name(marks, ImageReference.of(image), path) or "")
    if spots is None:
        return _of_series(path, image, {uid: Findings(()) for uid in marks})
    items = tuple(
        Finding(
            Sphere((z, y, x), UNKNOWN_MM),
            score=min(max(float(p), 0.0), 1.0),
            provenance=Provenance(model=path.stem),
        )
        for (z, y, x), p in zip(spots.center, spots.value, strict=True)
    )
    return Findings(items), [f"{path} has no sizes: {UNKNOWN_MM:g} mm is taken for each"]


def _as_truth(path: Path, image: Image) -> tuple[Findings, list[str]]:
    """What others call truth, as drawn by a person; findings on which a mark counts neither way are rejected ones."""
    truth = load_truth(path, image)
    rejected = tuple(f.with_(status="rejected") for f in truth.excluded)
    return Findings(tuple(map(_by_person, (*truth.nodules, *rejected)))), list(truth.problems)


def _by_person(finding: Finding) -> Finding:
    """A finding of its own, drawn by a person where it is the truth."""
    who = finding.provenance
    return finding.with_(id=new_id(), provenance=Provenance() if who == TRUTH else who)


def _marks(path: Path, image: Image) -> tuple[Findings, list[str]]:
    """What COCO lists: marks with a score are a network's and nobody has reviewed them, the others a person's."""
    reference = ImageReference.of(image)
    found, problems = read_leniently(lambda: read_truth(path, reference, path.stem))
    return Findings(tuple(map(_by_person, found))), list(problems)


def _boxes(path: Path, image: Image) -> tuple[Findings, list[str]]:
    """NODE21's boxes, the file's and unreviewed: it does not say whose they are, and marks of networks are written into it, too."""
    found, problems = _as_truth(path, image)
    nobodys = {"status": "unreviewed", "provenance": Provenance(path.stem)}
    return found.with_items(tuple(f.with_(**nobodys) for f in found)), problems


def numbered(findings: Findings) -> tuple[Finding, ...]:
    """Give findings without a number the first ones that are free, in list order."""
    taken = {f.number for f in findings if f.number}
    free = (n for n in range(1, len(findings) + len(taken) + 1) if n not in taken)
    return tuple(f if f.number else f.with_(number=next(free)) for f in findings)
