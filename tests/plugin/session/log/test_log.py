"""What the log says of a session's commands, of two windows, and of what two people did apart from each other."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager

import pytest

from napari_lungmtl.session.log import earlier, writer
from napari_lungmtl.session.log.earlier import visits
from napari_lungmtl.session.log.joins import JoinError, counts, read_theirs, sentences, take
from napari_lungmtl.session.review import name_reviewer
from napari_lungmtl.session.session import Session
from napari_lungmtl.session.shared import turns
from napari_lungmtl.training.export_options import Format
from napari_lungmtl.training.findings import ImageReference
from napari_lungmtl.training.findings.deidentify import Deidentifier
from napari_lungmtl.training.findings.export import export
from napari_lungmtl.training.findings.formats.errors import SaveError
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.findings.log import shortening
from napari_lungmtl.training.findings.log.file import LogError, log_of, read_records
from napari_lungmtl.training.findings.log.replay import Log
from napari_lungmtl.training.imaging.scan import scan

from ....stand_ins.chests import ball, chest


@pytest.fixture(autouse=True)
def nobody_named():
    yield
    name_reviewer("")


def log_and_file_agree(session: Session) -> Log:
    """The log, after looking whether its end, the file and the session are the same."""
    assert session.save()
    log = Log.read(*session.saving.logs)
    assert log.state(log.head.id) == read_findings(session.sidecar) == session.findings
    for record in log:
        assert all(record.seq > log[id].seq for id in (record.parent, record.other) if id in log)
    return log


def test_every_command_is_a_line_with_who_when_where_and_what(session, folder):
    name_reviewer("ann")
    first = session.findings[0].id
    session.accept(first)
    session.add(ball(-120, id="own"))
    session.undo()
    session.redo()
    session.remove("own")
    log = log_and_file_agree(session)
    records = list(log)
    assert [r.label for r in records] == [
        *("opened", "run: 4 findings", "accepted 1", "added 5"),
        *("undone: added 5", "done again: added 5", "deleted 5"),
    ]
    assert [r.seq for r in records] == list(range(7))
    assert [r.parent for r in records[1:]] == [r.id for r in records[:-1]]
    assert {r.who for r in records[2:]} == {"ann"}
    assert len({(r.machine, r.window) for r in records}) == 1
    assert records[2].change["findings"]["changed"][first]["after"] == {"status": "accepted"}
    states = [log.state(r.id) for r in records]
    assert [len(s) for s in states] == [0, 4, 4, 5, 4, 5, 4]
    assert not scan(folder).unread, "a folder of images is read without a word about the log"


def test_no_export_has_the_log(session, tmp_path):
    name_reviewer("ann")
    session.accept(session.findings[0].id)
    assert session.save()
    out = tmp_path / "out" / "a.lungmtl.json"
    out.parent.mkdir()
    export([Deidentifier().findings(session.findings)], out, Format.JSON)
    assert list(out.parent.iterdir()) == [out]
    assert "ann" not in out.read_text()


def test_any_state_can_be_gone_to_and_that_is_one_step(session):
    states = [session.findings]
    for n in range(5):
        session.change(session.findings[0].id, note=str(n))
        states.append(session.findings)
    for _ in range(2):
        session.undo()
    undone = session.steps[-1]
    assert session.standings[undone.key] == "undone"
    session.go_to(session.steps[0].after, "12:04, run")
    assert session.findings == states[0]
    assert session.undo_words == "back to 12:04, run"
    assert session.standings[undone.key] == "left"
    session.go_to(undone.after, "what was left")
    assert session.findings == states[5]
    session.undo()
    session.undo()
    assert session.findings == states[3]
    session.redo()
    session.redo()
    assert session.findings == states[5]
    log_and_file_agree(session)


def test_sessions_of_before_are_told_and_a_long_log_is_shortened(session, folder, monkeypatch):
    session.accept(session.findings[0].id)
    log_and_file_agree(session)
    session.close()
    again = Session()
    again.open(chest(folder))
    monkeypatch.setattr(shortening, "LIMIT", 60_000)
    monkeypatch.setattr(writer, "EVERY", 30)
    for n in range(300):
        again.set_done(n % 2 == 0)
        if n % 20 == 0:
            assert again.save()
    log = log_and_file_agree(again)
    assert log_of(again.sidecar).stat().st_size < 70_000
    assert len(log) < 300
    for record in log:
        log.state(record.id)
    (before,) = visits(log, (again.saving.window,))
    assert before.records[-1].label == "accepted 1"
    assert log.state(before.records[-1].id)[0].status == "accepted"
    again.close()


def test_a_log_that_cannot_be_shortened_is_whole_and_has_every_line_once(session, monkeypatch):
    said = []
    session.events.problem.connect(said.append)
    monkeypatch.setattr(shortening, "LIMIT", 2_000)

    def no_room(*_):
        raise SaveError("No space left on device")

    monkeypatch.setattr(writer, "replace_lines", no_room)
    for n in range(60):
        session.set_done(n % 2 == 0)
        assert session.save()
    log = log_and_file_agree(session)
    lines, torn = read_records(session.saving.logs[0])
    assert (len(lines), len(log), torn, said) == (62, 62, 0, [])
    monkeypatch.undo()
    monkeypatch.setattr(shortening, "LIMIT", 2_000)
    for n in range(40):
        session.set_done(n % 2 == 0)
        assert session.save()
    assert len(log_and_file_agree(session)) < 62, "later it could be"


def test_two_windows_have_one_log_and_each_goes_on_after_the_other(session, folder):
    assert session.save()
    other = Session()
    other.open(chest(folder))
    other.add(ball(-120, id="theirs"))
    assert other.save()
    session.add(ball(-110, id="ours"))
    assert session.save()
    log = Log.read(*session.saving.logs)
    assert log.head.label == writer.JOINED
    assert log.state(log.head.id) == read_findings(session.sidecar)
    session.take_in()
    assert session.findings["theirs"].center == (-120.0, 20.0, 10.0)
    session.accept("ours")
    log = log_and_file_agree(session)
    theirs = [r for r in log if r.window == other.saving.window]
    assert theirs[-1].id in log.before(log.head.id), "what was joined is what both came from"
    other.accept("theirs")
    assert other.save()
    other.take_in()
    log_and_file_agree(other)
    assert read_records(session.saving.logs[0])[1] == 0
    other.close()


def test_a_window_that_is_between_log_and_findings_is_waited_for(session, folder, monkeypatch):
    assert session.save()
    before = session.sidecar.read_bytes()
    session.accept(session.findings[0].id)
    assert session.save()
    after = session.sidecar.read_bytes()
    session.close()

    @contextmanager
    def while_the_other_writes(file):
        with turns.turn(file):
            file.write_bytes(written.pop(0))
            yield

    monkeypatch.setattr(earlier, "turn", while_the_other_writes)
    said = []
    written = [before, after]
    while written:
        session.sidecar.write_bytes(before)
        os.utime(session.sidecar, (1e9, 1e9))
        other = Session()
        other.events.problem.connect(said.append)
        other.open(chest(folder))
        other.close()
    (only,) = said
    assert only.startswith("More was done than is saved")


def given(session: Session, folder, to, *, with_log: bool) -> Session:
    """A colleague's session on a copy of the study."""
    assert session.save()
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns(".*", "" if with_log else "*.jsonl"))
    colleague = Session()
    colleague.open(chest(to))
    return colleague


@pytest.mark.parametrize("with_log", [True, False])
def test_what_two_people_did_apart_is_joined_in_one_step(session, folder, tmp_path, with_log):
    name_reviewer("ann")
    session.accept(session.findings[3].id)
    first, second, third, _ = session.findings
    colleague = given(session, folder, tmp_path / "copy", with_log=with_log)
    name_reviewer("bob")
    colleague.reject(first.id)
    colleague.add(ball(-120, id="bobs"))
    colleague.edit(remove=[third.id])
    colleague.change(second.id, note="bob's")
    colleague.close()
    name_reviewer("ann")
    session.add(ball(-110, id="anns"))
    session.change(second.id, note="ann's")
    before = log_and_file_agree(session)
    image = ImageReference.of(session.image)
    theirs = read_theirs(colleague.sidecar, session.sidecar, session.saving.logs, image)
    assert (theirs.who, theirs.commands) == ("bob", 4)
    mine = session.findings
    both = take(session, theirs)
    assert counts(both) == "1 new, 1 changed, 1 taken out, 1 in dispute"
    assert len(sentences(both, theirs)) == 1
    assert "differ in note" in sentences(both, theirs)[0]
    found = session.findings
    assert {f.note for f in found} == {"ann's", "bob's", ""}
    assert (found[first.id].status, found["bobs"].number != found["anns"].number) == ("rejected", True)
    assert third.id not in {f.id for f in found}
    log = log_and_file_agree(session)
    assert len(log) == len(before) + len(theirs.records) + 1, "their commands are in the log as well"
    assert log[log.head.id].other == theirs.records[-1].id
    assert {v.who for v in visits(log, (session.saving.window,))} == {"bob"}
    # Again, nothing is new; undo takes it back as one.
    again = read_theirs(colleague.sidecar, session.sidecar, session.saving.logs, image)
    assert (again.commands, counts(take(session, again))) == (0, "nothing new")
    assert session.findings is found or session.findings == found
    session.undo()
    assert session.findings == mine
    log_and_file_agree(session)


def test_joining_while_the_log_is_written_and_beside_damaged_logs(session, folder, tmp_path, monkeypatch):
    colleague = given(session, folder, tmp_path / "copy", with_log=True)
    colleague.add(ball(-120, id="bobs"))
    colleague.close()
    image, logs = ImageReference.of(session.image), session.saving.logs
    theirs = read_theirs(colleague.sidecar, session.sidecar, logs, image)
    write = writer.add_lines

    def joined_meanwhile(path, lines):
        size = write(path, lines)
        monkeypatch.undo()
        take(session, theirs)
        return size

    monkeypatch.setattr(writer, "add_lines", joined_meanwhile)
    session.set_done(True)
    assert session.save()
    log = log_and_file_agree(session)
    assert {r.id for r in theirs.records} <= {r.id for r in log}, "their commands are not lost"
    for damaged in (log_of(colleague.sidecar), logs[0]):
        damaged.write_text("no log\n")
        again = read_theirs(colleague.sidecar, session.sidecar, logs, image)
        assert again.findings["bobs"] == session.findings["bobs"].with_(number=again.findings["bobs"].number)
    with pytest.raises(LogError, match="no log"):
        read_theirs(log_of(colleague.sidecar), session.sidecar, logs, image)


def test_files_of_others_are_told_from_ones_own_and_of_other_images(session, folder, tmp_path):
    assert session.save()
    image = ImageReference.of(session.image)
    with pytest.raises(JoinError, match="this window saves"):
        read_theirs(session.sidecar, session.sidecar, session.saving.logs, image)
    other = Session()
    other.open(chest(tmp_path / "other", series_uid="1.2.9"))
    other.add(ball(-120))
    assert other.save()
    with pytest.raises(JoinError, match="another image"):
        read_theirs(log_of(other.sidecar), session.sidecar, session.saving.logs, image)
    other.close()
