"""LIDC's readers as the truth of an image: what at least three of four outlined, and what each of them said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ....imaging.image import Image
from ...finding import ATTRIBUTES, Box, Finding, Findings, ImageReference, Mask, Provenance, Sphere
from ...truth import TRUTH, Truth
from ..errors import FindingsFileError
from .grid import grid_of
from .nodules import Grid, Lesion, groups, lesions, region, sphere_of
from .readings import Outline, ReaderFile, Reading, read_lidc_xml

RADIOGRAPH_MM = 20.0
"""Side of the box around a point that a reader of a radiograph put on a nodule: about the size of what is seen on one."""
HALF = 0.5
"""Part of the readers by whom a voxel of the joint outline is enclosed at least."""


def lidc_truth(path: Path | str, image: Image) -> Truth:
    """Read a file of LIDC readers as the truth of an image.

    CT: a nodule is what at least three of four readers outlined (3 mm and more); its mask are the voxels that half of those who
    outlined it enclose, holes (inclusion FALSE) taken out, and it is matched by the mean of the readers' spheres as LUNA16 did.
    What fewer outlined, nodules under 3 mm and marks of no nodule are excluded. Outlines lie on the slice that bears their SOP
    instance UID, else on the one at their z. Radiograph: a nodule is what at least half of the readers put a point on.

    Raises
    ------
    FindingsFileError
        It is no such file, it is of another series or of the other kind of image, or all of its marks lie outside of the image.
    """
    file = read_lidc_xml(path)
    reference = ImageReference.of(image)
    _require_of_series(path, file, image)
    if file.flat:
        return _flat_truth(path, file, image, reference)
    grid = grid_of(image)
    problems = [*file.problems, *_cropped(path, image)]
    inside = [r for r in file.readings if _touches(r, grid, image)]
    outside = len(file.readings) - len(inside)
    if outside and not inside:
        raise FindingsFileError(
            f"{path}: all {outside} marks lie outside of {reference.source or 'the image'}: open the scan that was read."
        )
    if outside:
        problems.append(
            f"{path}: {outside} marks of readers lie outside of the slices that are open, and are left out."
        )
    found = lesions(inside, grid)
    nodules = [lesion for lesion in found if lesion.agreed]
    items = [_joint(f"truth{i}", lesion, grid, image) for i, lesion in enumerate(nodules)]
    others = [lesion.sphere for lesion in found if not lesion.agreed]
    others += [sphere_of(r, grid) for r in inside if not r.is_nodule]
    return Truth(
        Findings(tuple(items), reference),
        tuple(_excluded(i, sphere) for i, sphere in enumerate(others)),
        {item.id: _sphere(lesion.sphere) for item, lesion in zip(items, nodules, strict=True)},
        {
            f"reader {k + 1}": Findings(tuple(_by_reader(k, inside, grid, image)), reference)
            for k in range(file.readers)
        },
        problems=tuple(problems),
        source=str(path),
    )


def _require_of_series(path: Path | str, file: ReaderFile, image: Image) -> None:
    if file.flat != (image.ndim == 2):
        kinds = ("a CT", "a radiograph")
        raise FindingsFileError(
            f"{path} holds the readers of {kinds[file.flat]}, and the image is {kinds[image.ndim == 2]}: open that one."
        )
    series = image.series_uid.partition("#")[0]
    if image.is_dicom and series != file.series_uid:
        raise FindingsFileError(
            f"{path} holds the readers of another series ({file.series_uid}; this image is {series}): choose its own file."
        )


def _cropped(path: Path | str, image: Image) -> list[str]:
    height, width = image.shape[-2:]
    if image.is_dicom or height == width:
        return []
    return [
        f"{path}: its outlines count the pixels of whole slices, and this volume of {height} × {width} pixels was cut out of such: "
        "they may lie beside the nodules; open the DICOM series."
    ]


def _touches(reading: Reading, grid: Grid, image: Image) -> bool:
    """Whether a mark lies, in part at least, on slices of an image."""
    low, high = image.extent
    return any(low[0] <= grid.z_of(outline) <= high[0] for outline in reading.outlines)


def voxels_of(outlines: Iterable[Outline], grid: Grid, image: Image) -> np.ndarray:
    """Compute the voxels (n, 3) z, y, x that outlines enclose, holes taken out; indices of the image, also beyond its slices."""
    by_slice: dict[float, list[Outline]] = {}
    for outline in outlines:
        by_slice.setdefault(grid.z_of(outline), []).append(outline)
    found = []
    for z, there in by_slice.items():
        pixels = region(there)
        if not len(pixels):  # too small to enclose anything: its own pixels
            pixels = np.concatenate([o.points for o in there if o.inclusion] or [np.empty((0, 2), int)])
        world = pixels[:, :1] * grid.to_world[0] + pixels[:, 1:] * grid.to_world[1] + grid.to_world[2]
        world[:, 0] = z
        found.append(np.rint(image.to_index(world)).astype(np.intp))
    return np.unique(np.concatenate([*found, np.empty((0, 3), np.intp)]), axis=0)


def _mask(voxels: np.ndarray, image: Image) -> Mask:
    return Mask.from_voxels(voxels, image.scale, image.origin)


def _joint(id: str, lesion: Lesion, grid: Grid, image: Image) -> Finding:
    by_reader = [
        voxels_of((o for r in lesion.parts if r.reader == reader for o in r.outlines), grid, image)
        for reader in sorted({r.reader for r in lesion.parts})
    ]
    voxels, count = np.unique(np.concatenate(by_reader), axis=0, return_counts=True)
    enough = count >= HALF * len(by_reader)
    said = f"{len(lesion.best)} readers"
    return _rated(id, _mask(voxels[enough] if enough.any() else voxels, image), lesion.ratings, TRUTH, said)


def _by_reader(reader: int, readings: Sequence[Reading], grid: Grid, image: Image) -> Iterable[Finding]:
    """What one reader outlined; parts of one lesion that touch are one finding."""
    own = [r for r in readings if r.reader == reader and r.is_nodule]
    spheres = np.array([sphere_of(r, grid) for r in own]).reshape(-1, 4)
    person = Provenance(person=f"reader {reader + 1}")
    for i, members in enumerate(groups(spheres)):
        parts = [own[k] for k in members]
        ratings = np.array([r.ratings for r in parts if r.ratings is not None]).reshape(
            -1, len(ATTRIBUTES) + 1
        )
        voxels = voxels_of((o for r in parts for o in r.outlines), grid, image)
        yield _rated(f"reader{reader + 1}-{i}", _mask(voxels, image), ratings, person)


def _rated(id: str, mask: Mask, ratings: np.ndarray, who: Provenance, note: str = "") -> Finding:
    """A finding with the mean of ratings (readers, 9); malignancy 1–5 becomes 0–1."""
    known = ~np.isnan(ratings).all(0) if len(ratings) else np.zeros(len(ATTRIBUTES) + 1, bool)
    mean = [float(np.nanmean(ratings[:, k])) if known[k] else None for k in range(len(ATTRIBUTES) + 1)]
    return Finding(
        mask,
        malignancy=None if mean[-1] is None else (mean[-1] - 1) / 4,
        attributes={name: value for name, value in zip(ATTRIBUTES, mean, strict=False) if value is not None},
        provenance=who,
        status="accepted",
        note=note,
        id=id,
    )


def _sphere(sphere: np.ndarray) -> Sphere:
    z, y, x, diameter = sphere
    return Sphere((z, y, x), diameter)


def _excluded(i: int, sphere: np.ndarray) -> Finding:
    return Finding(_sphere(sphere), provenance=TRUTH, status="accepted", id=f"excluded{i}")


def _flat_truth(path: Path | str, file: ReaderFile, image: Image, reference: ImageReference) -> Truth:
    side = RADIOGRAPH_MM if image.spacing is not None else max(image.shape) / 20
    points = np.array([r.outlines[0].points.mean(0)[::-1] for r in file.readings]).reshape(-1, 2)
    if len(points) and ((points < 0) | (points >= image.shape)).all(1).any():
        raise FindingsFileError(
            f"{path} has points outside of the picture: open the radiograph that was read."
        )
    world = image.to_world(points)
    spheres = np.column_stack([np.zeros(len(world)), world, np.full(len(world), side)])
    by_reader: dict[int, list[Finding]] = {k: [] for k in range(file.readers)}
    for i, (reading, place) in enumerate(zip(file.readings, world, strict=True)):
        person = Provenance(person=f"reader {reading.reader + 1}")
        by_reader[reading.reader].append(
            Finding(
                _box(place, side), provenance=person, status="accepted", id=f"reader{reading.reader + 1}-{i}"
            )
        )
    needed = max(1, int(np.ceil(HALF * file.readers)))
    nodules: list[Finding] = []
    excluded: list[Finding] = []
    for members in groups(spheres):
        count = len({file.readings[i].reader for i in members})
        agreed, name = (nodules, "truth") if count >= needed else (excluded, "excluded")
        agreed.append(
            Finding(
                _box(world[members].mean(0), side),
                provenance=TRUTH,
                status="accepted",
                note=f"{count} readers; its size was not marked",
                id=f"{name}{len(agreed)}",
            )
        )
    return Truth(
        Findings(tuple(nodules), reference),
        tuple(excluded),
        readers={f"reader {k + 1}": Findings(tuple(found), reference) for k, found in by_reader.items()},
        sized=False,
        problems=file.problems,
        source=str(path),
    )


def _box(center: np.ndarray, side: float) -> Box:
    (y0, x0), (y1, x1) = center - side / 2, center + side / 2
    return Box((y0, x0), (y1, x1))
