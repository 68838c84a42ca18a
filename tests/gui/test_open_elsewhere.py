"""A second window on the image is named beside it, and what that one saves is shown here."""

from __future__ import annotations

import pytest

from napari_lungmtl.session.session import Session
from napari_lungmtl.session.shared import presence
from napari_lungmtl.training.findings import Finding, Sphere


@pytest.fixture
def second(window):
    """A session on the same image, as another program would have it."""
    _viewer, dock = window
    session = Session()
    session.open(dock.reviewed.session.image)
    yield session
    session.close()


def test_the_study_section_names_who_else_is_there_and_what_they_save_appears(window, second, qtbot):
    _viewer, dock = window
    session, words = dock.reviewed.session, dock.study_section._elsewhere
    presence._HEART.wake()
    qtbot.waitUntil(words.isVisible)
    assert "in another window of this program since" in words.text()
    second.add(Finding(Sphere((-100.0, 40.0, 0.0), 7.0), id="theirs"))
    assert second.save()
    session.add(Finding(Sphere((-120.0, 40.0, 0.0), 9.0), id="ours"))
    qtbot.waitUntil(lambda: {"ours", "theirs"} == {f.id for f in session.findings})
    assert dock.findings.table.model().rowCount() == 2
    qtbot.waitUntil(lambda: "one change joined yours" in dock.footer.problem.text())
    second.close()
    presence._HEART.wake()
    qtbot.waitUntil(lambda: not words.isVisible())
