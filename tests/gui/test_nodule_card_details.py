"""What folds out of the nodule card: scores by slice, view and fold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lungmtl.layers.malignancy_colors import malignancy_color
from napari_lungmtl.panel.nodule.opinion_plots import slice_places
from napari_lungmtl.training.findings import Opinion

from ..stand_ins.nodule_cards import MTCNN, MTMR, VIEWS, balls, is_color, judged, rgb, shown


def test_slices_and_views_are_plotted_where_they_belong(window, qtbot):
    card, _ = shown(window, balls({}), judged((-150.0, 40.0, 0.0)))
    card.details.button.click()
    qtbot.waitUntil(card.slices.isVisible)
    assert card.slices.points == (
        ("axial", -5.0, 0.6),
        ("axial", 0.0, 0.9),
        ("axial", 2.5, 0.7),
        ("sagittal", -5.0, 0.3),
        ("sagittal", 5.0, 0.4),
    )
    pixels = rgb(card.slices)
    for plane, offset, score in card.slices.points:
        place = card.slices.point_at(plane, offset, score)
        assert is_color(pixels[int(place.y()), int(place.x())], malignancy_color(score))
    xs = [card.slices.point_at("sagittal", x, 0).x() for x in (-5, -2.5, 0, 2.5, 5)]
    assert np.diff(xs) == pytest.approx([xs[1] - xs[0]] * 4)
    assert xs[0] > card.slices.area("axial").right()
    assert [row.name for row in card.parts.rows] == list(VIEWS)
    views = rgb(card.parts)
    for number, part in enumerate(MTCNN.view_scores):
        scale = card.parts.scale(number)
        pixel = views[int(scale.center().y()), int(scale.left() + part * scale.width())]
        assert is_color(pixel, malignancy_color(part))
    assert [(row.name, row.text) for row in card.folds.rows] == [
        ("MTMR-Net", "0.75 – 0.85"),
        ("MT-CNN", "0.60"),
    ]


def test_places_are_slices_only_where_all_are_millimetres():
    assert slice_places(MTMR) == (
        ("axial", -5.0),
        ("axial", 0.0),
        ("axial", 2.5),
        ("sagittal", -5.0),
        ("sagittal", 5.0),
    )
    assert slice_places(MTCNN) is None
    places = ("axial −5 mm", "axial", "axial 0 mm", "sagittal 0 mm", "sagittal 1 mm")
    assert slice_places(replace(MTMR, view_names=places)) is None
    assert slice_places(Opinion("mtmr", "1", 0.5)) is None
