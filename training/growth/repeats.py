"""A nodule's volume from repeated measurement: resampled, with noise added, from marks that lie otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..findings.measurements.segment import REACH, ROOM, SHELL, NoEdgeError, segment
from ..imaging.image import Image
from ..imaging.resample import resample

REPEATS = 8
"""Measurements of one nodule, of which the first is of the scan and the mark as they are."""
MOVED, RESIZED = 0.1, 0.1
"""Standard deviations of where a mark lies and how large it is, as parts of its diameter: what two readers or runs differ by."""
ALIKE = 1.1
"""Spacings that differ by less than this factor are taken for the same."""
_AIR = -500.0


@dataclass(frozen=True)
class RepeatedVolume:
    """The volume of a nodule, measured several times.

    Parameters
    ----------
    volumes
        Those in mm³ of the measurements that found an edge.
    is_whole
        Whether the nodule ends before the scan and the search do.
    """

    volumes: tuple[float, ...]
    is_whole: bool = True

    @property
    def volume(self) -> float:
        """Median of the measurements, in mm³: one in which a vessel was taken in does not move it."""
        return float(np.median(self.volumes))

    @property
    def log_spread(self) -> float:
        """Spread of ln(volume) over the measurements: 1.48 times the median absolute deviation, a standard deviation where they are
        normally distributed. It tells errors better than that itself does, which one measurement with a vessel doubles.
        """
        logs = np.log(self.volumes)
        return float(1.4826 * np.median(np.abs(logs - np.median(logs))))


def part_around(image: Image, center: Sequence[float], diameter: float) -> Image:
    """Cut out of a CT all that measuring one nodule looks at, and the few voxels more that resampling needs.

    Raises
    ------
    NoEdgeError
        The nodule lies outside of the scan.
    """
    scale = np.asarray(image.scale)
    half = REACH * diameter * (1 + 3 * RESIZED) + ROOM + SHELL + 2 * MOVED * diameter + 2 * scale
    low = np.floor(image.to_index(np.asarray(center) - half)).astype(int)
    high = np.ceil(image.to_index(np.asarray(center) + half)).astype(int) + 1
    low, high = np.maximum(low, 0), np.minimum(high, image.shape)
    if (high - low < 2).any():
        raise NoEdgeError("The nodule lies outside of the scan.")
    part = image.voxels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].astype(np.float32)
    return replace(image, voxels=part, origin=tuple(image.to_world(low)))


def at_common_spacing(first: Image, second: Image) -> tuple[Image, Image]:
    """Resample two scans to voxels as coarse as those of either: like is compared with like.

    Thick slices smear a small nodule, and it measures another volume than in thin ones. Where thin slices are averaged to thick
    ones, both are smeared alike.
    """
    coarse = np.maximum(first.scale, second.scale)
    return _coarser(first, coarse), _coarser(second, coarse)


def _coarser(image: Image, spacing: np.ndarray) -> Image:
    differs = spacing > ALIKE * np.asarray(image.scale)
    return resample(image, np.where(differs, spacing, image.scale).tolist()) if differs.any() else image


def noise_of(image: Image) -> float:
    """Estimate the standard deviation (HU) of a CT's noise from its air: voxels against their four neighbours in the slice.

    From the median absolute deviation, which vessels do not raise.
    """
    from scipy.ndimage import convolve1d

    beside = np.array([0.25, 0.0, 0.25], np.float32)
    voxels = image.voxels.astype(np.float32)
    residual = voxels - convolve1d(voxels, beside, axis=1) - convolve1d(voxels, beside, axis=2)
    inner = (slice(None), slice(1, -1), slice(1, -1))
    values = residual[inner][voxels[inner] < _AIR]
    if not values.size:
        return 0.0
    return float(1.4826 * np.median(np.abs(values - np.median(values))) / np.sqrt(1.25))


def measure_repeatedly(
    image: Image, center: Sequence[float], diameter: float, repeats: int = REPEATS
) -> RepeatedVolume:
    """Measure the nodule that a sphere marks several times, each on a grid that lies otherwise and with noise added.

    The same call gives the same numbers.

    Parameters
    ----------
    image
        CT (z, y, x) in HU, or a part of it (`part_around`).
    center, diameter
        Of the sphere, in world mm.
    repeats
        Measurements, at least two.

    Raises
    ------
    NoEdgeError
        The edge cannot be told in half of the measurements or more.
    """
    rng = np.random.default_rng(0)
    noise = noise_of(image)
    volumes, whole, failure = [], True, NoEdgeError("The nodule's edge cannot be told.")
    for number in range(repeats):
        try:
            if number == 0:
                one = segment(image, center, diameter)
            else:
                place = np.asarray(center) + rng.normal(0, MOVED * diameter / np.sqrt(3), 3)
                size = diameter * float(np.exp(np.clip(rng.normal(0, RESIZED), -3 * RESIZED, 3 * RESIZED)))
                one = segment(_again(image, noise, rng), place.tolist(), size)
        except NoEdgeError as error:
            failure = error
            continue
        volumes.append(one.volume)
        whole &= one.is_whole if number == 0 else True
    if len(volumes) <= repeats / 2:
        raise failure
    return RepeatedVolume(tuple(volumes), whole)


def _again(image: Image, noise: float, rng: np.random.Generator) -> Image:
    """The scan on a grid that is moved by up to half a voxel, with noise of its own level added."""
    from scipy.ndimage import shift

    moved = rng.uniform(-0.5, 0.5, 3)
    voxels = shift(image.voxels.astype(np.float32), -moved, order=1, mode="nearest")
    voxels += rng.normal(0, noise, voxels.shape).astype(np.float32)
    return replace(image, voxels=voxels, origin=tuple(image.to_world(moved)))
