"""Whatever a section of the dock says, all of it is seen: no line lies below another, and nothing is wider than the dock."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication, QLabel, QWidget

from napari_lungmtl.shortcuts import KEYS

from ..stand_ins.dock_input import press

LONG = (
    "It touches the pleura or the chest wall with 7 % of its surface, where it was cut off along the lung's edge. "
    * 3
)


def room(label: QLabel) -> int:
    """Pixels that are missing below the last line of a label."""
    return max(label.heightForWidth(label.width()) - label.height(), 0)


def needed(section: QWidget) -> int:
    """Pixels that a section asks for at its width."""
    return (
        section.heightForWidth(section.width())
        if section.hasHeightForWidth()
        else section.sizeHint().height()
    )


def where(widget: QWidget | None) -> str:
    """Names of the classes that a widget lies in, for whoever reads a failure."""
    return "" if widget is None else f"{where(widget.parentWidget())} {type(widget).__name__}"


def sideways(dock, widget: QWidget) -> tuple[int, int]:
    """Where a widget begins and ends from the left of what is seen of the dock."""
    left = widget.mapTo(dock._scroll.viewport(), QPoint(0, 0)).x()
    return left, left + widget.width()


@pytest.fixture
def narrow(after_run):
    """The dock in the smallest window that is promised, all sections open."""
    viewer, dock = after_run
    size = viewer.window.geometry()[2:]
    viewer.window.resize(1280, 760)
    for section in dock.sections:
        section.set_open(True)
    QApplication.processEvents()
    yield dock
    viewer.window.resize(*size)


def test_every_sentence_has_the_lines_that_it_needs(narrow, qtbot):
    dock = narrow
    labels = [each for each in dock.findChildren(QLabel) if each.wordWrap() and each.isVisibleTo(dock)]
    labels += [dock.measure.words, dock.run.message, dock.cases.message]
    assert len(labels) > 8
    for each in labels:
        each.setText(LONG)
        each.show()

    def missing() -> list[tuple[str, int]]:
        return [(where(each), room(each)) for each in labels if room(each)]

    def too_high() -> list[tuple[str, int]]:
        spare = [(where(each), each.height() - needed(each)) for each in dock.sections]
        return [(name, pixels) for name, pixels in spare if pixels > 0]

    qtbot.waitUntil(lambda: not missing() and not too_high())
    for each in labels:  # and gives them back
        each.setText("Short.")
    qtbot.waitUntil(lambda: not too_high())


def test_the_list_of_keys_is_read_from_edge_to_edge(narrow):
    dock = narrow
    press(dock, Qt.Key.Key_Question)
    QApplication.processEvents()
    keys = dock.footer._keys
    assert keys.isVisible()
    shown = [each for each in keys.findChildren(QLabel) if each.isVisible()]
    assert len(shown) == 2 * len(KEYS)
    width = dock._scroll.viewport().width()
    for each in shown:
        left, right = sideways(dock, each)
        assert left >= 0, each.text()
        assert right <= width, each.text()
        assert each.fontMetrics().horizontalAdvance(max(each.text().split(), key=len)) <= each.width()
        assert not each.wordWrap() or not room(each), each.text()
    press(dock, Qt.Key.Key_Question)
    assert not keys.isVisible()
