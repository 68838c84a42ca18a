"""What a person does with the dock and reads there."""

from qtpy.QtCore import Qt
from qtpy.QtTest import QTest


def press(dock, key: int, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    """A real key click in whichever widget has the focus."""
    target = dock.window().focusWidget() or dock.window()
    QTest.keyClick(target, key, modifier)


def column(dock, number: int) -> list[str]:
    """Texts of a column of the table from top to bottom."""
    model = dock.findings.table.model()
    return [model.index(row, number).data() for row in range(model.rowCount())]
