"""What looking for blind places tells while it goes on."""

from __future__ import annotations

from dataclasses import dataclass

from .trials import Grid, Trial


@dataclass(frozen=True, eq=False)
class Step:
    """How far it has come.

    Parameters
    ----------
    fraction
        0–1 of all grafts.
    stage
        What is happening, for a person.
    grid
        Where the chance can be computed, once the lungs are known.
    trials
        All grafts until now.
    note
        A sentence that the person must see, or empty.
    """

    fraction: float
    stage: str
    grid: Grid | None = None
    trials: tuple[Trial, ...] = ()
    note: str = ""
