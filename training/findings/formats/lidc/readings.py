"""The readers' files of LIDC-IDRI: who outlined what, and what was marked as no nodule.

A CT's file is a ``LidcReadMessage``: four readers outlined nodules of 3 mm and more on each slice, and put a point on smaller ones
and on what is no nodule. A radiograph's is an ``IdriReadMessage``: each reader put a point on each nodule, with how sure he was.
Armato et al., Medical Physics 38:915–931, 2011.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from ....error_boundary import reads
from ...finding import ATTRIBUTES
from ..errors import FindingsFileError
from .xml_lines import LINE, parse

READERS = 4
"""Sessions of a CT's file come in rounds of so many: the fifth is the first reader's second one."""
ROOT, FLAT_ROOT = "LidcReadMessage", "IdriReadMessage"
RATINGS = (*ATTRIBUTES, "malignancy")
HIGHEST = (5, 4, 6, 5, 5, 5, 5, 5, 5)
NODULE, OTHER, FLAT_NODULE = "unblindedReadNodule", "nonNodule", "unblindedRead"


@dataclass(frozen=True, eq=False)
class Outline:
    """One outline on one slice.

    Parameters
    ----------
    points
        (n, 2) column and row of pixels, whole numbers from 0. They run around the region, just outside of it.
    inclusion
        False where it bounds a hole.
    z
        imageZposition, mm; NaN on a radiograph.
    """

    points: np.ndarray
    inclusion: bool
    z: float
    sop_uid: str


@dataclass(frozen=True, eq=False)
class Reading:
    """What one reader marked: a nodule with outlines, or where there is one point only, a nodule under 3 mm or no nodule.

    Parameters
    ----------
    reader
        From 0.
    ratings
        (9,) on the LIDC scales, NaN where one is missing or off its scale; None where nothing was rated.
    """

    reader: int
    outlines: tuple[Outline, ...]
    ratings: np.ndarray | None = None

    @property
    def is_nodule(self) -> bool:
        """Whether it was outlined: a nodule of 3 mm or more."""
        return any(len(outline.points) > 1 for outline in self.outlines)


@dataclass(frozen=True, eq=False)
class ReaderFile:
    """What a file holds for a series.

    Parameters
    ----------
    flat
        Whether it is a radiograph's: each reading is one point on a nodule.
    readers
        How many readers looked.
    problems
        A sentence for each mark that could not be read and is missing; each names file and line.
    """

    series_uid: str
    readings: tuple[Reading, ...]
    flat: bool = False
    readers: int = READERS
    problems: tuple[str, ...] = ()


@reads(FindingsFileError)
def read_lidc_xml(path: Path | str) -> ReaderFile:
    """Read a file of LIDC readers (may be gzipped).

    Raises
    ------
    FindingsFileError
        It is another XML, or names no series.
    """
    root, problems = parse(path, {NODULE, OTHER, FLAT_NODULE})
    if root.tag not in (ROOT, FLAT_ROOT):
        raise FindingsFileError(
            f"{path} is XML, but no file of LIDC readers ({ROOT} or {FLAT_ROOT}; it begins with {root.tag}): choose another file."
        )
    flat = root.tag == FLAT_ROOT
    header = [
        f"ResponseHeader/{name}"
        for name in ("SeriesInstanceUid", "CXRSeriesInstanceUid", "SeriesInstanceUID")
    ]
    series = next((uid for name in header if (uid := (root.findtext(name) or "").strip())), "")
    if not series:
        raise FindingsFileError(f"{path} names no SeriesInstanceUid: get it again from the archive.")
    sessions = root.findall("CXRreadingSession" if flat else "readingSession")
    readings = []
    for number, session in enumerate(sessions):
        reader = number if flat else number % READERS
        for mark in (*session.findall(FLAT_NODULE if flat else NODULE), *session.findall(OTHER)):
            try:
                readings += list(_reading(mark, reader))
            except (TypeError, ValueError, OverflowError) as error:
                problems.append(
                    f"{path}, line {mark.get(LINE)}: {error}; the mark was left out: correct it, or get the file again"
                )
    return ReaderFile(series, tuple(readings), flat, len(sessions) if flat else READERS, tuple(problems))


def _reading(mark: Element, reader: int) -> Iterator[Reading]:
    if mark.tag == OTHER:
        yield Reading(reader, (_outline(mark, "locus"),))
        return
    outlines = tuple(_outline(roi, "edgeMap") for roi in mark.findall("roi"))
    if outlines:
        yield Reading(reader, outlines, _ratings(mark.find("characteristics")))


def _outline(element: Element, point: str) -> Outline:
    points = [(_whole(p, "xCoord"), _whole(p, "yCoord")) for p in element.findall(point)]
    if not points:
        raise ValueError(f"an outline on line {element.get(LINE)} has no {point}")
    return Outline(
        np.array(points, np.intp),
        (element.findtext("inclusion") or "TRUE").strip().upper() != "FALSE",
        float(element.findtext("imageZposition") or "nan"),
        (element.findtext("imageSOP_UID") or "").strip(),
    )


def _whole(point: Element, name: str) -> int:
    given = point.find(name)
    text = ((given.text if given is not None else "") or "").strip()
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 2**20:
        line = (point if given is None else given).get(LINE)
        raise ValueError(f"{name} on line {line} is {text!r}, no pixel of a slice")
    return int(value)


def _ratings(element: Element | None) -> np.ndarray | None:
    """Nine ratings; None where there are none, or nothing but zeros."""
    if element is None or not len(element):
        return None
    values = np.array([float(element.findtext(name) or "nan") for name in RATINGS])
    values[(values < 1) | (values > np.array(HIGHEST))] = np.nan
    return None if np.isnan(values).all() else values
