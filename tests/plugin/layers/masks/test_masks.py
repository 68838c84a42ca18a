"""Masks and lungs of a radiograph as labels: where they are painted, and what strokes become."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication

from napari_lungmtl.layers.follower import FOLLOWED
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.layers.masks.grid import mask_of, paint, repainted
from napari_lungmtl.layers.overlay_colors import PERSON, REJECTED, rgba
from napari_lungmtl.layers.radiograph import RadiographLayers
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.findings import Box, Mask
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.registry import card

from ....stand_ins.reviewed_radiographs import by_both, disc, radiograph

MOSEGNET = card("mosegnet").color


@pytest.fixture
def drawings(viewer: ViewerModel, user_folder, qapp) -> RadiographLayers:
    session = Session()
    image = radiograph()
    layer = add_image_layer(viewer, image)
    drawings = RadiographLayers(viewer, session, layer)
    session.open(image)
    session.replace_findings(by_both(image))
    drawings.session = session
    yield drawings
    session.close()


def held(drawings, mask: Mask) -> np.ndarray:
    """Pixels of the image that a mask holds."""
    labels = np.zeros(drawings.session.image.shape, int)
    paint(labels, mask, drawings.session.image, 1)
    return labels == 1


def stroke(tool, *args) -> None:
    """A stroke of the brush or the bucket, and the turn of the event loop after it."""
    tool(*args)
    QApplication.processEvents()


def number(drawings, id: str) -> int:
    """The label in the middle of a mask."""
    center = drawings.session.image.to_index(drawings.session.findings[id].center)
    return int(drawings.masks.layer.data[tuple(np.round(center).astype(int))])


@settings(max_examples=60, deadline=None)
@given(
    arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))),
    st.floats(0.1, 3.0),
    st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
    st.tuples(st.integers(0, 8), st.integers(0, 8)),
)
def test_a_mask_on_the_images_pixels_is_painted_and_read_back_as_it_is(pixels, spacing, origin, at) -> None:
    image = Image(np.zeros((20, 20), np.uint8), spacing=(spacing, 2 * spacing), origin=origin)
    corner = image.to_world(at)
    mask = Mask.from_array(pixels, image.scale, (float(corner[0]), float(corner[1])))
    labels = np.zeros(image.shape, np.uint16)
    paint(labels, mask, image, 7)
    expected = np.zeros(image.shape, bool)
    expected[at[0] : at[0] + pixels.shape[0], at[1] : at[1] + pixels.shape[1]] = pixels
    np.testing.assert_array_equal(labels == 7, expected)
    again = mask_of(labels == 7, image)
    assert (again is None) == (not pixels.any())
    if again is not None:
        np.testing.assert_allclose(again.center, mask.center)
        np.testing.assert_allclose((again.box.low, again.box.high), (mask.box.low, mask.box.high))


def test_a_coarse_mask_fills_the_pixels_under_it_and_what_hangs_over_is_cut() -> None:
    image = Image(np.zeros((40, 30), np.uint8), spacing=(0.5, 0.5))
    # Pixels of 2 mm = 4 image pixels; the first one covers −1.25 … 0.75 mm.
    mask = Mask.from_array(np.array([[1, 0], [0, 1]], bool), (2.0, 2.0), (-0.25, -0.25))
    labels = np.zeros(image.shape, np.uint16)
    paint(labels, mask, image, 1)
    expected = np.zeros(image.shape, bool)
    expected[:2, :2] = expected[2:6, 2:6] = True
    np.testing.assert_array_equal(labels == 1, expected)


def test_what_lies_under_another_label_stays_with_its_mask() -> None:
    image = Image(np.zeros((10, 10), np.uint8))
    below = Mask.from_array(np.ones((4, 4), bool), (1, 1), (2, 2))
    before = np.zeros((10, 10), np.uint16)
    paint(before, below, image, 1)
    before[4:8, 4:8] = 2  # on top
    after = before.copy()
    after[2, 2] = 0
    new = repainted(before, after, 1, below, image)
    assert new is not None
    assert int(new.to_array().sum()) == 15


def test_masks_are_painted_where_they_lie_in_the_colour_of_their_box(drawings) -> None:
    layer = drawings.masks.layer
    assert layer.metadata[FOLLOWED]
    for id in ("m1", "m2"):
        n = number(drawings, id)
        np.testing.assert_array_equal(layer.data == n, held(drawings, drawings.session.findings[id].geometry))
        np.testing.assert_allclose(layer.get_color(n), rgba(MOSEGNET), atol=1e-6)
    np.testing.assert_allclose(layer.data_to_world((0, 0)), drawings.session.image.origin)
    drawings.session.set_thresholds(score=0.7)
    assert len(np.unique(layer.data)) == 2
    drawings.session.reject("m1")
    np.testing.assert_allclose(layer.get_color(number(drawings, "m1")), rgba(REJECTED), atol=1e-6)


def test_lungs_are_outlined_under_masks_under_boxes(drawings, viewer) -> None:
    assert [layer.name for layer in viewer.layers][1:] == ["lungs", "nodule masks", "boxes"]
    layer = drawings.lungs.layer
    assert layer.contour > 0
    right = drawings.session.findings.region("right lung").mask
    np.testing.assert_array_equal(layer.data == 1, held(drawings, right))
    assert not np.allclose(layer.get_color(1), layer.get_color(2))
    assert dict(zip(layer.features["index"], layer.features["name"], strict=True))[2] == "left lung"


def test_a_painted_stroke_changes_the_finding_and_undo_takes_it_back(drawings) -> None:
    session, layer = drawings.session, drawings.masks.layer
    before, drawn = session.findings, layer.data.copy()
    n = number(drawings, "m2")
    row, column = np.round(session.image.to_index(before["m2"].center)).astype(int)
    layer.brush_size = 5
    stroke(layer.paint, (row, column + 12), n)
    after = session.findings["m2"]
    assert after.geometry.box.high[1] > before["m2"].geometry.box.high[1]
    assert after.provenance.person
    np.testing.assert_array_equal(held(drawings, after.geometry), layer.data == n)
    assert session.findings["m1"] == before["m1"]
    assert [f.id for f in session.findings] == [f.id for f in before]
    session.undo()
    assert session.findings == before
    np.testing.assert_array_equal(layer.data, drawn)


def test_a_new_label_is_a_persons_mask_and_the_brush_goes_on_with_it(drawings) -> None:
    session, layer = drawings.session, drawings.masks.layer
    assert session.selected is None
    n = layer.selected_label
    assert not (layer.data == n).any()
    layer.brush_size = 9
    stroke(layer.paint, (150, 60), n)
    new = session.findings[-1]
    assert isinstance(new.geometry, Mask)
    assert (new.provenance.model, bool(new.provenance.person), new.score) == ("", True, 1.0)
    assert session.selected == new.id
    assert layer.selected_label == n
    np.testing.assert_allclose(layer.get_color(n), rgba(PERSON), atol=1e-6)
    stroke(layer.paint, (150, 66), n)
    assert session.findings[new.id].diameter > new.diameter
    assert len(session.findings) == 6
    session.undo()
    session.undo()
    assert len(session.findings) == 5
    assert not (layer.data == n).any()


def test_what_is_erased_goes_but_a_models_finding_is_rejected(drawings) -> None:
    session, layer = drawings.session, drawings.masks.layer
    n = number(drawings, "m2")
    place = tuple(np.round(session.image.to_index(session.findings["m2"].center)).astype(int))
    stroke(layer.fill, place, 0)
    assert session.findings["m2"].status == "rejected"
    assert number(drawings, "m2") == n  # grey again
    mine = layer.selected_label
    layer.brush_size = 9
    stroke(layer.paint, (150, 60), mine)
    id = session.findings[-1].id
    stroke(layer.fill, (150, 60), 0)
    assert id not in {f.id for f in session.findings}


def test_painted_lungs_are_a_command_and_stay_when_the_models_run_again(drawings) -> None:
    session, layer = drawings.session, drawings.lungs.layer
    before = session.findings
    layer.brush_size = 11
    stroke(layer.paint, (40, 60), 1)
    region = session.findings.region("right lung")
    assert region.provenance.person
    assert region.provenance.model == "mosegnet"
    assert held(drawings, region.mask)[40, 60]
    assert session.findings.region("left lung") == before.region("left lung")
    session.replace_findings(by_both(session.image))
    assert session.findings.region("right lung") == region
    session.undo()
    assert session.findings == before
    assert not layer.data[40, 60]
    stroke(layer.paint, (40, 60), 9)  # a number that means nothing
    assert session.findings == before
    assert not layer.data[40, 60]


def test_an_erased_lung_is_gone_until_undo(drawings) -> None:
    session, layer = drawings.session, drawings.lungs.layer
    stroke(layer.fill, (150, 60), 0)
    assert session.findings.region("right lung") is None
    session.undo()
    assert layer.data[150, 60] == 1


def test_a_mask_that_became_a_box_leaves_the_labels(drawings) -> None:
    n = number(drawings, "m1")
    drawings.session.change("m1", geometry=Box((50.0, 10.0), (60.0, 20.0)))
    assert not (drawings.masks.layer.data == n).any()
    drawings.session.undo()
    assert (drawings.masks.layer.data == n).any()


def test_closing_takes_every_drawing_out(drawings, viewer) -> None:
    drawings.close()
    assert [type(layer).__name__ for layer in viewer.layers] == ["Image"]
    drawings.session.set_thresholds(score=0.1)
    assert len(viewer.layers) == 1


def test_before_a_run_there_is_nothing_to_paint_on(viewer, user_folder, qapp) -> None:
    session = Session()
    image = radiograph()
    drawings = RadiographLayers(viewer, session, add_image_layer(viewer, image))
    session.open(image)
    assert drawings.masks.layer is None
    assert drawings.lungs.layer is None
    assert drawings.boxes.layer is not None
    assert disc(image, (50, 50), 3).box
    session.close()
