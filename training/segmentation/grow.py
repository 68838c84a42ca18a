"""Grow a nodule's mask from a click or a stroke, in Hounsfield units, with a guard against leaks.

How large the nodule is, nobody says. So the search begins small and widens until what it finds lies well within it
(`findings.measurements.segment` draws the edge, and cuts off chest wall and vessels); what never ends is no nodule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import LungmtlError
from ..findings.geometry import Mask, Sphere
from ..findings.measurements.segment import NoEdgeError, Segment, segment
from ..imaging.image import Image

FIRST, WIDEST, WIDER = 6.0, 45.0, 1.45
"""Diameters (mm) of the search: the first, the largest, and the factor from one to the next."""
FULL = 0.9
"""Of the search's diameter: a nodule that fills more may go on beyond it."""
MORE, LOBE = 1.8, 2.0
"""A search this many times wider that finds this many times the volume, and an end, has found what the first was a lobe of."""
DIVIDED = 0.3
"""Part of the surface that is cut off from other tissue where that is asked at all."""
LONGEST = 3.2
"""Times its ball's diameter that a nodule may be long; what is longer is a vessel, a scar or a leak."""
NEAR = 3.0
"""Millimetres from the cursor to the nodule at most."""
FLAT = 0.3
"""Of its ball's radius that the largest ball inside has at least; a plate has less."""
THICK = 0.7
"""Of its own inner radius: what is cut off at a place this wide is no thin vessel."""
COVERED = 0.75
"""Part of a nodule's surface that may be cut off from wall and vessels; more is a piece of something else."""


class LeakError(LungmtlError):
    """What grew from a point does not end like a nodule; nothing is kept of it."""


@dataclass(frozen=True)
class Grown:
    """A nodule on the grid of its CT.

    Parameters
    ----------
    mask
        Its voxels, on the CT's grid.
    sphere
        The ball of equal volume about its centre of mass, world mm (z, y, x), of the fine grid that it was found on.
    notes
        Sentences on what was cut off.
    """

    mask: Mask
    sphere: Sphere
    notes: tuple[str, ...] = ()


def grow(image: Image, points: Sequence[Sequence[float]], diameter: float | None = None) -> Grown:
    """Grow the mask of the nodule that a person clicked on, or drew a stroke through.

    Parameters
    ----------
    image
        CT in Hounsfield units (z, y, x) with a spacing.
    points
        World positions (z, y, x) in mm: one of a click, more of a stroke. A click may lie beside the nodule's middle, within it or
        up to about 2 mm outside.
    diameter
        Of the search to begin with, in mm, where it is known about how large the nodule is.

    Returns
    -------
    Grown
        The mask and its ball.

    Raises
    ------
    NoEdgeError
        There is no tissue, no lung around it, or too little contrast.
    LeakError
        It grew on and on: a vessel, the chest wall, or a consolidation.
    """
    place = np.asarray(points, float).reshape(-1, 3)
    middle = place.mean(axis=0)
    stroke = float(np.linalg.norm(place - middle, axis=1).max(initial=0.0)) * 2
    found = _settled(image, middle, max(diameter or FIRST, stroke, FIRST))
    sphere = _ball(found)
    _guard(found, sphere, middle)
    return Grown(_on_grid(image, found, sphere), sphere, _notes(found))


def _settled(image: Image, middle: np.ndarray, width: float) -> Segment:
    """Widen the search until the nodule ends within it, then look once more from its own middle."""
    problem: LungmtlError | None = None
    while width <= WIDEST:
        try:
            found = segment(image, middle.tolist(), width)
        except NoEdgeError as error:  # the sphere may lie in the nodule altogether, with no lung around
            problem = error
            width *= WIDER
            continue
        ball = _ball(found)
        if found.is_whole and ball.diameter <= FULL * width:
            return _widened(image, _from_its_middle(image, found, ball))
        problem = None
        width *= WIDER
    if problem is not None:
        raise problem
    raise LeakError(
        f"What is under the cursor goes on for more than {WIDEST:.0f} mm (a vessel, the chest wall, a consolidation): nothing was "
        "grown; draw a sphere by hand, or paint the mask."
    )


def _from_its_middle(image: Image, found: Segment, ball: Sphere) -> Segment:
    """The nodule once more: a click beside its middle saw the lung around it lopsided."""
    try:
        again = segment(image, ball.center, max(ball.diameter, 4.0))
    except NoEdgeError:
        return found
    similar = 0.5 < again.volume / found.volume < 2.0 if found.volume else False
    return again if again.is_whole and similar else found


def _widened(image: Image, found: Segment) -> Segment:
    """The nodule that what was found is a lobe of, if there is one: a small search divides a large nodule at its necks."""
    if found.vessel + found.wall < DIVIDED:
        return found
    ball = _ball(found)
    width = max(MORE * ball.diameter, 2 * FIRST)
    if width > WIDEST:
        return found
    try:
        larger = segment(image, ball.center, width)
    except NoEdgeError:
        return found
    if not larger.is_whole or larger.volume < LOBE * found.volume or _ball(larger).diameter > FULL * width:
        return found
    return _widened(image, larger)


def _guard(found: Segment, ball: Sphere, middle: np.ndarray) -> None:
    """Refuse what is no nodule by its shape.

    Raises
    ------
    LeakError
        It is a thread, a plate, or a piece of something larger, or it lies elsewhere.
    """
    places = np.argwhere(found.mask)
    away = np.linalg.norm(places * found.spacing + found.origin - middle, axis=1).min()
    if away > NEAR or _inner(found) < FLAT * ball.diameter / 2:
        raise LeakError(
            "There is no nodule at the cursor that ends by itself (chest wall, or a scar): nothing was grown; draw by hand."
        )
    extent = np.ptp(places, axis=0) * found.spacing + found.spacing
    if float(extent.max()) > LONGEST * ball.diameter:
        raise LeakError(
            f"What is under the cursor is {extent.max():.0f} mm long and thin, like a vessel or a scar: nothing was grown."
        )
    if _thick_ends(found) > 1:
        raise LeakError(
            "What is under the cursor goes on to two sides as thick as it is, like a vessel: nothing was grown; draw by hand."
        )
    if found.wall + found.vessel > COVERED:
        raise LeakError(
            "What is under the cursor goes on into chest wall or vessels nearly all around: nothing was grown; draw it by hand."
        )


def _thick_ends(found: Segment) -> int:
    """At how many places it was cut off from something about as thick as it is itself."""
    from scipy.ndimage import binary_dilation, label

    contacts, count = label(binary_dilation(found.mask) & found.cut, np.ones((3, 3, 3)))
    voxel = float(found.spacing.prod()) ** (2 / 3)
    areas = np.bincount(contacts.ravel(), minlength=count + 1)[1:] * voxel
    return int((np.sqrt(areas / np.pi) > THICK * _inner(found)).sum())


def _inner(found: Segment) -> float:
    """Radius (mm) of the largest ball inside."""
    from scipy.ndimage import distance_transform_edt

    return float(distance_transform_edt(found.mask, sampling=found.spacing).max())


def _ball(found: Segment) -> Sphere:
    places = np.argwhere(found.mask)
    z, y, x = (places.mean(axis=0) * found.spacing + found.origin).tolist()
    return Sphere((z, y, x), (6 * found.volume / np.pi) ** (1 / 3))


def _on_grid(image: Image, found: Segment, ball: Sphere) -> Mask:
    """The mask on the CT's voxels: every so many fine ones is one of them."""
    index = np.argwhere(found.mask[tuple(slice(None, None, k) for k in found.refinement)])
    first = np.round(image.to_index(found.origin)).astype(int)
    if not len(index):  # smaller than a voxel
        index, first = np.round(image.to_index(ball.center)).astype(int)[None], np.zeros(3, int)
    return Mask.from_voxels(index + first, image.scale, image.origin)


def _notes(found: Segment) -> tuple[str, ...]:
    parts = [
        name for name, part in (("the chest wall", found.wall), ("vessels", found.vessel)) if part > 0.02
    ]
    return (f"Cut off from {' and '.join(parts)}.",) if parts else ()
