"""``findings.csv``: one table for the findings of many cases, in the columns of a LUNA16 submission and more.

``seriesuid,coordX,coordY,coordZ,probability,diameter_mm,malignancy,`` the eight attributes by their LIDC names,
``kind,status,model,x0,y0,x1,y1``, then ``malignancy_spread`` (the standard deviation of `malignancy`), what readers would say as
networks expect it (``malignancy_votes`` and one such column for each attribute: the probabilities of the scale's categories from 1
on, between blanks), ``unlike`` (the probability that it is no nodule at all), and what people said:
``person`` (drew or moved it), ``described_as,reason,confidence,remark``, ``changed_at`` (a person's last change) and ``history``
(``when who: what value`` of every change, for people to read: it does not come back). Then what each network says, in two columns
for each: ``<network>_malignancy,<network>_spread``. Positions are LPS mm (x, y, z); cells that do not apply
are empty. A box has no position in space: its corners stand in ``x0`` to ``y1``, in pixels where a function says so. A mask
is written as its centre and the diameter of the ball of equal volume (on a radiograph as its bounding box), and comes back
as a sphere (a box): only the JSON file keeps its shape, and only there opinions keep their slices, views, folds and the
version of the network. `model` and `probability` are
empty for what a person drew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...error_boundary import reads
from ..finding import (
    ATTRIBUTES,
    Box,
    Finding,
    Findings,
    Geometry,
    ImageReference,
    Opinion,
    Provenance,
    Sphere,
)
from ..history import last_by_person
from .errors import FindingsFileError
from .images.image_names import is_named, renamed
from .tables import bad_line, number, read_rows, write_rows

CORNERS = ("x0", "y0", "x1", "y1")
MALIGNANCY, SPREAD = "_malignancy", "_spread"
"""Ends of the names of a network's own columns."""
VOTES = tuple(f"{name}_votes" for name in ("malignancy", *ATTRIBUTES))
REVIEW = ("person", "described_as", "reason", "confidence", "remark", "changed_at", "history")
COLUMNS = (
    *("seriesuid", "coordX", "coordY", "coordZ", "probability", "diameter_mm", "malignancy"),
    *ATTRIBUTES,
    *("kind", "status", "model"),
    *CORNERS,
    "malignancy_spread",
    *VOTES,
    "unlike",
    *REVIEW,
)
"""Those of every table; the networks' own follow."""


def write_csv(cases: Iterable[Findings], path: Path | str, networks: Iterable[str] = ()) -> None:
    """Write the findings of many cases into one table (gzipped where the name ends in .gz), atomically.

    Parameters
    ----------
    networks
        Have columns in any case, in this order; others that said something of a finding follow them.

    Raises
    ------
    SaveError
        Nothing tells two images apart, or the file could not be written; what was there before is unchanged.
    """
    write_rows(path, *table_of(renamed(cases, path), networks))


def table_of(
    cases: Iterable[Findings], networks: Iterable[str] = ()
) -> tuple[Sequence[str], list[Sequence[object]]]:
    """The columns and the rows of `write_csv`, one row for each finding."""
    cases = list(cases)
    opinions = (o.model for findings in cases for finding in findings for o in finding.opinions)
    names = tuple(dict.fromkeys((*networks, *opinions)))
    columns = (*COLUMNS, *(name + end for name in names for end in (MALIGNANCY, SPREAD)))
    return columns, [_row(findings.image, finding, names) for findings in cases for finding in findings]


def _row(image: ImageReference, finding: Finding, networks: Sequence[str]) -> Sequence[object]:
    planar = len(finding.center) == 2
    x, y, z = (None, None, None) if planar else tuple(float(c) for c in finding.center[::-1])
    return (
        *(image.series_uid, x, y, z, _float(finding.network_score)),
        None if planar else float(finding.diameter),
        _float(finding.malignancy),
        *(float(finding.attributes[name]) if name in finding.attributes else None for name in ATTRIBUTES),
        *(finding.kind, finding.status, finding.provenance.label if finding.provenance.model else ""),
        *(_corners(image, finding.box) if finding.box else (None,) * 4),
        _float(finding.malignancy_spread),
        *(_votes_cell(finding.votes.get(column.removesuffix("_votes"), ())) for column in VOTES),
        _float(finding.unlike),
        *_review_cells(finding),
        *(cell for name in networks for cell in _opinion_cells(finding.opinion(name))),
    )


def _review_cells(finding: Finding) -> tuple[object, ...]:
    last = last_by_person(finding)
    history = "; ".join(f"{c.at} {c.by}: {c.what} {c.value}".strip() for c in finding.history)
    return (
        *(finding.provenance.person, finding.label, finding.reason, _float(finding.confidence)),
        *(finding.note, last.at if last is not None else "", history),
    )


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)


def _votes_cell(shares: Sequence[float]) -> str:
    return " ".join(f"{share:.4g}" for share in shares)


def _opinion_cells(opinion: Opinion | None) -> tuple[float | None, float | None]:
    return (None, None) if opinion is None else (float(opinion.malignancy), float(opinion.std))


def _grid(image: ImageReference) -> tuple[Sequence[float], Sequence[float]]:
    """Spacing and origin (y, x) that lead from pixels to the coordinates of boxes."""
    spacing = image.spacing[-2:] if image.spacing is not None else (1.0, 1.0)
    return spacing, image.origin[-2:] or (0.0, 0.0)


def _corners(image: ImageReference, box: Box) -> tuple[float, ...]:
    """A box's x0, y0, x1, y1 in pixels of its image."""
    (sy, sx), (oy, ox) = _grid(image)
    (y0, x0), (y1, x1) = box.low, box.high
    return (x0 - ox) / sx, (y0 - oy) / sy, (x1 - ox) / sx, (y1 - oy) / sy


@reads(FindingsFileError)
def read_csv(path: Path | str, images: Iterable[ImageReference] = ()) -> dict[str, Findings]:
    """Findings by series from a ``findings.csv``, or from any table with LUNA16's submission columns (may be gzipped).

    Parameters
    ----------
    path
        The table. Only ``seriesuid`` and a geometry are needed: position and ``diameter_mm``, or four corners.
    images
        The images of the series, where known (`image_names`): boxes are then placed in mm; without, they stay in pixels.

    Raises
    ------
    FindingsFileError
        Missing or damaged file, column or value; the message names file and line.
    """
    images = tuple(images)
    known: dict[str, ImageReference] = {}
    cases: dict[str, list[Finding]] = {}
    for line, record in read_rows(path, ("seriesuid",), COLUMNS):
        uid = record["seriesuid"]
        if not uid:
            raise bad_line(path, line, "no seriesuid")
        if uid not in cases:
            known.update((uid, image) for image in images if is_named(uid, image))
        finding = _finding(path, line, record, known.get(uid, ImageReference(units="pixel")))
        cases.setdefault(uid, []).append(finding)
    return {
        uid: Findings(tuple(items), known.get(uid) or _reference(uid, items)) for uid, items in cases.items()
    }


def _reference(uid: str, items: Sequence[Finding]) -> ImageReference:
    boxes = any(isinstance(finding.geometry, Box) for finding in items)
    return ImageReference(series_uid=uid, units="pixel" if boxes else "mm")


def _finding(path: Path | str, line: int, record: dict[str, str], image: ImageReference) -> Finding:
    def value(column: str) -> float | None:
        return number(path, line, record, column) if record.get(column) else None

    values = {name: value(name) for name in ATTRIBUTES}
    fields: dict[str, Any] = {
        # A truth table has no probability: what is true is certain.
        "score": 1.0 if (score := value("probability")) is None else score,
        "malignancy": value("malignancy"),
        "malignancy_spread": value("malignancy_spread"),
        "attributes": {name: v for name, v in values.items() if v is not None},
        "votes": _votes(path, line, record),
        "unlike": value("unlike"),
        "provenance": replace(_provenance(record.get("model", "")), person=record.get("person") or ""),
        "status": record.get("status") or "unreviewed",
        "reason": record.get("reason") or "",
        "label": record.get("described_as") or "",
        "note": record.get("remark") or "",
        "confidence": value("confidence"),
    }
    networks = (column.removesuffix(MALIGNANCY) for column in record if column.endswith(MALIGNANCY))
    cells = {name: (value(name + MALIGNANCY), value(name + SPREAD)) for name in networks}
    try:
        fields["opinions"] = tuple(
            Opinion(name, "", malignancy, spread or 0.0)
            for name, (malignancy, spread) in cells.items()
            if malignancy is not None
        )
        return Finding(_geometry(path, line, record, image), **fields)
    except ValueError as error:
        raise bad_line(path, line, str(error)) from error


def _votes(path: Path | str, line: int, record: dict[str, str]) -> dict[str, tuple[float, ...]]:
    votes = {}
    for column in VOTES:
        shares = (record.get(column) or "").split()
        if shares:
            votes[column.removesuffix("_votes")] = tuple(
                number(path, line, {column: share}, column) for share in shares
            )
    return votes


def _geometry(path: Path | str, line: int, record: dict[str, str], image: ImageReference) -> Geometry:
    columns = CORNERS if record.get("x0") else ("coordX", "coordY", "coordZ", "diameter_mm")
    if not all(record.get(column) for column in columns):
        raise bad_line(path, line, f"{', '.join(columns)} are needed")
    a, b, c, d = (number(path, line, record, column) for column in columns)
    if columns == CORNERS:
        (sy, sx), (oy, ox) = _grid(image)
        return Box((b * sy + oy, a * sx + ox), (d * sy + oy, c * sx + ox))
    return Sphere((c, b, a), d)


def _provenance(label: str) -> Provenance:
    """The provenance of a ``model`` cell: ``ag3d 0.1``, a name alone, or empty for a person."""
    name, _, version = label.rpartition(" ")
    return Provenance(model=name, version=version) if name else Provenance(model=version)
