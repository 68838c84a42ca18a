"""Spheres, boxes and masks in the project's own JSON file; its layout is told in `json_file`."""

from __future__ import annotations

from typing import Any

from ...geometry import Box, Geometry, Mask, Sphere
from ..json_values import checked, integer, number, numbers

Document = dict[str, Any]
_LARGEST = 2**31
"""Voxels that a mask may have at most, so that a damaged file does not ask for all memory."""


def geometry_document(geometry: Geometry) -> Document:
    """The entry of a geometry."""
    if isinstance(geometry, Sphere):
        return {"center_lps_mm": list(geometry.center[::-1]), "diameter_mm": geometry.diameter}
    if isinstance(geometry, Box):
        return {"low_yx": list(geometry.low), "high_yx": list(geometry.high)}
    return {
        "shape": list(geometry.shape),
        "spacing": list(geometry.spacing),
        "origin": list(geometry.origin),
        "runs": [list(run) for run in geometry.runs],
    }


def geometry_of(kind: str, entry: Document) -> Geometry:
    """The geometry of a finding's entry."""
    if kind not in ("sphere", "box", "mask"):
        raise ValueError(f"unknown kind {kind!r}")
    shape = checked(entry[kind], dict)
    if kind == "sphere":
        return sphere_of(shape)
    if kind == "box":
        (y0, x0), (y1, x1) = numbers(shape["low_yx"]), numbers(shape["high_yx"])
        return Box((y0, x0), (y1, x1))
    return mask_of(shape)


def sphere_of(entry: Document) -> Sphere:
    """The sphere of an entry."""
    x, y, z = numbers(entry["center_lps_mm"])
    return Sphere((z, y, x), number(entry["diameter_mm"]))


def mask_of(entry: Document) -> Mask:
    """The mask of an entry."""
    size = tuple(integer(n) for n in checked(entry["shape"], list))
    spacing, origin = numbers(entry["spacing"]), numbers(entry["origin"])
    runs = tuple((integer(start), integer(length)) for start, length in checked(entry["runs"], list))
    if not len(size) == len(spacing) == len(origin) or len(size) not in (2, 3):
        raise ValueError("a mask's shape, spacing and origin have two or three values each")
    voxels, end = 1, 0
    for n in size:
        voxels *= n
    if voxels > _LARGEST:
        raise ValueError(f"no mask has {' × '.join(map(str, size))} voxels")
    for start, length in runs:
        if start < end or start + length > voxels:
            raise ValueError("a mask's runs must follow one another inside its shape")
        end = start + length
    return Mask(size, spacing, origin, runs)
