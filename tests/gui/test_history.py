"""Section *history*: every command is listed, a click goes to it, and what others did is joined; all views agree throughout."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_lungmtl.layers.spheres import rows
from napari_lungmtl.panel.findings.section import ID
from napari_lungmtl.panel.history.rows import Row
from napari_lungmtl.panel.history.table import HistoryTable
from napari_lungmtl.session import measuring
from napari_lungmtl.session.review import name_reviewer
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.findings import Finding, Mask, Measurement, Sphere
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.findings.log.replay import Log

from ..stand_ins.dock_input import press, undo_and_redo

KEY, CTRL = Qt.Key, Qt.KeyboardModifier.ControlModifier


@pytest.fixture(autouse=True)
def named():
    yield
    name_reviewer("")


def agree(dock):
    """The findings, after looking whether spheres, masks, table, measurements, list, file and log are these."""
    reviewed = dock.reviewed
    session = reviewed.session
    spheres = rows.spheres(session.visible)
    np.testing.assert_allclose(
        np.asarray(reviewed.binding.layer.data) * rows.SCALE, [f.center for f in spheres] or np.zeros((0, 3))
    )
    table = dock.findings.table.model()
    assert {table.index(r, 0).data(ID) for r in range(table.rowCount())} == {f.id for f in session.visible}
    masks = reviewed.masks.layer
    painted = sum(isinstance(f.geometry, Mask) for f in session.visible)
    assert (0 if masks is None else len(np.unique(masks.data)) - 1) == painted
    assert dock.measure.table.rowCount() == len(session.findings.measurements)
    assert session.save()
    log = Log.read(*session.saving.logs)
    assert read_findings(session.sidecar) == log.state(log.head.id) == session.findings
    listed = dock.history.table.history.rows
    (present,) = [row for row in listed if row.look == "present"]
    assert present.target == session.findings
    return session.findings


def click(dock, what: str) -> None:
    """A real click on the topmost row that says so."""
    table = dock.history.table
    row = next(n for n, row in enumerate(table.history.rows) if row.what == what)
    index = table.history.index(row, 3)
    table.scrollTo(index)
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(index).center())


def test_all_kinds_of_edits_are_listed_undone_redone_and_gone_to(after_run, image, tmp_path, qtbot):
    viewer, dock = after_run
    session, history = dock.reviewed.session, dock.history
    name_reviewer("ann")
    assert history.summary.text() == "one step"
    history._title.click()
    qtbot.waitUntil(lambda: not history.worker.running)
    states = [agree(dock)]
    session.select("f1")
    press(dock, KEY.Key_A)
    states.append(agree(dock))
    session.change("f2", geometry=Sphere(tuple(image.to_world((16, 41, 31))), 5.0))
    states.append(agree(dock))
    mask = np.zeros(image.shape, bool)
    mask[20:23, 30:34, 30:34] = True
    session.add(Finding(Mask.from_array(mask, image.spacing, image.origin), id="mask"))
    states.append(agree(dock))
    measuring.keep(
        session, Measurement("line", ((-150.0, 20.0, 0.0), (-150.0, 40.0, 0.0)), 0, {"length": 20.0})
    )
    states.append(agree(dock))
    session.remove("mask")
    states.append(agree(dock))
    undo_and_redo(dock, states, lambda: agree(dock))
    assert [r.what for r in history.table.history.rows[::-1][1:7]] == [
        *("run: 5 findings", "accepted 1", "moved 2", "drew 6", "measured 1 (line)", "deleted 6"),
    ]
    assert {r.who for r in history.table.history.rows[:5]} == {"ann"}

    # A click goes there in one step; what was left by another command can still be gone to.
    click(dock, "accepted 1")
    assert agree(dock) == states[1]
    press(dock, KEY.Key_Z, CTRL)
    assert agree(dock) == states[-1]
    press(dock, KEY.Key_Z, CTRL)
    session.select("f3")
    press(dock, KEY.Key_R)
    rejected = agree(dock)
    assert {r.what: r.look for r in history.table.history.rows}["deleted 6"] == "left"
    click(dock, "deleted 6")
    assert agree(dock) == states[-1]
    assert session.undo_words.endswith("deleted 6")

    # Undo waits until a stroke of the brush has ended, and takes back what was painted last.
    click(dock, "drew 6")
    layer = dock.reviewed.masks.layer
    viewer.layers.selection.active = layer
    layer.mode = "paint"
    event = type("Event", (), {"type": "mouse_press"})()
    stroke = dock.reviewed.masks._watch_stroke(layer, event)
    next(stroke)
    press(dock, KEY.Key_Z, CTRL)
    assert agree(dock) == states[3]
    event.type = "mouse_release"
    assert next(stroke, None) is None
    layer.paint((10, 10, 10), layer.selected_label)
    press(dock, KEY.Key_Z, CTRL)
    assert agree(dock) == states[3], "the stroke is a command, and was taken back"
    layer.mode = "pan_zoom"

    # What was done before the image was opened here, and by another person on a copy.
    assert session.save()
    shutil.copy(session.sidecar, tmp_path / "bob.lungmtl.json")
    shutil.copy(session.saving.logs[0], tmp_path / "bob.lungmtl.log.jsonl")
    click(dock, "rejected 3")
    assert agree(dock) == rejected
    name_reviewer("bob")
    colleague = bobs(tmp_path / "bob.lungmtl.json", image)
    colleague.reject("f4")
    colleague.close()
    name_reviewer("ann")
    dialog = history.join.open()
    dialog.open_file(tmp_path / "bob.lungmtl.json")
    qtbot.waitUntil(lambda: not dialog.worker.running)
    assert "1 command by bob" in dialog.words.text()
    assert "1 changed" in dialog.words.text()
    QTest.mouseClick(dialog.take, Qt.MouseButton.LeftButton)
    assert (session.findings["f4"].status, session.findings["f3"].status) == ("rejected", "rejected")
    agree(dock)
    assert session.undo_words.startswith("joined bob’s findings")
    qtbot.waitUntil(lambda: any(r.look == "head" for r in history.table.history.rows))
    (head,) = [r for r in history.table.history.rows if r.look == "head"]
    assert " · bob on " in head.what
    click(dock, "rejected 4")
    assert session.findings["f3"].status == "unreviewed"
    assert session.findings["f4"].status == "rejected"
    agree(dock)


def test_the_head_of_a_session_leaves_room_for_what_was_done(qtbot):
    table = HistoryTable()
    qtbot.addWidget(table)
    table.resize(340, 200)
    at = "2026-11-29T12:04:00+01:00"
    table.show_rows(
        [Row(at, "", f"29 Nov, 12:04 · {'Lüdenscheidt' * 5}", "head"), Row(at, "ann", "rejected 3", "before")]
    )
    table.show()
    assert table.columnWidth(3) > table.columnWidth(1)
    assert table.sizeHintForColumn(1) < 100


def bobs(path, image) -> Session:
    """A session on another file of the same image."""
    from napari_lungmtl.session.sidecar import Sidecar

    session = Session(lambda _image: Sidecar.at(path))
    session.open(image)
    return session
