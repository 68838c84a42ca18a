"""What the report says of a calculator: its result or why there is none, and every input with where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..guidelines.calculation import Calculation, Given
from ..guidelines.inputs import NUMBERS
from .words import Words

TITLES = {
    "screening": "Screening CT",
    "age": "Age",
    "woman": "Woman",
    "known_cancer": "Known cancer",
    "immunosuppressed": "Immunosuppressed",
    "high_risk": "High risk of lung cancer",
    "family_history": "Lung cancer in the family",
    "emphysema": "Emphysema",
    "other_findings": "Other significant finding",
    "count": "Number of nodules",
    "texture": "Texture",
    "mean_diameter": "Mean diameter",
    "long_axis": "Longest diameter",
    "volume": "Volume",
    "solid_diameter": "Mean diameter of the solid part",
    "upper_lobe": "Upper lobe",
    "spiculated": "Spiculated",
    "benign_pattern": "Benign calcification or fat",
    "juxtapleural": "Smooth at pleura or fissure",
    "timing": "Course",
    "previous": "Category before",
    "suspicious": "Further suspicious features",
}
"""What each of the fields of `guidelines.inputs.Inputs` is called."""
UNITS = {
    "age": "years",
    "volume": "mm³",
    **dict.fromkeys(("mean_diameter", "long_axis", "solid_diameter"), "mm"),
}
OLDEST = 89
"""Years of age that a report without identity tells at most."""


@dataclass(frozen=True)
class InputLine:
    """An input: its name, its value (empty where nobody gave it) and where it came from."""

    title: str
    value: str
    source: str


@dataclass(frozen=True)
class CalculatorLine:
    """A calculator: its title, the finding's number, result, advice or why there is none, inputs, and notes."""

    title: str
    number: str
    result: str
    advice: str
    inputs: tuple[InputLine, ...]
    notes: tuple[str, ...]


def calculator_line(calculation: Calculation, words: Words, hide: bool = False) -> CalculatorLine:
    """Write a calculation.

    Parameters
    ----------
    calculation
        With its inputs.
    words
        Of the language.
    hide
        Whether the report is without identity: ages over 89 are not told then.
    """
    result, advice = words("no result"), ""
    notes: tuple[str, ...] = ()
    if calculation.result is not None:
        said = calculation.result
        result = words.percent(said.probability) if said.probability is not None else said.value
        advice = words(said.advice) if said.advice else ""
        notes = tuple(words(note) for note in said.notes)
    elif calculation.refusal:
        advice = words(calculation.refusal)
    else:
        asked = ", ".join(words(TITLES[name]) for name in calculation.missing)
        advice = f"{words('Nobody has given, and nothing is assumed')}: {asked}"
    inputs = tuple(input_line(name, given, words, hide) for name, given in calculation.inputs)
    return CalculatorLine(
        calculation.guideline.words, str(calculation.number or "–"), result, advice, inputs, notes
    )


def input_line(name: str, given: Given | None, words: Words, hide: bool = False) -> InputLine:
    """Write an input."""
    if given is None:
        return InputLine(words(TITLES[name]), "", words("not given"))
    return InputLine(words(TITLES[name]), _value(name, given.value, words, hide), words(given.source.value))


def _value(name: str, value: Any, words: Words, hide: bool) -> str:
    if name == "age" and hide and value > OLDEST:
        return f"> {OLDEST} {words('years')}"
    if name in NUMBERS:
        digits = 0 if name in ("age", "count", "volume") else 1
        return f"{words.number(value, digits)} {words(UNITS[name]) if name in UNITS else ''}".strip()
    if isinstance(value, bool):
        return words("yes" if value else "no")
    return words.known(str(value))
