"""The columns of the findings table: their names, texts and sort keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...text.boxes import BOTH, ONE
from ...text.numbers import written
from ...text.review import author, sure, when
from ...text.votes import is_unlike
from ...training.findings import Finding
from ...training.findings.attribute_words import SCALES, AttributeScale
from ...training.findings.history import last_by_person
from ...training.imaging.image import Image

OUTCOMES = {"hit": "□ hit", "false alarm": "✕ false", "excluded": "△ excl.", "again": "↻ again"}
STATUS = {"unreviewed": "○", "accepted": "✓", "rejected": "✕"}
_STATUS_ORDER = {status: rank for rank, status in enumerate(STATUS)}


@dataclass(frozen=True)
class Row:
    """A finding with the image that it lies in, on a radiograph who found it, the other network's box of the same lesion, and
    beside a truth what became of it."""

    finding: Finding
    image: Image | None
    found_by: str = ""
    partner: Finding | None = None
    outcome: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """What is selected with the row; its own finding is the last."""
        return (self.finding.id,) if self.partner is None else (self.partner.id, self.finding.id)

    @property
    def slice(self) -> int:
        """Number of the slice through the middle, from 1."""
        if self.image is None or self.image.ndim == 2:
            return 1
        return round((self.finding.center[0] - self.image.origin[0]) / self.image.scale[0]) + 1


@dataclass(frozen=True)
class Column:
    """One column.

    Parameters
    ----------
    name
        Its header; lengths get their unit.
    text
        What a cell says.
    key
        What it is sorted by; None, where a finding has no such value, comes last in either order.
    tip
        What hovers over the header.
    length, centered
        Whether its values are lengths, whose unit the header names; whether its texts stand in the middle.
    head
        What the header says, where `name` would be wider than the cells.
    """

    name: str
    text: Callable[[Row], str]
    key: Callable[[Row], Any]
    tip: str = ""
    length: bool = False
    centered: bool = False
    head: str = ""


def _place(row: Row) -> str:
    return ", ".join(written(c) for c in row.finding.center)


def _score(row: Row) -> str:
    score = row.finding.network_score
    return "" if score is None else f"{score:.2f}"


def _diameter(row: Row) -> str:
    """In mm with one decimal; parts of pixels would be made up."""
    pixels = row.image is not None and row.image.spacing is None
    return f"{row.finding.diameter:.{0 if pixels else 1}f}"


def _malignancy(row: Row) -> str:
    """``0.81 ±.06``."""
    finding = row.finding
    if finding.malignancy is None:
        return ""
    if is_unlike(finding):
        return "unlike"
    if finding.malignancy_spread is None:
        return f"{finding.malignancy:.2f}"
    return f"{finding.malignancy:.2f} ±{_spread(row).removeprefix('0')}"


def _spread(row: Row) -> str:
    spread = row.finding.malignancy_spread
    return "" if spread is None else f"{spread:.2f}"


def _last(finding: Finding) -> str | None:
    last = last_by_person(finding)
    return last.at if last is not None else None


def _changed(row: Row) -> str:
    at = _last(row.finding)
    return "" if at is None else when(at)


def _attribute(scale: AttributeScale) -> Column:
    def key(row: Row) -> float | None:
        return row.finding.attributes.get(scale.name)

    def text(row: Row) -> str:
        value = key(row)
        return "" if value is None else scale.describe(value)

    ends = ", ".join(
        f"{i} {word}"
        for i, word in (
            enumerate(scale.categories, 1) if scale.nominal else ((1, scale.low), (scale.maximum, scale.high))
        )
    )
    return Column(scale.title, text, key, f"{scale.title}: {ends}")


COLUMNS = (
    Column("#", lambda r: str(r.finding.number), lambda r: r.finding.number, "Number in the image"),
    Column(
        "Score",
        _score,
        lambda r: r.finding.network_score,
        "How sure the network is; nothing where a person drew it",
    ),
    Column("Ø", _diameter, lambda r: r.finding.diameter, length=True),
    Column("Slice", lambda r: str(r.slice), lambda r: r.slice),
    Column("z, y, x", _place, lambda r: r.finding.center[0], length=True),
    Column(
        "Status",
        lambda r: STATUS[r.finding.status],
        lambda r: _STATUS_ORDER[r.finding.status],
        "Status: ○ not reviewed, ✓ accepted, ✕ rejected",
        centered=True,
        head="✓",
    ),
    Column(
        "Malignancy",
        _malignancy,
        lambda r: r.finding.malignancy,
        "Probability of malignancy, and ± how far slices and views of the nodule disagree; unlike: hardly a nodule",
    ),
    Column(
        "±",
        _spread,
        lambda r: r.finding.malignancy_spread,
        "How far slices and views of the nodule disagree",
    ),
    Column(
        "Found by",
        lambda r: r.found_by,
        lambda r: r.found_by or None,
        f"Who marked it: {BOTH} both networks marked the place, {ONE} only this one",
    ),
    Column(
        "Truth",
        lambda r: OUTCOMES.get(r.outcome, ""),
        lambda r: r.outcome or None,
        "Beside the truth: □ a hit, ✕ a false alarm, △ excluded, ↻ once more on a nodule that is hit",
    ),
    Column("Reason", lambda r: r.finding.reason, lambda r: r.finding.reason or None, "Why it was rejected"),
    Column(
        "Label",
        lambda r: r.finding.label,
        lambda r: r.finding.label or None,
        "What it is, in a person's words",
    ),
    Column(
        "Sure",
        lambda r: "" if r.finding.confidence is None else sure(r.finding.confidence),
        lambda r: r.finding.confidence,
        "How sure the person is",
    ),
    Column("Note", lambda r: r.finding.note, lambda r: r.finding.note or None),
    Column("Author", lambda r: author(r.finding), lambda r: author(r.finding), "Who found, drew or moved it"),
    Column("Changed", _changed, lambda r: _last(r.finding), "When a person last changed anything of it"),
    *(_attribute(scale) for scale in SCALES.values()),
)
NAMES = tuple(column.name for column in COLUMNS)
PLACE, STATUS_COLUMN, MALIGNANCY, FOUND_BY, TRUTH = (
    NAMES.index(name) for name in ("z, y, x", "Status", "Malignancy", "Found by", "Truth")
)
_FIRST = (0, 1, 2, TRUTH, MALIGNANCY, FOUND_BY, 3, PLACE, STATUS_COLUMN)
ORDER = (*_FIRST, *(n for n in range(len(COLUMNS)) if n not in _FIRST))
"""The columns from left to right."""
ALWAYS = frozenset({0})
"""What cannot be taken away: the number."""


LEAST = (PLACE, NAMES.index("Slice"), FOUND_BY)
"""What gives way where the dock is too narrow for all columns, the first first."""


def defaults(judged: bool, flat: bool = False, compared: bool = False) -> frozenset[int]:
    """The columns that fit into the dock: with malignancy where anything has one, else with the place.

    On a radiograph (`flat`) networks are told apart, and there are no slices. Beside a truth (`compared`) it is said what a
    finding is.
    """
    truth = {TRUTH} if compared else set()
    if flat:
        return frozenset({0, 1, 2, FOUND_BY, PLACE, STATUS_COLUMN} | truth)
    return frozenset({0, 1, 2, 3, STATUS_COLUMN, MALIGNANCY if judged else PLACE} | truth)
