"""What was chosen as the prior of one present study, and the days between them as the field shows them."""

from __future__ import annotations

from ...prior.studies import PriorStudy
from ...training.findings import Finding
from ...training.growth.compare import Comparison

UNKNOWN, MOST_DAYS = -1, 36_500


class Choice:
    """The prior of one present study, the days between them, and what came out.

    `days` is what a person wrote, also `UNKNOWN`; None where the files say it or nobody has said anything. `of` are the findings
    that were compared.
    """

    def __init__(self, study: PriorStudy) -> None:
        self.study = study
        self.days: int | None = None
        self.comparison: Comparison | None = None
        self.of: tuple[tuple[Finding, ...], tuple[Finding, ...]] | None = None


def in_field(days: int | None) -> int:
    """What the field of days shows; those of a later study are told by a sentence."""
    return days if days is not None and days >= 0 else UNKNOWN
