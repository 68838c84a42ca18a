"""From loose slices to stacks: which belong together, in which order, and how far apart they lie."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .header import Header
from .slices import RADIOGRAPH_MODALITIES, Slice, slices_of

_SAME_PLACE = 0.01  # mm: slices nearer than that are duplicates


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
    """

    uid: str
    slices: list[Slice]
    positions: np.ndarray | None
    warnings: list[str] = field(default_factory=list)

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
        """Whether this is a projection image, without a place in the patient."""
        return self.modality in RADIOGRAPH_MODALITIES or (
            self.positions is None
            and len(self.slices) == 1
            and self.modality not in ("CT", "MR", "PT", "NM", "")
        )

    @property
    def distances(self) -> np.ndarray | None:
        """Position of each slice along the slice normal in mm, ascending; None where unknown."""
        if self.positions is None or self.slices[0].orientation is None:
            return None
        return self.positions @ normal(self.slices[0].orientation)


def normal(orientation: Sequence[float]) -> np.ndarray:
    """Compute the unit normal (x, y, z) of a slice with the given row and column directions."""
    n = np.cross(orientation[:3], orientation[3:])
    length = np.linalg.norm(n)
    return n / length if length > 0 else np.array([0.0, 0.0, 1.0])


def stacks_of(headers: Iterable[Header], prefer: Path | None = None) -> list[Stack]:
    """Group DICOM files into stacks of slices.

    Slices of one SeriesInstanceUID that differ in size, orientation or pixel spacing are divided: a few odd ones
    (localizers) are set aside with a warning, a larger part becomes a stack of its own.

    Parameters
    ----------
    headers
        Of files with pixels, in any order.
    prefer
        The file that a person pointed at: of duplicates it is the one to keep.
    """
    by_series: dict[str, list[Slice]] = defaultdict(list)
    for header in headers:
        by_series[header.code("SeriesInstanceUID") or f"{header.path.stem}"].extend(slices_of(header))
    stacks: list[Stack] = []
    for uid, slices in by_series.items():
        if slices[0].header.code("Modality") in RADIOGRAPH_MODALITIES:
            stacks.extend(_radiographs(uid, slices))
        else:
            stacks.extend(_divide(uid, slices, prefer))
    return stacks


def _radiographs(uid: str, slices: list[Slice]) -> list[Stack]:
    slices = sorted(slices, key=lambda s: (s.path, s.frame))
    return [Stack(uid if n == 0 else f"{uid}#{n + 1}", [s], None) for n, s in enumerate(slices)]


def _divide(uid: str, slices: list[Slice], prefer: Path | None) -> list[Stack]:
    groups: list[list[Slice]] = []
    for s in slices:
        # Compared with a tolerance, not by rounded values: headers wobble in the last digits.
        group = next((g for g in groups if _same_kind(g[0], s)), None)
        if group is None:
            groups.append([s])
        else:
            group.append(s)
    groups.sort(key=len, reverse=True)
    if prefer is not None:  # the group of the file pointed at comes first
        groups.sort(key=lambda group: all(s.path != prefer for s in group))
    stacks: list[Stack] = []
    odd: list[Slice] = []
    for group in groups:
        if stacks and 2 * len(group) <= len(groups[0]):
            odd.extend(group)
            continue
        name = uid if not stacks else f"{uid}#{len(stacks) + 1}"
        stacks.append(_sort(name, group, prefer))
    if odd:
        names = _list(sorted({s.path.name for s in odd}))
        stacks[0].warnings.append(
            f"{len(odd)} slice(s) of another size, spacing or orientation were left out ({names}); "
            "open one of these files to see them."
        )
    return stacks


def _same_kind(a: Slice, b: Slice) -> bool:
    def near(first: Sequence[float] | None, second: Sequence[float] | None, tolerance: float) -> bool:
        if first is None or second is None:
            return first is second
        return first == second or all(abs(u - v) <= tolerance for u, v in zip(first, second, strict=True))

    return (
        a.shape == b.shape
        and near(a.orientation, b.orientation, 0.01)
        and near(a.pixel_spacing, b.pixel_spacing, 0.001)
        and (a.position is None) == (b.position is None)
        and ("LOCALIZER" in a.header.code("ImageType")) == ("LOCALIZER" in b.header.code("ImageType"))
    )


def _sort(uid: str, slices: list[Slice], prefer: Path | None) -> Stack:
    """Order slices by position, or by number where they have none, and keep one of each place."""
    slices = sorted(slices, key=lambda s: (s.path, s.frame))
    orientation = slices[0].orientation
    if slices[0].position is None or orientation is None:
        return _unplaced(uid, slices)
    positions = np.array([s.position for s in slices], float)
    along = positions @ normal(orientation)
    order = np.argsort(along, kind="stable")
    kept: list[int] = []
    dropped: list[int] = []
    for i in order:
        if kept and along[i] - along[kept[-1]] < _SAME_PLACE:
            if slices[i].path == prefer:
                kept[-1], i = i, kept[-1]
            dropped.append(i)
        else:
            kept.append(i)
    stack = Stack(uid, [slices[i] for i in kept], positions[kept])
    if dropped:
        names = _list([slices[i].path.name for i in dropped])
        stack.warnings.append(
            f"{len(dropped)} duplicate slice(s) at the place of another one were left out ({names})."
        )
    return stack


def _unplaced(uid: str, slices: list[Slice]) -> Stack:
    def number(s: Slice) -> tuple[float, ...]:
        return s.header.numbers("SliceLocation") or s.header.numbers("InstanceNumber") or (0.0,)

    stack = Stack(uid, sorted(slices, key=lambda s: (*number(s), s.frame)), None)
    if slices[0].header.code("Modality") in ("CT", "MR", "PT", "NM", ""):
        stack.warnings.append(
            f"{slices[0].path.name} does not say where in the patient it lies (no ImagePositionPatient): "
            "slices are in the order of their numbers and lengths are in pixels."
        )
    return stack


def _list(names: Sequence[str], most: int = 3) -> str:
    counted = list(Counter(names))
    return ", ".join(counted[:most]) + (f" and {len(counted) - most} more" if len(counted) > most else "")
