"""The languages of a report; this module imports nothing heavy."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """What a report is written in."""

    EN = "en"
    DE = "de"

    @property
    def words(self) -> str:
        """What a form calls it."""
        return {"en": "English", "de": "Deutsch"}[self.value]
