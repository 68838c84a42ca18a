"""What a person said of a nodule, in a measurement group of a report: label, reason and confidence, written and read.

Label and reason are qualitative evaluations in words, the confidence one in percent (TID 1410 and 1411, rows of evaluations), under
codes of this program's own: DICOM has none for them, and its "Certainty of Finding" is the network's score.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...finding import Finding
from . import codes
from .codes import Code

_TEXTS = {"label": codes.LABEL, "reason": codes.REASON}


def said_items(finding: Finding) -> Iterator[Any]:
    """The content items of a group that say what a person said; none where nobody did."""
    from highdicom import sr

    from .writing.seg import concept

    contains = sr.RelationshipTypeValues.CONTAINS
    if finding.confidence is not None:
        percent, unit = 100 * float(finding.confidence), concept(codes.PERCENT)
        yield sr.NumContentItem(concept(codes.CONFIDENCE), percent, unit, relationship_type=contains)
    for name, code in _TEXTS.items():
        if words := str(getattr(finding, name)).strip():
            yield sr.TextContentItem(concept(code), words, contains)


def said_in(group: Any) -> dict[str, Any]:
    """The fields of a finding that `said_items` wrote into a group; empty ones for another program's.

    Parameters
    ----------
    group
        As highdicom reads it.
    """
    items = {_code(item): item for item in group[0].ContentSequence if item.get("ConceptNameCodeSequence")}
    fields: dict[str, Any] = {
        name: str(items[_key(code)].TextValue) if _key(code) in items else "" for name, code in _TEXTS.items()
    }
    sure = items.get(_key(codes.CONFIDENCE))
    if sure is not None:
        percent = float(sure.MeasuredValueSequence[0].NumericValue)
        fields["confidence"] = min(max(percent / 100, 0.0), 1.0)
    return fields


def _key(code: Code) -> tuple[str, str]:
    return code.value, code.scheme


def _code(item: Any) -> tuple[str, str]:
    name = item.ConceptNameCodeSequence[0]
    return str(name.get("CodeValue", "")), str(name.get("CodingSchemeDesignator", ""))
