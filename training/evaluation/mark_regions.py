"""Where in the chest a mark lies, roughly: in the lungs, or in what."""

from __future__ import annotations

import numpy as np

from ..imaging import resample
from ..imaging.image import Image

REGIONS = ("lung", "hilum or mediastinum", "heart or diaphragm", "chest wall", "bone", "airway")
LUNG_HU, AIRWAY_HU, BONE_HU = -500.0, -930.0, 350.0
SHELL_MM = 5.0
"""Thickness of the shell around a mark whose share of air tells parenchyma from the rest."""
AIR_SHARE = 0.5


def regions_of(spheres: np.ndarray, image: Image, lungs: np.ndarray) -> np.ndarray:
    """(n,) the rough region of each mark, by the air around it and by where the lungs lie from it.

    Parenchyma is what has air around it; bone and airways are told by their density; of the rest, hilum and mediastinum have
    lung on both sides, heart and diaphragm above them only, the chest wall on one side.
    """
    volume = resample(image, (2.0, 1.0, 1.0)) if image.scale[0] > 2 else image
    return np.array([_region(sphere, volume, image, lungs) for sphere in spheres], dtype=object)


def _region(sphere: np.ndarray, volume: Image, image: Image, lungs: np.ndarray) -> str:
    radius = sphere[3] / 2
    center = volume.to_index(sphere[:3])
    scale = np.asarray(volume.scale)
    reach = (radius + SHELL_MM) / scale
    low = np.maximum(np.floor(center - reach), 0).astype(int)
    high = np.minimum(np.ceil(center + reach) + 1, volume.shape).astype(int)
    part = volume.voxels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    axes = np.ogrid[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    square = sum(((a - c) * s) ** 2 for a, c, s in zip(axes, center, scale, strict=True))
    distance = np.sqrt(np.asarray(square, float))
    ball, shell = (
        part[distance <= max(radius, 2)],
        part[(distance > radius) & (distance <= radius + SHELL_MM)],
    )
    if np.median(ball) < AIRWAY_HU:
        return "airway"
    if len(shell) and (shell < LUNG_HU).mean() >= AIR_SHARE:
        return "lung"
    z, y, x = np.clip(np.round(image.to_index(sphere[:3])).astype(int), 0, np.array(image.shape) - 1)
    row, column = lungs[z, y], lungs[:, y, x]
    left, right = row[:x].any(), row[x + 1 :].any()
    if column[z + 1 :].any() and not column[:z].any():
        return "heart or diaphragm"
    if left and right:
        return "hilum or mediastinum"
    return "bone" if np.percentile(part, 90) > BONE_HU else "chest wall"
