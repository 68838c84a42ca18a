"""Captions of boxes on a radiograph: where they stand on the screen, and what the layer shows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.layers.boxes import caption_layout as layout
from napari_lungmtl.layers.boxes.captions import CaptionsLayer
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.findings import Findings

from ....stand_ins.reviewed_radiographs import by_dhn, by_mosegnet, radiograph

REGION = (-300.0, -400.0, 300.0, 400.0)
TEXT = "MO-SegNet 0.99 + DHN 0.69"


def test_a_caption_stands_above_its_box_and_below_or_beside_where_there_is_no_room() -> None:
    wide = layout.width(TEXT)
    [middle] = layout.place_captions([(0, 0, 20, 20)], [TEXT], REGION)
    assert middle[1] == 0
    assert -layout.ROW - 6 < middle[0] < -layout.ROW
    [right] = layout.place_captions([(0, 370, 20, 390)], [TEXT], REGION)
    assert right[1] + wide == pytest.approx(400)
    [top] = layout.place_captions([(-299, 0, -250, 50)], [TEXT], REGION)
    assert top[0] >= -250


def test_captions_of_neighbours_do_not_cover_each_other() -> None:
    boxes = [(0.0, 0.0, 20.0, 20.0), (2.0, 25.0, 22.0, 45.0)]
    first, second = layout.place_captions(boxes, [TEXT, TEXT], REGION)
    assert abs(first[0] - second[0]) >= layout.ROW or abs(first[1] - second[1]) >= layout.width(TEXT)


@given(
    st.lists(
        st.tuples(st.floats(-290, 270), st.floats(-390, 370), st.floats(5, 200), st.floats(5, 200)),
        max_size=6,
    )
)
def test_no_caption_leaves_the_region(places) -> None:
    boxes = [(y, x, y + h, x + w) for y, x, h, w in places]
    for corner in layout.place_captions(boxes, [TEXT] * len(boxes), REGION):
        assert -300 <= corner[0] <= 300 - layout.ROW
        assert -400 <= corner[1] <= 400 - layout.width(TEXT) + 1e-6


def test_nothing_stands_at_a_box_out_of_sight_or_without_words() -> None:
    assert layout.place_captions([(0, 500, 20, 520), (0, 0, 9, 9)], [TEXT, ""], REGION) == [None, None]


@pytest.fixture
def captions(viewer, user_folder, qapp):
    image, session = radiograph(), Session()
    add_image_layer(viewer, image)
    session.open(image)
    captions = CaptionsLayer(viewer, session)
    found, outlined = by_dhn(image), by_mosegnet(image)
    session.replace_findings(Findings((*found, *outlined)))
    captions.draw()
    yield captions
    captions.close()
    session.close()


def test_each_place_is_named_once_in_letters_on_dark(captions) -> None:
    layer = captions.layer
    assert sorted(layer.text.values) == ["DHN 0.70", "DHN 0.90 + MO-SegNet 0.80", "MO-SegNet 0.60"]
    assert (layer.face_color[:, :3] < 0.2).all()
    assert (layer.face_color[:, 3] > 0.8).all()
    assert not layer.editable


def test_captions_keep_their_height_on_the_screen_and_follow_the_threshold(captions, viewer) -> None:
    for zoom in (2.0, 7.0):
        viewer.scene.camera.zoom = zoom
        captions.draw()
        height = np.ptp(captions.layer.data[0], axis=0)[0] * zoom / captions._pixel
        assert height == pytest.approx(layout.ROW, rel=1e-3)
    viewer.scene.camera.zoom = 2.0
    captions.session.set_thresholds(score=0.65)
    captions.draw()
    assert sorted(captions.layer.text.values) == ["DHN 0.70", "DHN 0.90 + MO-SegNet 0.80"]
    captions.session.set_thresholds(score=1.0)
    captions.draw()
    assert len(captions.layer.data) == 0


def test_whoever_removes_the_captions_is_rid_of_them_until_overlays_are_shown_anew(captions, viewer) -> None:
    viewer.layers.remove(captions.layer)
    captions.session.select("d1")
    captions.draw()
    assert captions.layer is None
    captions.session.show_overlays(False)
    captions.session.show_overlays(True)
    captions.draw()
    assert len(captions.layer.data) == 3
