"""The radiograph of a phantom by Beer–Lambert, with exact masks of lungs and nodules.

Rays run parallel along y (from front to back). The radiograph shows -log(exp(-∫µ dy) + scatter), noise of counted photons before
the logarithm included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...imaging.radiograph.network_input import SIDE, RadiographInput, radiograph_input_of
from ..phantoms.anatomy import LEFT, RIGHT, Anatomy
from ..phantoms.grid import Grid
from ..phantoms.phantom import make_phantom
from ..phantoms.placement import PlacementError
from ..phantoms.spec import NoduleSpec, Phantom, PhantomSpec, Scanner
from .nodule_views import WATER

SPACING = (1.0, 2.0, 1.0)
SOFT_MM = 30.0
"""Heart, mediastinum and what lies under the diaphragm, along a ray, from which on a ray shows no lung: the
lung fields that radiologists outline end at the heart and at the dome of the diaphragm."""
COARSE = 4.0
"""mm; grid on which that tissue is counted."""
LUNG_MM = 6.0
"""Lung along a ray from which on it belongs to the lung field."""


@dataclass(frozen=True, eq=False)
class PhantomRadiograph:
    """A projected phantom.

    Parameters
    ----------
    radiograph
        What networks see.
    lungs
        bool (2, side, side): right and left lung field.
    nodules
        uint8 (side, side): n where nodule n (from 1) is in front or behind.
    diameters_mm
        Of the nodules.
    mm
        Pixel size of the radiograph.
    """

    radiograph: RadiographInput
    lungs: np.ndarray
    nodules: np.ndarray
    diameters_mm: tuple[float, ...]
    mm: float


def draw_spec(seed: int, spacing: tuple[float, float, float] = SPACING) -> PhantomSpec:
    """A varied thorax; half of them with one to three nodules of 9 to 26 mm."""
    rng = np.random.default_rng([seed, 77])
    count = int(rng.integers(1, 4)) if rng.random() < 0.5 else 0
    nodules = tuple(
        NoduleSpec(
            diameter=float(rng.uniform(9, 26)),
            margin=float(rng.uniform(2, 5)),
            sphericity=float(rng.uniform(3, 5)),
            lobulation=float(rng.uniform(1, 4)),
        )
        for _ in range(count)
    )
    return PhantomSpec(
        seed=10_000 + seed, nodules=nodules, spacing=spacing, scanner=Scanner(noise=0.0, bed_table=False)
    )


def make_phantom_radiograph(
    seed: int, side: int = SIDE, spacing: tuple[float, float, float] = SPACING
) -> PhantomRadiograph:
    """The radiograph of the phantom `draw_spec` describes, with drawn exposure, scatter and collimation."""
    spec = draw_spec(seed, spacing)
    try:
        phantom = make_phantom(spec)
    except PlacementError:  # the nodules found no room
        phantom = make_phantom(PhantomSpec(seed=spec.seed, spacing=spacing, scanner=spec.scanner))
    rng = np.random.default_rng([seed, 78])
    projected = project(phantom, rng, photons=rng.uniform(2e4, 2e5), scatter=rng.uniform(0.004, 0.02))
    top, bottom, left, right = _collimated(projected.gray.shape, rng)
    part = slice(top, bottom), slice(left, right)
    radiograph = radiograph_input_of(projected.gray[part] ** rng.uniform(0.8, 1.6), side)
    return PhantomRadiograph(
        radiograph,
        np.stack([_at_radiograph(f[part], radiograph) for f in projected.lungs]) > 0,
        _at_radiograph(projected.nodules[part], radiograph),
        tuple(f.diameter for f in phantom.truth),
        spacing[2] / radiograph.scale[1],
    )


@dataclass(frozen=True, eq=False)
class Projection:
    """A phantom seen from the front, the head at the top, the patient's right on the left; one pixel for a voxel (z, x).

    Parameters
    ----------
    gray
        float32 (h, w): log attenuation with scatter and noise, dark air.
    lungs
        bool (2, h, w): right and left lung field.
    nodules
        uint8 (h, w): n where nodule n (from 1) is in front or behind.
    """

    gray: np.ndarray
    lungs: np.ndarray
    nodules: np.ndarray


def project(phantom: Phantom, rng: np.random.Generator, *, photons: float, scatter: float) -> Projection:
    """Project a phantom along y.

    Parameters
    ----------
    photons
        Counted in a pixel where nothing is in the way.
    scatter
        Scattered light as a fraction of that.
    """
    hu = phantom.image.voxels.astype(np.float32)
    depth = np.clip(hu + 1000, 0, None).sum(axis=1) / 1000 * WATER * phantom.image.scale[1]
    counted = rng.poisson((np.exp(-depth) + scatter) * photons) / photons
    gray = np.maximum(-np.log(np.maximum(counted, 1e-5)), 0)  # beside the body noise may exceed the open beam
    upright = slice(None, None, -1)  # z runs to the head, rows of a radiograph to the feet
    return Projection(
        gray[upright].astype(np.float32),
        lung_fields(phantom)[:, upright],
        phantom.labels.max(axis=1)[upright],
    )


def lung_fields(phantom: Phantom) -> np.ndarray:
    """Lung fields (2, z, x) of the frontal projection, the patient's right and left, by `LUNG_MM` and `SOFT_MM`."""
    z, y, x = phantom.lung_mask.shape
    step = phantom.image.scale[1]
    # Mediastinum and diaphragm are fields of the drawn anatomy, whose frame has its axis at the middle of the voxels' grid.
    anatomy = Anatomy.draw(np.random.default_rng(np.random.SeedSequence(_seed(phantom)).spawn(6)[0]))
    dz, dy, dx = phantom.image.scale
    half_y, half_x = y * dy / 2, x * dx / 2
    shape = (int(z * dz / COARSE), int(y * dy / COARSE), int(x * dx / COARSE))
    start = (anatomy.z_range[0] + COARSE / 2, -half_y + COARSE / 2, -half_x + COARSE / 2)
    axes = Grid(start, (COARSE,) * 3, shape).axes()
    side = np.where(axes[2] < 0, anatomy.diaphragm(axes, RIGHT), anatomy.diaphragm(axes, LEFT))
    dense = (anatomy.mediastinum(axes) > 0) | ((side < 0) & (anatomy.cage(axes) > 0))
    soft = dense.sum(axis=1).astype(np.float32) * COARSE
    soft = ndimage.zoom(soft, (z / shape[0], x / shape[2]), order=1)
    lung = phantom.lung_mask.sum(axis=1) * step
    field = (lung > LUNG_MM) & (soft < SOFT_MM)
    right = np.arange(x) < x / 2  # x runs to the patient's left
    return np.stack([field & right, field & ~right])


def _seed(phantom: Phantom) -> int:
    return int(str(phantom.image.metadata["patient_id"]).rpartition("-")[2])


def _collimated(shape: tuple[int, int], rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Rows and columns that are exposed: the whole height, and a width that makes the radiograph nearly square."""
    height, width = shape
    span = int(min(width, height * rng.uniform(1.0, 1.3)))
    left = (width - span) // 2 + int(rng.integers(-8, 9))
    left = int(np.clip(left, 0, width - span))
    return 0, height, left, left + span


def _at_radiograph(labels: np.ndarray, radiograph: RadiographInput) -> np.ndarray:
    """A label image of the picture on the radiograph's pixels, by nearest neighbour."""
    side = radiograph.pixels.shape[0]
    placed = zip(radiograph.offset, radiograph.scale, strict=True)
    index = [((np.arange(side) + 0.5 - offset) / scale).astype(int) for offset, scale in placed]
    rows, columns = (np.clip(i, 0, n - 1) for i, n in zip(index, labels.shape, strict=True))
    return np.where(radiograph.inside, labels[rows[:, None], columns[None]], 0)
