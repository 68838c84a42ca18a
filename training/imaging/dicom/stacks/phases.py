"""Phases, acquisitions and reconstructions that lie at the same places of one series, and what tells them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from os.path import commonpath
from pathlib import Path

import numpy as np

from ..header import TAGS
from ..slices import Slice
from .grouping import Part, along, is_even, is_placed, normal

SAME_PLACE = 0.01  # mm: slices nearer than that lie at one place

_FILE, _FOLDER = "file", "folder"
_PHASES = {
    "TemporalPositionIndex": "phase {}",
    "TemporalPositionIdentifier": "phase {}",
    "NominalPercentageOfCardiacPhase": "phase {} %",
    "NominalCardiacTriggerDelayTime": "trigger delay {} ms",
    "TemporalPositionTimeOffset": "time {} s",
    "TriggerTime": "trigger time {} ms",
    "AcquisitionNumber": "acquisition {}",
    "FrameAcquisitionNumber": "acquisition {}",
    "StackID": "stack {}",
    "ContrastBolusAgentPhase": "contrast phase {}",
    "ContrastBolusAgentAdministered": "contrast {}",
    "ContrastBolusAgent": "contrast {}",
    "KVP": "{} kV",
    "SliceThickness": "{} mm thick",
    "FrameType": "{}",
    "ImageType": "{}",
}
"""What divides slices that lie between each other as well as slices at one place, the most telling first."""
_DIMENSIONS = tuple(f"Dimension {k + 1}" for k in range(8))
_WEAK = {
    "SeriesNumber": "series number {}",
    "AcquisitionTime": "time {}",
    "FrameAcquisitionDateTime": "time {}",
    "SeriesDescription": "{}",
    "ContentTime": "content time {}",
    _FILE: "file {}",
    _FOLDER: "folder {}",
}
"""What divides slices at one place only, and into no more parts than slices lie there."""
_ORDERS = ("TriggerTime", "AcquisitionTime", "FrameAcquisitionDateTime", "ContentTime", "InstanceNumber")
_LEAST = 3  # slices of a part that was found between others
_STRAY = 0.1  # of the places: more slices with a twin that nothing explains are no accident


def split_phases(part: Part) -> list[Part]:
    """Divide a part until no two of its slices lie at one place, and none between those of another acquisition.

    Consecutive ranges that continue each other stay together, whatever their headers say. What nothing in the headers
    tells apart stays one part with its `trouble`.

    Parameters
    ----------
    part
        Slices of one geometry, without duplicates.
    """
    slices = part.slices
    if len(slices) < 2:
        return [part]
    places = along(slices)
    which = place_numbers(places)
    most = int(np.bincount(which).max())
    if most == 1:
        return _lying_between(part, places)
    if which.max() == 0 and most > _LEAST:
        return [_at_one_place(part)]
    for name, wording in _candidates(slices):
        values = [_value(s, name) for s in slices]
        if _tells_apart(values, which, most, strict=name in _WEAK):
            return [piece for one in _divided(part, values, wording) for piece in split_phases(one)]
    return _by_rank(part, which, most) or _by_runs(part, places, which, most) or _strays(part, which)


def place_numbers(places: np.ndarray) -> np.ndarray:
    """Number the places from 0 in ascending order; slices at one place have one number."""
    order = np.argsort(places, kind="stable")
    which = np.empty(len(places), int)
    which[order] = np.concatenate([[0], np.cumsum(np.diff(places[order]) >= SAME_PLACE)])
    return which


def _candidates(slices: Sequence[Slice]) -> Iterator[tuple[str, str]]:
    yield from _PHASES.items()
    names = {name for s in slices for name in s.own if name.startswith(_DIMENSIONS)}
    yield from (
        (name, f"{name.split()[-1]} {{}}") for name in sorted(names) if "Position" not in name.split()[-1]
    )
    yield from (
        (name, f"{name.split()[-1]} {{}}") for name in sorted(names) if "Position" in name.split()[-1]
    )
    yield from _WEAK.items()


def _value(s: Slice, name: str) -> str:
    if name == _FOLDER:
        return str(s.path.parent)
    if name == _FILE:
        return s.header.code("SOPInstanceUID") if s.is_frame else ""
    value = s.label(name)
    try:
        return f"{float(value):.10g}"  # 300 and 300.00 are one number
    except ValueError:
        return value


def _tells_apart(values: Sequence[str], which: np.ndarray, most: int, *, strict: bool) -> bool:
    """Whether the values differ wherever several slices lie at one place, and make whole stacks instead of fragments."""
    names, codes, sizes = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    places = int(which.max()) + 1
    if len(names) < 2 or (
        len(names) > most and (strict or len(names) > 2 * most or 3 * sizes.min() < places)
    ):
        return False
    taken = np.bincount(which)
    different = np.bincount(np.unique(np.stack([which, codes]), axis=1)[0], minlength=places)
    doubled = taken > 1
    # Two ranges that share no more than a place at their border are one scan.
    return bool(np.all(different[doubled] > 1)) and int(doubled.sum()) >= _STRAY * sizes.min()


def _divided(part: Part, values: Sequence[str], wording: str) -> list[Part]:
    pieces = []
    inside = Path(commonpath(values)) if wording == _WEAK[_FOLDER] else Path()
    for value in sorted(set(values), key=_as_number):
        slices = [s for s, v in zip(part.slices, values, strict=True) if v == value]
        shown = value if inside == Path() else str(Path(value).relative_to(inside)).replace(".", inside.name)
        pieces.append(Part(slices, (*part.labels, _worded(wording, shown))))
    return pieces


def _worded(wording: str, value: str) -> str:
    if value:
        return wording.format(value.replace("\\", " "))
    return "without " + (wording.replace("{}", "").replace("mm thick", "thickness").strip() or "image type")


def _as_number(value: str) -> tuple[bool, float, str]:
    try:
        return False, float(value), value
    except ValueError:
        return True, 0.0, value


def _lying_between(part: Part, places: np.ndarray) -> list[Part]:
    """Divide slices of which none share a place, where two or more whole stacks lie between each other."""
    if len(places) < 2 * _LEAST:
        return [part]
    framed = any(s.own for s in part.slices)
    for name, wording in (*_PHASES.items(), ("AcquisitionTime", _WEAK["AcquisitionTime"])):
        if not (framed or name in TAGS) or len({s.label(name) for s in part.slices}) == 1:
            continue
        values = [_value(s, name) for s in part.slices]
        if len(set(values)) > 1 and _are_stacks_of_their_own(
            values, places, name in ("AcquisitionNumber", "SliceThickness")
        ):
            return _divided(part, values, wording)
    steps = np.diff(np.sort(places))
    if steps.max() < 1.2 * steps.min() and not _numbered_twice(part.slices):
        return [part]
    for name in ("SeriesNumber", "SeriesDescription", _FOLDER):
        values = [_value(s, name) for s in part.slices]
        if len(set(values)) > 1 and _are_stacks_of_their_own(values, places, False):
            return _divided(part, values, _WEAK[name])
    runs = _runs(part.slices, places, np.arange(len(places)))
    if len(set(runs)) > 1 and _are_stacks_of_their_own(runs, places, False):
        return _divided(part, runs, "run {} by number")
    return [part]


def _numbered_twice(slices: Sequence[Slice]) -> bool:
    """Whether instance numbers count and some occur again, as where two series were put together."""
    numbers = [s.label("InstanceNumber") for s in slices]
    return "" not in numbers and 2 <= len(set(numbers)) < len(numbers)


def _are_stacks_of_their_own(values: Sequence[str], places: np.ndarray, by_step: bool) -> bool:
    """Whether each value's slices are evenly spaced and begin before others end; or have another step (`by_step`)."""
    ranges = []
    for value in set(values):
        own = np.sort(places[[v == value for v in values]])
        if len(own) < _LEAST or not is_even(own):
            return False
        ranges.append((own[0], own[-1], float(np.median(np.diff(own)))))
    ranges.sort()
    pairs = list(pairwise(ranges))
    if any(after[0] < before[1] - 0.5 * min(before[2], after[2]) for before, after in pairs):
        return True
    steps = [step for _, _, step in ranges]
    return by_step and len(ranges) <= _LEAST and max(steps) > 1.1 * min(steps)


def _at_one_place(part: Part) -> Part:
    count, name = len(part.slices), part.slices[0].path.name
    locations = [s.numbers("SliceLocation")[:1] for s in part.slices]
    if is_placed(part.slices[0]) and all(locations) and is_even(np.sort(np.ravel(locations))):
        said = (
            f"All {count} slices of the series of {name} give one ImagePositionPatient: they were placed by their "
            "SliceLocation."
        )
        return Part([_moved(s, place, said) for s, (place,) in zip(part.slices, locations)], part.labels)
    return Part(
        part.slices,
        part.labels,
        f"All {count} slices of the series of {name} lie at one place, as when a bolus is watched or positions were erased: "
        "they are no volume; open the scan itself.",
    )


def _moved(s: Slice, place: float, said: str) -> Slice:
    """A slice moved along its normal to a place in mm."""
    assert s.position is not None
    assert s.orientation is not None
    axis = normal(s.orientation)
    x, y, z = np.asarray(s.position) + (place - np.dot(s.position, axis)) * axis
    return replace(s, position=(float(x), float(y), float(z)), said=said)


def _by_rank(part: Part, which: np.ndarray, most: int) -> list[Part]:
    """Divide slices of which equally many lie at each place by the order in which these were made."""
    slices = part.slices
    if np.any(np.bincount(which) != most):
        return []
    for name in _ORDERS:
        try:
            times = np.array([float(s.label(name)) for s in slices])
        except ValueError:
            continue
        order = np.lexsort((times, which))
        table = times[order].reshape(-1, most)  # (place, rank)
        if not np.all(np.diff(table, axis=1) > 0):
            continue
        one_after_the_other = np.all(table.max(axis=0)[:-1] < table.min(axis=0)[1:])
        place_by_place = np.count_nonzero(np.diff(which[np.argsort(times, kind="stable")])) == len(table) - 1
        if one_after_the_other or place_by_place:
            rank = np.empty(len(slices), int)
            rank[order] = np.tile(np.arange(1, most + 1), len(table))
            return _divided(part, [str(r) for r in rank], "phase {} of " + f"{most} by {name}")
    return []


def _by_runs(part: Part, places: np.ndarray, which: np.ndarray, most: int) -> list[Part]:
    """Divide slices by number where these run through the patient once for each stack."""
    runs = _runs(part.slices, places, which)
    doubled = int((np.bincount(which) > 1).sum())
    if len(set(runs)) != most or doubled < _STRAY * min(Counter(runs).values()):
        return []
    return _divided(part, runs, "run {} by number")


def _runs(slices: Sequence[Slice], places: np.ndarray, which: np.ndarray) -> list[str]:
    """Number of the run for each slice: a new one begins where instance numbers turn back, jump or meet a taken place."""
    numbers = [(s.numbers("InstanceNumber") or (0.0,))[0] for s in slices]
    if len(set(numbers)) < len(numbers):
        return ["1"] * len(slices)
    order = np.argsort(numbers, kind="stable")
    runs = ["1"] * len(slices)
    run, step, taken = 1, 0.0, {int(which[order[0]])}
    for before, now in pairwise(order):
        moved = float(places[now] - places[before])
        if int(which[now]) in taken or (step and not 0 < moved / step < 1.5):
            run, step, taken = run + 1, 0.0, set()
        elif not step:
            step = moved
        taken.add(int(which[now]))
        runs[now] = str(run)
    return runs


def _strays(part: Part, which: np.ndarray) -> list[Part]:
    """Take the first by number where a few places are taken twice; give up where many are."""
    slices = part.slices
    taken = np.bincount(which)
    doubled = int((taken > 1).sum())
    if doubled <= max(1, _STRAY * len(taken)) and len(taken) > _LEAST:
        order = sorted(range(len(slices)), key=lambda i: _order_of(slices[i]))
        seen: set[int] = set()
        first: list[Slice] = []
        rest: list[Slice] = []
        for i in order:
            (rest if int(which[i]) in seen else first).append(slices[i])
            seen.add(int(which[i]))
        return [Part(first, part.labels), Part(rest, (*part.labels, "at places of others"))]
    return [
        Part(
            slices,
            part.labels,
            f"{int(taken.max())} slices with different pixels lie at each of {doubled} place(s) of the series of "
            f"{slices[0].path.name}, and nothing in their headers tells which belong together; put each scan into "
            "a folder of its own.",
        )
    ]


def _order_of(s: Slice) -> tuple[float, str, int]:
    return (s.numbers("InstanceNumber") or (0.0,))[0], s.header.code("SOPInstanceUID"), s.frame
