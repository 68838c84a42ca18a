"""What lies between two states of an image's findings, as plain JSON values, and how to do it to a document.

Layout; what is empty is left out::

    {"findings": {"added": [entry, …], "removed": [entry, …], "order": [id, …],
                  "changed": {id: {"before": {…}, "after": {…}, "appended": {"history": […]}}}},
     "measurements": {…}, "regions": {…} (by name),
     "rest": {"before": {…}, "after": {…}, "appended": {…}}}

Entries are those of `formats.json_file`. Of what has changed only the values are there that differ; a list that has grown
is told by what was added at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..finding import Findings
from ..formats.json_file import finding_document, region_document, to_document
from ..formats.json_parts.measurements import measurement_document

Document = dict[str, Any]
_ENTRIES: Mapping[str, tuple[str, str, Callable[[Any], Document]]] = {
    "findings": ("items", "id", finding_document),
    "measurements": ("measurements", "id", measurement_document),
    "regions": ("regions", "name", region_document),
}
"""Lists of a document: the field of `Findings`, what names an entry, and what makes one."""


def difference(before: Findings, after: Findings) -> Document:
    """Tell what lies between two states; empty where they are the same, histories included.

    What both share as objects is not looked at: one command costs no more with hundreds of findings.
    """
    if before is after:
        return {}
    change: Document = {}
    for key, (field, name, document_of) in _ENTRIES.items():
        if part := _of_entries(getattr(before, field), getattr(after, field), name, document_of):
            change[key] = part
    if rest := _of_values(_rest(before), _rest(after)):
        change["rest"] = rest
    return change


def applied(document: Document, change: Document) -> Document:
    """Do a change to a document; the one that was given stays as it is.

    Raises
    ------
    KeyError, TypeError, AttributeError
        It is no change of this document.
    """
    result = dict(document)
    for key, (_, name, _) in _ENTRIES.items():
        if key in change:
            result[key] = _with_entries(document.get(key, []), change[key], name)
    return _with_values(result, change.get("rest", {}))


def _rest(findings: Findings) -> Document:
    """All but the lists."""
    bare = to_document(replace(findings, items=(), measurements=(), regions=()))
    return {key: value for key, value in bare.items() if key not in _ENTRIES}


def _of_entries(
    before: Sequence[Any], after: Sequence[Any], name: str, document_of: Callable[[Any], Document]
) -> Document:
    known, now = {getattr(x, name): x for x in before}, {getattr(x, name): x for x in after}
    added = [key for key in now if key not in known]
    changed = {}
    for key, value in now.items():
        was = known.get(key)
        if was is not None and was is not value and (fields := _of_values(*map(document_of, (was, value)))):
            changed[key] = fields
    part: Document = {
        "added": [document_of(now[key]) for key in added],
        "removed": [document_of(value) for key, value in known.items() if key not in now],
        "changed": changed,
    }
    if list(now) != [*(key for key in known if key in now), *added]:
        part["order"] = list(now)
    return {key: value for key, value in part.items() if value}


def _with_entries(entries: list[Document], part: Document, name: str) -> list[Document]:
    gone = {entry[name] for entry in part.get("removed", [])}
    changed = part.get("changed", {})
    kept = [
        _with_values(e, changed[e[name]]) if e[name] in changed else e for e in entries if e[name] not in gone
    ]
    kept += part.get("added", [])
    if "order" not in part:
        return kept
    by_name = {entry[name]: entry for entry in kept}
    return [by_name[key] for key in part["order"]]


def _of_values(before: Document, after: Document) -> Document:
    old = {key: value for key, value in before.items() if key not in after or after[key] != value}
    new = {key: value for key, value in after.items() if key not in before or before[key] != value}
    appended: Document = {}
    for key in old.keys() & new.keys():
        was, value = old[key], new[key]
        if isinstance(was, list) and isinstance(value, list) and value[: len(was)] == was:
            appended[key] = value[len(was) :]
    parts = (
        ("before", {key: value for key, value in old.items() if key not in appended}),
        ("after", {key: value for key, value in new.items() if key not in appended}),
        ("appended", appended),
    )
    return {name: values for name, values in parts if values}


def _with_values(document: Document, fields: Document) -> Document:
    gone = fields.get("before", {})
    result = {key: value for key, value in document.items() if key not in gone}
    result |= fields.get("after", {})
    return result | {key: [*document[key], *more] for key, more in fields.get("appended", {}).items()}
