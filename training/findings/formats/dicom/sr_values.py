"""What a measurement group of a report (TID 1410, 1411) says of a nodule besides its place: ratings, probabilities, status, who."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...finding import ATTRIBUTES, Provenance, new_id
from . import codes
from .sr_said import said_in
from .units import FRACTIONS, measured
from .writing.identity import tracked

_ALGORITHM_NAME, _ALGORITHM_VERSION = "111001", "111003"


def values_of(group: Any) -> tuple[dict[str, Any], list[str]]:
    """The fields of a finding that a group has: all of them for this program's own reports, fewer for others'.

    Parameters
    ----------
    group
        As highdicom reads it.

    Returns
    -------
    fields : dict
        By name.
    problems : list of str
        Probabilities whose unit is not known, as parts of sentences.
    """
    rated = dict(_ratings(group))
    grade = rated.pop("malignancy", None)
    certainty, unsure = measured(group, (codes.CERTAINTY.value,), FRACTIONS)
    cancer, unknown = measured(group, (codes.CANCER.value,), FRACTIONS)
    fields: dict[str, Any] = {
        "attributes": {name: rated[name] for name in ATTRIBUTES if name in rated},
        "malignancy": _part(cancer[-1]) if cancer else None if grade is None else (grade - 1) / 4,
        "status": _status(group),
        "provenance": _provenance(group),
        "note": _text(group, codes.COMMENT.value),
        "tracking_uid": str(group.tracking_uid or ""),
        **said_in(group),
        **identity_of(str(group.tracking_identifier or "")),
    }
    return fields | ({"score": _part(certainty[-1])} if certainty else {}), unsure + unknown


def identity_of(identifier: str) -> dict[str, Any]:
    """Number and id of a finding from its tracking identifier; a fresh id where another program made it."""
    own = tracked(identifier)
    return {"id": new_id()} if own is None else {"number": own[0], "id": own[1]}


def _part(fraction: float) -> float:
    return min(max(fraction, 0.0), 1.0)


def _ratings(group: Any) -> Iterator[tuple[str, float]]:
    for evaluation in group.get_qualitative_evaluations():
        name = codes.attribute_of(evaluation.name.value)
        grade = None if name is None else codes.grade_of(name, str(evaluation.value.value))
        if name is not None and grade is not None:
            yield name, float(grade)


def _status(group: Any) -> str:
    intents = {code.value: status for status, code in codes.STATUS.items()}
    for evaluation in group.get_qualitative_evaluations():
        if evaluation.name.value == codes.RENDERING.value:
            return intents.get(str(evaluation.value.value), "unreviewed")
    return "unreviewed"


def _provenance(group: Any) -> Provenance:
    return provenance_of(_text(group, _ALGORITHM_NAME), _text(group, _ALGORITHM_VERSION))


def provenance_of(name: str, version: str, *, by_hand: bool = False) -> Provenance:
    """Who found it, by the name and the version of an algorithm; the digits of its weights are not part of the version."""
    release = " ".join(word for word in version.split() if not word.startswith("sha256:"))
    person = "person" if by_hand else ""
    return Provenance(name, "" if release == "unknown" else release, person)


def _text(group: Any, concept: str) -> str:
    for item in group[0].ContentSequence:
        if item.ValueType == "TEXT" and item.ConceptNameCodeSequence[0].get("CodeValue") == concept:
            return str(item.TextValue)
    return ""
