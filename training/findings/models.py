"""What `Findings.models` says: one plain entry (name, version, sha256) for each model that took part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def joined(
    models: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], ...]:
    """Models with some more; those of the same name are replaced."""
    new = tuple(new)
    names = {m.get("name") for m in new}
    return (*(m for m in models if m.get("name") not in names), *new)
