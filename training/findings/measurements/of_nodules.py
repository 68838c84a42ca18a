"""Which measurement of a nodule counts; a network's goes with its shape, a person's stays at the place that was measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...imaging.image import Image
from ..change import Change
from ..geometry import Geometry, Mask
from .mask_values import SOLID, MaskValues, mask_values
from .measurement import Measurement, numbered
from .nodule import axes_measurement

if TYPE_CHECKING:
    from ..finding import Finding, Findings

LEFT = "axes"
"""Name of the change of a finding whose mark was moved away from the axes that a person had measured of it."""


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
    """Let what was measured follow the findings that it belongs to.

    What networks had measured is measured again where a nodule has another shape, and goes where it cannot be, or with it. What a
    person measured stays where it was measured: a mark that was moved away from there (see `has_left`) has it no more, which its
    history tells.

    Parameters
    ----------
    before, after
        Findings before and after a change. What the change itself brings stays as it is.
    image
        What they lie on.
    """
    known, now = {f.id: f.geometry for f in before}, {f.id: f for f in after}
    former = {m.id: m for m in before.measurements}
    result: list[Measurement] = []
    left: dict[str, Finding] = {}
    for one in after.measurements:
        if one.finding not in known or former.get(one.id) != one:
            result.append(one)
            continue
        was, finding = known[one.finding], now.get(one.finding)
        geometry = finding.geometry if finding is not None else None
        if geometry == was:
            result.append(one)
        elif not one.person:
            fresh = _again(one, geometry, image)
            result += [] if fresh is None else [fresh]
        elif finding is not None and has_left(finding.geometry, was, one):
            result.append(detached(one, finding))
            left[finding.id] = _without(left.get(finding.id, finding), one)
        else:
            result.append(one)
    if tuple(result) == after.measurements:
        return after
    items = tuple(left.get(f.id, f) for f in after)
    return replace(after, items=items, measurements=tuple(result))


def has_left(geometry: Geometry, before: Geometry, measurement: Measurement) -> bool:
    """Tell whether a mark that was moved lies no more where its nodule was measured.

    It does where the middles of mark and axes are at most half of their mean diameter apart, the mark's middle lies within the
    axes, or these within the mark. A mark that did not even before (on a slice far from the longest one) must be moved that far.
    """
    middle = _middle(measurement)
    start = middle if _lies_on(middle, before, measurement) else np.asarray(before.center)
    return not _lies_on(start, geometry, measurement)


def in_place(
    measurements: Iterable[Measurement], source: Findings, items: Iterable[Finding]
) -> Iterator[Measurement]:
    """What persons measured in another set of findings; of a finding that lies elsewhere among the items it is no more.

    Parameters
    ----------
    measurements
        As they are among the items; those that are not of the source stay as they are.
    source
        Where they were measured.
    items
        Findings of the same ids.
    """
    there, here = {f.id: f.geometry for f in source}, {f.id: f for f in items}
    measured = {m.id: m.points for m in source.measurements if m.person}
    for one in measurements:
        was, finding = there.get(one.finding), here.get(one.finding)
        if was is not None and finding is not None and measured.get(one.id) == one.points:
            one = detached(one, finding) if has_left(finding.geometry, was, one) else one
        yield one


def moved_off(geometry: Geometry, before: Measurement, after: Measurement) -> bool:
    """Tell whether axes were moved away from the mark of their nodule."""
    lay = _lies_on(_middle(before), geometry, before)
    return lay and not _lies_on(_middle(after), geometry, after)


def _middle(measurement: Measurement) -> np.ndarray:
    return np.asarray(measurement.points).mean(axis=0)


def detached(measurement: Measurement, finding: Finding) -> Measurement:
    """What was measured of a finding that lies elsewhere now: it stays, and says of which it was."""
    note = f"Measured of nodule {finding.number}, whose mark lies elsewhere now: it counts for no nodule."
    return measurement.with_(finding="", notes=(*measurement.notes, note))


def _lies_on(place: np.ndarray, geometry: Geometry, measurement: Measurement) -> bool:
    """Whether axes with their middle at a place are of what a mark shows; a mask also has what lies in its own box."""
    if len(place) != len(geometry.center):
        return False
    if isinstance(geometry, Mask):
        low, high = geometry.extent
        if bool(np.all(np.asarray(low) <= place) and np.all(place <= np.asarray(high))):
            return True
    ends = np.asarray(measurement.points[:2])
    mark, axes = geometry.diameter / 2, float(np.linalg.norm(ends[1] - ends[0])) / 2
    distance = float(np.linalg.norm(place - np.asarray(geometry.center)))
    return distance <= max((mark + axes) / 2, axes, mark - axes)


def _without(finding: Finding, measurement: Measurement) -> Finding:
    """A finding whose history tells that its axes stayed behind, by whom and when it was moved."""
    if not finding.history:
        return finding
    last, values = finding.history[-1], measurement.values
    size = " × ".join(f"{values[name]:.1f}" for name in ("long", "short") if name in values)
    return finding.with_(history=(*finding.history, Change(LEFT, size, last.by, last.at)))


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
