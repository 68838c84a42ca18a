"""The project's own file: ``<case>.lungmtl.json``, everything a `Findings` holds, for people and for other tools.

Layout of version 5 (UTF-8 JSON)::

    {"format": "lungmtl-findings", "schema_version": 5,
     "image": {"series_uid", "source", "modality", "units": "mm" | "pixel",
               "shape_zyx", "spacing_zyx", "origin_zyx"},
     "models": [{"name", "version", "sha256", ...}],
     "image_scores": [{"model", "version", "probability", "threshold"}],
     "regions": [{"name", "mask": {…}, "origin": {"model", "version", "person"}}],
     "orientation": {"quarters_anticlockwise", "mirrored", "inverted"}, "notes": ["…"],
     "measurements": [{…}], "done_by",
     "findings": [{"id", "number", "kind", "score", "malignancy", "malignancy_spread", "attributes", "scores", "status", "note",
                   "origin": {"model", "version", "person"},
                   "opinions": [{"model", "version", "malignancy", "spread", "parts", "places", "folds",
                                 "attributes", "attribute_spread", "notes"}], and one of
                   "sphere": {"center_lps_mm": [x, y, z], "diameter_mm"}
                   "box": {"low_yx", "high_yx"}
                   "mask": {"shape", "spacing", "origin", "runs": [[start, length], ...]}}]}

A sphere's centre is x, y, z in DICOM patient coordinates (LPS, mm), as in LUNA16's csv files. Everything named ``_zyx`` or
``_yx``, and a mask, follows the order of array axes; boxes are in the image's units. A mask's runs go over its grid
flattened with the last axis fastest, `origin` being the centre of its first voxel. ``malignancy_spread`` is null where
no network characterised the finding. An opinion is what one network says: ``parts`` are the probabilities of the slices or views
named by ``places``, ``folds`` those of its fold models, attributes by their LIDC names on the LIDC scales.

``image_scores`` are probabilities that the image shows a nodule anywhere, ``regions`` anatomy such as the lungs. ``orientation``
says how a radiograph is to be looked at (mirrored left to right, then turned; bright and dark exchanged), and is left out
where nobody has decided; everything else is in the file's own orientation all the same. ``notes`` are what a run had to say, left
out where there is nothing; ``done_by`` is the person who said that the image is read, left out until then.

``score`` is null for what a person drew; ``number``, by which people name a finding, is missing where it has none, and so is
``tracking_uid``, the identifier under which it came from a DICOM file.

``measurements`` are left out where there are none; `json_parts.measurements` says what is in them, `json_parts.review` what else
people said of a finding (reason, confidence, label), and its history.

``votes`` of a finding, left out where there are none, are by attribute and for ``malignancy`` the probabilities that a reader
chooses each category of the LIDC scale, from 1 on; ``unlike``, left out where networks do not tell, is the probability that it is
no nodule at all.

Version 1 had neither ``malignancy_spread`` nor ``opinions``, version 2 neither ``image_scores`` nor ``regions``. Until
version 3 what a person drew had a score of 1, and nothing a number. Until version 4 nothing was measured.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from ...error_boundary import reads
from ...imaging.radiograph.orientation import Orientation
from ..finding import (
    SCHEMA_VERSION,
    Finding,
    Findings,
    ImageReference,
    ImageScore,
    Provenance,
    Region,
)
from .atomic import write_atomically
from .errors import FindingsFileError, NewerSchemaError
from .json_parts.geometry import geometry_document, geometry_of, mask_of, sphere_of
from .json_parts.measurements import measurement_of, measurements_document
from .json_parts.migrations import MIGRATIONS
from .json_parts.opinions import opinion_document, opinion_of, votes_document, votes_of
from .json_parts.review import review_document, review_of
from .json_values import checked, integer, named, number, numbers, texts
from .tables import read_text
from .truth.leniency import passed_over

SUFFIX = ".lungmtl.json"
FORMAT = "lungmtl-findings"

Document = dict[str, Any]


def write_findings(findings: Findings, path: Path | str) -> None:
    """Save findings atomically (temporary file in the same folder, fsync, rename).

    Raises
    ------
    SaveError
        No space, no permission, no folder; the file that was there is unchanged.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> findings = lm.Findings([lm.Finding(lm.Sphere((-190.5, 12.0, 60.0), 8.0))])
    >>> lm.write_findings(findings, "case.lungmtl.json")
    >>> lm.read_findings("case.lungmtl.json") == findings
    True
    """
    text = json.dumps(to_document(findings), indent=1, ensure_ascii=False, allow_nan=False)
    # A lone surrogate (a file name in an old encoding) becomes the escape that JSON has for it.
    write_atomically(path, text.encode("utf-8", "backslashreplace") + b"\n")


@reads(FindingsFileError)
def read_findings(path: Path | str) -> Findings:
    """Read findings, of this version or an older one.

    Raises
    ------
    NewerSchemaError
        The file comes from a newer version of the program.
    FindingsFileError
        The file is missing, damaged, or something else than findings; the message says which entry is wrong.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> truth = lm.read_findings(lm.datasets.sample_ct().with_name("ct_truth.lungmtl.json"))
    >>> len(truth), round(max(finding.diameter for finding in truth), 1)
    (6, 21.0)
    """
    path = Path(path)
    text = read_text(path)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FindingsFileError(
            f"{path} is damaged (no valid JSON: {error}): restore it from a copy, or move it away to start afresh"
        ) from error
    return findings_of(document, path)


def findings_of(document: Any, path: Path) -> Findings:
    """The findings of a document of this version or an older one; `path` is what errors name (see `read_findings`)."""
    return _from_document(path, _current(path, document))


def _current(path: Path, document: Any) -> Document:
    """The document brought to today's version."""
    version = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or document.get("format", FORMAT) != FORMAT:
        raise FindingsFileError(f"{path} is no findings file of lungmtl: choose a *{SUFFIX} file")
    if version > SCHEMA_VERSION:
        raise NewerSchemaError(
            f"{path} was written by a newer lungmtl (file version {version}, this one knows {SCHEMA_VERSION}): "
            "update with 'pip install -U napari-lungmtl'"
        )
    while version < SCHEMA_VERSION:
        if version not in MIGRATIONS:
            raise FindingsFileError(f"{path} has the unknown file version {version}: choose a *{SUFFIX} file")
        try:
            document = MIGRATIONS[version](document)
        except TypeError as error:
            raise _damaged(path, "findings", str(error)) from error
        version += 1
    return document


def to_document(findings: Findings) -> Document:
    """The findings as plain JSON values, in the layout above."""
    image = findings.image
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "image": {
            "series_uid": image.series_uid,
            "source": image.source,
            "modality": image.modality,
            "units": image.units,
            "shape_zyx": list(image.shape),
            "spacing_zyx": None if image.spacing is None else list(image.spacing),
            "origin_zyx": list(image.origin),
        },
        "models": [dict(model) for model in findings.models],
        "image_scores": [
            {"model": s.model, "version": s.version, "probability": s.probability, "threshold": s.threshold}
            for s in findings.image_scores
        ],
        "regions": [region_document(region) for region in findings.regions],
        **_orientation_document(findings.orientation),
        **({"notes": list(findings.notes)} if findings.notes else {}),
        **measurements_document(findings.measurements),
        **({"done_by": findings.done_by} if findings.done_by else {}),
        "findings": [finding_document(finding) for finding in findings],
    }


def region_document(region: Region) -> Document:
    """The entry of a region."""
    mask, provenance = geometry_document(region.mask), _provenance_document(region.provenance)
    return {"name": region.name, "mask": mask, "origin": provenance}


def _orientation_document(orientation: Orientation | None) -> Document:
    if orientation is None:
        return {}
    values = {
        "quarters_anticlockwise": orientation.quarters,
        "mirrored": orientation.mirrored,
        "inverted": orientation.inverted,
    }
    return {"orientation": values}


def finding_document(finding: Finding) -> Document:
    """The entry of a finding."""
    return {
        "id": finding.id,
        **({"number": finding.number} if finding.number else {}),
        **({"tracking_uid": finding.tracking_uid} if finding.tracking_uid else {}),
        "kind": finding.kind,
        finding.kind: geometry_document(finding.geometry),
        "score": None if finding.network_score is None else float(finding.network_score),
        "malignancy": None if finding.malignancy is None else float(finding.malignancy),
        "malignancy_spread": None if finding.malignancy_spread is None else float(finding.malignancy_spread),
        "attributes": {name: float(value) for name, value in finding.attributes.items()},
        **votes_document(finding),
        "scores": {name: float(value) for name, value in finding.scores.items()},
        **({"members": [geometry_document(m) for m in finding.members]} if finding.members else {}),
        "status": finding.status,
        "note": finding.note,
        **review_document(finding),
        "origin": _provenance_document(finding.provenance),
        "opinions": [opinion_document(opinion) for opinion in finding.opinions],
    }


def _provenance_document(provenance: Provenance) -> Document:
    return {"model": provenance.model, "version": provenance.version, "person": provenance.person}


def _from_document(path: Path, document: Document) -> Findings:
    where = "image"
    try:
        image = _image(document["image"])
        where = "models"
        models = tuple(checked(model, dict) for model in checked(document["models"], list))
        where = "image_scores"
        scores = tuple(_image_score(checked(s, dict)) for s in checked(document["image_scores"], list))
        where = "regions"
        regions = tuple(_region(checked(r, dict)) for r in checked(document["regions"], list))
        where = "orientation"
        orientation = _orientation(document.get("orientation"))
        where = "notes"
        notes = texts(document.get("notes", []))
        where = "measurements"
        measured = tuple(measurement_of(m) for m in checked(document.get("measurements", []), list))
        where = "done_by"
        done_by = checked(document.get("done_by", ""), str)
        where = "findings"
        items = []
        for number, entry in enumerate(checked(document["findings"], list), 1):
            where = f"finding {number}"
            with passed_over(partial(_damaged, path, where)):
                items.append(_finding(checked(entry, dict)))
        where = "findings"
        return Findings(tuple(items), image, models, scores, regions, orientation, notes, measured, done_by)
    except KeyError as error:
        raise _damaged(path, where, f"{error} is missing") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise _damaged(path, where, str(error)) from error


def _damaged(path: Path, where: str, why: str) -> FindingsFileError:
    return FindingsFileError(
        f"{path} is damaged ({where}: {why}): correct the entry, or restore the file from a copy"
    )


def _image(entry: Document) -> ImageReference:
    spacing = checked(entry, dict)["spacing_zyx"]
    return ImageReference(
        series_uid=checked(entry["series_uid"], str),
        source=checked(entry["source"], str),
        modality=checked(entry["modality"], str),
        shape=tuple(integer(n) for n in checked(entry["shape_zyx"], list)),
        spacing=None if spacing is None else numbers(spacing),
        origin=numbers(entry["origin_zyx"]),
        units=checked(entry["units"], str),
    )


def _image_score(entry: Document) -> ImageScore:
    return ImageScore(
        checked(entry["model"], str),
        checked(entry["version"], str),
        number(entry["probability"]),
        number(entry["threshold"]),
    )


def _region(entry: Document) -> Region:
    return Region(
        checked(entry["name"], str), mask_of(checked(entry["mask"], dict)), _provenance(entry["origin"])
    )


def _orientation(entry: Any) -> Orientation | None:
    if entry is None:
        return None
    values = checked(entry, dict)
    sides = (checked(values[name], bool) for name in ("mirrored", "inverted"))
    return Orientation(integer(values["quarters_anticlockwise"]), *sides)


def _provenance(entry: Any) -> Provenance:
    names = {name: checked(value, str) for name, value in checked(entry, dict).items()}
    return Provenance(names["model"], names["version"], names["person"])


def _finding(entry: Document) -> Finding:
    score, malignancy, spread = entry["score"], entry["malignancy"], entry["malignancy_spread"]
    return Finding(
        geometry=geometry_of(checked(entry["kind"], str), entry),
        score=1.0 if score is None else number(score),
        malignancy=None if malignancy is None else number(malignancy),
        malignancy_spread=None if spread is None else number(spread),
        attributes=named(entry["attributes"]),
        **votes_of(entry),
        opinions=tuple(opinion_of(checked(o, dict)) for o in checked(entry["opinions"], list)),
        scores=named(entry["scores"]),
        members=tuple(sphere_of(checked(m, dict)) for m in checked(entry.get("members", []), list)),
        provenance=_provenance(entry["origin"]),
        status=checked(entry["status"], str),
        note=checked(entry["note"], str),
        id=checked(entry["id"], str),
        number=integer(entry.get("number", 0)),
        tracking_uid=checked(entry.get("tracking_uid", ""), str),
        **review_of(entry),
    )
