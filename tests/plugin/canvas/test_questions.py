"""Clicks that ask: Alt and a click, until the dock goes."""

from qtpy.QtCore import QPointF, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget

from napari_lungmtl.canvas.questions import Questions


class Plane(QWidget):
    """A widget that counts the clicks that reach it; its pixels are the world's."""

    clicks = 0

    def mousePressEvent(self, event) -> None:
        """Count."""
        self.clicks += 1

    def to_world(self, x: float, y: float) -> QPointF:
        """The same place."""
        return QPointF(x, y)


def test_clicks_are_others_again_when_the_dock_goes(qtbot):
    plane = Plane()
    qtbot.addWidget(plane)
    plane.show()
    asked: list[QPointF] = []
    questions = Questions(None, lambda: None)
    questions.asked.connect(asked.append)
    questions.listen_to(plane, lambda: plane)
    alt = Qt.KeyboardModifier.AltModifier
    QTest.mouseClick(plane, Qt.MouseButton.LeftButton, alt, plane.rect().center())
    assert (len(asked), plane.clicks) == (1, 0)
    questions.let_go()
    QTest.mouseClick(plane, Qt.MouseButton.LeftButton, alt, plane.rect().center())
    assert (len(asked), plane.clicks) == (1, 1)
