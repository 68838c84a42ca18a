"""Findings in the viewer: where they lie, and how a person's edits come back."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_lungmtl.layers.malignancy_colors import UNKNOWN, malignancy_colors
from napari_lungmtl.layers.spheres.layer import SphereBinding, add_image_layer
from napari_lungmtl.layers.spheres.layer_data import findings_of_points, points_layer_data
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.findings import Findings, Opinion, Sphere

from ....stand_ins.chests import ball, chest

JUDGED = {
    "malignancy": 0.8,
    "malignancy_spread": 0.1,
    "attributes": {"texture": 4.0},
    "opinions": (Opinion("mtmr", "0.1", 0.8),),
}


@pytest.fixture
def binding(viewer: ViewerModel, session: Session) -> SphereBinding:
    add_image_layer(viewer, session.image)
    return SphereBinding(viewer, session)


def _world(binding: SphereBinding) -> np.ndarray:
    return np.array([binding.layer.data_to_world(point) for point in binding.layer.data]).reshape(-1, 3)


def _mm(binding: SphereBinding) -> np.ndarray:
    return binding.layer.size * binding.layer.scale[-1]


def _same_as_session(binding: SphereBinding) -> bool:
    visible = binding.session.visible
    np.testing.assert_allclose(_world(binding), np.array([f.center for f in visible]).reshape(-1, 3))
    np.testing.assert_allclose(_mm(binding), [f.diameter for f in visible])
    return list(binding.layer.features["id"]) == [f.id for f in visible]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (0, 2, 1)])
@pytest.mark.parametrize("ndisplay", [2, 3])
def test_spheres_lie_where_they_are_and_are_as_large(binding, viewer, order, ndisplay) -> None:
    viewer.dims.order = order
    viewer.dims.ndisplay = ndisplay
    assert len(binding.layer.data) == 2
    assert _same_as_session(binding)
    image = next(layer for layer in viewer.layers if layer.name != "nodules")
    index = image.world_to_data(_world(binding)[0])
    np.testing.assert_allclose(index, binding.session.image.to_index(binding.session.visible[0].center))


def test_labels_begin_outside_the_selected_sphere(binding, viewer, session) -> None:
    viewer.dims.ndisplay = 3
    for diameter in (4.0, 22.0):
        chosen = session.visible[1]
        session.change(chosen.id, geometry=Sphere(chosen.center, diameter))
        session.select(chosen.id)
        up, right = binding.layer.text.translation[[1, 2]] * binding.layer.scale[-1]
        assert up < 0 < right
        assert diameter / 2 < np.hypot(up, right) < 0.6 * diameter


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_slice_beside_the_centre_cuts_the_right_disc(binding, viewer, axis) -> None:
    """Told by clicks: napari finds the point under the cursor inside the disc, and not outside."""
    finding = binding.session.visible[0]
    assert finding.diameter == 8
    viewer.dims.order = (axis, *(a for a in range(3) if a != axis))
    position = np.array(finding.center)
    position[axis] += 2.4  # the disc's radius is now 3.2 mm
    viewer.dims.set_point(range(3), position)
    across = viewer.dims.displayed[-1]
    for distance, hit in ((0.0, True), (3.1, True), (3.35, False)):
        cursor = position.copy()
        cursor[across] += distance
        found = binding.layer.get_value(cursor, dims_displayed=list(viewer.dims.displayed), world=True)
        assert (found == 0) == hit, distance
    position[axis] += 1.7  # past the sphere
    viewer.dims.set_point(range(3), position)
    assert binding.layer.get_value(position, dims_displayed=list(viewer.dims.displayed), world=True) is None


def test_the_layer_follows_thresholds_and_draws_nothing_that_is_not_seen(binding) -> None:
    assigned = []
    binding.layer.events.set_data.connect(assigned.append)
    binding.session.set_thresholds(score=0.3)
    assert _same_as_session(binding)
    assert not assigned  # rings show them
    binding.session.set_thresholds(score=0.5)
    binding.fill(True)
    assigned.clear()
    binding.session.set_thresholds(score=0.3)
    assert len(binding.layer.data) == 3
    assert len(assigned) == 1
    assert _same_as_session(binding)
    binding.session.set_thresholds(score=0.31)  # the same findings pass
    assert len(assigned) == 1
    binding.session.set_thresholds(score=1.0)
    assert len(binding.layer.data) == 0
    binding.session.set_thresholds(score=0.5)
    assert _same_as_session(binding)


def test_labels_are_scores_with_two_digits(binding) -> None:
    assert list(binding.layer.text.values) == ["0.90", "0.60"]


def test_in_3d_only_the_selected_finding_has_a_label(binding, viewer) -> None:
    viewer.dims.ndisplay = 3
    assert list(binding.layer.text.values) == ["0.90", "0.60"]
    binding.session.select(binding.session.visible[1].id)
    assert list(binding.layer.text.values) == ["", "0.60"]
    binding.session.set_thresholds(score=0.3)
    assert list(binding.layer.text.values) == ["", "0.60", ""]
    viewer.dims.ndisplay = 2
    assert list(binding.layer.text.values) == ["0.90", "0.60", "0.40"]


def test_a_point_that_a_person_sets_becomes_a_finding(binding) -> None:
    session = binding.session
    binding.layer.current_size = 0.5  # napari's slider stands anywhere
    binding.layer.add(np.array([[-165.0, 12.0, 8.0]]) / binding.layer.scale)
    new = session.findings[-1]
    np.testing.assert_allclose(new.center, (-165, 12, 8))
    assert new.diameter == 8.0
    assert new.provenance.person
    assert not new.provenance.model
    assert new.score == 1.0
    assert session.selected == new.id
    assert _same_as_session(binding)
    session.undo()
    assert len(session.findings) == 4
    assert _same_as_session(binding)
    session.redo()
    assert session.findings[new.id] == new
    assert _same_as_session(binding)


def test_deleted_points_are_removed_and_undo_brings_them_back(binding) -> None:
    session, before = binding.session, binding.session.findings
    binding.layer.selected_data = {0, 1}
    binding.layer.remove_selected()
    assert [f.score for f in session.findings] == [0.7, 0.4]  # what was hidden stays
    session.undo()
    assert session.findings == before
    assert _same_as_session(binding)


def _drag(layer, row: int, shift_mm: tuple[float, float, float]) -> None:
    """What napari does at the end of a drag: the array is changed in place, then it says so."""
    layer.data[row] += np.array(shift_mm) / layer.scale
    layer.events.data(value=layer.data, action="changed", data_indices=(row,), vertex_indices=((),))


def test_a_dragged_point_moves_its_finding(binding) -> None:
    session = binding.session
    before, first = session.findings, session.visible[0]
    _drag(binding.layer, 0, (2.5, -3.0, 1.0))
    moved = session.findings[first.id]
    np.testing.assert_allclose(moved.center, np.add(first.center, (2.5, -3.0, 1.0)))
    assert moved.provenance.model == "ag3d"
    assert moved.provenance.person
    session.undo()
    assert session.findings == before
    assert _same_as_session(binding)


def test_a_click_that_moves_nothing_is_no_edit(binding) -> None:
    before = binding.session.findings
    _drag(binding.layer, 0, (0.0, 0.0, 0.0))
    assert binding.session.findings is before


def test_pasted_points_are_new_findings(binding, viewer) -> None:
    """A paste copies the id too, and fires no data event. In 3-D: in slices napari 0.9.2 fails to paste."""
    session, layer = binding.session, binding.layer
    first = session.visible[0]
    viewer.dims.ndisplay = 3
    layer.selected_data = {0}
    layer._copy_data()  # what Ctrl+C and Ctrl+V call; napari has no public way
    layer._paste_data()
    assert len(session.findings) == 5
    new = session.findings[-1]
    assert new.id != first.id
    assert new.diameter == first.diameter
    assert not new.provenance.model
    assert session.findings[first.id] == first
    assert _same_as_session(binding)


def test_selection_goes_both_ways(binding) -> None:
    session, layer = binding.session, binding.layer
    session.select(session.visible[1].id)
    assert set(layer.selected_data) == {1}
    layer.selected_data = {0}
    assert session.selected == session.visible[0].id
    layer.selected_data = set()
    assert session.selected is None


def test_a_selected_finding_stays_selected_when_thresholds_hide_it(binding) -> None:
    session, layer = binding.session, binding.layer
    second = session.visible[1].id
    session.select(second)
    session.set_thresholds(score=0.8)
    assert session.selected == second
    assert set(layer.selected_data) == set()
    session.set_thresholds(score=0.2)
    assert set(layer.selected_data) == {1}


def test_several_selected_points_stay_selected(binding) -> None:
    binding.layer.selected_data = {0, 1}
    assert set(binding.layer.selected_data) == {0, 1}
    assert binding.session.selected in {f.id for f in binding.session.visible}


def test_the_selected_and_the_rejected_look_different(binding, viewer) -> None:
    session, layer = binding.session, binding.layer
    viewer.dims.ndisplay = 3
    plain = layer.border_color.copy()
    session.select(session.visible[0].id)
    assert not np.allclose(layer.border_color[0], plain[0])
    np.testing.assert_allclose(layer.border_color[1], plain[1])
    session.reject(session.visible[1].id)
    red, green, blue = layer.border_color[1, :3]
    assert red == green == blue
    assert (layer.face_color[:, 3] <= 0.6).all()
    assert (layer.border_width <= 0.02).all()


def test_the_colour_is_the_malignancy_and_says_where_it_is_unknown(binding) -> None:
    session, layer = binding.session, binding.layer
    np.testing.assert_allclose(layer.border_color, [UNKNOWN] * 2, atol=1e-6)
    session.change(session.visible[0].id, malignancy=0.0)
    session.change(session.visible[1].id, malignancy=1.0)
    np.testing.assert_allclose(layer.border_color, malignancy_colors([0.0, 1.0]), atol=1e-6)
    np.testing.assert_allclose(layer.face_color[:, :3], malignancy_colors([0.0, 1.0])[:, :3], atol=1e-6)
    session.undo()
    np.testing.assert_allclose(layer.border_color, malignancy_colors([0.0, None]), atol=1e-6)
    session.reject(session.visible[0].id)
    red, green, blue = layer.border_color[0, :3]
    assert red == green == blue


def test_labels_say_the_malignancy_where_it_is_known(binding) -> None:
    first = binding.session.visible[0].id
    binding.session.change(first, malignancy=0.814)
    assert list(binding.layer.text.values) == ["0.90 · M .81", "0.60"]
    binding.session.change(first, malignancy=1.0)
    assert list(binding.layer.text.values) == ["0.90 · M 1.00", "0.60"]


def test_a_sphere_dragged_elsewhere_loses_what_was_said_of_its_place(binding) -> None:
    session = binding.session
    first = session.visible[0].id
    session.change(first, **JUDGED)
    before = session.findings
    for edit in (
        lambda: _drag(binding.layer, 0, (2.5, -3.0, 1.0)),
        lambda: session.change(first, geometry=Sphere((-170, 20, 10), 8)),
        lambda: session.change(first, geometry=Sphere(before[first].center, 9)),
    ):
        edit()
        moved = session.findings[first]
        assert (moved.malignancy, moved.malignancy_spread, moved.attributes, moved.opinions) == (
            None,
            None,
            {},
            (),
        )
        assert moved.score == before[first].score
        assert moved.provenance.person
        np.testing.assert_allclose(binding.layer.face_color[0, :3], UNKNOWN[:3], atol=1e-6)
        session.undo()
        assert session.findings == before


def test_what_is_not_moved_keeps_its_judgement(binding) -> None:
    session = binding.session
    first, second = (f.id for f in session.visible)
    session.change(first, **JUDGED)
    _drag(binding.layer, 0, (0.0, 0.0, 0.0))
    _drag(binding.layer, 1, (1.0, 0.0, 0.0))
    session.accept(first)
    assert session.findings[first].malignancy == 0.8
    assert session.findings[first].opinions == JUDGED["opinions"]
    assert session.findings[second].provenance.person


def test_a_points_layer_by_itself_forgets_the_judgement_of_what_is_moved(binding) -> None:
    session = binding.session
    first = session.findings[0].id
    session.change(first, **JUDGED)
    data, attributes, _ = points_layer_data(session.findings)
    assert findings_of_points(data, attributes)[first] == session.findings[first]
    data[0] += 0.1
    moved = findings_of_points(data, attributes)[first]
    assert moved.malignancy is None
    assert not moved.opinions
    assert moved.provenance.person


def test_overlays_can_be_hidden_from_either_side(binding) -> None:
    binding.session.show_overlays(False)
    assert not binding.layer.visible
    binding.layer.visible = True
    assert binding.session.overlays_shown


def test_a_renamed_and_moved_layer_goes_on(binding, viewer) -> None:
    binding.layer.name = "Befunde"
    viewer.layers.move(viewer.layers.index(binding.layer), 0)
    binding.session.set_thresholds(score=0.3)
    assert len(binding.layer.data) == 3
    assert [layer.name for layer in viewer.layers].count("nodules") == 0


def test_a_deleted_layer_costs_nothing(binding, viewer) -> None:
    session, findings = binding.session, binding.session.findings
    viewer.layers.remove(binding.layer)
    assert binding.layer is None
    assert session.findings == findings
    session.set_thresholds(score=0.3)
    session.accept(session.findings[0].id)
    assert binding.layer is None  # the person did not want it
    binding.redraw()
    assert _same_as_session(binding)
    viewer.layers.remove(binding.layer)
    session.replace_findings(Findings((ball(-100),)))
    assert _same_as_session(binding)  # news are shown


def test_the_image_stays_the_active_layer(binding, viewer) -> None:
    assert viewer.layers.selection.active is not binding.layer


def test_two_studies_keep_apart(binding, viewer, tmp_path) -> None:
    (tmp_path / "second").mkdir()
    other = Session()
    other.open(chest(tmp_path / "second", series_uid="4.5.6"))
    second = SphereBinding(viewer, other)
    other.replace_findings(Findings((ball(-175),)))
    second.layer.selected_data = {0}
    second.layer.remove_selected()
    assert len(other.findings) == 0
    assert len(binding.session.findings) == 4
    assert _same_as_session(binding)
    second.close()
    other.close()
    assert binding.layer in viewer.layers
    assert len(viewer.layers) == 2


def test_after_close_nothing_follows_any_more(binding, viewer) -> None:
    layer = binding.layer
    binding.close()
    assert [type(other).__name__ for other in viewer.layers] == ["Image"]
    binding.session.set_thresholds(score=0.1)
    layer.add([[0, 0, 0]])
    assert len(binding.session.findings) == 4


def test_no_findings_on_a_ct_give_an_empty_layer_to_draw_in(viewer, folder) -> None:
    session = Session()
    binding = SphereBinding(viewer, session)
    session.open(chest(folder))
    binding.layer.add([[-3.0, 0.2, 0.1]])
    assert [f.diameter for f in session.findings] == [8.0]
    session.close()


def test_a_world_in_micrometres_changes_no_millimetre(binding, viewer) -> None:
    viewer.add_image(np.zeros((4, 4, 4)), scale=(10, 10, 10), units=("um",) * 3)
    assert _same_as_session(binding)
    _drag(binding.layer, 0, (1.0, 0.0, 0.0))
    assert _same_as_session(binding)
    assert binding.session.visible[0].center == pytest.approx((-179, 20, 10))
