"""Malignancy in the dock: its threshold, its colour bar, and its columns of the table."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_lungmtl.layers.malignancy_colors import UNKNOWN, malignancy_color, malignancy_hex
from napari_lungmtl.panel.findings.columns import COLUMNS, MALIGNANCY, NAMES, PLACE
from napari_lungmtl.panel.findings.section import ID
from napari_lungmtl.training.findings import ATTRIBUTES, Sphere
from napari_lungmtl.training.findings.attribute_words import SCALES


@pytest.fixture
def judged(after_run, qtbot):
    """Five shown findings: f1 0.81 ± 0.06, f2 0.2, f3 not judged, f4 0.5, f5 0.9; f1 and f2 with attributes."""
    viewer, dock = after_run
    session = dock.reviewed.session
    session.change(
        "f1", malignancy=0.81, malignancy_spread=0.06, attributes={**dict.fromkeys(ATTRIBUTES, 3.0)}
    )
    session.change(
        "f2", malignancy=0.2, malignancy_spread=0.1, attributes={"texture": 4.6, "calcification": 6.0}
    )
    session.change("f4", malignancy=0.5)
    session.change("f5", malignancy=0.9)
    session.set_thresholds(score=0.05)
    return viewer, dock


def column(dock, number: int) -> list[str]:
    model = dock.findings.table.model()
    return [model.index(row, number).data() for row in range(model.rowCount())]


def ids(dock) -> list[str]:
    model = dock.findings.table.model()
    return [model.index(row, 0).data(ID) for row in range(model.rowCount())]


def test_the_threshold_appears_with_the_first_judgement(after_run):
    _, dock = after_run
    show = dock.show_section
    assert show.malignancy.isHidden()
    assert show.color_bar.isHidden()
    dock.reviewed.session.change("f1", malignancy=0.5)
    assert show.malignancy.isVisible()
    assert show.color_bar.isVisible()
    dock.reviewed.session.undo()
    assert show.malignancy.isHidden()


def test_moving_it_hides_less_malignant_ones_and_says_how_many(judged):
    _, dock = judged
    slider = dock.show_section.malignancy.slider
    slider.setValue(50)
    assert dock.reviewed.session.thresholds.malignancy == 0.5
    assert ids(dock) == ["f1", "f3", "f4", "f5"]  # f3 was not judged
    assert dock.show_section.malignancy.hides.text() == "hides 1"
    assert dock.show_section.summary.text() == "4 of 5 shown"
    assert len(dock.reviewed.binding.layer.data) == 4
    slider.setValue(slider.maximum())
    assert ids(dock) == ["f3"]
    assert dock.show_section.malignancy.hides.text() == "hides 4"
    dock.show_section.score.slider.setValue(65)  # 0.70
    assert dock.show_section.score.hides.text() == "hides 3"
    assert dock.show_section.malignancy.hides.text() == "hides 2"
    assert dock.findings.table.isHidden()


def test_spheres_have_the_colours_of_the_bar_and_columns_say_what_was_judged(judged):
    viewer, dock = judged
    expected = [malignancy_color(p) for p in (0.81, 0.2, None, 0.5, 0.9)]
    assert expected[2] == UNKNOWN
    np.testing.assert_allclose(dock.reviewed.binding.layer.border_color, expected, atol=1e-6)
    bar = dock.show_section.color_bar.grab().toImage()
    seen = {bar.pixelColor(x, y).name() for x in range(bar.width()) for y in range(bar.height())}
    assert malignancy_hex(None) in seen
    for p in (0.3, 0.5, 0.8):
        near = [
            max(abs(int(c[i : i + 2], 16) - int(malignancy_hex(p)[i : i + 2], 16)) for i in (1, 3, 5))
            for c in seen
        ]
        assert min(near) <= 4, p
    # Malignancy takes the place of the place.
    assert MALIGNANCY in dock.findings.shown_columns()
    assert PLACE not in dock.findings.shown_columns()
    assert column(dock, MALIGNANCY) == ["0.81 ±.06", "0.20 ±.10", "", "0.50", "0.90"]
    assert column(dock, NAMES.index("Texture")) == ["3.0", "4.6", "", "", ""]
    assert column(dock, NAMES.index("Calcification")) == ["solid", "absent", "", "", ""]
    assert column(dock, NAMES.index("±")) == ["0.06", "0.10", "", "", ""]
    # The shown columns fit into the dock.
    viewer.window.resize(1280, 800)
    table = dock.findings.table
    assert not table.horizontalScrollBar().isVisible()
    assert sum(table.columnWidth(n) for n in dock.findings.shown_columns()) <= table.viewport().width()
    metrics = table.fontMetrics()
    model = table.model()
    for number in dock.findings.shown_columns():
        widest = max(metrics.horizontalAdvance(text) for text in column(dock, number))
        header = metrics.horizontalAdvance(model.headerData(number, Qt.Orientation.Horizontal))
        assert max(widest, header) <= table.columnWidth(number), NAMES[number]
    # A moved sphere is not judged any more.
    session = dock.reviewed.session
    session.change("f1", geometry=Sphere(session.findings["f1"].center, 22.0))
    assert column(dock, MALIGNANCY)[0] == ""
    session.undo()
    assert column(dock, MALIGNANCY)[0] == "0.81 ±.06"


def test_every_column_sorts_with_the_unknown_last(judged):
    """In one window: eighteen of them would take half a minute."""
    _, dock = judged
    table, model = dock.findings.table, dock.findings.model
    for number, name in enumerate(NAMES):
        dock.findings.choose(frozenset({number}))
        for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
            table.sortByColumn(number, order)
            values = [COLUMNS[number].key(model._rows[row]) for row in range(model.rowCount())]
            known = [v for v in values if v is not None]
            assert known == sorted(known, reverse=order == Qt.SortOrder.DescendingOrder), name
            assert all(v is None for v in values[len(known) :]), name


def test_the_menu_shows_and_hides_columns_and_they_scroll(judged, qtbot):
    _, dock = judged
    actions = {a.text(): a for a in dock.findings.column_menu().actions()}
    assert {name for name, a in actions.items() if a.isChecked()} == {
        "Score",
        "Ø",
        "Malignancy",
        "Slice",
        "Status",
    }
    actions["Texture"].trigger()
    assert not dock.findings.table.isColumnHidden(NAMES.index("Texture"))
    actions = {a.text(): a for a in dock.findings.column_menu().actions()}
    actions["All attributes"].trigger()
    attributes = [NAMES.index(scale.title) for scale in SCALES.values()]
    assert all(not dock.findings.table.isColumnHidden(n) for n in attributes)
    qtbot.waitUntil(lambda: dock.findings.table.horizontalScrollBar().maximum() > 0)
    for number in attributes:
        assert dock.findings.table.columnWidth(number) >= dock.findings.table.sizeHintForColumn(number)
    dock.reviewed.session.undo()  # a change of findings leaves the person's choice alone
    assert len(dock.findings.shown_columns()) == 14
    actions = {a.text(): a for a in dock.findings.column_menu().actions()}
    actions["As at first"].trigger()
    assert dock.findings.shown_columns() == {0, 1, 2, 3, 5, MALIGNANCY}
