"""The calculators that there are, by name; this module imports nothing heavy."""

from __future__ import annotations

from enum import StrEnum

from . import brock, fleischner, lung_rads


class Guideline(StrEnum):
    """The calculators that there are."""

    LUNG_RADS = "lung-rads-2022"
    FLEISCHNER = "fleischner-2017"
    BROCK = "brock"

    @property
    def words(self) -> str:
        """What a person calls it."""
        return _TITLES[self]


_TITLES = {
    Guideline.LUNG_RADS: lung_rads.NAME,
    Guideline.FLEISCHNER: fleischner.NAME,
    Guideline.BROCK: brock.NAME,
}
