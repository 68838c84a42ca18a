"""What a step, a click and a threshold draw: each thing once, and nothing that stays as it is. Counted, not timed."""

from __future__ import annotations

from collections import Counter

from qtpy.QtWidgets import QApplication

from napari_lungmtl.layers import planes
from napari_lungmtl.views import pane


def test_each_layer_is_drawn_once_with_a_slice_and_a_pane_only_where_its_plane_is_another(
    window, findings, qtbot, monkeypatch
):
    viewer, dock = window
    dock.reviewed.session.replace_findings(findings)
    dock.views.link(True)
    qtbot.waitUntil(lambda: any(layer.name == "rings" for layer in viewer.layers))
    panes = dock.views.panes
    qtbot.waitUntil(lambda: panes["coronal"].isVisible() and panes["coronal"].width() > 50)
    _rest(qtbot)
    assert [layer.name for layer in viewer.layers].count("rings") == 1
    assert len(viewer.layers) == 3  # image, nodules, rings
    drawn: Counter[str] = Counter()
    for layer in viewer.layers:
        layer.events.set_data.connect(lambda _event, name=layer.name: drawn.update([name]))
    names = {layer.name for layer in viewer.layers}
    paint = pane.paint_marks
    monkeypatch.setattr(
        pane, "paint_marks", lambda p, frame, marks: (drawn.update([frame.order]), paint(p, frame, marks))
    )

    def steps(axis: int) -> Counter[str]:
        """All that is drawn by ten steps along an axis, one after the other."""
        drawn.clear()
        for _ in range(10):
            planes.step(viewer, axis, 1)
            _rest(qtbot)
        return drawn.copy()

    coronal, sagittal = (panes[plane].frame.order for plane in ("coronal", "sagittal"))
    for axis, seen in ((0, set()), (1, {coronal}), (2, {sagittal})):
        assert steps(axis) == dict.fromkeys(names | seen, 10)
    drawn.clear()
    dock.findings.step(1)
    assert {drawn[name] for name in names} == {1}
    dock.views.link(False)


def test_a_threshold_that_moves_draws_rings_alone(window, findings, qtbot):
    viewer, dock = window
    session = dock.reviewed.session
    session.replace_findings(findings)
    planes.go_to(viewer, findings["f3"].center)
    _rest(qtbot)
    drawn: Counter[str] = Counter()
    for layer in viewer.layers:
        layer.events.set_data.connect(lambda _event, name=layer.name: drawn.update([name]))
    session.set_thresholds(score=findings["f3"].score + 0.01)
    qtbot.waitUntil(lambda: bool(drawn))
    _rest(qtbot)
    assert drawn == {"rings": 1}
    nodules = next(layer for layer in viewer.layers if layer.name == "nodules")
    assert list(nodules.features["id"]) == [f.id for f in session.visible] == ["f1", "f2"]
    assert nodules.get_value(findings["f3"].center, dims_displayed=[1, 2], world=True) is None
    session.set_thresholds(score=0.5)
    assert nodules.get_value(findings["f3"].center, dims_displayed=[1, 2], world=True) == 2
    viewer.dims.ndisplay = 3
    drawn.clear()
    session.set_thresholds(score=findings["f3"].score + 0.01)
    assert drawn["nodules"] == 1  # there it is the spheres that are seen


def _rest(qtbot) -> None:
    """Let what was asked for be painted."""
    for _ in range(3):
        QApplication.processEvents()
        qtbot.wait(5)
