"""Numbers of the findings table are never cut off, and many rows bring no horizontal bar."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.panel.dock import WIDTH
from napari_lungmtl.panel.findings.columns import COLUMNS, FOUND_BY, MALIGNANCY, PLACE, defaults
from napari_lungmtl.training.findings import Box, Finding, Findings, Provenance, Sphere
from napari_lungmtl.training.imaging.image import Image

MODELS = ({"name": "dhn", "version": "0.1"}, {"name": "mosegnet", "version": "0.1"})


@pytest.fixture
def narrow(window):
    """The dock at its narrowest, in the smallest window that is promised."""
    viewer, dock = window
    size = viewer.window.geometry()[2:]
    viewer.window.resize(1280, 800)
    QApplication.processEvents()
    assert dock.width() == WIDTH
    # Nothing of the dock is wider than it: what is would be cut off at both sides.
    assert dock._scroll.widget().width() <= dock._scroll.viewport().width()
    yield dock
    viewer.window.resize(*size)


def assert_all_is_legible(table) -> None:
    """No bar below, and every shown header and cell has the width that it asks for."""
    QApplication.processEvents()
    assert table.horizontalScrollBar().maximum() == 0
    assert not table.horizontalScrollBar().isVisible()
    for number in table.shown_columns():
        assert table.sizeHintForColumn(number) <= table.columnWidth(number), COLUMNS[number].name
        head = table.model().headerData(number, Qt.Orientation.Horizontal)
        room = table.columnWidth(number) - 2 * 3  # what the style sheet keeps free
        if table.horizontalHeader().sortIndicatorSection() == number:
            room -= 8
        assert table.horizontalHeader().fontMetrics().horizontalAdvance(head) <= room, head


def boxes(n: int, side: float) -> Findings:
    """Boxes of two networks, over all of a radiograph of so many units."""
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, side - 130, (n, 2))
    items = []
    for k, (y, x) in enumerate(corners):
        by = Provenance(MODELS[k % 2]["name"], "0.1")
        box = Box((float(y), float(x)), (float(y) + 120.0, float(x) + 125.0))
        items.append(Finding(box, score=0.99 - k / 100, provenance=by, id=f"b{k}"))
    return Findings(tuple(items), models=MODELS)


def test_a_radiograph_with_many_boxes(narrow):
    dock = narrow
    for side, spacing in ((1024, None), (3000, None), (2048, (0.175, 0.175))):
        pixels = np.random.default_rng(0).integers(0, 4000, (side, side)).astype(np.int16)
        add_image_layer(dock.viewer, Image(pixels, "DX", spacing, series_uid=f"r{side}"))
        dock.reviewed.session.replace_findings(boxes(23, side * (spacing or (1.0,))[0]))
        table = dock.findings.table
        assert table.model().rowCount() > 6
        assert table.shown_columns() == defaults(judged=False, flat=True)
        assert {FOUND_BY, PLACE} <= table.shown_columns()
        _every_order_is_legible(table)


def _every_order_is_legible(table) -> None:
    assert_all_is_legible(table)
    for number in sorted(table.shown_columns()):  # the arrow takes room
        table.sortByColumn(number, Qt.SortOrder.DescendingOrder)
        assert_all_is_legible(table)
    table.sortByColumn(0, Qt.SortOrder.AscendingOrder)


def spheres(n: int, judged: bool) -> Findings:
    """Spheres far from the world's origin."""
    items = tuple(
        Finding(
            Sphere((-1180.0 + k, -190.0, -150.0), 30.5),
            score=0.99 - k / 100,
            malignancy=1.0 if judged else None,
            malignancy_spread=0.25 if judged else None,
            provenance=Provenance("fake", "1.0"),
            id=f"s{k}",
        )
        for k in range(n)
    )
    return Findings(items, models=({"name": "fake", "version": "1.0"},))


def test_a_ct_with_many_spheres(narrow):
    dock = narrow
    voxels = np.random.default_rng(0).integers(-1000, 400, (900, 8, 8)).astype(np.int16)
    for judged in (True, False):
        image = Image(voxels, "CT", (0.5, 1.0, 1.0), (-1200.0, -194.0, -154.0), series_uid=f"long {judged}")
        add_image_layer(dock.viewer, image)
        dock.reviewed.session.replace_findings(spheres(30, judged))
        table = dock.findings.table
        assert table.model().rowCount() == 30
        assert (MALIGNANCY in table.shown_columns()) == judged
        _every_order_is_legible(table)


def test_columns_keep_their_widths_while_a_threshold_moves(narrow):
    dock = narrow
    dock.reviewed.session.replace_findings(spheres(30, judged=True))
    table, slider = dock.findings.table, dock.show_section.score.slider
    before = {n: table.columnWidth(n) for n in table.shown_columns()}
    for position in range(slider.minimum(), slider.maximum(), 7):
        slider.setValue(position)
        assert {n: table.columnWidth(n) for n in table.shown_columns()} == before
