"""``measurements.csv``: one table for what was measured on many images.

``seriesuid,number,kind,slice_across,slice_at,slab`` (``MIP 10 mm`` where a slab was measured, empty for a slice), the values by
their names (`VALUES`), ``length_unit`` (``mm`` or ``pixel``: of lengths, and squared and cubed of area and volume),
``value_unit`` (``HU`` or ``grey value``), ``plane`` (where a radiograph's millimetres hold; values are corrected, points are
not), ``finding`` and ``finding_number`` (the nodule that was measured), ``points`` (``x y z`` or ``x y`` in the image's units,
LPS, separated by semicolons), ``person,notes``. Cells that do not apply are empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..finding import Findings
from ..formats.tables import write_rows
from .measurement import VALUES, Measurement

COLUMNS = (
    *("seriesuid", "number", "kind", "slice_across", "slice_at", "slab"),
    *VALUES,
    *("length_unit", "value_unit", "plane", "finding", "finding_number", "points", "person", "notes"),
)


def write_measurements(cases: Iterable[Findings], path: Path | str) -> None:
    """Write the measurements of many images into one table (gzipped where the name ends in .gz), atomically.

    Raises
    ------
    SaveError
        The file could not be written; what was there before is unchanged.
    """
    write_rows(path, COLUMNS, (_row(findings, m) for findings in cases for m in findings.measurements))


def _row(findings: Findings, measurement: Measurement) -> tuple[object, ...]:
    axis, values = measurement.axis, measurement.values
    numbers = {f.id: f.number for f in findings}
    points = "; ".join(" ".join(f"{c:.6g}" for c in reversed(point)) for point in measurement.points)
    return (
        *(findings.image.series_uid, measurement.number or None, measurement.kind),
        *("" if axis is None else "zyx"[axis], measurement.position, measurement.slab.words),
        *(float(values[name]) if name in values else None for name in VALUES),
        *(findings.image.units, "HU" if findings.image.modality == "CT" else "grey value"),
        *(measurement.plane, measurement.finding, numbers.get(measurement.finding) or None),
        *(points, measurement.person, " ".join(measurement.notes)),
    )
