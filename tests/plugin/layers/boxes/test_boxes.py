"""Boxes of a radiograph in the viewer: where they lie, how they look, and how a person's edits come back."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_lungmtl.layers.boxes import rows
from napari_lungmtl.layers.boxes.layer import BoxBinding
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.layers.overlay_colors import PERSON, REJECTED, rgba
from napari_lungmtl.layers.spheres.rows import ACCENT
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.findings import Box, Finding, Mask, Provenance
from napari_lungmtl.training.inference.registry import card

from ....stand_ins.reviewed_radiographs import by_both, disc, radiograph

DHN, MOSEGNET = (card(name).color for name in ("dhn", "mosegnet"))


@pytest.fixture
def binding(viewer: ViewerModel, user_folder, qapp) -> BoxBinding:
    session = Session()
    image = radiograph()
    add_image_layer(viewer, image)
    binding = BoxBinding(viewer, session)
    session.open(image)
    session.replace_findings(by_both(image))
    yield binding
    session.close()


def row(binding: BoxBinding, id: str) -> int:
    return list(binding.layer.features["id"]).index(id)


def in_step(binding: BoxBinding) -> bool:
    """Every visible finding has its rectangle, and there is no other."""
    visible = {f.id: f for f in binding.session.visible}
    ids = list(binding.layer.features["id"])
    assert len(ids) == len(set(ids)) == len(visible) == len(binding.layer.data)
    for id, shape in zip(ids, binding.layer.data, strict=True):
        np.testing.assert_allclose(shape, rows.vertices(visible[id].box), rtol=1e-6)
    return set(ids) == set(visible)


def drag(binding: BoxBinding, id: str, low, high) -> None:
    """What napari does at the end of a drag: the shape is another, then it says so."""
    layer = binding.layer
    shapes = [np.array(shape) for shape in layer.data]
    shapes[row(binding, id)] = rows.vertices(Box(low, high))
    with layer.events.data.blocker():
        layer.data = [(shape, "rectangle") for shape in shapes]
    layer.events.data(value=layer.data, action="changed", data_indices=(0,), vertex_indices=((),))


def test_only_what_is_visible_has_a_rectangle_where_it_lies(binding) -> None:
    assert {f.id for f in binding.session.visible} == {"d1", "d2", "m1", "m2"}
    assert in_step(binding)
    binding.session.set_thresholds(score=0.1)
    assert in_step(binding)
    assert len(binding.layer.data) == 5
    binding.session.set_thresholds(score=1.0)
    assert in_step(binding)
    assert len(binding.layer.data) == 0
    binding.session.set_thresholds(score=0.5)
    assert in_step(binding)


def test_colours_labels_and_widths_tell_networks_and_agreement_apart(binding) -> None:
    layer = binding.layer
    labels = dict(zip(layer.features["id"], layer.features["label"], strict=True))
    assert labels == {
        "d1": "DHN 0.90 + MO-SegNet 0.80",  # the surer one speaks for both
        "m1": "",
        "d2": "DHN 0.70",
        "m2": "MO-SegNet 0.60",
    }
    for id, color in {"d1": DHN, "d2": DHN, "m1": MOSEGNET, "m2": MOSEGNET}.items():
        np.testing.assert_allclose(layer.edge_color[row(binding, id)], rgba(color), atol=1e-6)
    widths = {id: layer.edge_width[row(binding, id)] for id in ("d1", "m1", "d2", "m2")}
    assert widths["d1"] == widths["m1"] > 2 * widths["d2"] == 2 * widths["m2"] > 0


def test_states_differ_by_more_than_colour(binding) -> None:
    session, layer = binding.session, binding.layer
    session.reject("d2")
    session.accept("m2")
    session.select("d1")
    labels = dict(zip(layer.features["id"], layer.features["label"], strict=True))
    assert (labels["d2"], labels["m2"]) == ("✕ DHN 0.70", "✓ MO-SegNet 0.60")
    np.testing.assert_allclose(layer.edge_color[row(binding, "d2")], rgba(REJECTED), atol=1e-6)
    np.testing.assert_allclose(layer.edge_color[row(binding, "d1"), :3], ACCENT, atol=1e-6)
    assert set(layer.selected_data) == {row(binding, "d1")}


def test_a_dragged_corner_is_one_command_and_survives_thresholds_and_a_rerun(binding) -> None:
    session = binding.session
    before = session.findings
    low, high = before["d2"].box.low, before["d2"].box.high
    drag(binding, "d2", (low[0] - 3, low[1] - 2), high)
    edited = session.findings["d2"]
    assert edited.geometry.low == pytest.approx((low[0] - 3, low[1] - 2))  # napari keeps float32
    assert edited.geometry.high == high
    assert (edited.provenance.model, bool(edited.provenance.person)) == ("dhn", True)
    assert in_step(binding)
    session.set_thresholds(score=0.99)
    assert [f.id for f in session.visible] == ["d2"]
    assert in_step(binding)
    session.set_thresholds(score=0.5)
    again = by_both(session.image)
    again = again.with_items(tuple(f.with_(id=f"{f.id} again", score=0.99 * f.score) for f in again))
    session.replace_findings(again)
    assert session.findings["d2"] == edited
    assert {f.id for f in session.findings} == {"d1", "d2", "d3", "m1", "m2"}
    assert in_step(binding)
    session.undo()
    session.undo()
    assert session.findings == before
    assert in_step(binding)


def test_a_click_that_changes_nothing_is_no_edit(binding) -> None:
    before = binding.session.findings
    box = before["d2"].box
    drag(binding, "d2", box.low, box.high)
    assert binding.session.findings is before


def test_a_mask_whose_rectangle_is_resized_becomes_a_box_and_undo_brings_it_back(binding) -> None:
    session = binding.session
    mask = session.findings["m2"].geometry
    assert isinstance(mask, Mask)
    drag(binding, "m2", (50.0, 20.0), (60.0, 40.0))
    assert session.findings["m2"].geometry == Box((50.0, 20.0), (60.0, 40.0))
    session.undo()
    assert session.findings["m2"].geometry == mask
    assert in_step(binding)


@pytest.mark.parametrize("kind", ["rectangle", "ellipse", "polygon"])
def test_what_a_person_draws_becomes_an_upright_box_of_that_person(binding, kind) -> None:
    session = binding.session
    corners = np.array([(60.0, 0.0), (70.0, 10.0), (60.0, 20.0), (50.0, 10.0)])  # a rectangle turned by 45°
    binding.layer.add(corners, shape_type=kind)
    new = session.findings[-1]
    assert new.geometry == Box((50.0, 0.0), (70.0, 20.0))
    assert (new.score, new.provenance.model, bool(new.provenance.person)) == (1.0, "", True)
    assert session.selected == new.id
    assert new.id not in session.agreement
    assert binding.layer.features["label"][row(binding, new.id)] == "by hand"
    assert all(shape == "rectangle" for shape in binding.layer.shape_type)
    session.select(None)
    np.testing.assert_allclose(binding.layer.edge_color[row(binding, new.id)], rgba(PERSON), atol=1e-6)
    assert in_step(binding)
    session.undo()
    assert len(session.findings) == 5
    assert in_step(binding)


def test_several_deleted_boxes_are_one_command(binding) -> None:
    session, before = binding.session, binding.session.findings
    binding.layer.selected_data = {row(binding, "d2"), row(binding, "m2")}
    binding.layer.remove_selected()
    assert {f.id for f in session.findings} == {"d1", "d3", "m1"}
    session.undo()
    assert session.findings == before
    assert in_step(binding)


def test_a_pasted_box_is_a_new_finding(binding) -> None:
    """A paste copies the id too, and fires no data event."""
    session, layer = binding.session, binding.layer
    layer.selected_data = {row(binding, "d2")}
    layer._copy_data()  # what Ctrl+C and Ctrl+V call; napari has no public way
    layer._paste_data()
    assert len(session.findings) == 6
    new = session.findings[-1]
    assert new.geometry.low == pytest.approx(session.findings["d2"].geometry.low)
    assert not new.provenance.model
    assert in_step(binding)


def test_selection_goes_both_ways(binding) -> None:
    session, layer = binding.session, binding.layer
    layer.selected_data = {row(binding, "m2")}
    assert session.selected == "m2"
    layer.selected_data = set()
    assert session.selected is None


def test_edges_keep_their_width_on_the_screen(binding, viewer) -> None:
    viewer.scene.camera.zoom = 2.0
    narrow = binding.layer.edge_width[row(binding, "d1")]
    viewer.scene.camera.zoom = 8.0
    assert binding.layer.edge_width[row(binding, "d1")] == pytest.approx(narrow / 4)


def test_a_deleted_layer_costs_nothing_and_closing_takes_it_out(binding, viewer) -> None:
    session, findings = binding.session, binding.session.findings
    viewer.layers.remove(binding.layer)
    assert binding.layer is None
    assert session.findings == findings
    binding.redraw()
    assert in_step(binding)
    binding.close()
    assert [type(layer).__name__ for layer in viewer.layers] == ["Image"]


def test_a_ct_has_no_boxes(viewer, session) -> None:
    binding = BoxBinding(viewer, session)
    assert binding.layer is None
    session.set_thresholds(score=0.1)
    assert binding.layer is None


def test_by_hand_on_one_network_is_told(binding) -> None:
    image = binding.session.image
    mine = Finding(disc(image, (100, 100), 5), provenance=Provenance(person="me"))
    binding.session.add(mine)
    assert in_step(binding)
    assert binding.session.findings[mine.id].box is not None
