"""Which measurement of a nodule counts, and that what a network measured goes with the nodule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ...imaging.image import Image
from ..geometry import Geometry, Mask
from .mask_values import SOLID, MaskValues, mask_values
from .measurement import Measurement, numbered
from .nodule import axes_measurement

if TYPE_CHECKING:
    from ..finding import Findings


def axes_of(measurements: Iterable[Measurement], finding: str) -> Measurement | None:
    """The axes of a nodule that count: what a person measured last, and where nobody has, a network.

    Examples
    --------
    >>> points = ((0.0, 0.0, 0.0), (0.0, 0.0, 8.0), (0.0, 2.0, 4.0), (0.0, -2.0, 4.0))
    >>> network = Measurement("axes", points, axis=0, finding="a")
    >>> axes_of([network.with_(id="x", person="ann"), network], "a").person
    'ann'
    """
    axes = [m for m in measurements if m.finding == finding and m.kind == "axes"]
    counting = [m for m in axes if m.person] or axes
    return counting[-1] if counting else None


def not_measured_by_person(
    new: Iterable[Measurement], present: Iterable[Measurement]
) -> Iterator[Measurement]:
    """What networks measured of nodules whose axes nobody has measured; a person's are not overridden."""
    by_person = {m.finding for m in present if m.person and m.finding and m.kind == "axes"}
    return (m for m in new if m.person or m.finding not in by_person)


def joined(
    present: Iterable[Measurement], new: Iterable[Measurement], last: int = 0
) -> tuple[Measurement, ...]:
    """What was measured with what is new; a nodule has one set of a network's axes, the new one, and none where a person measured.

    Parameters
    ----------
    present, new
        Each with its number, if it has one: new axes take that of those which they replace.
    last
        The highest number of what was taken out: what is new has a higher one.
    """
    present = tuple(present)
    new = tuple(not_measured_by_person(new, present))
    nodules = {m.finding for m in new if m.finding and m.kind == "axes"}
    kept = [m for m in present if m.person or m.finding not in nodules]
    former = {m.finding: m.number for m in present if not m.person and m.finding in nodules}
    taken = {*former.values(), *(m.number for m in kept)}
    for one in new:
        own = one.number if one.number > last and one.number not in taken else 0
        number = former.pop(one.finding, own)
        taken.add(number)
        kept.append(one.with_(number=number))
    return numbered(tuple(kept), last)


def followed(before: Findings, after: Findings, image: Image | None) -> Findings:
    """What networks had measured is measured again where a nodule has another shape, and goes where it cannot be, or with it.

    Parameters
    ----------
    before, after
        Findings before and after a change. What a person measured, or the change itself brings, stays as it is.
    image
        What they lie on.
    """
    known, now = {f.id: f.geometry for f in before}, {f.id: f.geometry for f in after}
    former = {m.id: m for m in before.measurements}
    result: list[Measurement] = []
    for one in after.measurements:
        stale = (
            not one.person
            and one.finding in known
            and former.get(one.id) == one
            and now.get(one.finding) != known[one.finding]
        )
        fresh = _again(one, now.get(one.finding), image) if stale else one
        result += [] if fresh is None else [fresh]
    return after if tuple(result) == after.measurements else replace(after, measurements=tuple(result))


def _again(measurement: Measurement, geometry: Geometry | None, image: Image | None) -> Measurement | None:
    if image is None or not isinstance(geometry, Mask):
        return None
    try:
        values = mask_values(geometry, image)
    except ValueError:  # on a radiograph, or another grid
        return None
    new = mask_measurement(measurement.finding, values)
    return new.with_(id=measurement.id, number=measurement.number)


def mask_measurement(finding: str, values: MaskValues, notes: Iterable[str] = ()) -> Measurement:
    """What a mask measures, as the axes of a finding; how much of it is solid stands behind other notes."""
    solid = f"Solid part (over {SOLID:.0f} HU): {values.solid:.0%} of the volume."
    measured = {name: getattr(values, name) for name in ("volume", "mean", "std", "min", "max")}
    told = (*notes, solid.replace("%", " %").replace("-", "−"))
    return axes_measurement(values.position, values.axes, values.outline, measured, finding, told)
