"""Measurements of a report in the units of this program: lengths, areas and volumes in mm, mm², mm³, fractions from 0 to 1.

Codes are UCUM's, in which case matters. A number in a unit that is not known is said and not taken: nobody guesses.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

LENGTHS: Mapping[str, float] = {
    "nm": 1e-6,
    "um": 1e-3,
    "mm": 1.0,
    "cm": 10.0,
    "dm": 100.0,
    "m": 1000.0,
    "[in_i]": 25.4,
}
"""Millimetres of each unit."""
AREAS: Mapping[str, float] = {f"{unit}2": mm**2 for unit, mm in LENGTHS.items() if unit.isalpha()}
"""Square millimetres of each unit."""
VOLUMES: Mapping[str, float] = {
    **{f"{unit}3": mm**3 for unit, mm in LENGTHS.items() if unit.isalpha()},
    **{
        f"{prefix}{liter}": factor * 1e6
        for liter in ("l", "L")
        for prefix, factor in (("", 1.0), ("d", 0.1), ("c", 0.01), ("m", 1e-3), ("u", 1e-6))
    },
}
"""Cubic millimetres of each unit."""
FRACTIONS: Mapping[str, float] = {
    "1": 1.0,
    "%": 0.01,
    "10*-2": 0.01,
    "[ppth]": 1e-3,
    "{0:1}": 1.0,
    "{0:10}": 0.1,
    "{0:100}": 0.01,
    "{ratio}": 1.0,
    "{fraction}": 1.0,
    "{probability}": 1.0,
}
"""Ones of each unit; what stands in braces is an annotation of the unit 1, of which these are in use."""
_SCHEME = "UCUM"
_ROUNDED = 1e-6


def measured(
    group: Any, concepts: Collection[str], units: Mapping[str, float]
) -> tuple[list[float], list[str]]:
    """Read the measurements of some concepts in one unit.

    Parameters
    ----------
    group
        A measurement group, as highdicom reads it.
    concepts
        Code values of the measurements' names.
    units
        `LENGTHS`, `AREAS`, `VOLUMES` or `FRACTIONS`.

    Returns
    -------
    values : list of float
        In mm, mm², mm³ or as fractions.
    problems : list of str
        What is said of those that were not taken, as parts of sentences.
    """
    values, problems = [], []
    for measurement in group.get_measurements():
        if measurement.name.value not in concepts or measurement.value is None:
            continue
        value, unit = float(measurement.value), _unit(measurement)
        said = f"its {measurement.name.meaning.lower()} of {value:g} {unit}"
        if unit not in units:
            problems.append(f"{said} is in no unit that is read here ({', '.join(units)}), and is not taken")
        elif not _possible(value * units[unit], units):
            problems.append(f"{said} cannot be, and is not taken")
        else:
            values.append(value * units[unit])
    return values, problems


def _unit(measurement: Any) -> str:
    """The code of a measurement's unit, with its scheme where this is not UCUM's."""
    unit, scheme = str(measurement.unit.value), str(measurement.unit.scheme_designator)
    return unit if scheme == _SCHEME else f"{unit} ({scheme})"


def _possible(value: float, units: Mapping[str, float]) -> bool:
    if units is FRACTIONS:
        return -_ROUNDED <= value <= 1 + _ROUNDED
    return math.isfinite(value) and value > 0
