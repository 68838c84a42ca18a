"""The readers' files of LIDC-IDRI (``LidcReadMessage``): who outlined what, and what was marked as no nodule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ....error_boundary import reads
from ....findings.finding import ATTRIBUTES
from ...errors import DatasetError

READERS = 4
"""Sessions of a file come in rounds of so many: the fifth is the first reader's second one."""
ROOT = "LidcReadMessage"
RATINGS = (*ATTRIBUTES, "malignancy")
HIGHEST = (5, 4, 6, 5, 5, 5, 5, 5, 5)


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
        imageZposition, mm.
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
        0–3.
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
    """What a file holds for a series."""

    series_uid: str
    readings: tuple[Reading, ...]


@reads(DatasetError)
def read_lidc_xml(path: Path) -> ReaderFile | None:
    """Read a file of LIDC readers; None where it is another XML, such as one of a radiograph.

    Raises
    ------
    DatasetError
        It is damaged.
    """
    root = ElementTree.parse(path).getroot()
    _strip_namespaces(root)
    if root.tag != ROOT:
        return None
    series = (root.findtext("ResponseHeader/SeriesInstanceUid") or "").strip()
    if not series:
        raise DatasetError(f"{path} names no SeriesInstanceUid: get it again from the archive.")
    readings = []
    try:
        for number, session in enumerate(root.iter("readingSession")):
            readings += list(_readings(session, number % READERS))
    except (TypeError, ValueError) as error:
        raise DatasetError(f"{path} is damaged ({error}): get it again from the archive.") from error
    return ReaderFile(series, tuple(readings))


def _strip_namespaces(root: ElementTree.Element) -> None:
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]


def _readings(session: ElementTree.Element, reader: int) -> Iterator[Reading]:
    for nodule in session.findall("unblindedReadNodule"):
        outlines = tuple(_outline(roi, "edgeMap") for roi in nodule.findall("roi"))
        if outlines:
            yield Reading(reader, outlines, _ratings(nodule.find("characteristics")))
    for other in session.findall("nonNodule"):
        yield Reading(reader, (_outline(other, "locus"),))


def _outline(element: ElementTree.Element, point: str) -> Outline:
    points = [(p.findtext("xCoord"), p.findtext("yCoord")) for p in element.findall(point)]
    return Outline(
        np.array(points, float).astype(int).reshape(-1, 2),
        (element.findtext("inclusion") or "TRUE").strip().upper() != "FALSE",
        float(element.findtext("imageZposition") or "nan"),
        (element.findtext("imageSOP_UID") or "").strip(),
    )


def _ratings(element: ElementTree.Element | None) -> np.ndarray | None:
    """Nine ratings; None where there are none, or nothing but zeros."""
    if element is None or not len(element):
        return None
    values = np.array([float(element.findtext(name) or "nan") for name in RATINGS])
    values[(values < 1) | (values > np.array(HIGHEST))] = np.nan
    return None if np.isnan(values).all() else values
