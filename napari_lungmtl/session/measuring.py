"""Commands on measurements: each is one step of a session's history, saved like every edit."""

from __future__ import annotations

from collections.abc import Sequence

from ..training.findings import Findings, Measurement
from ..training.findings.measurements import measure as reading
from ..training.findings.measurements.measurement import Kind, numbered
from ..training.findings.measurements.of_nodules import axes_of, detached, moved_off
from ..training.imaging.slab import SLICE, Slab
from .review import reviewer
from .session import Session


def find(findings: Findings, id: str | None) -> Measurement | None:
    """The measurement of an id, if it is there."""
    return next((m for m in findings.measurements if m.id == id), None)


def of_nodule(session: Session, finding: str) -> Measurement | None:
    """The axes of a nodule that count: see `axes_of`."""
    return axes_of(session.findings.measurements, finding)


def draw(
    session: Session, kind: Kind, points: Sequence[Sequence[float]], axis: int | None, slab: Slab = SLICE
) -> Measurement | None:
    """Measure what a person drew on what was shown, and keep it; None where no image is open."""
    if session.image is None:
        return None
    return keep(session, reading.measure(session.image, kind, points, axis, slab))


def keep(session: Session, measurement: Measurement) -> Measurement:
    """Keep a new measurement: with a number, and the name of who measured.

    Axes of a nodule take the place of the former ones of the same nodule.
    """
    former = of_nodule(session, measurement.finding) if measurement.finding else None
    if former is not None:
        measurement = measurement.with_(id=former.id, number=former.number)
        return _change(session, measurement.with_(person=reviewer()))
    present = (*session.findings.measurements, measurement.with_(person=reviewer()))
    all_ = numbered(present, session.last_taken_out)
    session.measure(all_)
    return all_[-1]


def change(session: Session, measurement: Measurement) -> Measurement:
    """Take a measurement's new points, and read its values there; axes that are moved off their nodule are no more of it."""
    if session.image is not None:
        measurement = reading.remeasured(session.image, measurement)
    finding = next((f for f in session.findings if f.id == measurement.finding), None)
    former = find(session.findings, measurement.id)
    if finding is not None and former is not None and moved_off(finding.geometry, former, measurement):
        measurement = detached(measurement, finding)
    return _change(session, measurement.with_(person=reviewer()))


def remove(session: Session, id: str) -> None:
    """Take a measurement out; nothing happens where it is gone."""
    session.measure(m for m in session.findings.measurements if m.id != id)


def _change(session: Session, measurement: Measurement) -> Measurement:
    session.measure(measurement if m.id == measurement.id else m for m in session.findings.measurements)
    return measurement
