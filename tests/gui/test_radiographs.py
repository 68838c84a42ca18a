"""A radiograph in the window: the way from Run to corrected boxes, masks, the verdict and the heat map."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.panel.findings.columns import FOUND_BY, PLACE
from napari_lungmtl.panel.findings.section import ID
from napari_lungmtl.training.findings import Box, Mask
from napari_lungmtl.training.inference.predictor import PredictorError

from ..stand_ins.dock_input import column, press, rest
from ..stand_ins.nodule_cards import outline, rgb
from ..stand_ins.reviewed_radiographs import (
    RadiographPredictor,
    radiograph,
    radiograph_networks,
)


@pytest.fixture
def image():
    """The image that `window` opens."""
    return radiograph()


@pytest.fixture
def predictor(monkeypatch) -> dict[str, RadiographPredictor]:
    """Both networks of radiographs, by name."""
    return radiograph_networks(monkeypatch)


def canvas(viewer):
    """The widget that takes the mouse over the image."""
    return (
        viewer.window._qt_viewer.canvas.native
    )  # a real mouse needs a real widget; napari has no public way


def on_canvas(viewer, world) -> QPoint:
    """Where a world point (y, x) is drawn."""
    widget, camera = canvas(viewer), viewer.scene.camera
    middle = np.array((widget.height(), widget.width())) / 2
    y, x = middle + (np.asarray(world) - camera.center[-2:]) * camera.zoom
    return QPoint(round(x), round(y))


def drag(viewer, start, end) -> None:
    """Press, move and release the left button over the image."""
    widget, steps = canvas(viewer), 6
    QTest.mouseMove(widget, on_canvas(viewer, start))
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=on_canvas(viewer, start))
    for step in range(1, steps + 1):
        place = np.asarray(start) + (np.asarray(end) - start) * step / steps
        QTest.mouseMove(widget, on_canvas(viewer, place))
        rest(30)
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=on_canvas(viewer, end))
    rest(50)


def row_of(dock, id: str) -> int:
    return list(dock.reviewed.radiograph.boxes.layer.features["id"]).index(id)


def test_the_box_beside_run_names_the_networks_and_a_run_draws_everything(window, qtbot):
    viewer, dock = window
    assert dock.run.mode.currentText() == "DHN + MO-SegNet"
    assert not dock.study_section.banner.isVisible()
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
    assert [layer.name for layer in viewer.layers][1:] == ["lungs", "nodule masks", "boxes"]
    assert len(dock.marks.scene.captions) == 3
    assert dock.show_section.summary.text() == "4 of 5 marks shown"
    assert dock.findings.summary.text() == "3 lesions"
    assert "of 4 marks" in dock.findings.summary.toolTip()
    assert dock.run.message.text().endswith(": 5 marks.")
    assert dock.reviewed.session.can_undo
    dock.reviewed.session.undo()  # both networks' results are one step
    assert len(dock.reviewed.session.findings) == 0
    assert not dock.study_section.banner.isVisible()


def test_the_first_networks_boxes_are_there_while_the_second_still_runs(window, predictor, qtbot):
    _, dock = window
    predictor["mosegnet"].go_on.clear()
    dock.run.start()
    qtbot.waitUntil(lambda: len(dock.reviewed.session.findings) == 3, timeout=60_000)
    assert dock.run.runner.running
    assert dock.study_section.banner.isVisible()
    assert len(dock.reviewed.radiograph.boxes.layer.data) == 2
    dock.run.cancel()
    assert len(dock.reviewed.session.findings) == 0
    assert "Nothing was changed" in dock.run.message.text()


def test_a_network_that_fails_leaves_no_half_result(window, predictor, qtbot):
    _, dock = window
    predictor["mosegnet"].error = PredictorError("out of memory: close other programs.")
    with qtbot.waitSignal(dock.run.runner.failed, timeout=60_000):
        dock.run.start()
    assert len(dock.reviewed.session.findings) == 0
    assert dock.run.message.text() == "out of memory: close other programs."


def test_table_selection_overlays_and_banner_go_by_what_was_found(after_run):
    _, dock = after_run
    assert column(dock, FOUND_BY) == ["◆ both", "◇ DHN", "◇ MO-SegNet"]
    assert column(dock, PLACE)[0] == "55, 10"
    model = dock.findings.model
    headers = [model.headerData(n, Qt.Orientation.Horizontal) for n in sorted(dock.findings.shown_columns())]
    assert headers == ["#", "Score", "Ø mm", "y, x mm", "✓", "Found by"]
    table = dock.findings.table
    assert table.horizontalScrollBar().maximum() == 0
    assert "1 marked by both" in dock.study_section._agreement.text()
    layer, session = dock.reviewed.radiograph.boxes.layer, dock.reviewed.session
    session.select("m2")
    assert set(layer.selected_data) == {row_of(dock, "m2")}
    layer.selected_data = {row_of(dock, "d2")}
    rows = dock.findings.table.selectionModel().selectedRows()
    assert [row.data(ID) for row in rows] == ["d2"]
    press(dock, Qt.Key.Key_H)
    drawings = dock.reviewed.radiograph
    assert not any(layer.visible for layer in drawings.layers)
    press(dock, Qt.Key.Key_H)
    assert all(layer.visible for layer in drawings.layers)
    assert drawings.boxes.layer.mode == "select"
    banner, slider = dock.study_section.banner, dock.show_section.radiograph
    assert banner.isVisible()
    assert slider.isVisible()
    (verdict,) = banner.verdicts
    assert verdict.headline == "Nodule on this radiograph: 83 %"
    assert "above the threshold 0.50" in banner.accessibleDescription()
    bar = banner.bar(0)
    y = round(bar.center().y())

    def filled() -> float:
        pixels = rgb(banner)
        empty = pixels[y, round(bar.right()) - 4]
        return float(
            (np.abs(pixels[y, round(bar.left()) : round(bar.right())] - empty).max(axis=-1) > 20).mean()
        )

    assert filled() == pytest.approx(0.83, abs=0.03)
    slider.slider.setValue(90)
    assert "below the threshold 0.90" in banner.accessibleDescription()
    assert filled() == pytest.approx(0.83, abs=0.04)
    assert banner.bar(0).width() < 380


def test_keys_walk_and_judge_boxes(after_run):
    _, dock = after_run
    session = dock.reviewed.session
    press(dock, Qt.Key.Key_N)
    assert session.selected == "d1"
    press(dock, Qt.Key.Key_A)
    press(dock, Qt.Key.Key_N)
    press(dock, Qt.Key.Key_R)
    judged = [session.findings[id].status for id in ("d1", "m1", "d2")]
    assert judged == ["accepted", "accepted", "rejected"]
    press(dock, Qt.Key.Key_C)
    assert "judged on CT only" in dock.run.message.text()


def test_the_card_shows_the_radiograph_around_the_box_and_says_what_the_networks_say(after_run, qtbot):
    _, dock = after_run
    press(dock, Qt.Key.Key_N)
    card = dock.card
    pictures = card.closeups.pictures
    assert [picture.isHidden() for picture in pictures] == [False, True, True]
    qtbot.waitUntil(lambda: card.closeups.height() >= pictures[0].height(), timeout=60_000)
    marked = outline(rgb(pictures[0].pixmap().toImage()))
    height, width = np.ptp(marked, axis=0)
    assert height / width == pytest.approx(15.0 / 14.4, abs=0.1)
    words = card.closeups.words.text()
    assert "DHN 0.90" in words
    assert "MO-SegNet 0.80" in words
    assert "14.4 × 15.0 mm" in words
    assert not card._offer.isVisible()
    assert not card.bars.isVisible()


def test_the_card_of_a_selected_box_comes_into_view_and_the_table_stays_there(after_run, qtbot):
    viewer, dock = after_run
    size = viewer.window.geometry()[2:]
    viewer.window.resize(1280, 800)
    scroll = dock._scroll

    def in_view(section) -> bool:
        top = section.mapTo(scroll.viewport(), QPoint(0, 0)).y()
        return top >= 0 and top + section.height() <= scroll.viewport().height() + 1

    press(dock, Qt.Key.Key_N)
    qtbot.waitUntil(
        lambda: dock.card.closeups.height() >= dock.card.closeups.pictures[0].height() > 0, timeout=60_000
    )
    qtbot.waitUntil(lambda: in_view(dock.card) and in_view(dock.findings), timeout=60_000)
    viewer.window.resize(*size)


def test_the_view_moves_to_a_box_only_where_it_is_out_of_sight(after_run):
    viewer, dock = after_run
    viewer.reset_view()
    before = viewer.scene.camera.center
    press(dock, Qt.Key.Key_N)
    assert viewer.scene.camera.center == before
    viewer.scene.camera.zoom *= 8
    viewer.scene.camera.center = (0, 150.0, 80.0)
    zoom = viewer.scene.camera.zoom
    press(dock, Qt.Key.Key_N)
    finding = dock.reviewed.session.findings[dock.reviewed.session.selected]
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], finding.box.center)
    assert viewer.scene.camera.zoom == zoom


def test_a_rectangle_drawn_with_the_mouse_is_a_finding_and_a_click_is_none(after_run, qtbot):
    viewer, dock = after_run
    viewer.reset_view()
    session, layer = dock.reviewed.session, dock.reviewed.radiograph.boxes.layer
    viewer.layers.selection.active = layer
    layer.mode = "add_rectangle"
    drag(viewer, (100.0, 40.0), (115.0, 60.0))
    qtbot.waitUntil(lambda: len(session.findings) == 6, timeout=60_000)
    new = session.findings[-1]
    step = 2 / viewer.scene.camera.zoom
    np.testing.assert_allclose(new.box.low, (100, 40), atol=step)
    np.testing.assert_allclose(new.box.high, (115, 60), atol=step)
    assert session.selected == new.id
    assert dock.reviewed is not None
    drag(viewer, (130.0, 40.0), (130.0, 40.0))
    assert len(session.findings) == 6
    assert len(layer.data) == 5
    press(dock, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(session.findings) == 5


def test_a_corner_dragged_with_the_mouse_resizes_and_survives_threshold_and_rerun(after_run, qtbot):
    viewer, dock = after_run
    viewer.reset_view()
    session, layer = dock.reviewed.session, dock.reviewed.radiograph.boxes.layer
    viewer.layers.selection.active = layer
    assert layer.mode == "select"
    session.select("d2")
    rest(50)
    box = session.findings["d2"].box
    drag(viewer, box.high, (box.high[0] + 10, box.high[1] + 6))
    edited = session.findings["d2"]
    step = 3 / viewer.scene.camera.zoom
    np.testing.assert_allclose(edited.box.high, (box.high[0] + 10, box.high[1] + 6), atol=step)
    np.testing.assert_allclose(edited.box.low, box.low, atol=1e-3)
    slider = dock.show_section.score.slider
    slider.setValue(slider.maximum())
    assert [f.id for f in session.visible] == ["d2"]
    slider.setValue(40)
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
    assert session.findings["d2"].geometry == edited.geometry
    assert [f.box for f in session.findings].count(
        box
    ) == 0  # the network's own box does not come back beside it
    np.testing.assert_allclose(layer.data[row_of(dock, "d2")][2], edited.box.high, rtol=1e-5)


def test_a_mask_is_painted_with_the_mouse_and_undone_with_the_key(after_run, qtbot):
    viewer, dock = after_run
    viewer.reset_view()
    session, layer = dock.reviewed.session, dock.reviewed.radiograph.masks.layer
    viewer.layers.selection.active = layer
    before = session.findings
    layer.mode = "paint"
    layer.brush_size = 8
    drag(viewer, (120.0, 10.0), (120.0, 20.0))
    qtbot.waitUntil(lambda: len(session.findings) == 6, timeout=60_000)
    new = session.findings[-1]
    assert isinstance(new.geometry, Mask)
    assert new.box.high[1] - new.box.low[1] > 10
    assert new.id in set(dock.reviewed.radiograph.boxes.layer.features["id"])
    press(dock, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.findings == before
    press(dock, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert session.findings[new.id] == new


def test_the_heat_map_comes_off_the_gui_thread_lies_under_the_boxes_and_goes(after_run, image, qtbot):
    viewer, dock = after_run
    box, heat, reviewed = dock.show_section.heat.box, dock.reviewed.radiograph.heat, dock.reviewed
    assert [box.itemText(n) for n in range(box.count())] == [
        "off",
        "DHN objectness",
        "MO-SegNet probability",
    ]
    box.setCurrentIndex(1)
    box.activated.emit(1)
    qtbot.waitUntil(lambda: heat.layer is not None, timeout=60_000)
    names = [layer.name for layer in viewer.layers]
    assert names[1] == "heat map: DHN evidence"
    peak = np.unravel_index(np.argmax(heat.layer.data), heat.layer.data.shape)
    expected = image.to_world((0.30 * 300, 0.25 * 240))
    np.testing.assert_allclose(heat.layer.data_to_world(peak), expected, atol=2 * heat.layer.scale[0])
    low, high = image.extent
    assert (np.asarray(heat.layer.extent.world) >= low - heat.layer.scale).all()
    assert (np.asarray(heat.layer.extent.world) <= high + heat.layer.scale).all()
    viewer.layers.selection.active = heat.layer  # it is no image under review
    assert dock.reviewed is reviewed
    add_image_layer(viewer, radiograph(series_uid="other"))
    assert dock.reviewed is not reviewed
    assert not heat.layer.visible
    assert box.currentText() == "off"
    viewer.layers.selection.active = reviewed.layer
    assert heat.layer.visible
    assert box.currentText() == "DHN objectness"
    box.setCurrentIndex(0)
    box.activated.emit(0)
    assert heat.layer is None
    assert not any(layer.name.startswith("heat map") for layer in viewer.layers)


def test_a_heat_map_that_fails_says_so(after_run, predictor, qtbot):
    _, dock = after_run
    predictor["mosegnet"].error = PredictorError("no lungs were found on this radiograph.")
    box = dock.show_section.heat.box
    box.setCurrentIndex(2)
    box.activated.emit(2)
    qtbot.waitUntil(
        lambda: dock.show_section.heat.state.text() == "no lungs were found on this radiograph.",
        timeout=60_000,
    )
    assert box.currentText() == "off"


def test_pixels_are_said_where_the_spacing_is_unknown(window, qtbot):
    viewer, dock = window
    add_image_layer(viewer, radiograph(spacing=None, series_uid="plain"))
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
    assert "px" in dock.show_section.diameter._caption.text()
    dock.show_section.diameter.slider.setValue(25)
    assert dock.reviewed.session.thresholds.diameter == 25
    assert dock.findings.model.headerData(2, Qt.Orientation.Horizontal) == "Ø px"
    press(dock, Qt.Key.Key_N)
    assert dock.card.summary.text() == "29 × 30 px"


def test_removing_layers_of_a_radiograph_loses_nothing_and_leaves_only_the_image(after_run, qtbot):
    viewer, dock = after_run
    session = dock.reviewed.session
    session.change("m2", geometry=Box((50.0, 10.0), (60.0, 20.0)))
    for layer in dock.reviewed.radiograph.layers:
        viewer.layers.remove(layer)
        QApplication.processEvents()
        viewer.screenshot(canvas_only=True, flash=False)  # draws
    assert len(session.findings) == 5
    assert list(viewer.layers) == [dock.reviewed.layer]


def test_removing_the_image_closes_its_study(after_run):
    viewer, dock = after_run
    viewer.layers.remove(dock.reviewed.layer)
    QApplication.processEvents()
    viewer.screenshot(canvas_only=True, flash=False)  # draws
    assert dock.reviewed is None
