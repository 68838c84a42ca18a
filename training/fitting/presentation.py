"""How weights show themselves to a person, taken over from the shipped card of the same network."""

from __future__ import annotations

from typing import Any

from ..inference import registry

SHOWN = ("title", "color", "heat_map", "fine_tunable", "fused")


def presentation(name: str) -> dict[str, Any]:
    """Take a card's fields that do not depend on the training: retrained weights look as the shipped ones do."""
    shipped = registry.card(name)
    return {field: getattr(shipped, field) for field in SHOWN}
