"""Which slices may belong together: by patient, study, series, frame of reference, geometry and kernel."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..header import Header
from ..kinds import CAPTURE, LOCALIZER, frame_kind, modality_of
from ..slices import RADIOGRAPH_MODALITIES, Slice, slices_of

_IDENTITY = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "Modality",
)
UNPLACED = "without a place in the patient"
_JOINED = 3  # slices with a series UID each make a scan from so many on
_JOINED_STUDIES = 5  # and where even the study differs in each, from so many
_UNEVEN = 0.1  # of the slice distance: rounded positions in headers stray that far


@dataclass
class Scan:
    """Slices that the files call one series, or that must be one where they do not say.

    Parameters
    ----------
    uid
        SeriesInstanceUID, or a name made from the folder or file.
    slices
        In no order.
    warnings
        How they were put together, where the files do not say.
    """

    uid: str
    slices: list[Slice]
    warnings: list[str] = field(default_factory=list)


@dataclass
class Part:
    """Slices of one scan that agree in all that keeps slices apart.

    Parameters
    ----------
    slices
        In no order.
    labels
        What tells them from the other parts: ``("kernel B70f", "phase 2")``.
    trouble
        Why they cannot be read as a volume, or ``""``.
    """

    slices: list[Slice]
    labels: tuple[str, ...] = ()
    trouble: str = ""


def is_placed(s: Slice) -> bool:
    """Tell whether a slice says where in the patient it lies."""
    return s.position is not None and s.orientation is not None


def normal(orientation: Sequence[float]) -> np.ndarray:
    """Compute the unit normal (x, y, z) of a slice with the given row and column directions."""
    n = np.cross(orientation[:3], orientation[3:])
    length = np.linalg.norm(n)
    return n / length if length > 0 else np.array([0.0, 0.0, 1.0])


def along(slices: Sequence[Slice]) -> np.ndarray:
    """Compute the place of each slice: mm along the normal of the first, or its location, number or frame where it has none."""
    first = slices[0]
    if is_placed(first):
        assert first.orientation is not None
        return np.array([s.position for s in slices], float) @ normal(first.orientation)
    return np.array([number(s) for s in slices], float)


def number(s: Slice) -> float:
    """Return what orders a slice without a position."""
    if s.is_frame:
        return float(s.frame)
    return (s.numbers("SliceLocation") or s.header.numbers("InstanceNumber") or (0.0,))[0]


def is_even(places: np.ndarray) -> bool:
    """Tell whether sorted places have one distance, or multiples of it where some are missing."""
    steps = np.diff(places)
    if not len(steps) or steps.min() <= 0:
        return False
    step = float(np.median(steps))
    step = step if np.all(steps > 0.6 * step) else float(steps.min())
    times = steps / step
    return bool(np.all(np.abs(times - np.round(times)) <= _UNEVEN * np.maximum(1, np.round(times))))


def scans_of(headers: Iterable[Header]) -> list[Scan]:
    """Gather files into scans by SeriesInstanceUID; by study, folder and geometry where there is none or one for each slice."""
    by_uid: dict[str, list[Slice]] = defaultdict(list)
    nameless: dict[Hashable, list[Slice]] = defaultdict(list)
    for header in headers:
        uid, slices = header.code("SeriesInstanceUID"), slices_of(header)
        if uid:
            by_uid[uid].extend(slices)
        else:
            nameless[_home_of(slices[0])].extend(slices)
    scans = [Scan(uid, slices) for uid, slices in by_uid.items()]
    lone = [scan for scan in scans if len(scan.slices) == 1 and _may_be_joined(scan.slices[0])]
    joined = _join(lone, lambda s: (*_home_of(s), s.label("StudyInstanceUID")), _JOINED)
    joined += _join([scan for scan in lone if scan.slices], _home_of, _JOINED_STUDIES)
    return [scan for scan in scans if scan.slices] + joined + [_named(slices) for slices in nameless.values()]


def _home_of(s: Slice) -> tuple[Hashable, ...]:
    """What slices without a common series UID must share; pictures share nothing."""
    if modality_of(s) in RADIOGRAPH_MODALITIES or frame_kind(s) == CAPTURE or s.is_frame:
        return (s.path,)
    return (s.path.parent, s.label("PatientID"), modality_of(s))


def _may_be_joined(s: Slice) -> bool:
    return s.position is not None and s.orientation is not None and len(_home_of(s)) > 1 and not frame_kind(s)


def _join(lone: Sequence[Scan], home: Callable[[Slice], tuple[Hashable, ...]], least: int) -> list[Scan]:
    """Take the slices of series of one slice that make one stack together."""
    homes: dict[Hashable, list[Scan]] = defaultdict(list)
    for scan in lone:
        s = scan.slices[0]
        geometry = (
            s.shape,
            tuple(round(v, 2) + 0.0 for v in s.orientation or ()),  # headers wobble in the last digits
            tuple(round(v, 3) for v in s.pixel_spacing or ()),
            s.label("ConvolutionKernel"),
        )
        homes[(*home(s), *geometry)].append(scan)
    joined = []
    for scans in homes.values():
        slices = [scan.slices[0] for scan in scans]
        places = np.unique(np.round(along(slices), 2))
        if len(places) < least or not is_even(places):
            continue
        first = min(scans, key=lambda scan: (number(scan.slices[0]), scan.uid))
        warning = (
            f"Each slice has a SeriesInstanceUID of its own: {len(slices)} slices of one folder, patient and geometry were "
            "taken as one scan."
        )
        joined.append(Scan(first.uid, slices, [warning]))
        for scan in scans:
            scan.slices = []
    return joined


def _named(slices: list[Slice]) -> Scan:
    path = slices[0].path
    files = {s.path for s in slices}
    if len(files) == 1:
        return Scan(path.stem, slices)
    return Scan(
        path.parent.name or path.stem,
        slices,
        [
            f"The files have no SeriesInstanceUID: {len(files)} of one folder, patient and geometry were taken as one scan."
        ],
    )


def alike(scan: Scan) -> list[Part]:
    """Divide a scan where geometry, kind, patient, study, frame of reference or kernel differ, wherever the slices lie."""
    groups = _by_geometry(scan.slices)
    parts = [Part(*pair) for pair in zip(groups, _in_words(groups), strict=True)]
    for name in (*_IDENTITY, "ConvolutionKernel"):
        parts = [piece for part in parts for piece in _by_value(part, name, scan)]
    return parts


def _by_geometry(slices: Sequence[Slice]) -> list[list[Slice]]:
    groups: list[list[Slice]] = []
    kinds: list[str] = []
    for s in slices:
        # Compared with a tolerance, not by rounded values: headers wobble in the last digits.
        kind = _strange_kind(s)
        for group, other in zip(groups, kinds, strict=True):
            if kind == other and _same_geometry(group[0], s):
                group.append(s)
                break
        else:
            groups.append([s])
            kinds.append(kind)
    return groups


def _in_words(groups: Sequence[Sequence[Slice]]) -> list[tuple[str, ...]]:
    """What tells groups of other geometry apart: only what differs."""
    if len(groups) < 2:
        return [() for _ in groups]
    columns = zip(*(_geometry_of(group[0]) for group in groups), strict=True)
    telling = [column for column in columns if len(set(column)) > 1]
    return [tuple(column[k] for column in telling if column[k]) for k in range(len(groups))]


def _geometry_of(s: Slice) -> tuple[str, ...]:
    size = f"{s.shape[0]} × {s.shape[1]}"
    if s.position is None or s.orientation is None:
        return UNPLACED, size, ""
    spacing = f"pixels of {min(s.pixel_spacing):.4g} mm" if s.pixel_spacing else "without pixel spacing"
    across, row = np.abs(normal(s.orientation)), np.abs(s.orientation[:3])
    row = row / (np.linalg.norm(row) or 1.0)
    tilt, turn = (np.degrees(np.arccos(min(1.0, v.max()))) for v in (across, row))
    words = [("sagittal", "coronal", "axial")[int(across.argmax())]]
    words += [f"{how} {angle:.1f}°" for how, angle in (("tilted", tilt), ("turned", turn)) if angle >= 0.05]
    return " ".join(words), size, spacing


def _strange_kind(s: Slice) -> str:
    kind = frame_kind(s)
    return kind if kind in (LOCALIZER, CAPTURE) else ""


def _same_geometry(a: Slice, b: Slice) -> bool:
    def near(first: Sequence[float] | None, second: Sequence[float] | None, tolerance: float) -> bool:
        if first is None or second is None:
            return first is second
        return first == second or all(abs(u - v) <= tolerance for u, v in zip(first, second, strict=True))

    return (
        a.shape == b.shape
        and near(a.orientation, b.orientation, 0.01)
        and near(a.pixel_spacing, b.pixel_spacing, 0.001)
        and is_placed(a) == is_placed(b)
    )


def _by_value(part: Part, name: str, scan: Scan) -> list[Part]:
    """Divide by a value that never changes within a scan. Slices without it go where they fit."""
    raw = [s.header.raw_text(name) if name == "PatientName" else s.label(name) for s in part.slices]
    if len(set(raw)) < 2:
        return [part]
    values = [_comparable(value) for value in raw]
    different = sorted(set(values) - {""})
    if len(different) < 2:
        return [part]
    if len(different) >= _JOINED and len(different) == sum(v != "" for v in values):
        said = f"{name} differs in each slice and was not used to tell scans apart."
        if said not in scan.warnings:
            scan.warnings.append(said)
        return [part]
    pieces: dict[str, list[Slice]] = {value: [] for value in different}
    rest: list[Slice] = []
    for s, value in zip(part.slices, values, strict=True):
        pieces.get(value, rest).append(s)
    left = _distribute(rest, list(pieces.values()), along([part.slices[0], *part.slices])[1:], part.slices)
    labelled = [
        Part(slices, (*part.labels, _label(name, slices[0], k)))
        for k, slices in enumerate(list(pieces.values()))
    ]
    return labelled + ([Part(left, (*part.labels, f"without {_WORDS[name]}"))] if left else [])


def _comparable(value: str) -> str:
    """A value in which letter case, spaces and the carets of names do not count."""
    return " ".join(value.replace("^", " ").casefold().split())


def _distribute(
    rest: Sequence[Slice], pieces: Sequence[list[Slice]], places: np.ndarray, slices: Sequence[Slice]
) -> list[Slice]:
    """Put slices without a value into the one piece that has a gap at their place; return the others."""
    place = {id(s): float(p) for s, p in zip(slices, places, strict=True)}
    taken = [np.unique([place[id(s)] for s in piece]) for piece in pieces]
    twice = Counter(round(place[id(s)], 2) for s in rest)
    left: list[Slice] = []
    for s in rest:
        fitting = [
            piece for piece, there in zip(pieces, taken, strict=True) if _lacks_slice(there, place[id(s)])
        ]
        alone = twice[round(place[id(s)], 2)] == 1
        (fitting[0] if alone and len(fitting) == 1 else left).append(s)
    return left


def _lacks_slice(there: np.ndarray, place: float) -> bool:
    """Tell whether a slice is missing at a place within a stack: slices between those of another scan are none of it."""
    if not there.min() < place < there.max():
        return False
    return bool(np.abs(there - place).min() > 0.6 * np.median(np.diff(there)))


_WORDS = {
    "PatientID": "patient",
    "PatientName": "patient",
    "PatientBirthDate": "patient born",
    "StudyInstanceUID": "study",
    "FrameOfReferenceUID": "frame of reference",
    "Modality": "modality",
    "ConvolutionKernel": "kernel",
}


def _label(name: str, first: Slice, index: int) -> str:
    if name.endswith("UID"):  # too long to read
        return f"{_WORDS[name]} {index + 1}"
    value = first.header.text(name) if name == "PatientName" else first.label(name)
    return f"{_WORDS[name]} {' '.join(value.split(chr(92)))}"
