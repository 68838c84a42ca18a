"""A small chest CT and spheres in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_lungmtl.training.findings import Finding, Provenance, Sphere
from napari_lungmtl.training.imaging.image import Image

MODEL = Provenance("ag3d", "0.1")


def ball(z: float, y: float = 20.0, x: float = 10.0, d: float = 8.0, score: float = 0.9, **fields) -> Finding:
    """A sphere that a model found."""
    return Finding(Sphere((z, y, x), d), score=score, **{"provenance": MODEL, **fields})


def chest(source: Path | None = None, **fields) -> Image:
    """Something with the values of a CT, 20 × 40 × 50 voxels of 2.5 × 0.7 × 0.7 mm."""
    voxels = np.random.default_rng(0).integers(-1000, 400, (20, 40, 50)).astype(np.int16)
    given = {
        "modality": "CT",
        "spacing": (2.5, 0.7, 0.7),
        "origin": (-190.0, 5.0, -6.0),
        "series_uid": "1.2.3",
    }
    return Image(voxels, source=source, **{**given, **fields})
