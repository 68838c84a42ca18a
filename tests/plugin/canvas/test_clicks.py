"""A click on the canvas is told apart from a drag, a tool and other keys, also where several listen."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel
from vispy.util import keys

from napari_lungmtl.canvas.clicks import on_click


def press(viewer, *, moved=0.0, button=1, modifiers=()):
    """A press, a move by some pixels, and the release, as napari hands them to its callbacks."""
    event = SimpleNamespace(
        type="mouse_press", pos=(10.0, 10.0), position=(5.0, 6.0, 7.0), button=button, modifiers=modifiers
    )
    running = [callback(viewer, event) for callback in viewer.mouse_drag_callbacks]
    for kind, pos in (
        ("mouse_press", 10.0),
        ("mouse_move", 10.0 + moved),
        ("mouse_release", 10.0 + moved),
    ):
        event.type, event.pos = kind, (pos, 10.0)
        running = [one for one in running if next(one, StopIteration) is not StopIteration]


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((4, 8, 8)))
    return viewer


def test_clicks_with_exactly_their_keys_are_told(viewer):
    plain, alt = [], []
    stops = [on_click(viewer, plain.append), on_click(viewer, alt.append, modifiers=("Alt",))]
    press(viewer)
    assert (plain, alt) == ([{1: 6.0, 2: 7.0}], [])
    press(viewer, modifiers=(keys.ALT,))
    assert (len(plain), alt) == (1, [{1: 6.0, 2: 7.0}])
    press(viewer, modifiers=(keys.ALT, keys.SHIFT))
    press(viewer, moved=4.0)
    press(viewer, button=2)
    assert (len(plain), len(alt)) == (1, 1)
    for stop in (*stops, *stops):
        stop()
    press(viewer)
    assert len(plain) == 1


def test_in_3d_with_a_tool_in_hand_or_unwanted_it_is_left_to_napari(viewer):
    clicks, wanted = [], [True]
    on_click(viewer, clicks.append, lambda: wanted[0])
    viewer.dims.ndisplay = 3
    press(viewer)
    viewer.dims.ndisplay = 2
    points = viewer.add_points(np.zeros((1, 3)))
    points.mode = "add"
    press(viewer)
    points.mode = "pan_zoom"
    wanted[0] = False
    press(viewer)
    assert not clicks
    wanted[0] = True
    press(viewer)
    assert len(clicks) == 1
