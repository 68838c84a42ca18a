"""What a person does with the dock and reads there."""

from collections.abc import Callable, Sequence

from qtpy.QtCore import Qt
from qtpy.QtTest import QTest


def press(dock, key: int, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    """A real key click in whichever widget has the focus."""
    target = dock.window().focusWidget() or dock.window()
    QTest.keyClick(target, key, modifier)


def undo_and_redo(dock, states: Sequence[object], state: Callable[[], object]) -> None:
    """Back step by step to the first of the states, and on to the last, each as it was; `state` tells the present one."""
    undo = Qt.KeyboardModifier.ControlModifier
    for wanted in reversed(states[:-1]):
        press(dock, Qt.Key.Key_Z, undo)
        assert state() == wanted
    for wanted in states[1:]:
        press(dock, Qt.Key.Key_Z, undo | Qt.KeyboardModifier.ShiftModifier)
        assert state() == wanted


def column(dock, number: int) -> list[str]:
    """Texts of a column of the table from top to bottom."""
    model = dock.findings.table.model()
    return [model.index(row, number).data() for row in range(model.rowCount())]


def rest(milliseconds: int = 0) -> None:
    """Let the window work for a time, and some turns of its event loop more: a loaded machine may take the time for one."""
    for each in (milliseconds, *(1,) * 5):
        QTest.qWait(each)
