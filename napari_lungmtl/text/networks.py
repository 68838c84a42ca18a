"""Names of the networks in their papers."""

from __future__ import annotations

from ..training.inference.registry import shown_card


def network(model: str) -> str:
    """A network's name in its paper, from its card; the model's own where there is none."""
    card = shown_card(model)
    return model if card is None else card.title
