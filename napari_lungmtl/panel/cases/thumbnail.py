"""Small pictures of images as they are looked at: of a scan its middle axial slice, of a radiograph turned as on the canvas."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
from PIL import Image as Picture
from qtpy.QtGui import QImage, QPixmap

from ...layers.window_presets import CT_WINDOWS
from ...session.review import stood_upright
from ...session.sidecar import Sidecar
from ...training.errors import LungmtlError
from ...training.findings import Findings
from ...training.findings.formats.json_file import read_findings
from ...training.imaging.formats import format_of
from ...training.imaging.image import Image
from ...training.imaging.radiograph.orientation import AS_STORED, Orientation
from ...training.imaging.read import read_series
from ...training.imaging.series import Series
from ...training.imaging.values import window_to_unit

SIDE = 40
"""Pixels of a thumbnail's longer side."""


def read_thumbnail(series: Series) -> np.ndarray:
    """Make the thumbnail of a series: (h, w) uint8. Of a DICOM series only the middle file is read.

    Raises
    ------
    ImageError
        It cannot be read.
    """
    if format_of(series.path) is None and len(series.files) > 1:
        series = replace(series, files=(series.files[len(series.files) // 2],))
    image = read_series(series.path, series)
    return thumbnail_of(image, _orientation(image) if image.ndim == 2 else AS_STORED)


def _orientation(image: Image) -> Orientation:
    """How a radiograph will be held when it is opened: as it was left, else upright."""
    file = Sidecar(image).newest()
    known = Findings()
    with suppress(LungmtlError):  # which opening it will tell
        known = read_findings(file) if file is not None else known
    return (stood_upright(image, known) or known).orientation or AS_STORED


def thumbnail_of(image: Image, orientation: Orientation = AS_STORED) -> np.ndarray:
    """Make the thumbnail of an image: (h, w) uint8, square pixels; a CT in the lung window, a radiograph held like that."""
    plane = image.voxels[len(image.voxels) // 2] if image.ndim == 3 else image.voxels
    step = max(1, min(plane.shape) // (4 * SIDE))
    plane = np.asarray(plane[::step, ::step], np.float32)
    low, high = _window(image, plane)
    pixels = np.rint(255 * window_to_unit(plane, low, max(high, low + 1e-6))).astype(np.uint8)
    size = np.multiply(image.shape[-2:], image.scale[-2:])
    height, width = np.maximum(1, np.rint(SIDE * size / size.max())).astype(int).tolist()
    small = np.asarray(Picture.fromarray(pixels).resize((width, height), Picture.Resampling.BOX))
    return orientation.apply(255 - small if orientation.inverted else small)


def pixmap_of(picture: np.ndarray | None) -> QPixmap:
    """Make a picture (h, w) uint8 drawable; of none a null pixmap."""
    if picture is None:
        return QPixmap()
    height, width = picture.shape
    image = QImage(
        np.ascontiguousarray(picture).tobytes(), width, height, width, QImage.Format.Format_Grayscale8
    )
    return QPixmap.fromImage(image)


def _window(image: Image, plane: np.ndarray) -> tuple[float, float]:
    """Low and high grey level, from the slice alone."""
    if image.ndim == 3 and (image.modality == "CT" or (not image.modality and plane.min() < -500)):
        center, width = CT_WINDOWS["Lung"]
    elif image.window is not None:
        center, width = image.window
    else:
        low, high = np.percentile(plane, [1, 99])
        return float(low), float(high)
    return center - width / 2, center + width / 2
