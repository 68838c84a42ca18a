"""What is to be careful about beside a prior study, in sentences."""

from __future__ import annotations

LATER_ONLY = (
    "The other study was made after this one: choose it in the list, or go to it and press Shift+G there."
)


def whose(here: str, there: str) -> list[str]:
    """That two studies are of two patients; parameters are their PatientIDs, empty where a file has none."""
    return (
        [f"Another patient? This is {here}, the prior study {there}."]
        if here and there != here and there
        else []
    )


def apart(days: int | None, later: bool, compared: bool) -> list[str]:
    """What the time between two studies does not allow.

    Parameters
    ----------
    days
        From the prior to the present one; None where nobody knows.
    later
        Whether the prior one was made after the present one.
    compared
        Whether they have been compared: unknown days matter from then on.
    """
    if days is None:
        said = "The dates are unknown: write the days between the studies, for doubling times."
        return [said] if compared else []
    if later:
        how = f"the later one, by {-days} days" if days < 0 else "the later one of the same day"
        return [f"The prior study is {how}: swap them."]
    if days == 0:
        return [
            "Both studies are of the same day: what differs is not growth, and there is no doubling time."
        ]
    return []
