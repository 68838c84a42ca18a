"""A reader study in a real window: nothing tells of findings before the reveal, all is logged, a crash loses nothing."""

from functools import partial

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lungmtl.panel.reading.section import NOT_RUN
from napari_lungmtl.panel.reading.study import State
from napari_lungmtl.session.review import reviewer
from napari_lungmtl.session.sidecar import Sidecar
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.findings.log.file import log_of, read_records
from napari_lungmtl.training.reader_study.events import What
from napari_lungmtl.training.reader_study.log import read_log
from napari_lungmtl.training.reader_study.plan import Design, Mode
from napari_lungmtl.training.reader_study.readings import replay

from ..stand_ins.canvas_mouse import CanvasMouse
from ..stand_ins.case_folder import write_film, write_scan
from ..stand_ins.dock_input import rest
from ..stand_ins.reading import begin, click, draw, suggest, wait, words

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def folder(tmp_path):
    for n in range(3):
        suggest(write_scan(tmp_path / "cases" / f"scan{n}.mha", 40 + 10 * n))
    return tmp_path / "cases"


def events(dock_or_path):
    path = dock_or_path if not hasattr(dock_or_path, "reading") else dock_or_path.reading.study.plan.log
    return list(read_log(path).events)


def whats(dock):
    return [event.what for event in events(dock)]


def picture(widget) -> np.ndarray:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits().asstring(image.sizeInBytes()), np.uint8).reshape(
        image.height(), image.width(), 4
    )


def mark_by_hand(dock, index) -> None:
    """A mark, by the button and a real click on the canvas."""
    click(dock.reading.view.draw)
    mouse = CanvasMouse(dock)
    QTest.mouseClick(
        mouse.canvas, Qt.MouseButton.LeftButton, pos=mouse.at(dock.reviewed.session.image.to_world(index))
    )
    QApplication.processEvents()


def look(viewer, dock, linked) -> tuple[np.ndarray, np.ndarray, str]:
    """The canvas, all of the window that is ours, and all words, on a slice on which a network has marked something.

    Not napari's list of layers: their names are words, and it draws its thumbnails whenever it likes.
    """
    QTest.mouseMove(dock.reading.view.banner)  # no button is lit under the mouse
    dock.views.link(linked)
    image = dock.reviewed.session.image
    if image.ndim == 3:
        viewer.dims.set_point(0, image.to_world((5, 0, 0))[0])
    if (focused := QApplication.focusWidget()) is not None:
        focused.clearFocus()  # which button has it, and how far the dock is scrolled for that, hangs on how quick the machine is
    dock._scroll.verticalScrollBar().setValue(0)
    for _ in range(5):
        QApplication.processEvents()
        rest(20)
    layers = " ".join(layer.name for layer in viewer.layers)
    ours = [picture(widget).ravel() for widget in (dock.window().centralWidget(), dock)]
    return viewer.screenshot(canvas_only=True, flash=False), np.concatenate(ours), f"{words(dock)} {layers}"


def test_before_the_reveal_the_window_is_the_same_with_and_without_findings(window, folder, qtbot):
    """Canvas, linked views, overlays, dock and words: pixel by pixel; and not because nothing would be drawn."""
    viewer, dock = window
    begin(dock, folder, qtbot)
    hidden = [look(viewer, dock, linked) for linked in (True, False)]
    click(dock.reading.view.next)
    assert dock.reading.study.state is State.REVEALED
    for linked, (canvas, whole, said) in zip((True, False), hidden, strict=True):
        shown_canvas, shown_whole, shown_said = look(viewer, dock, linked)
        assert (shown_canvas != canvas).any()
        assert (shown_whole != whole).any()
        assert "0.90" in shown_said
        assert "0.90" not in said
    click(dock.reading.view.end)
    for path in [*folder.glob("*.lungmtl.json")]:
        path.unlink()
    log = next(folder.parent.glob("*-readings"))
    log.rename(folder.parent / "first")
    begin(dock, folder, qtbot)
    for linked, (canvas, whole, said) in zip((True, False), hidden, strict=True):
        bare_canvas, _, bare_said = look(viewer, dock, linked)
        assert bare_said == said
        np.testing.assert_array_equal(bare_canvas, canvas)
        # What was asked to be drawn anew may take a moment.
        qtbot.waitUntil(partial(_same_window, viewer, dock, linked, whole))
    click(dock.reading.view.end)


def _same_window(viewer, dock, linked: bool, whole: np.ndarray) -> bool:
    return bool((look(viewer, dock, linked)[1] == whole).all())


def test_a_film_tells_nothing_either(window, tmp_path, qtbot):
    viewer, dock = window
    suggest(write_film(tmp_path / "films" / "film.png"))
    begin(dock, tmp_path / "films", qtbot)
    canvas, _, said = look(viewer, dock, linked=False)
    assert "0.90" not in said
    assert dock.study_section.banner.verdicts == ()
    assert not dock.show_section.heat.isVisible()
    click(dock.reading.view.next)
    assert (look(viewer, dock, linked=False)[0] != canvas).any()
    assert [round(v.score.probability, 2) for v in dock.study_section.banner.verdicts] == [0.87]
    click(dock.reading.view.end)


def test_a_case_from_look_to_done(window, folder, qtbot):
    viewer, dock = window
    begin(dock, folder, qtbot)
    reading, session = dock.reading, dock.reviewed.session
    assert reading.view.banner.text().startswith("Look first")
    assert reading.height() < dock.height() / 3, "the rest is for the findings"
    assert (len(session.findings), len(viewer.layers.selection), session.findings.done_by) == (0, 1, "")
    for section in (dock.cases, dock.run, dock.compare, dock.prior, dock.cohort, dock.card):
        assert not section.isVisible()
    draw(dock)
    reading.view.case.slider.setValue(70)
    session.select("mine")
    reading.view.mark.slider.setValue(60)
    QTest.keyClick(dock.window(), Qt.Key.Key_BracketRight)
    QTest.keyClick(dock.window(), Qt.Key.Key_C)
    QTest.keyClick(dock.window(), Qt.Key.Key_D, SHIFT)
    assert reading.study.state is State.REVEALED
    session = dock.reviewed.session
    assert [f.id for f in session.findings if not f.provenance.person] == ["n0", "n1"], "nobody else's marks"
    assert {f.status for f in session.findings} == {"unreviewed"}
    assert session.findings["mine"].diameter == 8.0, "what was marked stays"
    assert dock.card.isVisible()
    assert NOT_RUN not in words(dock)
    session.select("n0")
    QTest.keyClick(dock.window(), Qt.Key.Key_A)
    session.select("n1")
    QTest.keyClick(dock.window(), Qt.Key.Key_R)
    session.undo()
    image, first = session.image, reading.study.case
    click(reading.view.next)
    wait(dock, qtbot)
    assert reading.study.case is not first
    assert reading.study.state is State.LOOKING
    assert len(dock.reviewed_images.layers) == 1
    assert len(dock.reviewed.session.findings) == 0
    assert whats(dock) == [
        *(What.STARTED, What.OPENED, What.ADDED, What.RATED, What.SCORED, What.MOVED, What.REVEALED),
        *(What.ACCEPTED, What.REJECTED, What.UNDECIDED, What.DONE, What.OPENED),
    ]
    (one, _), problems = replay(events(dock))
    assert problems == []
    assert [(m.id, m.score, m.diameter) for m in one.before.marks] == [("mine", 0.6, 8.0)]
    assert {m.id for m in one.after.marks} == {"mine", "n0"}
    assert (one.before.rating, one.after.rating, one.mode) == (0.7, 0.7, Mode.LOOK_FIRST)
    beside = read_findings(Sidecar(image).path)
    assert {f.id: f.status for f in beside} == {"n0": "accepted", "n1": "unreviewed", "old": "unreviewed"}, (
        "untouched"
    )
    click(reading.view.end)
    assert all(s.isVisible() for s in (dock.cases, dock.run, dock.compare, dock.card))
    assert dock.reviewed is None
    assert whats(folder.parent / "cases-readings" / "Dr_A.readings.jsonl")[-1] is What.ENDED
    assert "0" not in reading.summary.text()


def test_a_nodule_is_marked_by_hand(window, folder, tmp_path, qtbot):
    viewer, dock = window
    begin(dock, folder, qtbot)
    assert "press Mark" in dock.findings._empty.text()
    viewer.dims.set_point(0, dock.reviewed.session.image.to_world((5, 0, 0))[0])
    mark_by_hand(dock, (5, 20, 20))
    (mark,) = dock.reviewed.session.findings
    assert mark.center == pytest.approx(tuple(dock.reviewed.session.image.to_world((5, 20, 20))), abs=1.5)
    assert whats(dock)[-1] is What.ADDED
    click(dock.reading.view.end)
    write_film(tmp_path / "films" / "film.png")
    begin(dock, tmp_path / "films", qtbot)
    click(dock.reading.view.draw)
    mouse = CanvasMouse(dock)
    mouse.drag((10.0, 10.0), (30.0, 25.0))
    QApplication.processEvents()
    assert [f.kind for f in dock.reviewed.session.findings] == ["box"]
    assert whats(dock)[-1] is What.ADDED
    click(dock.reading.view.end)


def test_pause_covers_the_pictures_and_stops_keys(window, folder, qtbot):
    _, dock = window
    begin(dock, folder, qtbot, Design.AIDED)
    reading = dock.reading
    assert reading.study.state is State.AIDED
    assert len(dock.reviewed.session.findings) == 2
    dock.reviewed.session.select("n0")
    click(reading.view.pause)
    assert reading.view.banner.text() == "Paused"
    middle = dock.window().centralWidget()
    assert len(np.unique(picture(middle)[:40, :40].reshape(-1, 4), axis=0)) == 1, "an even sheet"
    assert not dock.card.isVisible()
    QTest.keyClick(dock.window(), Qt.Key.Key_A)
    QTest.keyClick(dock.window(), Qt.Key.Key_D, SHIFT)
    assert dock.reviewed.session.findings["n0"].status == "unreviewed"
    click(reading.view.pause)
    assert reading.study.state is State.AIDED
    QTest.keyClick(dock.window(), Qt.Key.Key_A)
    assert whats(dock)[-3:] == [What.PAUSED, What.RESUMED, What.ACCEPTED]
    click(reading.view.end)


def test_unaided_to_the_end(window, folder, qtbot):
    _, dock = window
    begin(dock, folder, qtbot, Design.UNAIDED)
    log = dock.reading.study.plan.log
    for _ in range(3):
        assert dock.reading.study.state is State.UNAIDED
        assert len(dock.reviewed.session.findings) == 0
        click(dock.reading.view.next)
        wait(dock, qtbot)
    assert dock.reading.study is None
    assert "3 of 3 cases were read" in dock.reading.message.text()
    readings, problems = replay(events(log))
    assert problems == []
    assert [r.after is not None and not r.revealed for r in readings] == [True] * 3


def test_after_a_crash_one_goes_on_where_one_was(window, folder, qtbot):
    """The log is all that is sure to be there: the file with the marks is gone, and the last line is half."""
    _, dock = window
    begin(dock, folder, qtbot, seed=3)
    case = dock.reading.study.case.name
    draw(dock, id="kept")
    dock.reviewed.session.select("kept")
    dock.reading.view.mark.slider.setValue(40)
    dock.reading.view.case.slider.setValue(30)
    click(dock.reading.view.next)
    dock.reviewed.session.accept("n0")
    log, marks = dock.reading.study.plan.log, dock.reviewed.session.sidecar
    dock.reviewed.session.save()
    dock.reading.recorder.follow(None)
    dock.reading.study.log.write = lambda *args, **details: None  # the process is dead: it logs nothing more
    click(dock.reading.view.end)
    marks.unlink(missing_ok=True)
    with log.open("ab") as file:
        file.write(b'{"at": "2026-')
    begin(dock, folder, qtbot, Design.AIDED, seed=99)
    study, session = dock.reading.study, dock.reviewed.session
    assert (study.case.name, study.place, study.state) == (case, (1, 3), State.REVEALED)
    assert "Resumed: look first" in dock.reading.message.text()
    assert "breaks off" in dock.reading.message.text()
    assert session.findings["kept"].diameter == 7.0
    assert {f.id: f.status for f in session.findings if f.id != "kept"} == {
        "n0": "accepted",
        "n1": "unreviewed",
    }
    assert dock.reading.view.case.slider.value() == 30
    session.select("kept")
    assert dock.reading.view.mark.slider.value() == 40
    click(dock.reading.view.next)
    wait(dock, qtbot)
    readings, _ = replay(events(dock))
    assert {m.id for m in readings[0].after.marks} == {"kept", "n0"}
    click(dock.reading.view.end)


def test_what_a_study_refuses(window, folder, qtbot, monkeypatch):
    viewer, dock = window
    viewer.add_points(np.zeros((1, 3)), name="hints")
    dock.reading.set_open(True)
    dock.reading.form.set_folder(folder)
    qtbot.waitUntil(lambda: not dock.reading.search.running)
    click(dock.reading.form.start)
    assert dock.reading.study is None
    assert "Close the layer hints first" in dock.reading.message.text()
    viewer.layers.remove("hints")
    begin(dock, folder, qtbot)
    monkeypatch.setattr(
        "os.fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    draw(dock)
    assert dock.reading.study.state is State.PAUSED, "nothing goes on unlogged"
    assert "No space left" in dock.reading.message.text()
    monkeypatch.undo()
    click(dock.reading.view.pause)
    assert dock.reading.study.state is State.LOOKING
    assert whats(dock)[-1] is What.ADDED, "what could not be logged then"
    viewer.layers.remove(dock.reviewed.layer)
    assert dock.reading.study.state is State.PAUSED
    click(dock.reading.view.pause)
    wait(dock, qtbot)
    assert dock.reading.study.state is State.LOOKING
    assert [f.id for f in dock.reviewed.session.findings] == ["mine"]
    click(dock.reading.view.end)


def test_a_case_that_no_network_has_seen_is_not_called_clear(window, tmp_path, qtbot):
    _, dock = window
    write_film(tmp_path / "cases" / "only.png")
    begin(dock, tmp_path / "cases", qtbot)
    assert NOT_RUN not in words(dock), "not before the reveal"
    click(dock.reading.view.next)
    assert dock.reading.study.state is State.REVEALED
    assert NOT_RUN in words(dock)
    click(dock.reading.view.end)


@pytest.mark.parametrize("left", ["ended", "closed"])
def test_the_reader_signs_while_a_study_goes_on_and_nobody_else_does(window, folder, qtbot, left):
    """Readers share accounts: marks and the log of edits tell them apart by the name in the form."""
    _, dock = window
    before = reviewer()
    begin(dock, folder, qtbot)
    mark_by_hand(dock, (4, 20, 20))
    mark = dock.reviewed.session.findings[0]
    assert mark.provenance.person == "Dr A"
    dock.reviewed.session.select(mark.id)
    assert dock.card.review.author.text().startswith("Drawn by Dr A")
    assert not dock.card.review.asked.isVisible()  # whoever is asked for a name gives it to all that follow
    marks = dock.reviewed.session.sidecar
    if left == "ended":
        click(dock.reading.view.end)
    else:
        dock.close()
    assert reviewer() == before != "Dr A"
    assert {f.provenance.person for f in read_findings(marks)} == {"Dr A"}
    assert {record.who for record in read_records(log_of(marks))[0]} == {"Dr A"}
