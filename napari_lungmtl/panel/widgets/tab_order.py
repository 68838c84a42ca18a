"""The order in which Tab goes through the dock: from top to bottom."""

from __future__ import annotations

from itertools import pairwise

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QWidget


def stops(parent: QWidget) -> list[QWidget]:
    """What Tab stops at within a widget, in its order, whether or not it is shown and enabled now."""
    found, each = [], parent.nextInFocusChain()
    while each is not None and each is not parent:
        # Of a spin box or a combo box the line within gives the focus on.
        if parent.isAncestorOf(each) and each.focusProxy() is None and _is_stop(each):
            found.append(each)
        each = each.nextInFocusChain()
    return found


def put_after(before: QWidget, content: QWidget) -> None:
    """Have Tab go through a widget's content after another: what comes into a window is the last there, wherever it stands."""
    for first, second in pairwise([before, *stops(content)]):
        QWidget.setTabOrder(first, second)


def _is_stop(widget: QWidget) -> bool:
    return bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
