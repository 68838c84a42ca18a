"""Slices that no sphere reaches show the image and nothing else: no dot where the world begins."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_lungmtl.app import show_truth
from napari_lungmtl.layers.spheres.layer_data import points_layer_data
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.imaging.image import Image

FAR = Finding(Sphere((-40.0, 12.0, -8.0), 6.0), score=0.9, provenance=Provenance("fake", "1.0"), id="f1")
"""Reaches the lower slices alone."""


@pytest.fixture
def image() -> Image:
    """Bright tissue with the world's origin in its middle, where a dark dot is seen."""
    return Image(np.full((40, 60, 60), 300, np.int16), "CT", (2.5, 1.0, 1.0), (-50.0, -30.0, -30.0), "1.2.3")


@pytest.fixture
def findings() -> Findings:
    """What the run finds."""
    return Findings((FAR,), models=({"name": "fake", "version": "1.0"},))


def session_layer(viewer, dock) -> str:
    dock.reviewed.session.replace_findings(Findings((FAR,)))
    return "nodules"


def reader_layer(viewer, dock) -> str:
    data, attributes, _ = points_layer_data(Findings((FAR,)), name="from a file")
    viewer.add_points(data, **attributes)
    return "from a file"


def truth_layer(viewer, dock) -> str:
    show_truth(viewer, dock, Findings((FAR,), image=ImageReference.of(dock.reviewed.session.image)))
    return "truth"


def picture(viewer) -> np.ndarray:
    """The canvas as it is seen (y, x, 3)."""
    QApplication.processEvents()
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)


@pytest.mark.parametrize("make", [session_layer, reader_layer, truth_layer])
def test_a_slice_without_a_sphere_looks_as_without_the_layer(window, qtbot, make):
    viewer, dock = window
    viewer.layers[0].contrast_limits = (0, 300)
    viewer.reset_view()
    layer = viewer.layers[make(viewer, dock)]
    for z in (0.0, 20.0):
        viewer.dims.set_point(0, z)
        layer.visible = True
        shown = picture(viewer)
        layer.visible = False
        assert np.abs(shown - picture(viewer)).max() == 0, f"something is drawn at z = {z} mm"
    viewer.dims.set_point(0, -40.0)
    layer.visible = True
    shown = picture(viewer)
    layer.visible = False
    assert np.abs(shown - picture(viewer)).max() > 50, "where the sphere is, it is seen"


def test_true_nodules_beyond_a_part_of_a_scan_add_no_empty_slices(window):
    viewer, dock = window
    before = viewer.dims.range[0]
    beyond = FAR.with_(id="beyond", geometry=Sphere((120.0, 12.0, -8.0), 6.0))
    image = ImageReference.of(dock.reviewed.session.image)
    show_truth(viewer, dock, Findings((FAR, beyond), image=image))
    QApplication.processEvents()
    assert tuple(viewer.dims.range[0]) == pytest.approx(tuple(before))
