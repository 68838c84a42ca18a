"""Folders of small cases, and what a person does with their list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Picture
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_lungmtl.training.imaging import Image, write_volume

SHIFT = Qt.KeyboardModifier.ShiftModifier


def write_scan(path: Path, tissue: int = 40) -> Path:
    """A CT of 12 × 40 × 40 voxels: air in tissue, which is told apart by its HU."""
    voxels = np.full((12, 40, 40), tissue, np.int16)
    voxels[:, 10:30, 10:30] = -850
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(Image(voxels, spacing=(2.5, 1.0, 1.0), origin=(-100.0, 5.0, -20.0)), path)
    return path


def write_film(path: Path, value: int = 90) -> Path:
    """A picture of 60 × 50 pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = np.linspace(0, value, 60)[:, None] + np.zeros(50)
    Picture.fromarray(rows.astype(np.uint8)).save(path)
    return path


def load(dock, folder: Path, qtbot) -> None:
    """List a folder, and wait until all of it is known."""
    dock.cases.load([folder])
    qtbot.waitUntil(lambda: not dock.cases.search.running, timeout=60_000)


def names(dock) -> list[str]:
    """The listed cases from top to bottom."""
    return [case.name for case in dock.cases.model.rows]


def cell(dock, name: str, column: int) -> str:
    """What the list says of a case."""
    row = names(dock).index(name)
    return dock.cases.model.index(row, column).data()


def click_row(dock, name: str) -> None:
    """A real click on a case."""
    table = dock.cases.table
    dock._scroll.ensureWidgetVisible(table)
    index = table.model().index(names(dock).index(name), 0)
    table.scrollTo(index)
    at: QPoint = table.visualRect(index).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)


def wait_for(dock, name: str, qtbot) -> None:
    """Until a case is on the canvas."""
    qtbot.waitUntil(lambda: shown(dock) == name, timeout=60_000)


def shown(dock) -> str | None:
    """The case that the dock acts on, by the name of its file."""
    case = dock.cases.model.current
    return case.name if case is not None and case.layer is dock.reviewed.layer else None
