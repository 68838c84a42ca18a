"""The mouse wheel over the dock scrolls it: only a control that has the focus is turned by it."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QAbstractSlider, QAbstractSpinBox, QComboBox, QScrollBar, QWidget


def wheel_controls(parent: QWidget) -> list[QWidget]:
    """Return every descendant whose value the wheel changes: sliders, spin boxes and combo boxes."""
    kinds = (QAbstractSlider, QAbstractSpinBox, QComboBox)
    found = parent.findChildren(QWidget)
    return [widget for widget in found if isinstance(widget, kinds) and not isinstance(widget, QScrollBar)]


class WheelGuard(QObject):
    """Sends the wheel past the controls of `parent` that lack the focus, to the scroll area that holds them.

    A threshold or a window that changes under the pointer of a person who scrolls goes unseen.

    Parameters
    ----------
    parent
        What holds the controls.
    later
        What it will hold, and does not yet.
    """

    def __init__(self, parent: QWidget, *later: QWidget) -> None:
        super().__init__(parent)
        for control in (control for root in (parent, *later) for control in wheel_controls(root)):
            if control.focusPolicy() == Qt.FocusPolicy.WheelFocus:  # which a turn of the wheel would give
                control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            control.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Leave a wheel event to the parent, unless the control has the focus."""
        if not isinstance(event, QWheelEvent):  # quicker than type(); a dock that opens has thousands
            return False
        if isinstance(watched, QWidget) and watched.hasFocus():
            return False
        event.ignore()  # so that Qt goes on to the parent
        return True
