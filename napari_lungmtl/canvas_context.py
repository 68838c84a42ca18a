"""Removing a layer without ending the process in OpenGL.

When a layer goes, napari 0.9.2 has vispy delete its shaders at once (``VispyCanvas._clean_and_update_scenegraph``) without
making the canvas's OpenGL context current first. Where Qt was composing windows just before, they are deleted in Qt's own
context; Mesa then unbinds the shader that the canvas goes on using, and the next ``glDrawArrays`` reads a null pointer,
unless something else was drawn in between.
"""

from __future__ import annotations

from weakref import WeakSet

from napari.components import ViewerModel
from qtpy.QtOpenGLWidgets import QOpenGLWidget

_safe: WeakSet[ViewerModel] = WeakSet()


def make_removals_safe(viewer: ViewerModel) -> None:
    """Make the canvas's context current whenever a layer goes, as long as the viewer lives; a model without window needs none."""
    window = getattr(viewer, "window", None)
    if window is None or viewer in _safe:
        return
    _safe.add(viewer)
    main = window._qt_window  # there is no public way to the canvas

    def make_current(_event: object) -> None:
        for canvas in main.findChildren(QOpenGLWidget):
            if canvas.isValid():
                canvas.makeCurrent()

    viewer.layers.events.removed.connect(make_current, position="first")  # before napari's own
