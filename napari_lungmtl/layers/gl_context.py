"""Removing a layer without ending the process in OpenGL.

When a layer goes, napari 0.9.2 has vispy carry out all commands that wait (``VispyCanvas._clean_and_update_scenegraph``),
in whichever OpenGL context is current; where Qt has just composed windows, that is Qt's own. vispy then takes a program for
the canvas's current one that is so only in Qt's context, does not switch to it at the next draw, and ``glDrawArrays`` reads a
null pointer.
"""

from __future__ import annotations

from contextlib import suppress
from weakref import WeakSet, ref

from napari.components import ViewerModel
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QMainWindow, QWidget

_safe: WeakSet[ViewerModel] = WeakSet()


def make_removals_safe(viewer: ViewerModel, widget: QWidget) -> None:
    """Make the canvas's context current before layers go, as long as the viewer lives.

    Parameters
    ----------
    viewer
        Whose layers go.
    widget
        Anything in its window.
    """
    if viewer in _safe:
        return
    _safe.add(viewer)
    main = ref(_outermost(widget))

    def make_current(_event: object) -> None:
        window = main()
        if window is None:
            return
        with suppress(RuntimeError):  # the window is gone, and Python does not know yet
            # Not all children of the window: there are thousands in docks, and this comes with each layer.
            canvas = canvas_of(window)
            if canvas is not None and canvas.isValid():
                canvas.makeCurrent()

    # Not `removed`: napari calls its own callbacks of an event before all others.
    viewer.layers.events.removing.connect(make_current)
    viewer.layers.events.begin_batch.connect(make_current)


def canvas_of(window: QWidget) -> QOpenGLWidget | None:
    """The widget that a window's canvas is drawn in."""
    center = window.centralWidget() if isinstance(window, QMainWindow) else None
    return (center or window).findChild(QOpenGLWidget)


def _outermost(widget: QWidget) -> QWidget:
    """The main window, also of a dock that floats."""
    while (parent := widget.parentWidget()) is not None:
        widget = parent
    return widget
