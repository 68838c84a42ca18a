"""Long and short axis and volume of a nodule, snapped to its edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...imaging.image import Image
from .axes import Axes, axes_of
from .measurement import Measurement
from .segment import NoEdgeError, Segment, segment

_SMALLEST = 0.05
"""Part of the surface where tissue was cut off, from which it is said."""


def measure_nodule(image: Image, center: Sequence[float], diameter: float, finding: str = "") -> Measurement:
    """Measure the nodule that a sphere marks: axes on the axial slice where it is longest, volume and HU of all of it.

    Parameters
    ----------
    image
        CT (z, y, x) in HU.
    center, diameter
        Of the sphere, in world mm.
    finding
        Id of the finding.

    Raises
    ------
    NoEdgeError
        Its edge cannot be told; the message says why and what to do.
    """
    nodule = segment(image, center, diameter)
    position, axes, outline = _longest(nodule)
    values = {"volume": nodule.volume, **_values(nodule)}
    return axes_measurement(position, axes, outline, values, finding, _notes(nodule))


def axes_measurement(
    position: float,
    axes: Axes,
    outline: np.ndarray,
    values: Mapping[str, float],
    finding: str,
    notes: Sequence[str],
) -> Measurement:
    """Make a measurement of axes on an axial slice.

    Parameters
    ----------
    position
        World z of the slice in mm.
    axes, outline
        In its plane: y, x in mm; the outline is (n, 2).
    values
        What was measured beside the axes: ``volume`` in mm³, ``mean``, ``std``, ``min`` and ``max`` in HU.
    finding, notes
        Id of the finding, and sentences for a person.
    """

    def in_space(points: np.ndarray) -> tuple[tuple[float, ...], ...]:
        return tuple((position, float(y), float(x)) for y, x in points)

    return Measurement(
        kind="axes",
        points=in_space(np.vstack([axes.long, axes.short])),
        axis=0,
        values={"long": axes.length, "short": axes.width, **values},
        finding=finding,
        outline=in_space(outline),
        notes=tuple(notes),
    )


def _longest(nodule: Segment) -> tuple[float, Axes, np.ndarray]:
    """Position (mm) of the CT's axial slice where the nodule is longest, its axes, and its outline (n, 2) there."""
    from skimage.measure import approximate_polygon

    found = []
    for index in range(0, len(nodule.mask), nodule.refinement[0]):
        outline = _outline(nodule, index)
        if outline is not None:
            found.append((nodule.origin[0] + index * nodule.spacing[0], axes_of(outline), outline))
    if not found:
        raise NoEdgeError("The nodule lies between two slices of the CT: measure it by hand.")
    position, axes, outline = max(found, key=lambda one: one[1].length)
    return float(position), axes, approximate_polygon(outline, 0.1)


def _outline(nodule: Segment, index: int) -> np.ndarray | None:
    """The edge of the nodule on a slice (n, 2) in mm, where the interpolated values cross it; None where it is not there."""
    from scipy.ndimage import binary_dilation
    from skimage.measure import find_contours

    mask = nodule.mask[index]
    if mask.sum() < 4:
        return None
    beyond = ~binary_dilation(mask) | nodule.cut[index]
    inside = np.maximum(nodule.values[index], nodule.edge + 1.0)  # cavities are filled
    field = np.where(mask, inside, np.where(beyond, nodule.lung, nodule.values[index]))
    contours = find_contours(np.pad(field, 1, constant_values=nodule.lung), nodule.edge)
    longest = max(contours, key=lambda c: np.ptp(c, axis=0).prod())
    return (longest - 1) * nodule.spacing[1:] + nodule.origin[1:]


def _values(nodule: Segment) -> dict[str, float]:
    """Mean, standard deviation, least and greatest HU of the CT's own voxels inside."""
    own = tuple(slice(None, None, k) for k in nodule.refinement)
    values = nodule.values[own][nodule.mask[own]]
    if not values.size:
        values = nodule.values[nodule.mask]
    values = values.astype(np.float64)
    return {
        "mean": float(values.mean()),
        "std": float(values.std()),
        "min": float(values.min()),
        "max": float(values.max()),
    }


def _percent(part: float) -> str:
    return f"{part:.0%}".replace("%", "\u00a0%")  # never broken over two lines


def _notes(nodule: Segment) -> list[str]:
    """What a person should know of how it was cut out."""
    notes = []
    if nodule.wall >= _SMALLEST:
        notes.append(
            f"It touches pleura or chest wall with {_percent(nodule.wall)} of its surface; "
            "there it was cut off along the lung's edge."
        )
    if nodule.vessel >= _SMALLEST:
        notes.append(
            f"It touches vessels or other tissue with {_percent(nodule.vessel)} of its surface; "
            "they were cut off where they leave it."
        )
    if not nodule.is_whole:
        notes.append(
            "It reaches the end of the CT, or goes on beyond what the sphere marks: check its outline, or set the sphere right."
        )
    return notes
