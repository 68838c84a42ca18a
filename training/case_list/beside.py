"""The figures of a case from its saved findings and the truth that lies beside its image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..comparison.outcomes import Matcher
from ..errors import LungmtlError
from ..file_stamp import file_stamp
from ..findings import Finding, Findings, ImageReference, Sphere
from ..findings.formats.images.image_names import own_name
from ..findings.formats.luna16 import Spots, read_nodules, read_series
from ..findings.formats.truth.load import EXCLUDED, load_truth
from ..findings.truth import TRUTH, Truth
from ..imaging.image import Image
from ..imaging.paths import stem_of
from ..metrics.froc.matching import UNKNOWN_DIAMETER_MM
from .figures import CaseFigures, beside_truth
from .voices import disagreement, spread

NO_SPOTS = Spots(np.zeros((0, 3)), np.zeros(0))
OWN = (".truth.lungmtl.json", ".truth.json", ".truth.csv", ".xml")
"""Ends of the names of one image's own truth, after the image's name without suffix."""
TABLES = (
    *("truth.json", "truth.csv", "annotations.csv", "annotations.csv.gz", "metadata.csv", "nodules.csv"),
    *("BBox_List_2017.csv", "CLNDAT_EN.txt", "DL_info.csv"),
)
"""Names of the truth of many images, in the image's folder or the one above."""
SPHERES = ("annotations.csv", "annotations.csv.gz", "nodules.csv", "truth.csv")
"""Those that mostly have LUNA16's columns: a thousand images need such a table read once."""
LISTINGS = ("seriesuids.csv", "seriesuids.csv.gz")
"""Which series were looked at: one that the truth beside it does not name has no nodule."""


def truth_file(source: Path) -> Path | None:
    """Find the truth that lies beside an image (a file, or a folder of DICOM files): its own, or a table of many."""
    folder = source if source.is_dir() else source.parent
    stem = stem_of(source)
    paths = [folder / f"{stem}{end}" for end in OWN]
    if source.is_dir():
        paths += [source.parent / f"{stem}{end}" for end in OWN]
    paths += [place / name for place in (folder, folder.parent) for name in TABLES]
    return next((path for path in paths if path.is_file()), None)


def truth_beside(image: Image | ImageReference) -> Truth | None:
    """Read the truth that lies beside an image; None where there is none, and where it says nothing about this image.

    A table that does not name the image is silent about it: only one that says which images were looked at
    (``seriesuids.csv``, NODE21's, JSRT's and COCO's own lists) says that there is no nodule.
    """
    source = Path(image.source) if image.source else None
    path = truth_file(source) if source is not None else None
    if path is None:
        return None
    if isinstance(image, ImageReference) and path.name.lower() in SPHERES:
        try:
            truth = _of_series(path, image)
        except LungmtlError:  # two of its names can be this image's
            return None
        if truth is not None:
            return truth if len(truth.nodules) or _is_listed(path.parent, image.series_uid) else None
    try:
        truth = load_truth(path, image if isinstance(image, Image) else _geometry_of(image))
    except LungmtlError:  # it is another image's, or damaged: opening it by hand says which
        return None
    table = path.name.lower()
    silent = bool(truth.problems) or table.startswith("bbox_list")
    if not len(truth.nodules) and silent and not _is_listed(path.parent, image.series_uid):
        return None
    return truth


def figures_beside(
    findings: Findings, truth: Truth | None, shown: Callable[[Finding], bool] = lambda _: True
) -> CaseFigures:
    """Compute the figures of a case; without a truth those that need none.

    Parameters
    ----------
    shown
        Whether the thresholds show a finding. Rejected ones are no marks.
    """
    if not len(findings) and not findings.models:
        return CaseFigures()  # nobody has looked: that is no miss
    said = disagreement(findings), spread(findings)
    if truth is None:
        return CaseFigures(disagreement=said[0], spread=said[1])
    flat = len(findings.image.shape) == 2
    marks = [f for f in findings if f.status != "rejected" and (f.box is not None) == flat]
    distance = None
    if findings.image.units == "mm":
        nodules = [f.center if flat else truth.sphere(f).center for f in truth.nodules]
        distance = _distances([f.center for f in marks], nodules, 2 if flat else 3)
    told = beside_truth(
        Matcher(truth, flat).matching(marks), distance, np.array([shown(f) for f in marks], bool)
    )
    return CaseFigures(told.missed, told.highest_false_alarm, said[0], told.distance_mm, said[1])


def _distances(marks: list[tuple[float, ...]], nodules: list[tuple[float, ...]], ndim: int) -> np.ndarray:
    a, b = (np.array(points, float).reshape(-1, ndim) for points in (marks, nodules))
    return np.linalg.norm(a[:, None] - b[None], axis=2)


def _geometry_of(image: ImageReference) -> Image:
    """An image of that geometry whose voxels nobody has read: all that a truth needs of it."""
    voxels = np.broadcast_to(np.int16(0), image.shape or (1, 1, 1))
    return Image(
        voxels,
        image.modality,
        image.spacing,
        image.origin,
        series_uid=image.series_uid,
        source=Path(image.source) if image.source else None,
    )


def _of_series(path: Path, image: ImageReference) -> Truth | None:
    """The truth of a series from a table in LUNA16's columns; None where the table is another one, or has bad lines."""
    nodules = _spots(path, file_stamp(path))
    if nodules is None:
        return None
    beside = next((path.with_name(name) for name in EXCLUDED if path.with_name(name).is_file()), None)
    other = (_spots(beside, file_stamp(beside)) or {}) if beside is not None else {}
    items, excluded = (
        tuple(
            Finding(Sphere((z, y, x), d if d > 0 else UNKNOWN_DIAMETER_MM), provenance=TRUTH, id=f"{name}{i}")
            for i, ((z, y, x), d) in enumerate(zip(*_own(table, image, path), strict=True))
        )
        for name, table in (("truth", nodules), ("excluded", other))
    )
    return Truth(Findings(items, image), excluded, source=str(path))


def _own(table: Mapping[str, Spots], image: ImageReference, path: Path) -> Spots:
    return table.get(own_name(table, image, path) or "", NO_SPOTS)


@lru_cache(maxsize=4)
def _spots(path: Path, _stamp: tuple[int, int, int]) -> dict[str, Spots] | None:
    try:
        return read_nodules(path)
    except LungmtlError:
        return None


def _is_listed(folder: Path, uid: str) -> bool:
    path = next((folder / name for name in LISTINGS if (folder / name).is_file()), None)
    return path is not None and uid in _listed(path, file_stamp(path))


@lru_cache(maxsize=4)
def _listed(path: Path, _stamp: tuple[int, int, int]) -> frozenset[str]:
    try:
        return frozenset(read_series(path))
    except LungmtlError:
        return frozenset()
