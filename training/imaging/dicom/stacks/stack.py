"""From loose slices to stacks: which belong together, in which order, and how far apart they lie."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..header import Header
from ..kinds import (
    CAPTURE,
    FEW,
    LOCALIZER,
    ONE_PLACE,
    frame_kind,
    is_axial,
    is_page,
    looks_like_a_localizer,
    modality_of,
)
from ..slices import RADIOGRAPH_MODALITIES, Slice
from .copies import listed, without_copies
from .grouping import Part, Scan, alike, along, is_placed, normal, scans_of
from .phases import SAME_PLACE, split_phases

GAP = 20.0
"""mm: a hole in a scan from which on nothing is made up."""
_HOLE = 2.5  # times the usual distance: nearer slices leave no hole
_FAR_FEWER = 10  # times: so many more slices than strays are the scan
_VOLUMES = ("CT", "MR", "PT", "NM")


@dataclass
class Stack:
    """Slices of one series and one geometry, sorted along the slice normal.

    Parameters
    ----------
    uid
        SeriesInstanceUID; with ``#2`` … appended where a series had to be divided.
    slices
        One per position.
    positions
        (n, 3) world position (x, y, z) of each slice's first pixel, or None where the files do not say.
    warnings
        What was left out, and why.
    label
        What tells it from the other stacks of its series: ``"kernel B70f, phase 2"``; ``""`` where there are none.
    kind
        What it is if it is neither scan nor radiograph (`kinds`), or ``""``.
    trouble
        Why no volume can be made of it, or ``""``.
    """

    uid: str
    slices: list[Slice]
    positions: np.ndarray | None
    warnings: list[str] = field(default_factory=list)
    label: str = ""
    kind: str = ""
    trouble: str = ""

    @property
    def header(self) -> Header:
        """The header of the first slice."""
        return self.slices[0].header

    @property
    def modality(self) -> str:
        """DICOM modality or ``""``."""
        return self.header.code("Modality")

    @property
    def is_radiograph(self) -> bool:
        """Whether this is a picture: a projection image, or anything single without a place in the patient."""
        modality = modality_of(self.slices[0])
        if modality in RADIOGRAPH_MODALITIES:
            return True
        alone = len(self.slices) == 1
        unplaced = self.positions is None and modality not in _VOLUMES
        return alone and (self.kind in (LOCALIZER, CAPTURE) or unplaced)

    @property
    def distances(self) -> np.ndarray | None:
        """Position of each slice along the slice normal in mm, ascending; None where unknown."""
        if self.positions is None or self.slices[0].orientation is None:
            return None
        return self.positions @ normal(self.slices[0].orientation)


def stacks_of(headers: Iterable[Header], prefer: Path | None = None) -> list[Stack]:
    """Group DICOM files into stacks of slices.

    A series is divided where patient, study, frame of reference, kernel or geometry differ, and where several phases or
    acquisitions lie at the same places: a few odd slices (localizers) are set aside with a warning, a larger part becomes
    a stack of its own.

    Parameters
    ----------
    headers
        Of files with pixels, in any order.
    prefer
        The file that a person pointed at: it is never set aside, and of copies it is the one to keep.
    """
    stacks: list[Stack] = []
    for scan in scans_of(headers):
        if modality_of(scan.slices[0]) in RADIOGRAPH_MODALITIES:
            stacks.extend(_radiographs(scan))
        else:
            stacks.extend(_stacks_of_scan(scan, prefer))
    _mark_localizers(stacks)
    return stacks


def _radiographs(scan: Scan) -> list[Stack]:
    slices = sorted(scan.slices, key=lambda s: (s.path, s.frame))
    return [Stack(_numbered(scan.uid, n), [s], None) for n, s in enumerate(slices)]


def _numbered(uid: str, n: int) -> str:
    return uid if n == 0 else f"{uid}#{n + 1}"


def _stacks_of_scan(scan: Scan, prefer: Path | None) -> list[Stack]:
    parts: list[Part] = []
    said: dict[int, str] = {}
    for part in alike(scan):
        part, warning = without_copies(part, prefer)
        if frame_kind(part.slices[0]) in (LOCALIZER, CAPTURE) and not part.slices[0].is_frame:
            pieces = [replace(part, slices=[s]) for s in part.slices]
        else:
            pieces = [piece for phase in split_phases(part) for piece in _split_at_holes(phase)]
        said |= {id(piece): warning for piece in pieces if warning}
        parts.extend(pieces)
    parts.sort(key=_order_of)
    stacks: list[Stack] = []
    odd: list[Slice] = []
    for n, part in enumerate(parts):
        preferred = any(s.path == prefer and not s.is_frame for s in part.slices)
        if n > 0 and not preferred and len(part.slices) <= min(FEW, len(parts[0].slices) // 2):
            odd.extend(part.slices)
            continue
        stack = _sorted_stack(_numbered(scan.uid, n), part, prefer)
        stack.warnings[:0] = [*scan.warnings, *filter(None, [said.get(id(part))])]
        stacks.append(stack)
    if odd:
        stacks[0].warnings.append(_left_out(odd, stacks[0]))
    if len(stacks) == 1 and odd:  # there is nothing left to tell it from
        stacks[0].label = ""
    _say_which(stacks)
    return stacks


def _order_of(part: Part) -> tuple[object, ...]:
    """Largest first; then by what tells the parts apart, numbers by value; never by file names."""
    kind = frame_kind(part.slices[0]) in (LOCALIZER, CAPTURE)
    words = [
        (not text.isdigit(), int(text) if text.isdigit() else 0, text)
        for label in part.labels
        for text in re.split(r"(\d+)", label)
    ]
    first = min(part.slices, key=lambda s: s.header.code("SOPInstanceUID"))
    return (
        kind,
        -len(part.slices),
        words,
        float(along(part.slices).min()),
        first.header.code("SOPInstanceUID"),
    )


def _left_out(odd: Sequence[Slice], main: Stack) -> str:
    first = main.slices[0]
    unplaced = [s for s in odd if not is_placed(s)]
    if is_placed(first) and len(unplaced) == len(odd):
        why = f"that do not say where in the patient they lie (no usable {_lacking(odd[0])})"
    elif unplaced or any(s.shape != first.shape or s.orientation != first.orientation for s in odd):
        why = "of another size, spacing, orientation or kind"
    elif np.abs(along([first, *odd])[1:, None] - along(main.slices)).min(axis=1).max() < SAME_PLACE:
        why = "at the place of another one, with other pixels,"
    else:
        why = "of another kind or far from the others"
    names = listed(sorted({s.path.name for s in odd}))
    return f"{len(odd)} slice(s) {why} were left out ({names}); open one of these files to see them."


def _shortened(sentences: list[str]) -> list[str]:
    more = len(sentences) - 2
    return sentences if more < 1 else [*sentences[:2], f"The same holds for {more} more of its files."]


def _lacking(s: Slice) -> str:
    return "ImagePositionPatient" if s.position is None else "ImageOrientationPatient"


def _say_which(stacks: Sequence[Stack]) -> None:
    labels = [stack.label for stack in stacks if stack.label]
    for stack in stacks:
        if len(stacks) > 1 and stack.label:
            stack.warnings.append(
                f"Its series holds {len(stacks)} stacks of slices ({listed(labels, 6)}); this is {stack.label}."
            )


def _mark_localizers(stacks: Sequence[Stack]) -> None:
    """Few slices that are not axial, beside an axial CT of the same study, are localizers that do not say so."""
    axial = {
        stack.header.code("StudyInstanceUID")
        for stack in stacks
        if modality_of(stack.slices[0]) == "CT" and len(stack.slices) > FEW and is_axial(stack.slices[0])
    }
    for stack in stacks:
        first = stack.slices[0]
        beside = stack.header.code("StudyInstanceUID") in axial and len(stack.slices) <= FEW
        if stack.kind or modality_of(first) != "CT":
            continue
        if beside and len(stack.slices) == 1 and is_page(first):
            stack.kind = CAPTURE
            stack.warnings = [_what_it_is(stack)]
        elif looks_like_a_localizer(stack.slices) or (beside and first.orientation and not is_axial(first)):
            stack.kind = LOCALIZER
            stack.warnings[:0] = [_what_it_is(stack)]


def _what_it_is(stack: Stack) -> str:
    name = stack.slices[0].path.name
    if stack.kind == LOCALIZER:
        return f"{name} is a localizer (a scout view, from which a scan is planned) and no {stack.modality or 'CT'} volume."
    return f"{name} is captured from a screen and no CT volume."


def _split_at_holes(part: Part) -> list[Part]:
    """Divide where nothing lies over `GAP` mm or more; a few slices far from a small scan stay, and it is refused later."""
    first = part.slices[0]
    if part.trouble or first.position is None or first.orientation is None or len(part.slices) <= FEW:
        return [part]
    places = along(part.slices)
    order = np.argsort(places, kind="stable")
    cuts = holes(places[order])
    if not len(cuts):
        return [part]
    pieces = np.split(order, cuts + 1)
    small = sum(len(piece) for piece in pieces if len(piece) < FEW)
    if small * _FAR_FEWER > max(map(len, pieces)):
        return [part]
    axis = "z " if is_axial(first) else ""
    return [
        Part(
            [part.slices[i] for i in piece],
            (*part.labels, f"{axis}{places[piece[0]]:.5g} to {places[piece[-1]]:.5g} mm"),
        )
        for piece in pieces
    ]


def holes(places: np.ndarray) -> np.ndarray:
    """Find the steps between sorted places (mm) that are too long to be filled: `GAP`, and far more than the usual one."""
    steps = np.diff(places)
    near = steps[steps < GAP]
    if not len(near):
        return np.array([], int)
    return np.flatnonzero((steps >= GAP) & (steps >= _HOLE * np.median(near)))


def _sorted_stack(uid: str, part: Part, prefer: Path | None) -> Stack:
    """Order slices by position, or by number where they have none."""
    slices, trouble = part.slices, part.trouble
    preferred = [s for s in slices if s.path == prefer]
    if trouble and len(preferred) == 1:
        slices, trouble = preferred, ""
    slices = sorted(slices, key=lambda s: (s.path, s.frame))
    places = along(slices)
    order = np.argsort(places, kind="stable")
    slices = [slices[i] for i in order]
    positions = np.array([s.position for s in slices], float) if is_placed(slices[0]) else None
    one_place = bool(part.trouble) and places.max() - places.min() < SAME_PLACE
    kind = ONE_PLACE if one_place and positions is not None else frame_kind(slices[0])
    stack = Stack(uid, slices, positions, label=", ".join(part.labels), kind=kind, trouble=trouble)
    stack.warnings += _shortened(list(dict.fromkeys(s.said for s in slices if s.said)))
    if len(slices) < len(part.slices):
        stack.warnings.append(
            f"{len(part.slices) - len(slices)} other slice(s) of its series lie at the same place(s)."
        )
    if kind == LOCALIZER or (kind == CAPTURE and modality_of(slices[0]) == "CT"):
        stack.warnings.append(_what_it_is(stack))
    if positions is None and not any(s.said for s in slices) and not stack.is_radiograph:
        stack.warnings.append(
            f"{slices[0].path.name} does not say where in the patient it lies (no {_lacking(slices[0])}): "
            "slices are in the order of their numbers and lengths are in pixels."
        )
    return stack
