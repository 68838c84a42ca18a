"""The report's language: sentences, numbers and dates."""

from __future__ import annotations

from datetime import date, datetime

from babel.dates import format_date
from babel.numbers import format_decimal, format_percent

from .german import GERMAN
from .language import Language

_LOCALES = {Language.EN: "en_GB", Language.DE: "de_DE"}


class Words:
    """Writes for people of one language.

    Parameters
    ----------
    language
        Theirs.
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        self._locale = _LOCALES[language]

    def __call__(self, english: str) -> str:
        """One of the report's own words or sentences; a German one that is missing is an error of ours (KeyError)."""
        return english if self.language is Language.EN else GERMAN[english]

    def known(self, english: str) -> str:
        """A word that may be a person's own: translated where it is one of ours, else as it is."""
        return english if self.language is Language.EN else GERMAN.get(english, english)

    def number(self, value: float, digits: int = 0) -> str:
        """Write a number with so many digits after the point or comma, and a minus that is one; zero has none.

        Examples
        --------
        >>> Words(Language.DE).number(-1172.25, 1), Words(Language.EN).number(-1172.25, 1)
        ('−1.172,2', '−1,172.2')
        """
        text = format_decimal(value, "#,##0" + ("." + "0" * digits if digits else ""), self._locale)
        return text.replace("-", "−") if text.strip("-0.,") else text.removeprefix("-")

    def percent(self, part: float, digits: int = 1) -> str:
        """Write a part of one: ``20.1%``, ``20,1 %``."""
        return (
            format_percent(part, "#,##0" + ("." + "0" * digits if digits else "") + "%", self._locale)
            if (self.language is Language.EN)
            else f"{self.number(100 * part, digits)}\u00a0%"
        )

    def date(self, day: date) -> str:
        """Write a day: ``31 Jan 2000``, ``31.01.2000``."""
        return format_date(day, "medium", self._locale)

    def dicom_date(self, text: str) -> str:
        """Write a DICOM date (``YYYYMMDD``); what is none stays as it is."""
        try:
            return self.date(datetime.strptime(text.strip(), "%Y%m%d").date())
        except ValueError:
            return text.strip()
