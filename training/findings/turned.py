"""Findings made on a turned radiograph, brought back to the radiograph as its file holds it."""

from __future__ import annotations

from dataclasses import replace

from ..imaging.image import Image
from ..imaging.radiograph.orientation import Orientation, WorldMap
from .finding import Findings, ImageReference
from .geometry import Box, Geometry, Mask


def findings_as_stored(findings: Findings, stored: Image, orientation: Orientation) -> Findings:
    """Bring boxes, masks and regions from the world of the turned image to that of the stored one.

    Parameters
    ----------
    findings
        Of `imaging.radiograph.orientation.turn(stored, orientation)`.
    stored
        The radiograph as its file holds it.

    Raises
    ------
    ValueError
        There is a sphere or a volume among them: a radiograph has none.
    """
    world = WorldMap.of(stored, orientation)
    items = tuple(f.with_(geometry=geometry_as_stored(f.geometry, world)) for f in findings)
    regions = tuple(replace(r, mask=_mask(r.mask, world)) for r in findings.regions)
    return replace(findings, items=items, regions=regions, image=ImageReference.of(stored))


def geometry_as_stored(geometry: Geometry, world: WorldMap) -> Geometry:
    """Bring one box or planar mask to the world of the stored image."""
    if isinstance(geometry, Box):
        one, other = world.to_stored([geometry.low, geometry.high])
        return Box(
            (min(one[0], other[0]), min(one[1], other[1])), (max(one[0], other[0]), max(one[1], other[1]))
        )
    if isinstance(geometry, Mask) and len(geometry.shape) == 2:
        return _mask(geometry, world)
    raise ValueError(f"a radiograph has boxes and planar masks, not {geometry}")


def _mask(mask: Mask, world: WorldMap) -> Mask:
    return Mask.from_array(*world.grid_to_stored(mask.to_array(), mask.spacing, mask.origin))
