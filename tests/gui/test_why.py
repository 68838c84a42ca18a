"""Why here, or why not, in a real window: Alt+click and key O ask; the answer follows runs, thresholds and what a person does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lungmtl.panel.why.section import HINT, NO_RUN
from napari_lungmtl.training.explain.answer import FIELD, Answer, Cause, Place, Stage
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Sphere
from napari_lungmtl.training.findings.truth import Truth
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.inference.predictor import PredictorError, Progress

from ..stand_ins.canvas_mouse import CanvasMouse
from ..stand_ins.dock_input import press

ALT, NO = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.NoModifier


@dataclass
class Reasons:
    """A trace that knows the marks of the fake detector, and puts all else outside the lungs."""

    findings: Findings
    model: str = "fake"
    version: str = "1.0"
    nbytes: int = 1000

    def answer(self, place: Place) -> Answer:
        """Find the mark that holds the point."""
        stages = (Stage("first look", "0.97", "> 0.02"), Stage("lung field", "inside"))
        answer = Answer(self.model, "Test detector", place, stages)
        for f in self.findings:
            if np.linalg.norm(np.subtract(f.center, place.point)) < f.diameter / 2:
                return Answer(self.model, "Test detector", place, stages, f.geometry, f.score)
        outside = Stage("lung field", "outside", "", False)
        cause = Cause(FIELD, "The place lies outside the lungs.")
        return Answer(self.model, "Test detector", place, (*answer.stages[:1], outside), None, 0.3, (cause,))


@pytest.fixture
def traced(window, predictor, findings, monkeypatch):
    """The window, whose detector keeps its reasons."""

    def run(_image):
        yield Progress(0.5, "detecting")
        yield Progress(0.9, "detecting", trace=Reasons(findings))
        yield Progress(1.0, "detecting")
        return findings

    monkeypatch.setattr(predictor, "run", run)
    return window


def run_it(dock, qtbot) -> None:
    with qtbot.waitSignal(dock.run.finished):
        dock.run.start()


def ask(viewer, dock, point, modifier=ALT) -> None:
    """A real click over a world point."""
    viewer.dims.set_point(0, point[0])
    QApplication.processEvents()
    mouse = CanvasMouse(dock)
    QTest.mouseClick(mouse.canvas, Qt.MouseButton.LeftButton, modifier, mouse.at(point))
    QApplication.processEvents()


def signs(dock) -> list[str]:
    table = dock.why.table
    return [table.item(row, 0).text() for row in range(table.rowCount())]


def test_the_first_question_unfolds_and_without_a_run_says_so_and_offers_one(traced, findings, qtbot):
    viewer, dock = traced
    assert not dock.why.sentence.isVisibleTo(dock.why)
    assert dock.why.sentence.text() == HINT
    ask(viewer, dock, findings["f1"].center)
    assert dock.why.sentence.isVisibleTo(dock.why)
    assert dock.why.sentence.text() == NO_RUN
    assert dock.why.button.isVisibleTo(dock.why)
    assert not dock.why.table.isVisibleTo(dock.why)
    with qtbot.waitSignal(dock.run.finished):
        QTest.mouseClick(dock.why.button, Qt.MouseButton.LeftButton)
    assert dock.why.sentence.text() == "Test detector marks this place, score 0.97.", "answered by the run"
    assert not dock.why.button.isVisibleTo(dock.why)
    assert signs(dock) == ["✓", "✓", "✓"]


def test_alt_and_click_ask_and_the_answer_follows_the_threshold(traced, findings, qtbot):
    viewer, dock = traced
    run_it(dock, qtbot)
    point, selected = viewer.dims.point, dock.reviewed.session.selected
    f4 = findings["f4"].center
    ask(viewer, dock, f4)
    place = dock.why.summary.text()
    assert f"z {f4[0]:.1f}".replace("-", "−") in place
    assert dock.why.sentence.text().endswith("it would appear at a threshold of 0.40.")
    assert signs(dock)[-1] == "✕"
    dock.reviewed.session.set_thresholds(score=0.3)
    assert dock.why.sentence.text() == "Test detector marks this place, score 0.40."
    dock.reviewed.session.set_thresholds(diameter=9.0)
    assert "its diameter is under its threshold" in dock.why.sentence.text()
    ask(viewer, dock, (f4[0], 12.0, -28.0))
    assert dock.why.sentence.text().startswith("The place lies outside the lungs.")
    assert signs(dock) == ["✓", "✕"]
    assert viewer.dims.point[1:] == point[1:], "asking moves nothing"
    assert dock.reviewed.session.selected == selected


def test_what_a_person_did_to_the_mark_is_said(traced, findings, qtbot):
    viewer, dock = traced
    run_it(dock, qtbot)
    session, f1 = dock.reviewed.session, findings["f1"]
    ask(viewer, dock, f1.center)
    session.reject(session.findings[0].id)
    assert dock.why.table.item(2, 2).text() == "finding 1, rejected"
    session.remove(session.findings[0].id)
    assert "taken out of the list" in dock.why.sentence.text()
    session.add(Finding(Sphere(f1.center, 8.0), score=1.0))
    assert "stands for it" in dock.why.sentence.text()


def test_a_miss_is_explained_when_key_o_leads_to_it(traced, findings, image, qtbot):
    _viewer, dock = traced
    run_it(dock, qtbot)
    missed = Sphere(tuple(image.to_world((36, 15, 45))), 9.0)
    nodules = (Finding(findings["f1"].geometry, id="n1"), Finding(missed, id="n2"))
    dock.compare.set_truth(Truth(Findings(nodules, ImageReference.of(image))))
    press(dock, Qt.Key.Key_O)
    assert dock.why.summary.text().startswith("nodule Ø 9.0 mm · z ")
    assert dock.why.sentence.text().startswith("The place lies outside the lungs.")
    assert dock.why.table.isVisibleTo(dock.why)


def test_without_alt_the_next_click_asks_once_and_tools_do_not_see_it(traced, findings, qtbot):
    viewer, dock = traced
    run_it(dock, qtbot)
    dock.why.set_open(True)
    press(dock, Qt.Key.Key_L)  # a measuring tool is in hand
    QTest.mouseClick(dock.why.pick, Qt.MouseButton.LeftButton)
    ask(viewer, dock, findings["f1"].center, NO)
    assert dock.why.sentence.text() == "Test detector marks this place, score 0.97."
    assert not dock.why.pick.isChecked()
    assert not dock.measure.hand._fixed, "the tool has no corner of it"
    press(dock, Qt.Key.Key_Escape)


def test_a_plane_beside_the_canvas_can_be_asked(traced, findings, qtbot):
    _viewer, dock = traced
    run_it(dock, qtbot)
    dock.views.link(True)
    f1 = findings["f1"].center
    dock.views.move_to(dict(enumerate(f1)))
    pane = dock.views.panes["coronal"]
    qtbot.waitUntil(lambda: pane.frame.size[0] > 1 and pane.isVisible())
    pane.repaint()
    x, y = pane.frame.to_screen(f1)
    QTest.mouseClick(pane, Qt.MouseButton.LeftButton, ALT, pane.rect().center().__class__(round(x), round(y)))
    assert dock.why.sentence.text() == "Test detector marks this place, score 0.97."
    dock.views.link(False)


def test_what_malignancy_hangs_on_is_laid_over_the_close_ups(traced, findings, qtbot):
    _viewer, dock = traced
    run_it(dock, qtbot)

    def compute(image, finding):
        if finding.id == "f2":
            raise PredictorError("no")
        origin = tuple(np.subtract(finding.center, 25))
        return Image(np.ones((50, 50, 50), np.float32), "", (1.0, 1.0, 1.0), origin)

    dock.why.saliency.compute = compute
    dock.why.set_open(True)
    session = dock.reviewed.session
    session.select("f1")
    plain = dock.card.closeups.pictures[0].pixmap().toImage()
    dock.why.saliency.setChecked(True)
    qtbot.waitUntil(lambda: dock.card.closeups.heat is not None)
    warm = dock.card.closeups.pictures[0].pixmap().toImage()
    middle = plain.width() // 2, plain.height() // 3
    assert warm.pixelColor(*middle).red() > plain.pixelColor(*middle).red() + 40
    with qtbot.waitSignal(dock.why.saliency.failed):
        session.select("f2")
    assert dock.card.closeups.heat is None
    dock.why.saliency.setChecked(False)


def test_a_reader_study_hides_the_section_and_is_told_nothing(traced, findings, qtbot):
    viewer, dock = traced
    run_it(dock, qtbot)
    dock.why.hide()  # as the study does
    ask(viewer, dock, findings[0].center)
    assert dock.why.sentence.text() == HINT
    dock.why.show()
    ask(viewer, dock, findings[0].center)
    assert dock.why.sentence.text() != HINT
