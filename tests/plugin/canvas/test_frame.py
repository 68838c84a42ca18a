"""Where the world lies on a picture of one of its planes: on napari's canvas, on a pane, on a radiograph."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel

from napari_lungmtl.canvas.frame import Frame
from napari_lungmtl.layers.film_view import ScreenAxes
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.radiograph.orientation import AS_STORED, Orientation


@settings(max_examples=60, deadline=None)
@given(
    st.permutations(range(3)),
    st.tuples(*[st.sampled_from((1, -1))] * 2),
    st.tuples(*[st.floats(-300, 300)] * 3),
    st.floats(0.1, 4.0),
)
def test_a_place_and_its_pixel_are_each_others_inverse(order, signs, place, mm):
    frame = Frame(tuple(order), signs, (12.5, -40.0), mm, (240, 330), position=place[order[0]])
    assert frame.to_world(*frame.to_screen(place)) == pytest.approx(place, abs=1e-6)
    top, left, bottom, right = frame.rectangle(place, np.array(place) + (3.0, 5.0, 7.0))
    sides = np.array((3.0, 5.0, 7.0))[list(frame.axes)] / mm
    assert (bottom - top, right - left) == pytest.approx(sides)
    assert frame.to_screen(place)[0] == pytest.approx(left if signs[1] > 0 else right)


def test_patients_are_held_as_radiologists_hold_them():
    image = Image(np.zeros((10, 20, 30), np.int16), "CT", (3.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    head, front, right = (30.0, 10.0, 15.0), (15.0, 0.0, 15.0), (15.0, 10.0, 0.0)
    middle = np.array([15.0, 10.0, 15.0])
    for plane, up, left, letters in (
        ("axial", front, right, "APRL"),
        ("coronal", head, right, "HFRL"),
        ("sagittal", head, front, "HFAP"),
    ):
        frame = Frame.of_plane(plane).fitting(image, (100, 100))
        assert "".join(frame.sides[edge] for edge in ("top", "bottom", "left", "right")) == letters
        center = frame.to_screen(middle)
        assert frame.to_screen(up)[1] < center[1]
        assert frame.to_screen(up)[0] == center[0]
        assert frame.to_screen(left)[0] < center[0]
        assert frame.to_screen(left)[1] == center[1]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (0, 2, 1)])
@pytest.mark.parametrize("upright", [False, True])
def test_points_lie_where_naparis_camera_puts_them(viewer: ViewerModel, order, upright) -> None:
    viewer.add_image(np.zeros((9, 9, 9)), scale=(2.0, 1.0, 1.0))
    viewer.dims.order = order
    viewer.dims.set_point(range(3), (4.0, 5.0, 6.0))
    camera = viewer.scene.camera
    camera.orientation = ("away", "up" if upright else "down", "right")
    camera.zoom, camera.center = 6.0, (0.0, 3.0, 2.0)
    frame = Frame.of_canvas(viewer, (200, 300))
    assert (frame.axis, frame.position) == (order[0], (4.0, 5.0, 6.0)[order[0]])
    point = np.array([7.0, 8.0, 1.0])
    down, right = (point[list(order[1:])] - (3.0, 2.0)) * 6.0
    assert frame.to_screen(point) == pytest.approx((150 + right, 100 + (-down if upright else down)))
    viewer.dims.ndisplay = 3
    assert Frame.of_canvas(viewer, (200, 300)) is None


@pytest.mark.parametrize(
    "orientation", [AS_STORED, Orientation(1), Orientation(2, True), Orientation(3, True)]
)
@pytest.mark.parametrize("beside", [False, True])
def test_a_turned_radiograph_lies_on_the_canvas_as_it_is_held(
    viewer: ViewerModel, orientation, beside
) -> None:
    if beside:
        viewer.add_image(np.zeros((4, 9, 9)))
    viewer.add_image(np.zeros((30, 20)))
    axes = ScreenAxes.of(orientation)
    dims, camera = viewer.dims, viewer.scene.camera
    dims.order = (*range(dims.ndim - 2), *(dims.ndim - 2 + axis for axis, _ in (axes.down, axes.right)))
    camera.orientation = axes.camera
    camera.zoom, camera.center = 2.0, (0.0, *np.array([15.0, 10.0])[[axes.down[0], axes.right[0]]])
    frame = Frame.of_canvas(viewer, (200, 300), 2)
    assert frame.axis is None
    away = np.array([4.0, -3.0])
    down, right = axes.to_screen(away) * 2.0
    assert frame.to_screen(away + (15.0, 10.0)) == pytest.approx((150 + right, 100 + down))
    assert frame.to_world(150 + right, 100 + down) == pytest.approx(tuple(away + (15.0, 10.0)))
