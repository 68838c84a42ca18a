"""Slabs by key, box and slider: on the canvas and on the views beside it, and said on every picture of them."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_lungmtl.canvas.frame import Frame
from napari_lungmtl.layers import planes
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.layers.spheres.discs import STAND_OFF
from napari_lungmtl.layers.spheres.rows import SCALE
from napari_lungmtl.training.findings import Finding, Findings, Sphere
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.slab import Slab

from ..stand_ins.canvas_mouse import canvas_frame
from ..stand_ins.dock_input import press
from ..stand_ins.reviewed_radiographs import radiograph

BESIDE = 3
"""Slices (2.5 mm) between the middle and the bright voxels above and below it."""


@pytest.fixture
def bright(window):
    """The window with a volume in which something bright lies 7.5 mm above, below, behind, … of its middle."""
    viewer, dock = window
    voxels = np.full((21, 41, 41), -800, np.int16)
    for axis, distance in ((0, BESIDE), (1, 8), (2, 8)):
        for side in (-1, 1):
            middle = [10, 20, 20]
            middle[axis] += side * distance
            voxels[tuple(slice(i - 1, i + 2) if a != axis else i for a, i in enumerate(middle))] = 1000
    image = Image(voxels, "CT", (2.5, 0.9, 0.9), (-50.0, 20.0, -10.0), series_uid="slab")
    layer = add_image_layer(viewer, image)
    layer.contrast_limits = (-800, 1000)
    planes.go_to(viewer, image.to_world((10, 20, 20)))
    dock.views.link(True)
    QApplication.processEvents()
    yield viewer, dock, image
    dock.views.link(False)
    dock.views.show_slab(Slab())


def canvas_value(viewer, dock, world) -> float:
    """The grey level of the canvas (0–1) at a world point."""
    QApplication.processEvents()
    picture = viewer.screenshot(canvas_only=True, flash=False)
    x, y = canvas_frame(viewer, dock.corners.parentWidget()).to_screen(world)
    ratio = picture.shape[1] / dock.corners.parentWidget().width()
    return float(picture[int(y * ratio), int(x * ratio), 0]) / 255


def pane_value(dock, plane, world) -> float:
    """The same of a pane."""
    pane = dock.views.panes[plane]
    pane.repaint()
    QApplication.processEvents()
    x, y = pane.frame.to_screen(world)
    return pane.grab().toImage().pixelColor(int(x), int(y)).red() / 255


def test_a_slab_holds_what_lies_within_half_its_thickness_in_every_view(bright):
    viewer, dock, _image = bright
    point = tuple(viewer.dims.point)

    def levels() -> dict[str, float]:
        panes = {plane: pane_value(dock, plane, point) for plane in ("coronal", "sagittal")}
        return {"axial": canvas_value(viewer, dock, point), **panes}

    assert max(levels().values()) < 0.1
    dock.views.show_slab(Slab("MIP", 15.0))
    assert min(levels().values()) > 0.9
    dock.views.show_slab(Slab("MIP", 14.0))  # 7.5 and 7.2 mm away
    assert levels() == {
        "axial": pytest.approx(0, abs=0.1),
        "coronal": pytest.approx(0, abs=0.1),
        "sagittal": pytest.approx(0, abs=0.1),
    }
    dock.views.show_slab(Slab("mean", 15.0))
    seven, seventeen = 2 / 7, 2 / 17  # bright slices of all
    assert levels()["axial"] == pytest.approx(seven, abs=0.05)
    assert levels()["coronal"] == pytest.approx(seventeen, abs=0.05)
    dock.views.show_slab(Slab("minIP", 15.0))
    assert max(levels().values()) < 0.1
    dock.views.show_slab(Slab("MIP", 15.0))
    planes.show(viewer, "coronal")
    assert canvas_value(viewer, dock, point) > 0.9
    assert pane_value(dock, "axial", point) > 0.9
    above = np.array(point) - (0.4 * 2.5, 0, 0)  # between two slices: the nearest one is the middle
    planes.show(viewer, "axial")
    planes.go_to(viewer, above)
    assert canvas_value(viewer, dock, above) > 0.9


def test_keys_box_and_slider_choose_kind_and_thickness(bright):
    viewer, dock, _ = bright
    row = dock.show_section.slab
    said = viewer.canvas.overlays.text
    assert not said.visible
    for kind in ("MIP", "mean", "minIP"):
        press(dock, Qt.Key.Key_S)
        assert dock.views.slab.kind == row.kind.currentText() == kind
        assert said.visible
        assert said.text == f"{kind} 10 mm"
    press(dock, Qt.Key.Key_S)
    assert row.kind.currentText() == "Slices"
    assert not said.visible
    assert not row.thickness.isVisible()
    row.kind.setCurrentText("MIP")
    row.kind.activated.emit(1)
    row.thickness.setValue(24)
    assert said.text == "MIP 24 mm"
    assert row.words.text() == "24 mm"
    for _ in range(3):
        press(dock, Qt.Key.Key_Period)
    assert dock.views.slab == Slab("MIP", 30.0)
    press(dock, Qt.Key.Key_Comma)
    assert (row.thickness.value(), said.text) == (25, "MIP 25 mm")


def test_the_words_stand_on_every_picture_also_without_the_other_texts(bright):
    viewer, dock, _ = bright
    dock.views.show_slab(Slab("MIP", 12.0))
    press(dock, Qt.Key.Key_I, Qt.KeyboardModifier.ShiftModifier)

    def amber(picture: np.ndarray) -> int:
        red, green, blue = (picture[..., c].astype(int) for c in range(3))
        return int(((red > 200) & (abs(green - 192) < 30) & (blue < 110)).sum())

    QApplication.processEvents()
    assert amber(viewer.screenshot(canvas_only=True, flash=False)) > 300
    for plane in ("coronal", "sagittal"):
        image = dock.views.panes[plane].grab().toImage()
        picture = np.array([[image.pixelColor(x, y).getRgb()[:3] for x in range(120)] for y in range(90)])
        assert amber(picture) > 300
    planes.show(viewer, "3-D")
    assert not viewer.canvas.overlays.text.visible, "3-D shows all of it"
    planes.show(viewer, "axial")
    assert viewer.canvas.overlays.text.visible
    dock.views.show_slab(Slab())
    QApplication.processEvents()
    assert amber(viewer.screenshot(canvas_only=True, flash=False)) == 0
    press(dock, Qt.Key.Key_I, Qt.KeyboardModifier.ShiftModifier)


def test_a_persons_own_text_comes_back(bright):
    viewer, dock, _ = bright
    overlay = viewer.canvas.overlays.text
    overlay.text, overlay.visible = "mine", True
    dock.views.show_slab(Slab("MIP", 12.0))
    dock.views.show_slab(Slab())
    assert (overlay.text, overlay.visible) == ("mine", True)
    overlay.text, overlay.visible = "", False


def test_findings_in_the_slab_are_shown_and_others_are_not(bright, qtbot):
    _viewer, dock, image = bright
    middle = np.array(image.to_world((10, 20, 20)))
    inside, reaching, outside = (
        Finding(Sphere(tuple(middle + (z, 5.0, 0.0)), 6.0), id=name)
        for z, name in ((6.0, "inside"), (10.0, "reaching"), (13.0, "outside"))
    )
    dock.reviewed.session.replace_findings(Findings((inside, reaching, outside)))
    marks = dock.views.canvas_marks

    def radii() -> list[float]:
        layer = dock.reviewed.rings.layer
        sizes = np.asarray(layer.size if layer is not None else ()).reshape(-1)
        return sorted({round(float(d) * SCALE / 2 - STAND_OFF, 1) for d in sizes if d > 0})

    def axial() -> Frame:
        return marks.scene.frame(Frame.of_plane("axial"))

    points = dock.reviewed.binding.layer
    assert points.projection_mode == "rescale_spherical"
    dock.views.show_slab(Slab("MIP", 15.0))
    assert points.projection_mode == "all"
    cut = round(np.sqrt(9 - 1.25**2), 1)
    qtbot.waitUntil(lambda: radii() == [cut, 3.0])
    assert sorted(round(m.radius - STAND_OFF, 1) for m in marks.scene.marks(axial())) == [cut, 3.0]
    dock.views.show_slab(Slab())
    assert points.projection_mode == "rescale_spherical"
    assert marks.scene.marks(axial()) == ()
    qtbot.waitUntil(lambda: radii() == [])


def test_a_radiograph_has_no_slab_and_the_next_volume_has_it_again(bright):
    viewer, dock, _ = bright
    first = dock.reviewed.layer
    dock.views.show_slab(Slab("MIP", 20.0))
    film = add_image_layer(viewer, radiograph())
    assert not any(viewer.dims.thickness)
    assert not viewer.canvas.overlays.text.visible
    assert first.projection_mode == "none"
    press(dock, Qt.Key.Key_S)  # which must not change the volume's
    press(dock, Qt.Key.Key_Period)
    dock.reviewed_images.choose(first)
    assert first.projection_mode == "max"
    assert viewer.canvas.overlays.text.text == "MIP 20 mm"
    viewer.layers.remove(film)


def test_a_volume_that_napari_holds_backwards_has_slabs(window, image):
    viewer, dock = window
    voxels = np.full((20, 30, 30), -800, np.int16)
    voxels[10, 14:17, 14:17] = 1000
    layer = viewer.add_image(voxels, scale=(-2.5, 1.0, -1.0), translate=(300.0, 0.0, 90.0), name="backwards")
    layer.contrast_limits = (-800, 1000)
    place = (300.0 - 2.5 * 12, 15.0, 90.0 - 15.0)  # two slices from the bright one
    dock.views.link(True)
    dock.views.show_slab(Slab("MIP", 9.0))
    planes.go_to(viewer, place)
    assert canvas_value(viewer, dock, place) < 0.1
    dock.views.show_slab(Slab("MIP", 11.0))
    assert canvas_value(viewer, dock, place) > 0.9
    bright = (300.0 - 2.5 * 10, 15.0, 75.0)
    for plane in ("coronal", "sagittal"):
        assert pane_value(dock, plane, bright) > 0.7  # interpolated between slices
    dock.views.show_slab(Slab())
    dock.views.link(False)
