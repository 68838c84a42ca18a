"""What `Findings.models` says: one plain entry (name, version, sha256, perhaps doubt) for each model that took part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

DOUBT = "doubt"
"""Key of a model's entry: a sentence on why what was said of the image does not count (it is turned, no two lungs were found)."""


def doubts(models: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return why what models said of an image does not count, one sentence each; empty where nothing speaks against it."""
    return tuple(dict.fromkeys(str(model[DOUBT]) for model in models if model.get(DOUBT)))


def join_models(
    models: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], ...]:
    """Models with some more; those of the same name are replaced."""
    new = tuple(new)
    names = {m.get("name") for m in new}
    return (*(m for m in models if m.get("name") not in names), *new)
