"""A turn of the mouse wheel as the window system reports it.

An event that a program makes and sends does not travel from a widget to its parents; PyQt has no ``QTest.wheelEvent``. So Qt's
own function behind that one is called.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
from qtpy import QtCore
from qtpy.QtCore import QPointF
from qtpy.QtWidgets import QApplication, QWidget

_SYMBOL = "_Z19qt_handleWheelEventP7QWindowRK7QPointFS3_6QPointS4_6QFlagsIN2Qt16KeyboardModifierEENS6_11ScrollPhaseE"


class _PointF(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double)]


class _Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_int)]


def turn_wheel(widget: QWidget, steps: int = -1) -> None:
    """Turn the wheel with the pointer over a widget; negative is towards the person."""
    sip = pytest.importorskip("PyQt6.sip")
    library = next(
        Path(QtCore.QLibraryInfo.path(QtCore.QLibraryInfo.LibraryPath.LibrariesPath)).glob("libQt6Gui.so.6"),
        None,
    )
    if library is None:
        pytest.skip("the wheel can be turned by Qt's own library on Linux only")
    window = widget.window()
    at = QPointF(widget.mapTo(window, widget.rect().center()))
    on_screen = window.mapToGlobal(at)
    getattr(ctypes.CDLL(str(library)), _SYMBOL)(
        ctypes.c_void_p(sip.unwrapinstance(window.windowHandle())),
        ctypes.byref(_PointF(at.x(), at.y())),
        ctypes.byref(_PointF(on_screen.x(), on_screen.y())),
        _Point(0, 0),
        _Point(0, 120 * steps),
        ctypes.c_int(0),
        ctypes.c_int(0),
    )
    QApplication.processEvents()
