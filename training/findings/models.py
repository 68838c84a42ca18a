"""What `Findings.models` says: a plain entry (name, version, sha256, perhaps precision and doubt) for each model that took part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple
from typing import Any

from ..imaging.radiograph.orientation import AS_STORED, Orientation

DOUBT = "doubt"
"""Key of a model's entry: a sentence on why what was said of the image does not count (it is turned, no two lungs were found)."""

ORIENTATION = "orientation"
"""Key of a model's entry: quarter turns anticlockwise, mirrored, inverted, where it did not see the image as it is stored."""

PRECISION = "precision"
"""Key of a model's entry: ``"float32"`` or ``"bfloat16"``, of a network that can run in either."""
USUAL = "float32"
"""The precision where nothing else is said."""


def doubts(models: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return why what models said of an image does not count, one sentence each; empty where nothing speaks against it."""
    return tuple(dict.fromkeys(str(model[DOUBT]) for model in models if model.get(DOUBT)))


def orientations(models: Iterable[Mapping[str, Any]]) -> tuple[Orientation, ...]:
    """Return how each model saw the image: turned, mirrored and inverted, or as it is stored."""
    return tuple(Orientation(*model.get(ORIENTATION, ())) for model in models)


def oriented(models: Iterable[Mapping[str, Any]], orientation: Orientation) -> tuple[Mapping[str, Any], ...]:
    """Say in each model's entry how it saw the image, where that is not as it is stored."""
    said = {} if orientation == AS_STORED else {ORIENTATION: list(astuple(orientation))}
    return tuple({**model, **said} for model in models)


def doubted(models: Iterable[Mapping[str, Any]], reason: str) -> tuple[Mapping[str, Any], ...]:
    """Add a reason why what models said does not count to the first of them; one that gave a reason of its own keeps it."""
    first, *others = models
    return ({DOUBT: reason, **first}, *others)


def join_models(
    models: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], ...]:
    """Models with some more; those of the same name are replaced."""
    new = tuple(new)
    names = {m.get("name") for m in new}
    return (*(m for m in models if m.get("name") not in names), *new)
