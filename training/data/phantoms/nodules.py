"""Nodules: shape, inner structure and truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .grid import Grid, coverage, stamp
from .spec import LIDC_CALCIFICATION, LIDC_TEXTURE, NoduleSpec


def _sphere_points(count: int = 1500) -> np.ndarray:
    """Evenly spread unit vectors (a Fibonacci lattice)."""
    i = np.arange(count) + 0.5
    polar, turn = np.arccos(1 - 2 * i / count), np.pi * (1 + 5**0.5) * i
    return np.stack([np.cos(polar), np.sin(polar) * np.sin(turn), np.sin(polar) * np.cos(turn)], 1)


@dataclass(frozen=True, eq=False)
class Shape:
    """A star-shaped surface: radius by direction, times spicules.

    Parameters
    ----------
    axes
        (3, 3) matrix that squeezes directions (1 = round).
    lobes, lobe_height, lobe_width
        Directions (n, 3), relative heights and sharpness of the lobes.
    spikes
        Directions (m, 3) of the spicules, and their lengths in radii.
    spike_length
        (m,).
    scale
        Radius in mm of the surface before lobes.
    """

    axes: np.ndarray
    lobes: np.ndarray
    lobe_height: np.ndarray
    lobe_width: float
    spikes: np.ndarray
    spike_length: np.ndarray
    scale: float = 1.0

    def radius(self, direction: np.ndarray) -> np.ndarray:
        """Distance of the surface (mm) along unit directions (…, 3)."""
        squeezed = np.linalg.norm(direction @ self.axes, axis=-1)
        r = 1 / np.maximum(squeezed, 1e-6)
        for lobe, height in zip(self.lobes, self.lobe_height, strict=True):
            r = r + height * np.exp(self.lobe_width * (direction @ lobe - 1))
        return r * self.scale


def draw_shape(spec: NoduleSpec, rng: np.random.Generator) -> Shape:
    """A shape for `spec` with the volume of its ball (spicules not counted)."""
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    round_ = (spec.sphericity - 1) / 4
    stretch = np.exp(rng.uniform(-1, 1, 3) * 0.55 * (1 - round_))
    lobulation = (spec.lobulation - 1) / 4
    # Every real outline has some unevenness, so only a perfectly round request gets none.
    n_lobes = int(rng.integers(5, 10)) if lobulation > 0 or spec.sphericity < 5 else 0
    lobes = rng.normal(size=(n_lobes, 3))
    lobes /= np.linalg.norm(lobes, axis=1, keepdims=True) + 1e-9
    spiculation = (spec.spiculation - 1) / 4
    n_spikes = round(spiculation * rng.uniform(14, 26))
    spikes = rng.normal(size=(n_spikes, 3))
    spikes /= np.linalg.norm(spikes, axis=1, keepdims=True) + 1e-9
    shape = Shape(
        axes=turn @ np.diag(stretch) @ turn.T,
        lobes=lobes,
        lobe_height=rng.uniform(0.3, 1.0, n_lobes) * (0.16 * (1 - round_) + 0.55 * lobulation),
        lobe_width=float(rng.uniform(3, 8)),
        spikes=spikes,
        spike_length=rng.uniform(0.35, 1.1, n_spikes),
    )
    sphere = _sphere_points()
    volume = np.mean(shape.radius(sphere) ** 3) ** (1 / 3)
    return Shape(**{**shape.__dict__, "scale": spec.diameter / 2 / float(volume)})


def reach(shape: Shape) -> float:
    """Largest distance (mm) of the surface from the centre, without spicules."""
    return float(shape.radius(_sphere_points()).max())


def signed_distance(shape: Shape, center: np.ndarray, grid: Grid) -> np.ndarray:
    """Approximate signed distance (mm, positive inside) on `grid`."""
    z, y, x = grid.axes()
    apart = np.stack(np.broadcast_arrays(z - center[0], y - center[1], x - center[2]), -1).astype(np.float32)
    distance = np.linalg.norm(apart, axis=-1)
    direction = apart / np.maximum(distance, 1e-6)[..., None]
    return (shape.radius(direction) - distance).astype(np.float32)


def spicules(shape: Shape, center: np.ndarray, grid: Grid) -> np.ndarray:
    """Fractions (0–1) of thin, tapering strands that leave the surface."""
    out = np.zeros(grid.shape, np.float32)
    if not len(shape.spikes):
        return out
    points, radii = [], []
    base = float(np.mean(shape.radius(_sphere_points(200))))
    for spike, length in zip(shape.spikes, shape.spike_length, strict=True):
        surface = float(shape.radius(spike))
        t = np.linspace(-0.15 * base, length * base + 1.0, 30)
        points.append(center + spike * (surface + t)[:, None])
        radii.append(np.linspace(0.11 * base + 0.3, 0.25, 30))
    stamp(out, grid, np.concatenate(points), np.concatenate(radii))
    return out


def attributes(spec: NoduleSpec) -> dict[str, float]:
    """The eight attributes on the LIDC scales; subtlety from size, texture and place."""
    easy = (
        np.clip((spec.diameter - 3) / 3, 0, 3)
        + {"solid": 2.0, "part-solid": 1.0, "ground-glass": 0.0}[spec.texture]
    )
    easy -= 0.0 if spec.place == "isolated" else 0.7
    return {
        "subtlety": float(np.clip(np.round(1 + easy), 1, 5)),
        "internalStructure": 1.0,
        "calcification": float(LIDC_CALCIFICATION[spec.calcification]),
        "sphericity": float(spec.sphericity),
        "margin": float(spec.margin),
        "lobulation": float(spec.lobulation),
        "spiculation": float(spec.spiculation),
        "texture": float(LIDC_TEXTURE[spec.texture]),
    }


def margin_width(spec: NoduleSpec) -> float:
    """Width in mm over which the edge fades: none to two fifths of the diameter."""
    return (5 - spec.margin) / 4 * min(0.4 * spec.diameter, 6.0)


def density(spec: NoduleSpec, inside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """HU within the nodule; `inside` is the signed distance in mm."""
    depth = np.clip(inside / max(spec.diameter / 2, 1e-3), 0, 1)  # 0 at the surface, 1 in the middle
    grain = ndimage.gaussian_filter(rng.standard_normal(inside.shape, np.float32), 1.5)
    grain /= max(float(grain.std()), 1e-6)
    solid = rng.uniform(5, 60) + 12 * grain
    glass = rng.uniform(-690, -520) + 35 * grain
    if spec.texture == "solid":
        hu = solid
    elif spec.texture == "ground-glass":
        hu = glass
    else:
        core = rng.uniform(0.35, 0.6)
        hu = glass + (solid - glass) * np.clip((depth - core) * 6 + 0.3 * grain + 0.5, 0, 1)
    chalk = rng.uniform(350, 900)
    if spec.calcification == "solid":
        hu = hu + (chalk - hu) * np.clip(depth * 5, 0, 1)
    elif spec.calcification == "central":
        hu = hu + (chalk - hu) * np.clip((depth - 0.55) * 8, 0, 1)
    elif spec.calcification == "laminated":
        hu = hu + (chalk - hu) * np.clip((np.cos(depth * 4 * np.pi) - 0.2) * 2, 0, 1)
    elif spec.calcification == "popcorn":
        hu = hu + (chalk - hu) * np.clip((grain - 0.9) * 3, 0, 1) * np.clip(depth * 5, 0, 1)
    elif spec.calcification == "non-central":
        z = np.linspace(-1, 1, inside.shape[0])[:, None, None]
        hu = hu + (chalk - hu) * np.clip((z - 0.15) * 8, 0, 1) * np.clip((depth - 0.15) * 6, 0, 1)
    return hu.astype(np.float32)


def soft_fraction(inside: np.ndarray, voxel: float, width: float) -> np.ndarray:
    """Fraction of each voxel that is nodule, with an edge fading over `width` mm."""
    return coverage(inside, max(voxel, width))


def mixture(
    spec: NoduleSpec, shape: Shape, center: np.ndarray, grid: Grid, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Fraction (0–1) of each voxel of `grid` that a nodule with its spicules fills, and HU of what fills it."""
    inside = signed_distance(shape, center, grid)
    fraction = soft_fraction(inside, float(np.mean(grid.spacing)), margin_width(spec))
    value = density(spec, inside, rng)
    strands = spicules(shape, center, grid)
    strands *= 1.0 if spec.texture == "solid" else 0.6
    return np.maximum(fraction, strands), np.where(strands > fraction, np.maximum(value, -120), value)
