"""Steps that the tests of the cohort section share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lungmtl.training.cohort import Step

from .cubes_folder import write_cubes, write_predictions

N = 12
DIRECTIONS = [1, -1] * (N // 2)


def write_cohort(folder: Path) -> tuple[Path, Path]:
    """Twelve cubes, every other one of a scan whose x and y run backwards, and predictions for them."""
    return write_cubes(folder / "cubes", DIRECTIONS), write_predictions(folder / "oof.csv", N)


def circle(cohort, features, with_diameter=False):
    """In the place of t-SNE, which is tested without a window: the nodules on a circle, at once."""
    angle = np.linspace(0, 2 * np.pi, len(cohort), endpoint=False)
    positions = np.column_stack([np.cos(angle), np.sin(angle)])
    yield Step(0.5, "t-SNE", positions / 2)
    return positions


def load(dock, *paths, qtbot) -> None:
    """Read a cohort and wait for its map."""
    dock.cohort.load(*paths)
    qtbot.waitUntil(lambda: not dock.cohort.work.running, timeout=60_000)
    dock._scroll.ensureWidgetVisible(dock.cohort.plot)
    QApplication.processEvents()


def pixel(dock, row: int) -> QPoint:
    """Where a nodule is on the map."""
    return QPoint(*np.rint(dock.cohort.plot.to_pixels()[row]).astype(int).tolist())


def click(dock, row: int, qtbot) -> None:
    """A real click on a point, and what it opens; no hand is so quick that the dock has not taken its heights."""
    qtbot.waitUntil(lambda: dock.cohort.plot.height() == dock.cohort.plot.sizeHint().height())
    with qtbot.waitSignal(dock.cohort.opener.opened, timeout=60_000) as opened:
        QTest.mouseClick(dock.cohort.plot, Qt.MouseButton.LeftButton, pos=pixel(dock, row))
    assert opened.args == [row]
