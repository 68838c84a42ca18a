"""What is not done: counted, so that it holds on any machine."""

from __future__ import annotations

import threading

import numpy as np

from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.panel.nodule import closeups
from napari_lungmtl.session.sidecar import Sidecar
from napari_lungmtl.training.findings import Finding, Sphere
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.imaging.image import Image


def second() -> Image:
    """Another patient, elsewhere in the world."""
    voxels = np.full((30, 50, 50), -500, np.int16)
    return Image(voxels, "CT", (2.5, 1.0, 1.0), (-500.0, 300.0, 200.0), series_uid="4.5.6")


def test_the_layers_of_an_image_that_is_chosen_are_cut_once(after_run, qtbot):
    """At the slice where it was left, and not first at the one of the image before."""
    viewer, dock = after_run
    first = dock.reviewed
    first.session.select("f2")
    point, camera = viewer.dims.point, viewer.scene.camera.center
    rings = first.rings.layer.data.copy()
    add_image_layer(viewer, second())
    assert dock.reviewed is not first
    cut = []
    for layer in (first.layer, first.binding.layer):
        layer.events.set_data.connect(lambda event: cut.append(event.source))
    dock.reviewed_images.choose(first.layer)
    assert dock.reviewed is first
    assert [cut.count(layer) for layer in (first.layer, first.binding.layer)] == [1, 1]
    np.testing.assert_allclose(viewer.dims.point, point)
    np.testing.assert_allclose(viewer.scene.camera.center, camera)
    np.testing.assert_allclose(first.rings.layer.data, rings)


def test_letters_of_close_ups_are_traced_once(after_run):
    _, dock = after_run
    for id in ("f1", "f2", "f3"):
        dock.reviewed.session.select(id)
    before = closeups._letters.cache_info()
    for id in ("f2", "f1", "f3"):
        dock.reviewed.session.select(id)
    after = closeups._letters.cache_info()
    assert after.misses == before.misses
    assert after.hits - before.hits == 27, "three pictures with two letters and a length, three times"


def test_a_closed_image_is_saved_off_the_windows_thread(window, monkeypatch, qtbot):
    """And what is opened again at once has all of it."""
    viewer, dock = window
    image = second()
    layer = add_image_layer(viewer, image)
    session, path = dock.reviewed.session, dock.reviewed.session.sidecar
    threads, slow = [], threading.Event()
    write = Sidecar.write

    def write_slowly(self, findings):
        threads.append(threading.current_thread())
        slow.wait(30)
        return write(self, findings)

    monkeypatch.setattr(Sidecar, "write", write_slowly)
    session.add(Finding(Sphere((-480.0, 320.0, 220.0), 6.0), id="mine"))
    viewer.layers.remove(layer)  # does not wait: nothing has let the writer go on yet
    assert not path.exists()
    qtbot.waitUntil(lambda: bool(threads))  # else who opens it again at once would write it
    threading.Timer(0.3, slow.set).start()
    add_image_layer(viewer, image)
    assert [f.id for f in dock.reviewed.session.findings] == ["mine"]
    assert threads
    assert threading.main_thread() not in threads
    assert [f.id for f in read_findings(path)] == ["mine"]
