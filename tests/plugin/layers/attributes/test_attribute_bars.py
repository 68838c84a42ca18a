"""The attribute bars: where they stand, what they say, and when they are there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Shapes

from napari_lungmtl.layers import planes
from napari_lungmtl.layers.attributes import layout
from napari_lungmtl.layers.attributes.bars import NAME, AttributeBarsLayer
from napari_lungmtl.layers.spheres.layer import SphereBinding, add_image_layer
from napari_lungmtl.session.session import Session
from napari_lungmtl.text.attributes import SCALES
from napari_lungmtl.training.findings import ATTRIBUTES, Findings, Sphere

from ....stand_ins.chests import ball, chest

VALUES = {
    "subtlety": 4.8,
    "internalStructure": 1.0,
    "calcification": 5.9,
    "sphericity": 3.6,
    "margin": 1.0,
    "lobulation": 2.7,
    "spiculation": 4.1,
    "texture": 5.0,
}
coordinate = st.floats(-2000, 2000)


# ---- the layout


@given(coordinate, coordinate, st.floats(1, 400), st.floats(-50, 50))
def test_the_bars_stay_inside_and_off_the_nodule_where_there_is_room(row, column, radius, label):
    region = (-400.0, -600.0, 400.0, 600.0)
    assume(abs(row) < 400 and abs(column) < 600)
    top, left = layout.place_bars((row, column), radius, region, label)
    assert region[0] <= top <= region[2] - layout.SIZE[0]
    assert region[1] <= left <= region[3] - layout.SIZE[1]
    needed = radius + layout.GAP + layout.SIZE[1]
    if column + needed <= region[3]:
        assert left >= column + radius + layout.GAP - 1e-9
    elif column - needed >= region[1]:
        assert left + layout.SIZE[1] <= column - radius - layout.GAP + 1e-9


def test_the_bars_leave_the_label_of_the_sphere_free():
    region = (-400.0, -600.0, 400.0, 600.0)
    top, _ = layout.place_bars((0.0, 0.0), 20.0, region, -12.0)  # the label ends 12 pixels above the centre
    assert top > -12
    top, _ = layout.place_bars((0.0, 0.0), 20.0, region, 12.0)  # as in coronal slices
    assert top + layout.SIZE[0] <= 12 - layout.LABEL_HEIGHT


def test_an_image_too_small_for_the_bars_lends_them_the_canvas():
    canvas = (-300.0, -400.0, 300.0, 400.0)
    assert layout.region(canvas, (-30.0, -350.0, 30.0, 350.0)) == (-300.0, -350.0, 300.0, 350.0)
    assert layout.region(canvas, (-900.0, -900.0, 900.0, 100.0)) == (-300.0, -400.0, 300.0, 100.0)


def test_each_bar_has_name_value_and_length():
    bars = {bar.name: bar for bar in layout.bars(VALUES)}
    assert list(bars) == [scale.title for scale in SCALES.values()]
    assert [bar.value for bar in bars.values()] == [
        "4.8",
        "soft tissue",
        "absent",
        "3.6",
        "1.0",
        "2.7",
        "4.1",
        "5.0",
    ]
    lengths = {name: bar.filled[3] - bar.filled[1] for name, bar in bars.items()}
    assert lengths["Texture"] == layout.BAR_WIDTH
    assert lengths["Sphericity"] == pytest.approx(layout.BAR_WIDTH * 2.6 / 4)
    assert lengths["Margin"] <= 1
    assert lengths["Internal structure"] <= 1, "the number of a category is no amount"
    tops = [bar.strip[0] for bar in bars.values()]
    assert all(low + layout.ROW == high for low, high in itertools.pairwise(tops))


def test_unknown_attributes_leave_no_gap():
    bars = layout.bars({"texture": 3.0, "subtlety": 2.0})
    assert [(bar.name, bar.strip[0]) for bar in bars] == [("Subtlety", 0.0), ("Texture", layout.ROW)]


# ---- the layer


@pytest.fixture
def session(folder) -> Iterator[Session]:
    """Two judged nodules in a chest, and one that nothing judged."""
    session = Session()
    session.open(chest(folder))
    other = dict.fromkeys(ATTRIBUTES, 2.0)
    session.replace_findings(
        Findings(
            (
                ball(-165, 19, 11, attributes=VALUES, malignancy=0.8, id="a"),
                ball(-155, 12, 3, score=0.8, attributes=other, malignancy=0.1, id="b"),
                ball(-175, 25, 20, score=0.7, id="c"),
            )
        )
    )
    yield session
    session.close()


@pytest.fixture
def bars(viewer: ViewerModel, session: Session, qapp) -> Iterator[AttributeBarsLayer]:
    """The bars on a bare viewer, zoomed so that the chest is larger than the canvas."""
    add_image_layer(viewer, session.image)
    binding = SphereBinding(viewer, session)
    bars = AttributeBarsLayer(viewer)
    bars.set_session(session)
    viewer.canvas.size = (700, 1000)
    viewer.scene.camera.zoom = 40
    yield bars
    bars.close()
    binding.close()


def show(bars: AttributeBarsLayer, id: str | None) -> Shapes | None:
    """Select a finding and go there as the dock does."""
    session = bars.session
    session.select(id)
    if id is not None:
        planes.go_to(bars.viewer, session.findings[id].center)
    bars.draw()
    return bars.layer


def on_screen(bars: AttributeBarsLayer) -> np.ndarray:
    """Corners of the shapes (n, 4, 2) in pixels from the middle of the canvas, (down, right)."""
    viewer, layer = bars.viewer, bars.layer
    world = np.array([[layer.data_to_world(corner) for corner in shape] for shape in layer.data])
    camera = viewer.scene.camera
    down = -1 if str(camera.orientation[1]) == "up" else 1
    pixels = (world[..., list(viewer.dims.displayed)] - camera.center[-2:]) * camera.zoom
    return pixels * (down, 1)


def test_there_is_no_layer_before_there_are_attributes(bars, viewer):
    assert show(bars, None) is None
    assert show(bars, "c") is None
    assert NAME not in viewer.layers


def test_the_bars_say_what_the_finding_has(bars):
    layer = show(bars, "a")
    assert len(layer.data) == 16
    written = [text.strip() for text in layer.text.values]
    assert written[:8] == [scale.title for scale in SCALES.values()]
    assert written[8:11] == ["4.8", "soft tissue", "absent"]
    show(bars, "b")
    assert [text.strip() for text in layer.text.values][8:11] == ["2.0", "fluid", "laminated"]


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_they_have_the_same_size_at_any_zoom_beside_the_nodule(bars, viewer, plane):
    stop = planes.hold_upright(viewer)
    planes.show(viewer, plane)
    for zoom in (30, 40, 45):
        viewer.scene.camera.zoom = zoom
        show(bars, "a")
        corners = on_screen(bars)
        strips = corners[:8].reshape(-1, 2)
        np.testing.assert_allclose(np.ptp(strips, axis=0) / bars._pixel, layout.SIZE, rtol=1e-4)
        assert np.hypot(*strips.T).min() >= 4 * zoom, "no corner lies on the nodule, which is in the middle"
        assert strips[:, 1].min() >= 4 * zoom or strips[:, 1].max() <= -4 * zoom
        assert (np.diff(corners[:8, :, 0].min(axis=1)) > 0).all(), "subtlety comes first"
        assert (np.abs(strips) <= np.array(viewer.canvas.size) / 2).all()
    stop()


def test_they_stay_on_the_slices_that_cut_the_nodule(bars, viewer):
    layer = show(bars, "a")
    for offset, there in ((2.5, 16), (-3.9, 16), (4.1, 0), (-20, 0), (0, 16)):
        viewer.dims.set_point(0, -165 + offset)
        bars.draw()
        assert len(layer.data) == there, offset
        if there:
            # napari draws a shape where its rounded coordinate is that of the slice
            slice_ = round(viewer.dims.point[0] / layer.scale[0])
            assert {round(z) for z in np.concatenate(layer.data)[:, 0]} == {slice_}


def test_they_go_when_there_is_nothing_to_say(bars, viewer, session):
    layer = show(bars, "a")

    def gone() -> bool:
        bars.draw()
        return len(layer.data) == 0 == len(layer.features)

    session.select(None)
    assert gone()
    show(bars, "a")
    session.show_overlays(False)
    assert gone()
    session.show_overlays(True)
    assert not gone()
    viewer.dims.ndisplay = 3
    assert gone()
    viewer.dims.ndisplay = 2
    show(bars, "a")
    assert not gone()
    session.set_thresholds(score=0.95)
    assert gone()
    session.set_thresholds(score=0.5)
    session.change("a", geometry=Sphere(session.findings["a"].center, 9.0))  # not judged as it is now
    assert gone()
    session.undo()
    assert not gone()
    viewer.scene.camera.center = (0, 500, 500)
    assert gone()


def test_nothing_is_drawn_twice(bars, viewer, session):
    layer = show(bars, "a")
    drawn = []
    layer.events.set_data.connect(drawn.append)
    bars.draw()
    session.change("b", note="x")
    bars.draw()
    camera = viewer.scene.camera
    camera.center = (0, *np.add(camera.center[-2:], 0.1))
    bars.draw()
    assert not drawn
    camera.zoom = 44
    bars.draw()
    assert len(drawn) == 1


def test_the_layer_is_no_ones_to_edit_and_takes_no_selection(bars, viewer):
    before = viewer.layers.selection.active, set(viewer.layers.selection)
    layer = show(bars, "a")
    assert (viewer.layers.selection.active, set(viewer.layers.selection)) == before
    for plane in ("coronal", "3-D", "axial"):
        planes.show(viewer, plane)
        show(bars, "b")
        show(bars, "a")
        assert not layer.editable or viewer.dims.ndisplay == 3
    assert not layer.editable
    assert viewer.dims.range[0].step == 2.5, "napari's sliders step by slices as before"


def test_they_widen_nothing(bars, viewer):
    """What napari takes for the world is the image, and the view of everything is that of the image."""
    before = np.array(viewer.layers.extent.world)
    for id in ("a", "b"):
        show(bars, id)
        np.testing.assert_allclose(viewer.layers.extent.world, before)


def test_who_deletes_them_is_rid_of_them_until_overlays_are_shown_anew(bars, viewer, session):
    layer = show(bars, "a")
    viewer.layers.remove(layer)
    assert show(bars, "b") is None
    session.show_overlays(False)
    session.show_overlays(True)
    assert len(show(bars, "a").data) == 16


def test_another_study_has_bars_of_its_own(bars, viewer, session, tmp_path):
    layer = show(bars, "a")
    other = Session()
    other.open(chest(tmp_path, series_uid="4.5.6"))
    bars.set_session(other)
    bars.draw()
    assert len(layer.data) == 0
    session.select("b")
    bars.draw()
    assert len(layer.data) == 0
    bars.set_session(session)
    show(bars, "b")
    assert len(layer.data) == 16
    bars.set_session(None)
    assert layer not in viewer.layers
    other.close()


def test_an_image_opened_later_does_not_cover_the_bars(bars, viewer, session):
    layer = show(bars, "a")
    add_image_layer(viewer, chest(series_uid="7.8.9"))
    bars.set_session(session)
    show(bars, "b")
    assert viewer.layers[-1] is layer


def test_after_close_nothing_follows(bars, viewer, session):
    show(bars, "a")
    bars.close()
    assert NAME not in viewer.layers
    session.select("b")
    viewer.scene.camera.zoom = 33
    assert not bars._timer.isActive()
