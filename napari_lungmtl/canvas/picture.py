"""A picture of what the canvas shows with all that is painted over it, for a report, a talk or a colleague.

napari's own pictures of its canvas hold the layers alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from napari import Viewer
from qtpy.QtCore import QPoint, QPointF, QRect
from qtpy.QtGui import QColor, QImage, QPainter, QRegion
from qtpy.QtWidgets import QWidget

GROUND = QColor(0, 0, 0)
_AS_SEEN = QWidget.RenderFlag.DrawChildren  # not the ground of what lies over the canvas


def picture(
    viewer: Viewer, canvas: QWidget, overlays: Sequence[QWidget], beside: Sequence[QWidget] = ()
) -> QImage:
    """Paint the canvas, what lies over it, and the views beside it, in the pixels of the screen.

    Parameters
    ----------
    viewer
        Whose canvas it is.
    canvas
        The widget of the canvas.
    overlays
        What is painted over it, the lowest first; notifications that come and go are left out.
    beside
        Further widgets of the same window.
    """
    widgets = (canvas, *(widget for widget in beside if widget.isVisible()))
    places = [QRect(widget.mapTo(widget.window(), QPoint(0, 0)), widget.size()) for widget in widgets]
    whole = places[0]
    for place in places[1:]:
        whole = whole.united(place)
    ratio = canvas.devicePixelRatioF()
    image = QImage(whole.size() * ratio, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(GROUND)
    painter = QPainter(image)
    layers = _layers(viewer)
    layers.setDevicePixelRatio(layers.width() / max(canvas.width(), 1))
    painter.drawImage(QPointF(places[0].topLeft() - whole.topLeft()), layers)
    painter.end()
    for widget in (*(w for w in overlays if w.isVisible()), *widgets[1:]):
        at = widget.mapTo(widget.window(), QPoint(0, 0)) - whole.topLeft()
        widget.render(image, at, QRegion(), _AS_SEEN)
    return image


def _layers(viewer: Viewer) -> QImage:
    """napari's own picture of the canvas."""
    pixels = np.ascontiguousarray(viewer.screenshot(canvas_only=True, flash=False)[..., :4], np.uint8)
    height, width = pixels.shape[:2]
    return QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()
