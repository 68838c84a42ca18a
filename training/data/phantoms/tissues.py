"""From anatomy to Hounsfield units: organs painted over one another, lung tissue, vessels and airways."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from . import trees
from .anatomy import LEFT, RIGHT, Anatomy, Axes, Waves, ellipsoid
from .grid import Grid, coverage, stamp, upsample
from .lungs import Lungs
from .spec import PhantomSpec

COARSE = 2.5  # mm; every organ is smoother than this


def _mix(hu: np.ndarray, fraction: np.ndarray, value: np.ndarray | float) -> None:
    """Replace the fraction of each voxel by `value`, in place."""
    hu += fraction * (value - hu)


def _bone(hu: np.ndarray, distance: np.ndarray, voxel: float, cancellous: float, cortex: float) -> None:
    """Spongy bone with a cortex of about 1.3 mm, drawn where there is any."""
    where = np.flatnonzero(distance.ravel() > -voxel)
    d, flat = distance.ravel()[where], hu.reshape(-1)
    value = cortex + (cancellous - cortex) * np.clip((d - 0.9) / 1.4, 0, 1)
    flat[where] += np.clip(d / voxel + 0.5, 0, 1) * (value - flat[where])


def tissues(
    spec: PhantomSpec, anatomy: Anatomy, lungs: Lungs, grid: Grid, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """HU before blur (float32), signed distance to the pleura and fraction of tubes, on `grid`."""
    coarse = grid.coarse(COARSE)
    axes = coarse.axes()
    voxel = float(np.mean(grid.spacing))
    waves = Waves.draw(rng, 30)(axes)

    def field(values: np.ndarray) -> np.ndarray:
        return upsample(np.broadcast_to(values, coarse.shape), coarse, grid)

    contrast = spec.contrast if spec.contrast is not None else bool(rng.random() < 0.5)
    blood = float(rng.uniform(130, 260) if contrast else rng.uniform(32, 52))
    body, cage = anatomy.body(axes), anatomy.cage(axes)
    mediastinum = anatomy.mediastinum(axes)
    sides = [anatomy.lung(axes, side, mediastinum) for side in (RIGHT, LEFT)]
    hu = np.full(grid.shape, -1000, np.float32)
    if spec.scanner.bed_table:
        _table(hu, anatomy, grid)
    skin = field(body)
    _mix(hu, coverage(skin, voxel), float(rng.uniform(-115, -95)))
    _mix(hu, coverage(2.0 - np.abs(skin - 1.5), voxel), 20.0)
    # Muscle between fat and rib cage, with fat planes in it.
    _mix(
        hu, field(np.clip(np.minimum(body - anatomy.fat - 4 * waves, 6 * (1.1 - waves) + 4) / 2, 0, 1)), 48.0
    )
    inner = field(cage)
    # Mediastinal fat with strands and nodes.
    _mix(hu, coverage(inner, voxel), field(-95 + 60 * np.clip(waves - 0.9, 0, 1)))
    del inner
    belly = anatomy.belly(axes)
    for name, value in {
        "liver": 58 + 0.25 * blood * contrast,
        "spleen": 52,
        "stomach": 25,
        "gas": -960,
    }.items():
        if belly[name].max() > -voxel:
            _mix(hu, coverage(field(belly[name]), voxel), value)
    heart = ellipsoid(axes, anatomy.heart, anatomy.heart_half)
    _mix(hu, coverage(field(heart), voxel), 0.75 * blood + 12)
    _mix(hu, coverage(field(anatomy.vessels(axes)), voxel), blood)
    bone, disc = anatomy.spine(axes)
    _mix(hu, coverage(field(disc), voxel), 80.0)
    cartilage = field(anatomy.cartilage(axes, cage))
    _mix(hu, coverage(cartilage, voxel), 95.0)
    bones = np.maximum(np.maximum(bone, anatomy.ribs(axes, cage)), anatomy.other_bones(axes, cage))
    _bone(
        hu,
        np.minimum(field(bones), skin - 3),
        voxel,
        float(rng.uniform(130, 230)),
        float(rng.uniform(450, 800)),
    )
    del skin, cartilage
    lung = field(np.maximum(*sides))
    parenchyma = _parenchyma(anatomy, axes, grid, sides, field, rng)
    _mix(hu, coverage(lung, voxel), parenchyma)
    tubes = _draw_tubes(hu, lungs, anatomy, grid, blood, lung, rng)
    return hu, lung, tubes


def _table(hu: np.ndarray, anatomy: Anatomy, grid: Grid) -> None:
    """A curved carbon shell under the patient's back."""
    _, y, x = grid.axes()
    deep, wide = anatomy.body_half()
    sag = deep + 6 - 14 * (x / wide) ** 2
    shell = np.clip(1.5 - np.abs(y - sag), 0, 1) + np.clip(1.5 - np.abs(y - sag - 12), 0, 1)
    hu += (shell * 750).astype(np.float32)


def _parenchyma(
    anatomy: Anatomy,
    axes: Axes,
    grid: Grid,
    sides: list[np.ndarray],
    field: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray:
    """HU of lung tissue: gravity, regional change, fine mottle, emphysema, fissures."""
    z, y, x = axes
    base = float(rng.uniform(-895, -840))
    gravity = float(rng.uniform(25, 80))
    depth = np.clip((y + anatomy.half_depth) / (2 * anatomy.half_depth), 0, 1)
    region = Waves.draw(rng, 45)(axes)
    patch = Waves.draw(rng, 14, 14)(axes)
    smooth = base + gravity * depth**2 + 9 * region + 9 * patch
    pleura = np.maximum(*sides)
    # Dependent density close to the back's pleura.
    smooth = smooth + rng.uniform(0, 130) * np.exp(-np.clip(pleura, 0, None) / 3) * (depth > 0.8) * np.clip(
        region, 0, 2
    )
    if rng.random() < 0.35:
        holes = np.clip(Waves.draw(rng, 18, 14)(axes) - rng.uniform(0.8, 1.6), 0, 1)
        smooth = smooth - holes * (smooth + 975)
    hu = field(smooth)
    mottle = ndimage.gaussian_filter(
        rng.standard_normal(grid.shape, np.float32), [0.9 / s for s in grid.spacing], truncate=2.5
    )
    mottle *= np.float32(rng.uniform(18, 34) / max(float(mottle.std()), 1e-6))
    hu += mottle
    del mottle
    slow = Waves.draw(rng, 80)(axes)
    oblique = (z - (rng.uniform(-36, -24) + 1.05 * y + 5 * slow)) / 1.45
    level = z - (rng.uniform(-14, 2) + 4 * slow)
    strength = float(rng.uniform(0.12, 0.3))
    sheet = np.clip(1.2 - np.abs(field(oblique)), 0, 1)
    # The horizontal fissure: on the right, in front of the oblique one.
    right = field(np.minimum(np.clip(oblique, -1, 1), np.clip(-x / 2, -1, 1))) > 0.5
    np.maximum(sheet, np.clip(1.2 - np.abs(field(level)), 0, 1) * right, out=sheet)
    hu += strength * sheet * (-hu)
    return hu


def _draw_tubes(
    hu: np.ndarray,
    lungs: Lungs,
    anatomy: Anatomy,
    grid: Grid,
    blood: float,
    lung: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Vessels, airway walls and lumens; returns the fraction of vessels and walls within the lungs."""
    vessels = np.zeros(grid.shape, np.float32)
    walls, lumens = np.zeros_like(vessels), np.zeros_like(vessels)
    for number, side in enumerate((RIGHT, LEFT)):
        for tree in (lungs.arteries[number], lungs.veins[number]):
            stamp(vessels, grid, tree.points, tree.radii)
        beside = np.array([-0.35, 0.75, side * 0.56])
        bronchi = trees.airways(lungs.arteries[number], beside)
        # Branches that stray out of the lung have no business in the heart; the first ones come from the hilum.
        bronchi = bronchi.where((lungs.at(bronchi.points) > bronchi.radii + 1) | (bronchi.fraction > 0.6))
        stamp(walls, grid, bronchi.points, bronchi.radii + trees.wall(bronchi.radii))
        stamp(lumens, grid, bronchi.points, bronchi.radii)
    for path, radius in anatomy.airway_paths():
        count = int(np.linalg.norm(np.diff(path, axis=0), axis=1).sum() * 2)
        t = np.linspace(0, len(path) - 1, count)
        points = np.stack([np.interp(t, np.arange(len(path)), path[:, i]) for i in range(3)], 1)
        radii = np.interp(t, np.arange(len(path)), radius)
        stamp(walls, grid, points, radii + 1.6)
        stamp(lumens, grid, points, radii)
    # End branches fade before the pleura.
    inside = np.clip((lung - 1.0) / 2.0, 0, 1)
    _mix(hu, np.where(lung > 0, vessels * inside, 0), blood)
    _mix(hu, walls, float(rng.uniform(-10, 40)))
    _mix(hu, lumens, -985.0)
    np.maximum(vessels, walls, out=vessels)
    vessels *= 1 - lumens
    return vessels * inside
