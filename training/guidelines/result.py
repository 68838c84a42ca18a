"""What a guideline says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """What follows from the inputs.

    Parameters
    ----------
    value
        A category (``"4A"``) or a class (``"solid, 6 to 8 mm, single"``); empty where the result is a probability.
    probability
        0–1, of a risk model; else None.
    advice
        What the guideline proposes, in English.
    used
        Names of the inputs that decided, in their order.
    notes
        Further sentences, in English.
    """

    value: str = ""
    probability: float | None = None
    advice: str = ""
    used: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
