"""Findings with opinions, images with known contents, and the pixels of what the card shows of them."""

from __future__ import annotations

import time

import numpy as np
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QApplication, QWidget

from napari_lungmtl.layers.spheres.layer import add_image_layer
from napari_lungmtl.layers.spheres.rows import ACCENT
from napari_lungmtl.training.findings import Finding, Findings, Opinion, Sphere
from napari_lungmtl.training.imaging.image import Image

ATTRIBUTES = {
    "subtlety": 5.0,
    "internalStructure": 1.2,
    "calcification": 5.7,
    "sphericity": 3.0,
    "margin": 2.0,
    "lobulation": 4.0,
    "spiculation": 1.0,
    "texture": 4.5,
}
VIEWS = ("axial", "coronal", "sagittal", *(f"diagonal {i}" for i in range(1, 7)))
MTMR = Opinion(
    "mtmr",
    "0.1",
    0.8,
    0.1,
    (0.6, 0.9, 0.7, 0.3, 0.4),
    ("axial −5.0 mm", "axial +0.0 mm", "axial +2.5 mm", "sagittal −5.0 mm", "sagittal +5.0 mm"),
    (0.75, 0.85),
    ATTRIBUTES,
    {"margin": 0.5},
    ("Padded at the edge of the scan.",),
)
MTCNN = Opinion("mtcnn", "0.1", 0.6, 0.2, tuple(np.linspace(0.2, 0.9, 9)), VIEWS, (0.6,))


def judged(center, diameter: float = 12.0, **fields) -> Finding:
    """A sphere that both networks have an opinion on."""
    given = {
        "malignancy": 0.7,
        "malignancy_spread": 0.15,
        "attributes": ATTRIBUTES,
        "opinions": (MTMR, MTCNN),
    }
    return Finding(Sphere(tuple(center), diameter), **{**given, **fields})


def balls(places: dict[tuple[float, float, float], float], at=(-150.0, 40.0, 0.0)) -> Image:
    """Air with bright balls at `places` (offsets z, y, x in mm from `at`) of these diameters; 2 × 0.8 × 0.8 mm."""
    shape, spacing, origin = (50, 110, 110), (2.0, 0.8, 0.8), (-200.0, -4.0, -45.0)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1) * spacing + origin
    voxels = np.full(shape, -1000, np.int16)
    for offset, diameter in places.items():
        voxels[np.linalg.norm(grid - (np.array(at) + offset), axis=-1) <= diameter / 2] = 100
    return Image(voxels, "CT", spacing, origin, series_uid="balls")


def shown(window, image: Image, *findings: Finding, select: int | None = 0):
    """Open an image with findings and select one; the card and the session."""
    viewer, dock = window
    add_image_layer(viewer, image)
    session = dock.reviewed.session
    assert session.image is image
    session.replace_findings(Findings(findings))
    if select is not None:
        session.select(findings[select].id)
    return dock.card, session


def rgb(picture: QImage | QWidget) -> np.ndarray:
    """(y, x, 3) of an image, or of what a widget paints once it has its height, in logical pixels."""
    if isinstance(picture, QWidget):
        end = time.monotonic() + 60
        while picture.height() < picture.sizeHint().height() and time.monotonic() < end:
            QApplication.processEvents()
    image = picture if isinstance(picture, QImage) else picture.grab().toImage()
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits().asarray(image.sizeInBytes()), np.uint8)
    rows = rows.reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def closeup(card, number: int) -> np.ndarray:
    """Pixels of a close-up."""
    return rgb(card.closeups.pictures[number].pixmap().toImage())


def outline(pixels: np.ndarray) -> np.ndarray:
    """(n, 2) y, x of the centres of the pixels in the outline's colour."""
    return np.argwhere(np.abs(pixels - np.array(ACCENT) * 255).max(axis=-1) < 60) + 0.5


def is_color(pixel: np.ndarray, color: str | tuple, tolerance: int = 14) -> bool:
    wanted = (
        [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        if isinstance(color, str)
        else [round(255 * c) for c in color[:3]]
    )
    return bool(np.abs(pixel - wanted).max() <= tolerance)
