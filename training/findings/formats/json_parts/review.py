"""What a person said of a finding beyond its status and note, and its history, in the project's own JSON file.

Entries of a finding, left out where they are empty::

    {"reason", "confidence", "label", "history": [{"what", "value", "by", "at"}, …]}
"""

from __future__ import annotations

from typing import Any

from ...change import Change
from ...finding import Finding
from ..json_values import checked, number

Document = dict[str, Any]


def review_document(finding: Finding) -> Document:
    """The entries; nothing where nobody said anything, so that such files are what they were."""
    values = {
        "reason": finding.reason,
        "confidence": None if finding.confidence is None else float(finding.confidence),
        "label": finding.label,
        "history": [{"what": c.what, "value": c.value, "by": c.by, "at": c.at} for c in finding.history],
    }
    return {name: value for name, value in values.items() if value not in ("", None, [])}


def review_of(entry: Document) -> Document:
    """The fields of a `Finding` that its entry gives.

    Raises
    ------
    TypeError, KeyError
        A value is of another kind, or a change misses one.
    """
    confidence = entry.get("confidence")
    return {
        "reason": checked(entry.get("reason", ""), str),
        "confidence": None if confidence is None else number(confidence),
        "label": checked(entry.get("label", ""), str),
        "history": tuple(_change(checked(c, dict)) for c in checked(entry.get("history", []), list)),
    }


def _change(entry: Document) -> Change:
    return Change(*(checked(entry[name], str) for name in ("what", "value", "by", "at")))
