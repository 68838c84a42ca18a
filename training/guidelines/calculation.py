"""A guideline applied to what is known of a nodule, with where each input came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..findings.finding import Finding, Findings
from ..findings.geometry import Mask, Sphere
from ..findings.measurements.of_nodules import axes_of
from . import brock, fleischner, lung_rads
from .guideline import Guideline
from .inputs import CHOICES, GuidelineError, Inputs, NotGivenError
from .result import Result

_RULES: dict[Guideline, tuple[Callable[[Inputs], tuple[str, ...]], Callable[[Inputs], Result]]] = {
    Guideline.LUNG_RADS: (lung_rads.needs, lung_rads.category),
    Guideline.FLEISCHNER: (fleischner.needs, fleischner.advice),
    Guideline.BROCK: (lambda _: brock.NEEDS, brock.probability),
}


ODD_SIZE = (
    "Its mark or measurement is smaller or larger than any nodule that the calculators know: correct it."
)


class Source(StrEnum):
    """Where a value comes from."""

    MEASURED = "measured"
    MARK = "of the mark, not measured"
    PERSON = "a person"


@dataclass(frozen=True)
class Given:
    """A value of one of the fields of `Inputs`, and where it comes from."""

    value: Any
    source: Source


@dataclass(frozen=True)
class Calculation:
    """A guideline's result, or why there is none.

    Parameters
    ----------
    guideline
        Which.
    number
        Of the finding that it is about.
    inputs
        Each that it uses or asks for, in its order; None where nobody gave it.
    result
        What it says; None where it does not apply, or waits for an input.
    missing
        Names of the inputs that it waits for.
    refusal
        Why it does not apply; else empty.
    """

    guideline: Guideline
    number: int
    inputs: tuple[tuple[str, Given | None], ...]
    result: Result | None = None
    missing: tuple[str, ...] = ()
    refusal: str = ""


def calculate(guideline: Guideline, given: Mapping[str, Given], number: int = 0) -> Calculation:
    """Apply a guideline.

    Parameters
    ----------
    guideline
        Which.
    given
        What is known, by the names of `Inputs`; nothing is assumed for what is not in it.
    number
        Of the finding.

    Raises
    ------
    GuidelineError
        A value that a person gave is none that the input can have; of a mark or a measurement the calculation says so.
    """
    try:
        inputs = Inputs(**{name: one.value for name, one in given.items()})
    except GuidelineError:
        if all(one.source is Source.PERSON for one in given.values()):
            raise
        return Calculation(guideline, number, tuple(given.items()), refusal=ODD_SIZE)
    needs, rule = _RULES[guideline]
    rows = tuple((name, given.get(name)) for name in needs(inputs))
    try:
        return Calculation(guideline, number, rows, rule(inputs))
    except NotGivenError as asked:
        return Calculation(guideline, number, rows, missing=asked.names)
    except GuidelineError as refused:
        told = tuple(row for row in rows if row[1] is not None)
        return Calculation(guideline, number, told, refusal=str(refused))


def known(findings: Findings, finding: Finding) -> dict[str, Given]:
    """What the findings say of the inputs: sizes, as far as they are measured or marked, and a texture that a person named.

    A mark's own diameter stands for both axes where nobody has measured, and says so. What a network thinks of texture and edge is
    not among it, nor is the number of marks: a person decides what is a nodule.
    """
    axes = axes_of(findings.measurements, finding.id)
    result: dict[str, Given] = {}
    if findings.image.units != "mm" or len(findings.image.shape) == 2:
        return result
    if axes is not None and {"long", "short"} <= set(axes.values):
        values = axes.values
        result["mean_diameter"] = Given((values["long"] + values["short"]) / 2, Source.MEASURED)
        result["long_axis"] = Given(values["long"], Source.MEASURED)
    elif isinstance(finding.geometry, (Sphere, Mask)) and finding.diameter > 0:
        for name in ("mean_diameter", "long_axis"):
            result[name] = Given(finding.diameter, Source.MARK)
    if finding.label in CHOICES["texture"]:
        result["texture"] = Given(finding.label, Source.PERSON)
    return result
