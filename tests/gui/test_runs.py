"""Runs that are cancelled, that fail, and that outlive what they ran on."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

import napari
import numpy as np
from napari.utils.notifications import notification_manager

from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.training.findings import Finding, Sphere
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import PredictorError


def start(dock, qtbot) -> None:
    """Start a run and wait for its first step."""
    dock.run.start()
    qtbot.waitUntil(lambda: dock.run.bar.value() > 0, timeout=60_000)


def test_cancel_ends_the_run_and_leaves_the_session_as_it_was(after_run, predictor, qtbot):
    _, dock = after_run
    session = dock.reviewed.session
    session.accept("f1")
    before, drawn = session.findings, dock.reviewed.binding.layer.data.copy()
    predictor.go_on.clear()  # of itself it would never end
    predictor.closed.clear()
    start(dock, qtbot)
    dock.run.cancel_button.click()
    assert not dock.run.runner.running
    qtbot.waitUntil(predictor.closed.is_set)
    qtbot.wait(100)
    assert session.findings == before
    np.testing.assert_array_equal(dock.reviewed.binding.layer.data, drawn)
    assert dock.run.button.isEnabled()
    assert dock.run.bar.isHidden()
    assert "Nothing was changed" in dock.run.message.text()


def test_cancel_does_not_wait_for_a_long_step(window, predictor, qtbot):
    _, dock = window
    predictor.steps, predictor.delay = 2, 3.0
    dock.run.start()
    qtbot.wait(100)
    dock.run.cancel()
    assert dock.run.button.isEnabled()
    assert len(dock.reviewed.session.findings) == 0


FAILURES = (
    (PredictorError("no lung was found: choose a chest CT."), "no lung was found: choose a chest CT."),
    (
        RuntimeError("shapes differ"),
        "The model stopped: RuntimeError: shapes differ. The log has the details.",
    ),
)


def test_a_failing_predictor_says_so_and_the_window_goes_on(window, predictor, qtbot, caplog):
    _, dock = window
    for error, expected in FAILURES:
        predictor.error = error
        shown = len(notification_manager.records)
        with (
            caplog.at_level(logging.ERROR, "napari_lungmtl"),
            qtbot.waitSignal(dock.run.runner.failed, timeout=60_000),
        ):
            dock.run.start()
        assert len(dock.reviewed.session.findings) == 0
        assert dock.run.message.text() == expected
        assert dock.run.message.isVisible()
        assert expected in [n.message for n in notification_manager.records[shown:]]
        assert any(r.exc_info and r.exc_info[1] is error for r in caplog.records)
    predictor.error = None
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
    assert len(dock.reviewed.session.findings) == 5


def test_weights_that_do_not_load_are_said(window, qtbot, monkeypatch):
    from napari_lungmtl.training.inference.weights import WeightsError

    _, dock = window

    def fail(name, device="auto"):
        raise WeightsError("fake.safetensors is damaged: install the package again.")

    monkeypatch.setattr(registry, "load_predictor", fail)
    with qtbot.waitSignal(dock.run.runner.failed, timeout=60_000):
        dock.run.start()
    assert dock.run.message.text() == "fake.safetensors is damaged: install the package again."


def test_the_gui_thread_is_not_blocked_by_quick_steps(window, predictor, qtbot):
    _, dock = window
    predictor.steps, predictor.delay = 5000, 0.0001
    reports = []
    dock.run.runner.progressed.connect(reports.append)
    since = time.monotonic()
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
    assert len(reports) <= 2 + 20 * (time.monotonic() - since)


def test_a_run_without_a_find_leaves_the_layers_as_they_were(window, predictor, qtbot):
    """The layer of rings, put in ahead of the find, goes again however the run ends; what a person finds stays ringed."""
    viewer, dock = window
    before = [layer.name for layer in viewer.layers]
    predictor.findings = predictor.findings.with_items(())
    for end in ("cancel", "fail", "find nothing"):
        predictor.go_on.clear()
        predictor.error = PredictorError("no lung was found: choose a chest CT.") if end == "fail" else None
        dock.run.start()
        qtbot.waitUntil(lambda: dock.reviewed.rings.layer is not None, timeout=60_000)
        if end == "cancel":
            dock.run.cancel_button.click()
        else:
            predictor.go_on.set()
        qtbot.waitUntil(lambda: not dock.run.runner.running, timeout=60_000)
        assert [layer.name for layer in viewer.layers] == before, end
    predictor.error = None
    predictor.go_on.clear()
    start(dock, qtbot)
    dock.run.cancel_button.click()  # before the layer was put in
    qtbot.wait(400)
    assert [layer.name for layer in viewer.layers] == before
    dock.run.start()
    qtbot.waitUntil(lambda: dock.reviewed.rings.layer is not None, timeout=60_000)
    dock.reviewed.session.add(Finding(Sphere(tuple(viewer.dims.point), 8.0)))
    dock.run.cancel_button.click()
    assert [layer.name for layer in viewer.layers] == [*before, "rings"]
    qtbot.waitUntil(lambda: bool(dock.reviewed.rings.layer.size.any()))


def test_deleting_the_image_cancels_its_run(window, predictor, qtbot):
    viewer, dock = window
    predictor.go_on.clear()
    start(dock, qtbot)
    viewer.layers.clear()
    assert not dock.run.runner.running
    assert dock.reviewed is None
    assert not dock.run.button.isEnabled()
    qtbot.waitUntil(predictor.closed.is_set, timeout=60_000)


def test_closing_the_window_stops_the_run(open_dock, predictor, qtbot):
    viewer = napari.Viewer()
    dock = open_dock(viewer)
    predictor.go_on.clear()
    start(dock, qtbot)
    viewer.close()
    qtbot.waitUntil(predictor.closed.is_set, timeout=60_000)


def test_closing_the_dock_stops_the_run_and_lets_go_of_the_viewer(shared_viewer, open_dock, predictor, qtbot):
    viewer = shared_viewer
    dock = open_dock(viewer)
    predictor.go_on.clear()
    start(dock, qtbot)
    viewer.window.remove_dock_widget(dock)
    dock.close()
    qtbot.waitUntil(predictor.closed.is_set, timeout=60_000)
    viewer.dims.ndisplay = 3  # the dock hears no more of it
    viewer.theme = "light"
    viewer.layers[0].contrast_limits = (0, 1)
    viewer.layers.clear()
    viewer.dims.ndisplay = 2
    viewer.theme = "dark"


def test_the_result_goes_to_the_image_that_was_run_on(window, predictor, image, qtbot):
    viewer, dock = window
    first = dock.reviewed
    predictor.go_on.clear()
    start(dock, qtbot)
    add_image_layer(viewer, replace(image, series_uid="4.5.6"))
    second = dock.reviewed
    assert second is not first
    assert not dock.run.button.isEnabled()  # one run at a time
    predictor.go_on.set()
    qtbot.waitUntil(lambda: not dock.run.runner.running, timeout=60_000)
    assert len(first.session.findings) == 5
    assert len(second.session.findings) == 0


def test_how_a_run_ended_is_told_of_its_image(window, predictor, image, qtbot):
    """While another image is looked at its name is said; back at its image the words are there, and only there."""
    viewer, dock = window
    first = dock.reviewed
    message = dock.run.message
    other = add_image_layer(viewer, replace(image, series_uid="4.5.6"))
    second = dock.reviewed
    name = f"“{first.layer.name}”: "
    for end in ("cancel", "fail", "find"):
        dock.reviewed_images.choose(first.layer)
        predictor.go_on.clear()
        predictor.error = PredictorError("no lung was found.") if end == "fail" else None
        start(dock, qtbot)
        dock.reviewed_images.choose(other)
        assert message.text() == ""
        shown = len(notification_manager.records)
        if end == "cancel":
            dock.run.cancel_button.click()
        predictor.go_on.set()
        qtbot.waitUntil(lambda: not dock.run.runner.running and message.text() != "", timeout=60_000)
        assert message.text().startswith(name), end
        if end == "fail":
            assert name + "no lung was found." in [n.message for n in notification_manager.records[shown:]]
        said = message.text().removeprefix(name)
        dock.reviewed_images.choose(first.layer)
        assert message.text() == said, end
        assert message.isVisible()
        dock.reviewed_images.choose(other)
        assert message.text() == "", end
    assert dock.reviewed is second
    dock.reviewed_images.choose(first.layer)
    assert message.text().endswith("5 findings.")
    first.session.undo()
    dock.reviewed_images.choose(other)
    dock.reviewed_images.choose(first.layer)
    assert message.text() == "", "it speaks of another state"
