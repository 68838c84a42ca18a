"""The operating point in a real window: curve and threshold move each other, a promise is tuned, held, voided; the lamp."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lungmtl.layers.spheres.layer import add_image_layer
from napari_lungmtl.panel.cases.model import FINDINGS
from napari_lungmtl.panel.operating_point import promise as promise_module
from napari_lungmtl.panel.operating_point import section as section_module
from napari_lungmtl.panel.operating_point import store
from napari_lungmtl.panel.operating_point.curve_view import CurveView
from napari_lungmtl.panel.operating_point.promise import PromiseView
from napari_lungmtl.session.session import Session
from napari_lungmtl.session.thresholds import open_with, opening_thresholds
from napari_lungmtl.training.findings import Finding, Findings, Provenance, Sphere
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.radiograph_answer import shipped_answer
from napari_lungmtl.training.operating_point.calibration import Calibration, CalibrationScan
from napari_lungmtl.training.operating_point.reviewed import ReviewedCase

from ..stand_ins.case_folder import SHIFT, cell, click_row, load, wait_for, write_scan
from ..stand_ins.own_weights import own_weights
from ..stand_ins.reviewed_radiographs import radiograph

FAKE = ({"name": "fake", "version": "1.0"},)
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(autouse=True)
def own_settings(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "user_config_path", lambda *_, **__: tmp_path / "settings")
    yield
    for radiographs in (False, True):
        open_with(radiographs, None)


@pytest.fixture
def section(after_run):
    """The section unfolded and in sight, with marks of the test's detector."""
    _, dock = after_run
    return unfold(dock)


def unfold(dock):
    dock.operating_point.set_open(True)
    QApplication.processEvents()
    dock._scroll.ensureWidgetVisible(dock.operating_point.curve.plot)
    QApplication.processEvents()
    return dock.operating_point


def at(plot, place: int) -> QPoint:
    return QPoint(*np.round(plot.points()[place]).astype(int).tolist())


def drag(plot, place: int) -> None:
    """A real drag of the handle to a point of the curve."""
    QTest.mousePress(plot, LEFT, pos=plot.handle().toPoint())
    halfway = (plot.handle().toPoint() + at(plot, place)) / 2
    for point in (halfway, at(plot, place)):
        QTest.mouseMove(plot, point)
        QApplication.processEvents()
    QTest.mouseRelease(plot, LEFT, pos=at(plot, place))
    QApplication.processEvents()


def test_weights_that_have_gone_keep_no_image_from_being_opened(image, tmp_path, qtbot):
    """What they were is known from when they were chosen; that they are gone is told by a run."""
    own = own_weights(tmp_path / "run7", "ag3d")
    session, curve = Session(), CurveView()
    qtbot.addWidget(curve)
    registry.use_weights("ag3d", own)
    try:
        own.unlink()
        session.open(image)
        curve.set_session(session)
        assert curve.shown[0].network == "ag3d"
        assert "other weights" not in curve.basis.text(), "the file was a copy of the shipped one"
        assert registry.card_as_chosen("mtmr") == registry.card("mtmr")
    finally:
        registry.use_weights("ag3d", None)
        session.open(None)


def test_handle_and_slider_move_each_other(section, after_run):
    _, dock = after_run
    session, plot = dock.reviewed.session, section.curve.plot
    curve = plot.curve
    assert section.curve.line.text().startswith("Finds 75 % (19–99) of nodules, with 2.0 false marks a scan")
    assert "other weights" in section.curve.basis.text(), "the test's detector is none of those evaluated"
    place = curve.place(0.95)
    drag(plot, place)
    assert curve.place(session.thresholds.score) == place
    assert session.thresholds.score == pytest.approx(curve.threshold[place])
    slider = dock.show_section.score.slider
    assert slider.value() == pytest.approx(100 * (session.thresholds.score - 0.05), abs=1)
    before = plot.handle().x()
    QTest.keyClick(slider, Qt.Key.Key_Home)
    assert session.thresholds.score == pytest.approx(0.05)
    assert plot.handle().x() > before
    assert plot.handle().toPoint() == at(plot, len(curve.threshold) - 1)
    assert section.curve.line.text().startswith("Finds 75 %")
    plot.setFocus()
    QTest.keyClick(plot, Qt.Key.Key_Left)
    assert curve.place(session.thresholds.score) == len(curve.threshold) - 2
    assert section.summary.text().endswith("false")


def test_a_radiograph_has_a_roc_curve_on_the_scale_of_its_banner(window):
    viewer, dock = window
    add_image_layer(viewer, radiograph())
    QApplication.processEvents()
    section = unfold(dock)
    plot = section.curve.plot
    assert plot.curve.roc
    assert section.curve.threshold == shipped_answer().threshold
    drag(plot, plot.curve.place(0.6))
    session = dock.reviewed.session
    assert session.thresholds.image == pytest.approx(plot.curve.threshold[plot.curve.place(0.6)])
    session.set_thresholds(image=0.4)
    assert plot.handle().toPoint() == at(plot, plot.curve.place(0.4))
    assert "clears" in section.curve.line.text()
    assert "radiograph" in section.promise.kind.text()


def done_scan(folder, number: int, false: tuple[float, ...]) -> None:
    """A scan of 40 mm that somebody has read: false marks of the test's detector, and one accepted."""
    path = write_scan(folder / f"case{number:02}.nii.gz", 40 + number)
    marks = [Finding(Sphere((-85.0, 25.0, 0.0), 6.0), s, provenance=Provenance("fake", "1.0")) for s in false]
    true = replace(marks[0], score=0.95, status="accepted", id="true") if marks else None
    items = tuple(m.with_(status="rejected") for m in marks) + ((true,) if true else ())
    write_findings(
        Findings(items, models=FAKE, done_by="ann"), path.with_name(f"case{number:02}.lungmtl.json")
    )


def test_ten_reviewed_scans_tune_a_threshold_that_is_held_until_it_is_moved(
    section, after_run, tmp_path, qtbot
):
    _, dock = after_run
    promise, session = section.promise, dock.reviewed.session
    for number in range(9):
        done_scan(tmp_path / "cases", number, (0.9, 0.6) if number < 2 else (0.6,))
    load(dock, tmp_path / "cases", qtbot)
    assert promise.state.text() == "9 of 10 reviewed scans: mark cases done (Shift+D)."
    assert not promise.tune.isEnabled()
    session.reject("f1", "f2", "f3")
    QTest.keyClick(dock.window(), Qt.Key.Key_D, SHIFT)
    qtbot.waitUntil(promise.tune.isEnabled)
    dock._scroll.ensureWidgetVisible(promise.tune)
    QTest.mouseClick(promise.tune, LEFT)
    qtbot.waitUntil(promise.hold.isChecked)
    known = promise.calibration
    assert len(known.scans) == 10
    assert known.weights == ("fake 1.0",)
    assert {scan.review.false for scan in known.scans} >= {(0.9, 0.6), (0.97, 0.8, 0.55, 0.4, 0.2)}
    assert session.thresholds.score == promise.threshold == known.threshold(1)
    assert 0.6 < promise.threshold < 0.91
    assert promise.state.text().startswith("Tuned on 10 scans: score ≥ 0.")
    assert promise.state.text().endswith("; of 9 marks that you accepted 9 score as much.")
    assert "shows" not in promise.state.text(), "what was accepted is shown at any threshold"
    assert section.summary.text() == "at most 1 false"
    promise.most.setValue(8)
    assert session.thresholds.score == max(known.threshold(8), 0.05)
    assert store.load(False) == (known, "")
    QTest.keyClick(dock.show_section.score.slider, Qt.Key.Key_End)
    assert not promise.hold.isChecked()
    assert session.thresholds.score == pytest.approx(1.0)
    QTest.mouseClick(promise.hold, LEFT, pos=QPoint(8, promise.hold.height() // 2))
    assert session.thresholds.score == max(known.threshold(8), 0.05)
    other = replace(session.findings, models=({"name": "fake", "version": "1.0", "sha256": "ab"},))
    session._put(other)
    assert promise.state.text().startswith("Void: 10 scans were tuned on with other weights.")
    assert not promise.holds


def tuned(section, dock, folder, qtbot, false=(0.9, 0.6)) -> None:
    """Ten reviewed scans, one of them open, tuned on; `folder` may list more that nobody has read."""
    for number in range(9):
        done_scan(folder, number, false if number < 2 else (0.6,))
    load(dock, folder, qtbot)
    dock.reviewed.session.reject("f1", "f2", "f3")
    QTest.keyClick(dock.window(), Qt.Key.Key_D, SHIFT)
    qtbot.waitUntil(section.promise.tune.isEnabled)
    dock._scroll.ensureWidgetVisible(section.promise.tune)
    QTest.mouseClick(section.promise.tune, LEFT)
    qtbot.waitUntil(section.promise.hold.isChecked)


def unread_scan(folder, name: str, scores: tuple[float, ...], models=FAKE) -> None:
    """A scan that only the test's detector has looked at."""
    path = write_scan(folder / f"{name}.nii.gz", 70)
    marks = [
        Finding(Sphere((-85.0 + 9 * n, 25.0, 0.0), 6.0), score, provenance=Provenance("fake", "1.0"))
        for n, score in enumerate(scores)
    ]
    write_findings(Findings(tuple(marks), models=models), path.with_name(f"{name}.lungmtl.json"))


def test_the_list_counts_what_images_will_show_at_once(section, after_run, tmp_path, qtbot):
    _, dock = after_run
    folder = tmp_path / "cases"
    unread_scan(folder, "unread", (0.95, 0.6, 0.55))
    unread_scan(folder, "others", (0.95, 0.6), ({"name": "fake", "version": "1.0", "sha256": "ab"},))
    counts = lambda: [cell(dock, name, FINDINGS) for name in ("unread", "others", "case02")]  # noqa: E731
    load(dock, folder, qtbot)
    assert [cell(dock, name, FINDINGS) for name in ("unread", "others")] == ["3", "2"]
    tuned(section, dock, folder, qtbot)
    assert 0.6 < section.promise.threshold < 0.91
    assert section._count_soon.isActive(), (
        "once for all turns of the promise: thousands of cases take seconds"
    )
    qtbot.waitUntil(lambda: counts() == ["1", "2", "1"])  # marks of other weights are shown as ever
    click_row(dock, "unread")
    wait_for(dock, "unread", qtbot)
    assert len(dock.reviewed.session.visible) == 1
    assert dock.reviewed.session.thresholds.score == section.promise.threshold
    section.promise.most.setValue(8)
    assert all(
        r.session.thresholds.score == dock.reviewed.session.thresholds.score for r in dock.reviewed_images
    ), "those that are open, too"
    QTest.mouseClick(section.promise.hold, LEFT, pos=QPoint(8, section.promise.hold.height() // 2))
    assert not section.promise.hold.isChecked()
    click_row(dock, "others")
    wait_for(dock, "others", qtbot)
    assert dock.reviewed.session.thresholds.score == 0.5


def test_ten_turns_of_the_promise_count_the_list_once(section, after_run, tmp_path, qtbot, monkeypatch):
    _, dock = after_run
    unread_scan(tmp_path / "cases", "unread", (0.95, 0.6, 0.55))
    tuned(section, dock, tmp_path / "cases", qtbot, false=(0.9, 0.8, 0.7, 0.6))
    qtbot.waitUntil(lambda: not section._count_soon.isActive())
    counted, published = [], []
    monkeypatch.setattr(section_module, "count_anew", lambda *_: counted.append(section.promise.most.value()))
    section.promise.published.connect(lambda: published.append(True))
    section.promise.most.setFocus()
    for key in 5 * (Qt.Key.Key_Up, Qt.Key.Key_Down):
        QTest.keyClick(section.promise.most, key)
    assert len(published) == 10
    assert counted == []
    qtbot.waitUntil(lambda: counted == [1])
    assert not section._count_soon.isActive()


def test_a_promise_is_held_by_the_next_window_which_says_so(
    section, after_run, image, tmp_path, qtbot, monkeypatch
):
    _, dock = after_run
    said = []
    monkeypatch.setattr(promise_module, "show_info", said.append)
    tuned(section, dock, tmp_path / "cases", qtbot)
    assert said == [], "this window knows"

    def next_window(findings=None):
        view, session = PromiseView(lambda _radiographs: []), Session()
        qtbot.addWidget(view)
        session.open(image)
        if findings is not None:
            session.replace_findings(findings)
        view.set_session(session)
        return view, session

    view, session = next_window()
    assert view.holds
    assert session.thresholds.score == section.promise.threshold
    assert opening_thresholds(Findings(image=session.findings.image)).score == section.promise.threshold
    (words,) = said
    assert words.startswith(
        "At most 1 false mark a scan, as you asked for in an earlier window: marks below 0."
    )
    view.most.setValue(8)
    view, session = next_window()
    assert (view.most.value(), view.holds) == (8, True)
    assert session.thresholds.score == max(view.calibration.threshold(8), 0.05)
    other = Findings(models=({"name": "fake", "version": "1.0", "sha256": "ab"},))
    view, session = next_window(other)
    assert not view.holds
    assert session.thresholds.score == 0.5
    view, session = next_window()
    session.set_thresholds(score=0.4)
    view.on_thresholds()
    view, session = next_window()
    assert (view.holds, session.thresholds.score) == (False, 0.5)
    assert opening_thresholds(Findings(image=session.findings.image)).score == 0.5


def test_a_promise_of_other_weights_is_not_held(section, qtbot):
    scans = tuple(CalibrationScan(str(i), ReviewedCase((0.6,), (0.9,)), {}) for i in range(12))
    store.keep(Calibration(("fake 1.0",), scans), False)
    for held, holds in (
        (store.Held(1, ("fake 1.0",)), True),
        (store.Held(1, ("fake 2.0",)), False),
        (store.Held(99, ("fake 1.0",)), False),
    ):
        store.keep_held(False, held)
        view = PromiseView(lambda _radiographs: [])
        qtbot.addWidget(view)
        assert view._held[False] is holds
        assert (opening_thresholds(Findings()).score > 0.5) is holds
    store.path_of(False, "promise").write_text("[")
    assert store.load_held(False) is None


def test_the_lamp_says_why_a_scan_is_unlike(section, qtbot):
    geometry = {"slice": 2.5, "pixel": 1.0, "field": 60.0}
    scans = [CalibrationScan(str(i), ReviewedCase((), (0.9,)), geometry) for i in range(12)]
    thin = [replace(s, features={**geometry, "slice": 0.8 + i / 50}) for i, s in enumerate(scans)]
    for kept, words in ((scans, "● Like the 12"), (thin, "slices of 2.5 mm; tuned on 0.8–1 mm")):
        store.keep(Calibration(("fake 1.0",), tuple(kept)), False)
        section.promise._kept.clear()
        section.promise.show_all()
        qtbot.waitUntil(lambda: section.promise.lamp is not None)
        assert words in section.promise.like.text()
    assert section.summary.text().endswith("▲ unlike")
    assert section.promise.like.property("role") == "warning"


def test_a_damaged_file_of_reviewed_scans_says_so(section):
    store.path_of(False).parent.mkdir()
    store.path_of(False).write_text("{}")
    section.promise._kept.clear()
    section.promise.show_all()
    assert "reviewed_scans.json holds no reviewed scans" in section.promise.state.text()


def test_another_evaluation_is_shown_or_refused_with_a_reason(section, tmp_path, qtbot):
    random = np.random.default_rng(0)
    names = [f"scan {i}" for i in range(12)]
    values = {
        "network": "fake",
        "weights": "fake 1.0 ab",
        "data": "mine",
        "metrics": {
            "by_scan": {name: {"lesions": 1} for name in names},
            "lesions": [{"scan": name, "score": float(random.uniform())} for name in names],
        },
        "marks": [{"scan": n, "kind": "other", "score": float(random.uniform())} for n in names * 4],
    }
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(values))
    view = section.curve
    view.load(path)
    qtbot.waitUntil(lambda: view.name.text() == "fake 1.0 ab on mine")
    assert "12 scans with 12 nodules" in view.basis.text()
    view.open.setFocus()
    QTest.mouseClick(view.remove, LEFT)
    assert view.name.text().startswith("3 whole scans")
    (tmp_path / "cubes.json").write_text('{"metrics": {"whole": {}}}')
    view.load(tmp_path / "cubes.json")
    qtbot.waitUntil(lambda: "cubes.json has no marks by scan" in view.problem.text())
    assert view.problem.isVisibleTo(section)
