"""Measurements in the project's own JSON file.

An entry of ``"measurements"``::

    {"id", "number", "kind": "line" | "angle" | "ellipse" | "rectangle" | "axes",
     "slice_across": "z" | "y" | "x" | null, "points_zyx" or "points_yx": [[…], …],
     "values": {"length": 12.3, …}, "plane", "finding", "outline_zyx" or "outline_yx": [[…], …], "notes": ["…"], "person",
     "slab": {"kind": "MIP" | "mean" | "minIP", "mm": 10.0}}

Points follow the order of array axes, in the image's units: the ends of a line; end, vertex and end of an angle; opposite corners
of a rectangle or of the one around an ellipse; the ends of the long, then of the short axis. Values are in mm, degrees, mm², mm³
and Hounsfield units (pixels and grey values where the image has neither). ``plane`` says where a radiograph's millimetres hold, by
which the values, not the points, are corrected; ``slab`` which projection about the slice was measured; ``finding`` names the
nodule that was measured. What is empty is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from ....imaging.slab import SLICE, Slab
from ...measurements.measurement import Kind, Measurement, Points
from ..json_values import checked, integer, named, numbers, texts

Document = dict[str, Any]
_AXES = "zyx"


def measurements_document(measurements: Iterable[Measurement]) -> Document:
    """The entry of all measurements; nothing where there are none, so that such files are what they were."""
    entries = [measurement_document(measurement) for measurement in measurements]
    return {"measurements": entries} if entries else {}


def measurement_document(measurement: Measurement) -> Document:
    """The entry of a measurement."""
    order, slab = "yx" if measurement.axis is None else _AXES, measurement.slab
    optional = {
        "plane": measurement.plane,
        "finding": measurement.finding,
        f"outline_{order}": [list(point) for point in measurement.outline],
        "notes": list(measurement.notes),
        "person": measurement.person,
        "slab": {"kind": slab.kind, "mm": slab.thickness} if slab.kind else {},
    }
    return {
        "id": measurement.id,
        "number": measurement.number,
        "kind": measurement.kind,
        "slice_across": None if measurement.axis is None else _AXES[measurement.axis],
        f"points_{order}": [list(point) for point in measurement.points],
        "values": {name: float(value) for name, value in measurement.values.items()},
        **{name: value for name, value in optional.items() if value},
    }


def measurement_of(entry: Any) -> Measurement:
    """The measurement of an entry.

    Raises
    ------
    KeyError, TypeError, ValueError
        Something is missing or is no measurement.
    """
    values = checked(entry, dict)
    across = values["slice_across"]
    if across is not None and (len(checked(across, str)) != 1 or across not in _AXES):
        raise ValueError(f"a slice lies across z, y or x, not {across!r}")
    order = "yx" if across is None else _AXES
    return Measurement(
        kind=cast(Kind, checked(values["kind"], str)),
        points=_points(values[f"points_{order}"]),
        axis=None if across is None else _AXES.index(across),
        values=named(values["values"]),
        plane=checked(values.get("plane", ""), str),
        finding=checked(values.get("finding", ""), str),
        outline=_points(values.get(f"outline_{order}", [])),
        notes=texts(values.get("notes", [])),
        person=checked(values.get("person", ""), str),
        id=checked(values["id"], str),
        number=integer(values.get("number", 0)),
        slab=_slab(checked(values.get("slab", {}), dict)),
    )


def _slab(value: Document) -> Slab:
    if not value:
        return SLICE
    (thickness,) = numbers([value["mm"]])
    return Slab(checked(value["kind"], str), thickness)


def _points(value: Any) -> Points:
    return tuple(numbers(point) for point in checked(value, list))
