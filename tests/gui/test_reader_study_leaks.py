"""What the other sections know of a case stays theirs while a reader study runs: truth, lists of cases, clicks that ask."""

import pytest
from qtpy.QtWidgets import QApplication

from napari_lungmtl.panel.reading.study import State
from napari_lungmtl.training.findings.truth import Truth

from ..stand_ins.case_folder import load, write_scan
from ..stand_ins.reading import begin, click, draw, suggest, wait, words


@pytest.fixture
def folder(tmp_path):
    for n in range(2):
        suggest(write_scan(tmp_path / "cases" / f"scan{n}.mha", 40 + 10 * n))
    return tmp_path / "cases"


def test_a_truth_is_neither_counted_nor_remembered(window, folder, qtbot):
    """Its number of nodules would stand in the legend, and a case that is opened again would have it."""
    _, dock = window
    begin(dock, folder, qtbot)
    truth = Truth(suggest(dock.reviewed.session.image.source))
    dock.compare.set_truth(truth)
    QApplication.processEvents()
    assert dock.reviewed.truth.loaded is None
    assert dock.reviewed.legend is None
    assert "truth:" not in words(dock)
    dock.viewer.layers.remove(dock.reviewed.layer)
    click(dock.reading.view.pause)
    wait(dock, qtbot)
    assert dock.reading.study.state is State.LOOKING
    assert dock.reviewed.truth.loaded is None
    click(dock.reading.view.end)


def test_the_list_of_cases_waits(window, folder, qtbot):
    """It names no place, leads to no other case, and knows afterwards what networks had found, not what the reader marked."""
    _, dock = window
    load(dock, folder, qtbot)
    before = {case.name: case.summary for case in dock.cases.model.cases if case.series is not None}
    assert all(summary.models for summary in before.values())
    begin(dock, folder, qtbot)
    here = dock.reviewed.layer
    draw(dock)
    QApplication.processEvents()
    assert dock.study_section.studies.isHidden()
    dock.cases.step(1)
    QApplication.processEvents()
    assert dock.cases.opener.asked is None
    assert dock.reviewed.layer is here
    click(dock.reading.view.end)
    QApplication.processEvents()
    assert {case.name: case.summary for case in dock.cases.model.cases if case.series is not None} == before


def test_a_case_that_is_being_opened_does_not_come_into_the_study(window, folder, qtbot):
    _, dock = window
    load(dock, folder, qtbot)
    dock.reading.form.set_folder(folder)
    qtbot.waitUntil(lambda: not dock.reading.search.running, timeout=60_000)
    dock.reading.form.reader.setText("Dr A")
    dock.cases.show_case(dock.cases.model.rows[-1])
    assert dock.cases.opener.waiting
    dock.reading.form.start.click()
    wait(dock, qtbot)
    qtbot.wait(300)
    assert dock.reading.study.state is State.LOOKING
    assert len(dock.reviewed_images.layers) == 1
    click(dock.reading.view.end)
