"""Rings about the nodules of a slice: how large, how wide, in which colour, and what they leave alone."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication

from napari_lungmtl.layers.malignancy_colors import malignancy_colors
from napari_lungmtl.layers.spheres.discs import HALO_WIDTH, SELECTED_WIDTH, STAND_OFF, WIDTH
from napari_lungmtl.layers.spheres.layer import SphereBinding, add_image_layer
from napari_lungmtl.layers.spheres.rings import NAME, RingLayer
from napari_lungmtl.layers.spheres.rows import ACCENT
from napari_lungmtl.training.findings import Findings, Sphere

from ....stand_ins.chests import ball


@pytest.fixture
def rings(viewer: ViewerModel, session, qapp):
    """Rings about a large and a small nodule of one slice, and one that lies elsewhere."""
    add_image_layer(viewer, session.image)
    session.replace_findings(
        Findings(
            (
                ball(-165, 15, 8, d=20.0, malignancy=0.9, id="large"),
                ball(-165, 25, 20, d=3.0, malignancy=0.1, id="small"),
                ball(-150, 20, 10, id="elsewhere"),
            )
        )
    )
    binding = SphereBinding(viewer, session)
    rings = RingLayer(viewer, binding)
    viewer.scene.camera.zoom = 10.0
    at(rings, -165.0)
    yield rings
    rings.close()
    binding.close()


def at(rings: RingLayer, z: float) -> None:
    rings.viewer.dims.set_point(0, z)
    rings.draw()


def drawn(rings: RingLayer, halo: bool = False) -> dict[tuple[float, float], dict]:
    """Rings that are seen, by y and x of their middle, in mm."""
    layer = rings.layer
    if layer is None:
        return {}
    rows = np.nonzero(layer.size)[0]
    half = rows[: len(rows) // 2] if halo else rows[len(rows) // 2 :]
    scale = layer.scale[-1]
    return {
        tuple(np.round(layer.data[row, 1:] * scale, 3)): {
            "radius": layer.size[row] * scale / 2,
            "width": layer.border_width[row] * scale,
            "color": layer.border_color[row],
            "z": layer.data[row, 0] * scale,
        }
        for row in half
    }


def test_a_ring_stands_off_by_the_same_millimetres_about_large_and_small(rings) -> None:
    large, small = drawn(rings)[(15.0, 8.0)], drawn(rings)[(25.0, 20.0)]
    assert large["radius"] == pytest.approx(10 + STAND_OFF)
    assert small["radius"] == pytest.approx(1.5 + STAND_OFF)
    at(rings, -157.5)
    assert set(drawn(rings)) == {(15.0, 8.0)}
    ring = drawn(rings)[(15.0, 8.0)]
    assert ring["radius"] == pytest.approx(np.sqrt(100 - 7.5**2) + STAND_OFF)
    assert ring["z"] == pytest.approx(-157.5)
    at(rings, -175.0)
    assert not drawn(rings)


def test_small_nodules_have_as_strong_a_ring_at_any_zoom(rings, viewer) -> None:
    for zoom in (2.0, 10.0, 40.0):
        viewer.scene.camera.zoom = zoom
        rings.draw()
        pixels = [ring["width"] * zoom for ring in drawn(rings).values()]
        assert pixels == pytest.approx([WIDTH, WIDTH])
        dark = [ring["width"] * zoom for ring in drawn(rings, halo=True).values()]
        assert dark == pytest.approx([WIDTH + 2 * HALO_WIDTH] * 2)
        assert all(ring["color"][:3].max() < 0.1 for ring in drawn(rings, halo=True).values())
    assert (rings.layer.face_color[:, 3] == 0).all()


def test_colours_are_those_of_the_malignancy_and_the_accent_where_selected(rings, session) -> None:
    colors = [ring["color"] for ring in drawn(rings).values()]
    np.testing.assert_allclose(colors, malignancy_colors([0.9, 0.1]), atol=1e-6)
    session.select("small")
    rings.draw()
    ring = drawn(rings)[(25.0, 20.0)]
    np.testing.assert_allclose(ring["color"][:3], ACCENT, atol=1e-6)
    assert ring["width"] * 10 == pytest.approx(SELECTED_WIDTH)
    session.reject("large")
    rings.draw()
    red, green, blue = drawn(rings)[(15.0, 8.0)]["color"][:3]
    assert red == green == blue


def test_the_stored_and_the_clicked_sphere_is_the_nodule_itself(rings, session, viewer) -> None:
    nodules = next(layer for layer in viewer.layers if layer.name == "nodules")
    assert sorted(nodules.size * nodules.scale[-1]) == pytest.approx([3.0, 8.0, 20.0])
    assert session.findings["small"].diameter == 3.0
    for distance, hit in ((1.4, True), (2.0, False)):
        cursor = (-165.0, 25.0, 20.0 + distance)
        assert (nodules.get_value(cursor, dims_displayed=[1, 2], world=True) is not None) == hit
    session.change("small", geometry=Sphere(session.findings["small"].center, 5.0))
    rings.draw()
    assert drawn(rings)[(25.0, 20.0)]["radius"] == pytest.approx(2.5 + STAND_OFF)


def test_a_ring_follows_a_sphere_that_is_being_dragged(rings, session, viewer) -> None:
    nodules = next(layer for layer in viewer.layers if layer.name == "nodules")
    row = list(nodules.features["id"]).index("small")
    nodules.data[row] += np.array((0.0, -4.0, 0.0)) / nodules.scale
    nodules.refresh()
    assert rings._timer.isActive()
    rings.draw()
    assert (21.0, 20.0) in drawn(rings)
    assert session.findings["small"].center == (-165.0, 25.0, 20.0)


def test_there_are_none_in_3d_without_overlays_and_in_another_study(rings, viewer, session) -> None:
    viewer.dims.ndisplay = 3
    assert not drawn(rings)
    viewer.dims.ndisplay = 2
    assert len(drawn(rings)) == 2
    session.show_overlays(False)
    rings.draw()
    assert not drawn(rings)
    session.show_overlays(True)
    rings.draw()
    assert len(drawn(rings)) == 2
    rings.set_current(False)
    assert not drawn(rings)
    assert not rings.layer.visible
    rings.set_current(True)
    assert len(drawn(rings)) == 2


def test_they_widen_nothing_and_are_no_ones_to_edit(rings, viewer) -> None:
    image = np.array(viewer.layers[0].extent.world)
    for z in (-165.0, -150.0, -180.0, -165.0):
        at(rings, z)
        low, high = rings.layer.extent.world
        assert (low[1:] >= image[0, 1:] - 15).all()
        assert (high[1:] <= image[1, 1:] + 15).all()
        assert not rings.layer.editable
    assert viewer.layers.selection.active is not rings.layer
    assert [layer.name for layer in viewer.layers][1:] == ["nodules", NAME]


def test_many_rings_find_rows_and_nothing_is_drawn_twice(rings, session) -> None:
    session.replace_findings(Findings(tuple(ball(-165, 8 + n, 5, id=f"n{n}") for n in range(25))))
    rings.draw()
    assert len(drawn(rings)) == 25
    told = []
    rings.layer.events.set_data.connect(told.append)
    rings.draw()
    session.change("n3", note="x")
    rings.draw()
    assert not told
    session.edit(remove=[f.id for f in session.findings])
    rings.draw()
    assert not drawn(rings)


def test_who_deletes_spheres_or_rings_is_rid_of_the_rings_until_overlays_are_shown_anew(
    rings, viewer, session
) -> None:
    viewer.layers.remove(rings.layer)
    at(rings, -162.5)
    assert rings.layer is None
    assert rings.deleted
    session.show_overlays(False)
    session.show_overlays(True)
    at(rings, -165.0)
    assert len(drawn(rings)) == 2
    viewer.layers.remove("nodules")
    QApplication.processEvents()
    assert not drawn(rings), "with the spheres, and not with the next slice"
    at(rings, -162.5)
    assert not drawn(rings)


def test_in_slices_the_nodules_stay_free_unless_spheres_are_filled(rings, viewer) -> None:
    binding, layer = rings._binding, viewer.layers["nodules"]
    assert (layer.face_color[:, 3] == 0).all()
    assert (layer.border_width == 0).all()
    assert not layer.text.visible
    binding.fill(True)
    assert (layer.face_color[:, 3] > 0).all()
    binding.session.set_thresholds(score=0.3)
    assert (layer.face_color[:, 3] > 0).all()
    binding.fill(False)
    assert (layer.face_color[:, 3] == 0).all()
    viewer.dims.ndisplay = 3  # where nothing lies behind a sphere that it could hide
    assert (layer.face_color[:, 3] > 0).all()
    assert (layer.border_width > 0).all()
    assert layer.text.visible
    viewer.dims.ndisplay = 2
    assert (layer.face_color[:, 3] == 0).all()
