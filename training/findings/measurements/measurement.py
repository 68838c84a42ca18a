"""What a person measured: immutable, in world coordinates, with the values that were read there."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from ...imaging.slab import SLICE, Slab

Kind = Literal["line", "angle", "ellipse", "rectangle", "axes"]
Points = tuple[tuple[float, ...], ...]

KINDS: Mapping[str, int] = {"line": 2, "angle": 3, "ellipse": 2, "rectangle": 2, "axes": 4}
"""Each kind with its number of points: the two ends of a line; the first end, the vertex and the other end of an angle; two
opposite corners of the upright rectangle, or of the one around the ellipse; the ends of the long axis, then of the short one."""
VALUES = ("length", "angle", "long", "short", "area", "volume", "mean", "std", "min", "max")
"""Names of values, in this order in tables: lengths in mm, the angle in degrees, area in mm², volume in mm³ (pixels in their
place where the image has no spacing), then Hounsfield units (grey values where the image is no CT)."""


@dataclass(frozen=True)
class Measurement:
    """A line, an angle, a region or the two axes of a nodule, on one slice of a volume or on a radiograph.

    Parameters
    ----------
    kind
        One of `KINDS`, which says what the points are.
    points
        World positions (z, y, x) or (y, x) in mm (pixels where the image has no spacing), in the orientation of the file.
    axis
        The world axis that the slice lies across: 0 for axial, 1 for coronal, 2 for sagittal slices; None on a radiograph.
    values
        What was read there, by the names of `VALUES`.
    plane
        In words, where the millimetres of a radiograph hold: ``"at the detector"``; empty where nothing needs to be said.
    finding
        Id of the nodule that was measured, or empty.
    outline
        The nodule's edge on the slice, which the axes end at: world positions, closed; empty for what was drawn by hand.
    notes
        Sentences for the person: where the nodule was cut from vessel or pleura.
    person, id, number
        Who measured, a stable identifier, and a number in the image from 1 (0 while it has none).
    slab
        What was shown of the volume: a slab about the slice, whose projection the values were read from, or the slice itself.

    Examples
    --------
    >>> line = Measurement("line", ((-100.0, 20.0, 30.0), (-100.0, 23.0, 34.0)), axis=0, values={"length": 5.0})
    >>> line.position, line.with_(number=3).id == line.id
    (-100.0, True)
    """

    kind: Kind
    points: Points
    axis: int | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    plane: str = ""
    finding: str = ""
    outline: Points = ()
    notes: tuple[str, ...] = ()
    person: str = ""
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    number: int = 0
    slab: Slab = SLICE

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of measurement {self.kind!r}")
        for name in ("points", "outline"):
            points = tuple(tuple(float(c) for c in point) for point in getattr(self, name))
            object.__setattr__(self, name, points)
            ndim = 2 if self.axis is None else 3
            if any(len(point) != ndim for point in points):
                raise ValueError(f"{name} of a measurement have {ndim} coordinates here, not {points}")
            if not np.isfinite(points).all():
                raise ValueError(f"{name} of a measurement are finite, not {points}")
        object.__setattr__(self, "notes", tuple(self.notes))
        if not self.slab.kind:  # a slice has no thickness of a slab
            object.__setattr__(self, "slab", SLICE)
        if len(self.points) != KINDS[self.kind]:
            raise ValueError(f"a measurement of kind {self.kind} has {KINDS[self.kind]} points")
        if self.axis is not None:
            if self.axis not in (0, 1, 2):
                raise ValueError(f"a slice lies across axis 0, 1 or 2, not {self.axis}")
            if len({point[self.axis] for point in self.points}) != 1:
                raise ValueError("the points of a measurement lie on one slice")
        elif self.slab.kind:
            raise ValueError("a radiograph has no slabs")
        if unknown := set(self.values) - set(VALUES):
            raise ValueError(f"unknown values {', '.join(sorted(unknown))}")

    @property
    def position(self) -> float | None:
        """Where on `axis` its slice lies, in mm; None on a radiograph."""
        return None if self.axis is None else self.points[0][self.axis]

    def with_(self, **changes: Any) -> Measurement:
        """A copy with some fields changed; the id stays."""
        return replace(self, **changes)


def numbered(measurements: tuple[Measurement, ...], last: int = 0) -> tuple[Measurement, ...]:
    """Give measurements without a number the next ones, in list order; `last` is the highest that was ever given."""
    last = max([last, *(m.number for m in measurements)])
    result = []
    for measurement in measurements:
        if not measurement.number:
            last += 1
            measurement = measurement.with_(number=last)
        result.append(measurement)
    return tuple(result)
