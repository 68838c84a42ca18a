"""Measuring on radiographs that are turned and mirrored, at the detector, and in pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from ..stand_ins.canvas_mouse import CanvasMouse
from ..stand_ins.dock_input import press
from ..stand_ins.reviewed_radiographs import radiograph, radiograph_networks


@pytest.fixture
def image(request):
    """A radiograph with what a test knows of its pixels."""
    spacing, metadata = getattr(request, "param", ((0.5, 0.5), {"spacing_plane": "detector"}))
    return replace(radiograph(), spacing=spacing, metadata=metadata)


@pytest.fixture
def predictor(monkeypatch):
    """Both networks of radiographs, by name."""
    return radiograph_networks(monkeypatch)


def place(image, down: float, across: float) -> tuple[float, float]:
    """A world point at a part of the film's height and width."""
    low, high = image.extent
    return tuple(low + (high - low) * (down, across))


@pytest.mark.parametrize(
    ("image", "divisor", "unit", "plane"),
    [
        ((None, {}), 1.0, "px", ""),
        (((0.5, 0.25), {"spacing_plane": "detector"}), 1.0, "mm", "at the detector"),
        (
            ((0.5, 0.25), {"spacing_plane": "detector", "magnification": 1.1}),
            *(1.1, "mm", "magnified by 1.1, divided out"),
        ),
        (((0.5, 0.25), {"spacing_plane": "body"}), 1.0, "mm", "calibrated"),
    ],
    indirect=["image"],
)
def test_the_measure_says_where_its_millimetres_hold(window, image, divisor, unit, plane, qtbot):
    _, dock = window
    mouse = CanvasMouse(dock)
    press(dock, Qt.Key.Key_L)
    start, end = mouse.drag(place(image, 0.3, 0.3), place(image, 0.7, 0.6))
    (line,) = dock.reviewed.session.findings.measurements
    length = float(np.hypot(*np.subtract(start, end))) / divisor
    assert line.values["length"] == pytest.approx(length)
    qtbot.waitUntil(lambda: bool(dock.measure.hand.overlay.drawn))
    ((_, _, text),) = dock.measure.hand.overlay.drawn
    assert text == tuple(t for t in (f"{length:.1f} {unit}", plane) if t)


def test_a_turned_and_mirrored_film_keeps_them_in_the_files_own_orientation(window, image, qtbot):
    _, dock = window
    mouse, session = CanvasMouse(dock), dock.reviewed.session
    corner, opposite = place(image, 0.2, 0.3), place(image, 0.3, 0.5)
    press(dock, Qt.Key.Key_B)
    mouse.drag(corner, opposite)
    (before,) = session.findings.measurements
    shown = mouse.at(before.points[0])
    for key in (Qt.Key.Key_T, Qt.Key.Key_M):
        press(dock, key)
    assert session.findings.measurements == (before,)
    qtbot.waitUntil(lambda: mouse.at(before.points[0]) != shown)

    def follows() -> bool:
        drawn = dock.measure.hand.overlay.drawn
        return bool(drawn) and np.allclose(
            drawn[0][1].handles[0], mouse.hand.frame.to_screen(before.points[0])
        )

    qtbot.waitUntil(follows)
    press(dock, Qt.Key.Key_B)
    mouse.drag(place(image, 0.6, 0.3), place(image, 0.7, 0.5))  # where it is in the file
    after = session.findings.measurements[1]
    np.testing.assert_allclose(
        after.points, [place(image, 0.6, 0.3), place(image, 0.7, 0.5)], atol=2 * mouse.hand.frame.mm
    )
    assert after.values["area"] == pytest.approx(before.values["area"], rel=0.1)
    mouse.drag(after.points[0], place(image, 0.55, 0.25))
    wider = session.findings.measurements[1]
    np.testing.assert_allclose(wider.points[0], place(image, 0.55, 0.25), atol=2 * mouse.hand.frame.mm)
    assert wider.points[1] == after.points[1]
