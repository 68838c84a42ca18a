"""ACR Lung-RADS v2022: the category of a nodule on a CT made to screen for lung cancer.

Christensen J, et al. ACR Lung-RADS v2022: assessment categories and management recommendations. CHEST 2024;165:738–753,
doi 10.1016/j.chest.2023.10.028. Mean diameters (of the long and the short axis) to 0.1 mm; volumes in their place where only they
are given. The most suspicious nodule gives the category of the CT.

Not in here, for nobody asks for it: category 0, airway nodules, and atypical pulmonary cysts. Juxtapleural nodules are category 2
below 10 mm, as the ACR's table has it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from .inputs import (
    BASELINE,
    CROSSED,
    GROWING,
    NEW,
    NON_SOLID,
    PART_SOLID,
    SLOW,
    SOLID,
    STABLE,
    GuidelineError,
    Inputs,
    check_solid_part,
    require,
    rounded,
)
from .result import Result

NAME = "Lung-RADS v2022"
GROWTH_MM, GROWTH_MONTHS = 1.5, 12
ADVICE = {
    "1": "Low-dose screening CT in 12 months.",
    "2": "Low-dose screening CT in 12 months.",
    "3": "Low-dose CT in 6 months.",
    "4A": "Low-dose CT in 3 months; PET/CT may be considered if there is a solid nodule or part of 8 mm or more.",
    "4B": "Referral for further evaluation: chest CT with or without contrast, PET/CT (from 8 mm solid), or tissue sampling.",
    "4X": "Referral for further evaluation: chest CT with or without contrast, PET/CT (from 8 mm solid), or tissue sampling.",
}
SCREENING = "Lung-RADS applies to screening only; for nodules found by chance there is Fleischner 2017."
LARGE_GROWS = "Lung-RADS v2022 has no row for a non-solid nodule of 30 mm or more that grows."
PROVEN = "Lung-RADS v2022 has no row for a stable nodule of category 4B: its work-up decides."
S = "S: another finding is, or may be, of clinical significance."
MOST_SUSPICIOUS = "The most suspicious nodule gives the category of the CT."


@dataclass(frozen=True)
class _Size:
    """A mean diameter in mm, to 0.1 mm, or a volume in mm³, compared with thresholds that have both."""

    diameter: float | None
    volume: float | None

    def reaches(self, threshold: tuple[float, float]) -> bool:
        """Whether it is at least ``(mm, mm³)``."""
        if self.diameter is not None:
            return rounded(self.diameter, 0.1) >= threshold[0]
        assert self.volume is not None
        return rounded(self.volume, 1) >= threshold[1]


MM4, MM6, MM8, MM10, MM15, MM30 = (
    *((4.0, 34.0), (6.0, 113.0), (8.0, 268.0), (10.0, 524.0), (15.0, 1767.0)),
    (30.0, 14137.0),
)
"""Thresholds of the table as mean diameter (mm) and volume (mm³)."""
_FIRST_SEEN = (BASELINE, NEW)
"""Of these alone the table's row on juxtapleural nodules speaks."""


def grew(prior: float, present: float, months: float) -> bool:
    """Whether a mean diameter has grown as Lung-RADS means it: by more than 1.5 mm within 12 months.

    Parameters
    ----------
    prior, present
        Mean diameters in mm; taken to 0.1 mm.
    months
        Between both CTs.

    Raises
    ------
    GuidelineError
        They lie more than 12 months apart, and it has grown by more: then nobody knows how fast.

    Examples
    --------
    >>> grew(6.0, 7.5, 12), grew(6.0, 7.6, 12)
    (False, True)
    """
    more = rounded(present, 0.1) - rounded(prior, 0.1) > GROWTH_MM + 1e-6
    if more and months > GROWTH_MONTHS:
        raise GuidelineError(
            "Growth is more than 1.5 mm within 12 months; these CTs lie further apart: a person decides."
        )
    return more


def needs(inputs: Inputs) -> tuple[str, ...]:
    """Names of what the guideline asks for, by what is given already."""
    names = ["screening", "benign_pattern", "other_findings"]
    if inputs.benign_pattern:
        return tuple(names)
    names.append("timing")
    if inputs.timing == STABLE:
        return (*names, "previous", *(("suspicious",) if inputs.previous in ("3", "4A", "4B") else ()))
    size = "volume" if inputs.mean_diameter is None and inputs.volume is not None else "mean_diameter"
    names += ["texture", size]
    known = _known_size(inputs)
    first_seen = inputs.texture == SOLID and inputs.timing in _FIRST_SEEN
    if first_seen and known is not None and known.reaches(_least_solid(inputs)) and not known.reaches(MM10):
        names.append("juxtapleural")
    if inputs.texture == PART_SOLID and known is not None and _asks_for_solid_part(inputs, known):
        names.append("solid_diameter")
    if all(getattr(inputs, name) is not None for name in names) and _may_be_4x(inputs):
        names.append("suspicious")
    return tuple(names)


def category(inputs: Inputs) -> Result:
    """Give the category of a nodule, with its modifiers, and what the ACR proposes.

    Raises
    ------
    NotGivenError
        Something is not given.
    GuidelineError
        It does not apply: no screening, or a nodule that the table has no row for.

    Examples
    --------
    >>> category(Inputs(screening=True, benign_pattern=False, other_findings=False, timing="baseline", texture="solid",
    ...                 mean_diameter=6.0, juxtapleural=False, suspicious=False)).value
    '3'
    """
    if inputs.screening is False:
        raise GuidelineError(SCREENING)
    names = needs(inputs)
    require(NAME, inputs, names)
    row = _row(inputs)
    if inputs.suspicious and row not in ("1", "2"):
        row = "4X"
    notes = (MOST_SUSPICIOUS, S) if inputs.other_findings else (MOST_SUSPICIOUS,)
    return Result(row + ("S" if inputs.other_findings else ""), advice=ADVICE[row], used=names, notes=notes)


def _may_be_4x(inputs: Inputs) -> bool:
    """Whether inputs that are complete lead to a category that further features raise."""
    with suppress(GuidelineError):  # `category` says what is wrong
        return _row(inputs) not in ("1", "2")
    return False


def _row(inputs: Inputs) -> str:
    """The category without modifiers of inputs that are complete."""
    if inputs.benign_pattern:
        return "1"
    if inputs.timing == STABLE:
        return _stepped(str(inputs.previous))
    size = _known_size(inputs)
    assert size is not None
    rows = {SOLID: _solid, PART_SOLID: _part_solid, NON_SOLID: _non_solid}
    return rows[str(inputs.texture)](inputs, size)


def _known_size(inputs: Inputs) -> _Size | None:
    if inputs.mean_diameter is None and inputs.volume is None:
        return None
    return _Size(inputs.mean_diameter, inputs.volume)


def _stepped(previous: str) -> str:
    """Stable or smaller at the follow-up that the category before asked for: a step down."""
    if previous == "4B":
        raise GuidelineError(PROVEN)
    return {"1": "1", "2": "2", "3": "2", "4A": "3"}[previous]


def _least_solid(inputs: Inputs) -> tuple[float, float]:
    """From where on a solid nodule is more than category 2."""
    return MM4 if inputs.timing == NEW else MM6


def _solid(inputs: Inputs, size: _Size) -> str:
    if inputs.timing == SLOW:
        return "4B"
    if inputs.timing == GROWING:
        return "4B" if size.reaches(MM8) else "4A"
    if not size.reaches(_least_solid(inputs)):
        return "2"
    if inputs.timing in _FIRST_SEEN and inputs.juxtapleural and not size.reaches(MM10):
        return "2"
    steps = (MM6, MM8) if inputs.timing == NEW else (MM8, MM15)
    return "4B" if size.reaches(steps[1]) else "4A" if size.reaches(steps[0]) else "3"


def _asks_for_solid_part(inputs: Inputs, size: _Size) -> bool:
    return inputs.timing == GROWING or (inputs.timing in (BASELINE, NEW, CROSSED) and size.reaches(MM6))


def _part_solid(inputs: Inputs, size: _Size) -> str:
    if inputs.timing == SLOW:
        return "4B"
    if not _asks_for_solid_part(inputs, size):
        return "3" if inputs.timing == NEW else "2"
    check_solid_part(inputs)
    solid = _Size(inputs.solid_diameter, None)
    if inputs.timing in (NEW, GROWING):
        return "4B" if solid.reaches(MM4) else "4A"
    return "4B" if solid.reaches(MM8) else "4A" if solid.reaches(MM6) else "3"


def _non_solid(inputs: Inputs, size: _Size) -> str:
    if not size.reaches(MM30) or inputs.timing == SLOW:
        return "2"
    if inputs.timing == GROWING:
        raise GuidelineError(LARGE_GROWS)
    return "3"
