"""What a person reads of a measurement: on the canvas, in the list, in the status line."""

from __future__ import annotations

from ..training.findings import Measurement
from .numbers import written

NAMES = {
    "line": "Line",
    "ellipse": "Ellipse",
    "rectangle": "Rectangle",
    "angle": "Angle",
    "axes": "Axes",
}


def value(measurement: Measurement, units: str) -> str:
    """The size, as far as it is there: ``12.3 mm``, ``45.0°``, ``17.2 × 12.9 mm``, ``1,172 mm²``.

    Parameters
    ----------
    measurement
        With its values.
    units
        Of the image: ``"mm"``, or ``"pixel"`` where spacing is unknown.
    """
    values, unit = measurement.values, _unit(units)
    if measurement.kind == "line":
        return f"{values['length']:.1f} {unit}" if "length" in values else ""
    if measurement.kind == "angle":
        return f"{values['angle']:.1f}°" if "angle" in values else ""
    if measurement.kind == "axes":
        return f"{values['long']:.1f} × {values['short']:.1f} {unit}" if "short" in values else ""
    return f"{_area(values['area'])} {unit}²" if "area" in values else ""


def brief(measurement: Measurement, units: str, hounsfield: bool) -> str:
    """What a narrow list has room for: the size, of a region the mean; parameters as for `lines`."""
    if measurement.kind in ("ellipse", "rectangle") and "mean" in measurement.values:
        return f"{_mean(measurement)} {_number(measurement.values['mean'])}{' HU' if hounsfield else ''}"
    return value(measurement, units)


def lines(measurement: Measurement, units: str, hounsfield: bool) -> tuple[str, ...]:
    """All that stands beside it on the canvas, a line each.

    Parameters
    ----------
    measurement, units
        As for `value`.
    hounsfield
        Whether the image's values are Hounsfield units.
    """
    said = [value(measurement, units)]
    values = measurement.values
    if measurement.kind == "axes" and "short" in values:
        mean = (values["long"] + values["short"]) / 2
        said.append(f"mean diameter {mean:.1f} {_unit(units)}")
        if "volume" in values:
            said.append(f"{values['volume']:,.0f} {_unit(units)}³")
    if "mean" in values:
        unit = " HU" if hounsfield else ""
        said.append(f"{_mean(measurement)} {_number(values['mean'])}{unit}, SD {_number(values['std'])}")
        said.append(f"{_number(values['min'])} to {_number(values['max'])}{unit}")
    elif measurement.kind in ("ellipse", "rectangle"):
        said.append("outside of the image")
    said += [measurement.slab.words, measurement.plane]
    return tuple(line for line in said if line)


def summary(measurement: Measurement, units: str, hounsfield: bool) -> str:
    """The same in one line, with kind and plane: for the list."""
    return f"{NAMES[measurement.kind]} {' · '.join(lines(measurement, units, hounsfield))}"


def where(measurement: Measurement) -> str:
    """``z −190.0``: the slice that it lies on; empty on a radiograph."""
    if measurement.axis is None or measurement.position is None:
        return ""
    return f"{'zyx'[measurement.axis]} {written(measurement.position, 1)}"


def _mean(measurement: Measurement) -> str:
    """``mean``, of a slab ``mean of MIP``: the maximum's mean is no tissue's."""
    return f"mean of {measurement.slab.kind}" if measurement.slab.kind in ("MIP", "minIP") else "mean"


def _unit(units: str) -> str:
    return "px" if units == "pixel" else units


def _area(area: float) -> str:
    return f"{area:,.1f}" if area < 100 else f"{area:,.0f}"


def _number(number: float) -> str:
    """Hounsfield units and grey values as whole numbers; small values keep three digits."""
    text = f"{number:.3g}" if 0 < abs(number) < 10 and not float(number).is_integer() else f"{number:.0f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")
