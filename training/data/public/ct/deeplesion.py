"""DeepLesion as it is downloaded: ``Images_png/<patient>_<study>_<series>/NNN.png`` and ``DL_info.csv``.

16-bit pictures hold HU + 32768. For each lesion there are the slices about 30 mm to both sides of the key slice: a scan here is
such a chunk, or several that overlap. Slice numbers grow towards the feet. No position in the patient is published: the world of a
chunk begins at its series' first pixel, slice k lying at z = −k · interval. Yan et al. 2018, doi:10.1117/1.JMI.5.3.036501
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ....findings.formats.public.deeplesion import LUNG, UNKNOWN, Lesion, read_lesions
from ....imaging.ct.lung_field import lung_field
from ....imaging.image import Image
from ...errors import DatasetError
from ..whole_scans import WholeScan
from .scan_set import OpenScan, ScanSet, SetScan

TABLE, PICTURES = "DL_info.csv", "Images_png"
LARGEST_MM = 48.0
"""Lesions from here on train nothing, as in the 3D-AG paper (§V-B)."""
SAME = 0.5
"""Fraction of the smaller diameter within which the centres of two boxes mark one lesion."""
OFFSET = 32768


def is_deeplesion(folder: Path) -> bool:
    """Whether a folder holds the table and the pictures."""
    return (folder / TABLE).is_file() and (folder / PICTURES).is_dir()


def open_deeplesion(folder: Path) -> ScanSet:
    """List the chunks that may show a lesion of the lung, and whose pictures are there.

    Raises
    ------
    DatasetError, FindingsFileError
        The table is damaged, or no chunk is there.
    """
    by_series: dict[str, list[Lesion]] = {}
    for lesion in read_lesions(folder / TABLE):
        by_series.setdefault(lesion.series, []).append(lesion)
    scans = []
    for series, lesions in sorted(by_series.items()):
        path = folder / PICTURES / series
        if not path.is_dir():  # the pictures come in 56 parts
            continue
        for chunk in chunks(lesions):
            if {lesion.kind for lesion in chunk} & {LUNG, UNKNOWN}:
                name = f"{series}_{_first(chunk):03d}-{_last(chunk):03d}"
                scans.append(SetScan(name, chunk[0].part, path, partial(_open, name, path, chunk)))
    if not scans:
        raise DatasetError(
            f"{folder / PICTURES} holds no slices of the lung lesions of {TABLE}: unpack Images_png_01.zip and so on there."
        )
    limit = (
        "Nodules are DeepLesion's lesions of type lung, in its training part, which has no types, those in the lung field; other "
        "lesions count neither way. What nobody measured has no mark: false marks are an upper bound."
    )
    return ScanSet("DeepLesion", "its own terms of use, NIH Clinical Center", limit, tuple(scans))


def chunks(lesions: Sequence[Lesion]) -> list[list[Lesion]]:
    """Group the lesions of a series by chunks of slices that overlap or follow each other."""
    groups: list[list[Lesion]] = []
    for lesion in sorted(lesions, key=lambda one: (one.first, one.last)):
        if groups and lesion.first <= _last(groups[-1]) + 1:
            groups[-1].append(lesion)
        else:
            groups.append([lesion])
    return groups


def _first(chunk: Sequence[Lesion]) -> int:
    return min(lesion.first for lesion in chunk)


def _last(chunk: Sequence[Lesion]) -> int:
    return max(lesion.last for lesion in chunk)


def read_chunk(path: Path, first: int, last: int, spacing: tuple[float, float, float]) -> Image:
    """Read slices `first` … `last` of a folder as a CT in HU, from the feet upwards.

    Raises
    ------
    DatasetError
        A slice is missing or none of DeepLesion's pictures.
    """
    from skimage.io import imread

    slices: list[np.ndarray] = []
    for number in range(last, first - 1, -1):
        file = path / f"{number:03d}.png"
        if not file.is_file():
            raise DatasetError(f"{file} is missing: unpack the pictures again.")
        pixels = imread(file)
        if pixels.ndim != 2 or pixels.dtype != np.uint16 or (slices and pixels.shape != slices[0].shape):
            raise DatasetError(f"{file} is no 16-bit picture of this series: unpack the pictures again.")
        slices.append((pixels.astype(np.int32) - OFFSET).clip(-1024, 32767).astype(np.int16))
    origin = (-last * spacing[0], 0.0, 0.0)
    return Image(np.stack(slices), "CT", spacing, origin, series_uid=path.name, source=path)


def _open(name: str, path: Path, chunk: Sequence[Lesion]) -> OpenScan:
    image = read_chunk(path, _first(chunk), _last(chunk), chunk[0].spacing)
    lungs = lung_field(image)
    near = _reach(lungs, image)
    nodules: list[np.ndarray] = []
    excluded: list[np.ndarray] = []
    for lesion in chunk:
        in_lung = lesion.kind == LUNG or (lesion.kind == UNKNOWN and _touches(lesion.sphere, near, image))
        counts = in_lung and not lesion.noisy and lesion.sphere[3] < LARGEST_MM
        (nodules if counts else excluded).append(lesion.sphere)
    known = WholeScan(name, path, "", merged(nodules), np.array(excluded).reshape(-1, 4), False)
    return OpenScan(known, image, lungs=lungs)


def merged(spheres: Sequence[np.ndarray]) -> np.ndarray:
    """Make one of several marks of a lesion: their mean (M, 4)."""
    rest = list(spheres)
    found = []
    while rest:
        first = rest[0]
        same = [
            np.linalg.norm(one[:3] - first[:3]) < SAME * min(one[3], first[3]) or one is first for one in rest
        ]
        found.append(np.mean([one for one, is_same in zip(rest, same, strict=True) if is_same], axis=0))
        rest = [one for one, is_same in zip(rest, same, strict=True) if not is_same]
    return np.array(found).reshape(-1, 4)


def _reach(lungs: np.ndarray, image: Image) -> np.ndarray:
    """Distance (mm) of each voxel from the lung field."""
    import edt

    return edt.edt(~lungs, anisotropy=image.scale, black_border=False)


def _touches(sphere: np.ndarray, distance: np.ndarray, image: Image) -> bool:
    """Whether a lesion's centre lies in the lung field or, at the pleura, no farther from it than half its radius."""
    index = np.clip(np.round(image.to_index(sphere[:3])).astype(int), 0, np.array(image.shape) - 1)
    return bool(distance[tuple(index)] <= sphere[3] / 4)
