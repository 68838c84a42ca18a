"""A click on a mark brings its card, without a look at which layer is active."""

from __future__ import annotations

import numpy as np

from napari_lungmtl.layers import planes
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.training.findings import Box, Finding

from ..stand_ins.canvas_mouse import CanvasMouse
from ..stand_ins.reviewed_radiographs import radiograph


def test_a_ring_is_selected_by_a_click_from_the_layer_of_the_image(after_run):
    viewer, dock = after_run
    session, mouse = dock.reviewed.session, CanvasMouse(dock)
    viewer.layers.selection.active = dock.reviewed.layer
    first = session.visible[0]
    planes.go_to(viewer, first.center)
    mouse.click(first.center)
    assert session.selected == first.id
    beside = np.asarray(first.center) + (0, 0, first.diameter)
    mouse.click(beside)
    assert session.selected == first.id  # beside all marks nothing is taken away
    session.select(None)
    mouse.drag(first.center, beside)
    assert session.selected is None  # who moves the picture selects nothing
    session.show_overlays(False)
    mouse.click(first.center)
    assert session.selected is None  # what cannot be seen cannot be pointed at


def test_where_a_click_means_something_else_it_selects_nothing(after_run, monkeypatch):
    viewer, dock = after_run
    session, mouse = dock.reviewed.session, CanvasMouse(dock)
    viewer.layers.selection.active = dock.reviewed.layer
    first = session.visible[0]
    planes.go_to(viewer, first.center)
    grafted = []
    monkeypatch.setattr(dock.blind.one, "put", grafted.append)
    dock.blind.one.switch.setChecked(True)
    mouse.click(first.center)
    assert len(grafted) == 1
    assert session.selected is None
    dock.blind.one.switch.setChecked(False)
    dock.views.link(True)
    mouse.click(first.center)
    assert session.selected is None
    dock.views.link(False)
    with monkeypatch.context() as beside:  # a prior: a click moves both crosshairs
        beside.setattr(type(dock.prior.beside), "shown", True)
        mouse.click(first.center)
        assert session.selected is None
    mouse.click(first.center)
    assert session.selected == first.id


def test_a_box_is_selected_by_a_click_beside_a_ct_that_is_open_too(after_run):
    viewer, dock = after_run
    add_image_layer(viewer, radiograph())
    session = dock.reviewed.session
    session.add(Finding(Box((40.0, 30.0), (60.0, 50.0)), status="accepted", id="box"))
    session.select(None)
    dock.views.link(True)  # a film has one view, whatever is chosen for CTs
    viewer.layers.selection.active = dock.reviewed.layer
    CanvasMouse(dock).click((55.0, 35.0))
    assert session.selected == "box"
