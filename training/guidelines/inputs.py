"""What guidelines ask about a patient and one nodule, and how they say that something was not given or that they do not apply."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from ..errors import LungmtlError

SOLID, PART_SOLID, NON_SOLID = "solid", "part-solid", "non-solid"
BASELINE, NEW, GROWING, SLOW, CROSSED, STABLE = (
    *("baseline", "new", "growing", "growing slowly"),
    *("crossed", "stable"),
)
CHOICES: dict[str, tuple[str, ...]] = {
    "texture": (SOLID, PART_SOLID, NON_SOLID),
    "timing": (BASELINE, NEW, GROWING, SLOW, CROSSED, STABLE),
    "previous": ("1", "2", "3", "4A", "4B"),
}
"""Inputs that are one of some words, with these."""


SOLID_PART = "The solid part is given as larger than the nodule: look at both diameters."


class GuidelineError(LungmtlError):
    """A guideline does not apply; the message says why."""


class NotGivenError(GuidelineError):
    """Nobody has given what a guideline needs; nothing is assumed in its place.

    Parameters
    ----------
    names
        The fields of `Inputs` that are asked for.
    """

    def __init__(self, guideline: str, names: Iterable[str]) -> None:
        self.names = tuple(names)
        super().__init__(
            f"{guideline} asks for {', '.join(f'{n} ({hint(n)})' for n in self.names)}: "
            "nobody has given that, and nothing is assumed"
        )


@dataclass(frozen=True)
class Inputs:
    """What may be asked; None is what nobody has given.

    Parameters
    ----------
    screening
        The CT was made to screen for lung cancer, of a person without symptoms of it.
    age
        Years.
    woman
        Sex, as the risk model counts it.
    known_cancer
        A cancer is known, or was.
    immunosuppressed
        The patient's immune system is suppressed.
    high_risk
        A person takes the patient's risk of lung cancer for high (smoking, exposure, family, emphysema, fibrosis, place and edge of
        the nodule).
    family_history
        Lung cancer in the family.
    emphysema
        Emphysema on the CT.
    other_findings
        Another finding that is or may be of clinical significance.
    count
        Nodules on the CT.
    texture
        ``"solid"``, ``"part-solid"`` or ``"non-solid"`` (ground glass).
    mean_diameter
        Mean of the long and the short axis, mm; of a part-solid nodule that of all of it.
    long_axis
        The longest diameter, mm.
    volume
        mm³, in the place of a mean diameter.
    solid_diameter
        Mean diameter of the solid part of a part-solid nodule, mm.
    upper_lobe
        It lies in an upper lobe.
    spiculated
        Its edge is spiculated.
    benign_pattern
        It is calcified completely, centrally, like popcorn or in concentric rings, or it holds fat.
    juxtapleural
        It is smooth and oval, lens-shaped or triangular, and lies at pleura or fissure.
    timing
        ``"baseline"`` (first CT), ``"new"``, ``"growing"`` (mean diameter more than 1.5 mm larger within 12 months), ``"growing
        slowly"`` (over several CTs, less than that), ``"crossed"`` (slightly larger, into a higher class of sizes)
        or ``"stable"`` (or smaller).
    previous
        Category at the CT before: ``"1"``, ``"2"``, ``"3"``, ``"4A"``, ``"4B"``.
    suspicious
        Features that make it more suspicious: spiculation, enlarged lymph nodes, metastases, rapid growth of ground glass.
    """

    screening: bool | None = None
    age: float | None = None
    woman: bool | None = None
    known_cancer: bool | None = None
    immunosuppressed: bool | None = None
    high_risk: bool | None = None
    family_history: bool | None = None
    emphysema: bool | None = None
    other_findings: bool | None = None
    count: int | None = None
    texture: str | None = None
    mean_diameter: float | None = None
    long_axis: float | None = None
    volume: float | None = None
    solid_diameter: float | None = None
    upper_lobe: bool | None = None
    spiculated: bool | None = None
    benign_pattern: bool | None = None
    juxtapleural: bool | None = None
    timing: str | None = None
    previous: str | None = None
    suspicious: bool | None = None

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise GuidelineError(f"{name} is a number from {low:g} to {high:g}, not {value:g}")
        for name, words in CHOICES.items():
            value = getattr(self, name)
            if value is not None and value not in words:
                raise GuidelineError(f"{name} is one of {', '.join(words)}, not {value!r}")


_RANGES = (
    ("age", 0, 120),
    ("count", 1, 1000),
    *((name, 0.1, 300) for name in ("mean_diameter", "long_axis", "solid_diameter")),
    ("volume", 0.01, 1e7),
)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
"""Read as English it is a thousand times as much as in German."""
NAMES: tuple[str, ...] = tuple(each.name for each in fields(Inputs))
NUMBERS: tuple[str, ...] = tuple(name for name, *_ in _RANGES)
PATIENT = (
    *("screening", "age", "woman", "known_cancer", "immunosuppressed", "high_risk", "family_history"),
    *("emphysema", "other_findings"),
)
"""Inputs about the patient; the others are about the nodule (or, `count`, about all of them)."""


def hint(name: str) -> str:
    """What may be said for an input: ``yes/no``, ``number`` or the words."""
    if name in CHOICES:
        return "/".join(CHOICES[name])
    return "number" if name in NUMBERS else "yes/no"


def parse(name: str, text: str) -> Any:
    """Read an input that a person has typed.

    Raises
    ------
    GuidelineError
        There is no such input, or the text is none of what may be said.
    """
    text = text.strip()
    if name not in NAMES:
        raise GuidelineError(f"there is no input {name!r}; there are {', '.join(NAMES)}")
    if name in CHOICES:
        value: Any = text
    elif name in NUMBERS:
        if _THOUSANDS.fullmatch(text):
            raise GuidelineError(
                f"{name}: {text} may mean two numbers; write it without the comma, or with a point"
            )
        try:
            value = int(text) if name == "count" else float(text.replace(",", "."))
        except ValueError as error:
            kind = "a whole number" if name == "count" else "a number"
            raise GuidelineError(f"{name} is {kind}, not {text!r}") from error
    else:
        value = {"yes": True, "no": False}.get(text.lower())
        if value is None:
            raise GuidelineError(f"{name} is yes or no, not {text!r}")
    Inputs(**{name: value})  # in its range
    return value


def require(guideline: str, inputs: Inputs, names: Iterable[str]) -> None:
    """See that all of these were given.

    Raises
    ------
    NotGivenError
        Some were not.
    """
    missing = [name for name in names if getattr(inputs, name) is None]
    if missing:
        raise NotGivenError(guideline, missing)


def check_solid_part(inputs: Inputs) -> None:
    """See that the solid part is no larger than the nodule.

    Raises
    ------
    GuidelineError
        It is: one of both was measured elsewhere, or both are exchanged.
    """
    whole, solid = inputs.mean_diameter, inputs.solid_diameter
    if whole is not None and solid is not None and rounded(solid, 0.1) > rounded(whole, 0.1):
        raise GuidelineError(SOLID_PART)


def rounded(value: float, step: float) -> float:
    """Round to a multiple of `step`, halves up, as people round (Python's `round` goes to the even one).

    Examples
    --------
    >>> rounded(5.95, 0.1), rounded(5.94, 0.1), rounded(5.5, 1), rounded(6.5, 1)
    (6.0, 5.9, 6.0, 7.0)
    """
    from math import floor

    return round(floor(value / step + 0.5 + 1e-9) * step, 6)
