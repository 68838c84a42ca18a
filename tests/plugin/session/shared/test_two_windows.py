"""Two windows on one image: each is told of the other, and nothing that either saves is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from napari_lungmtl.session.session import Session
from napari_lungmtl.session.shared import presence
from napari_lungmtl.session.shared.turns import turn
from napari_lungmtl.training.findings import Findings
from napari_lungmtl.training.findings.formats.json_file import read_findings, write_findings

from ....stand_ins.chests import ball, chest

OPEN = """
import sys, time
import numpy as np
from pathlib import Path
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.imaging.image import Image

session = Session()
session.open(Image(np.zeros((2, 2, 2)), "CT", (1, 1, 1), series_uid="1.2.3", source=Path(sys.argv[1])))
while not any(Path(sys.argv[1]).glob(".*.open")):
    time.sleep(0.01)
print("open", flush=True)
time.sleep(60)
"""


def until(what) -> None:
    deadline = time.monotonic() + 60
    while not what() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert what()


@pytest.fixture
def other(session, folder):
    """A second window on the same CT, opened after the four findings were saved."""
    assert session.save()
    other = Session()
    other.open(chest(folder))
    yield other
    other.close()


def test_a_save_over_what_was_saved_elsewhere_keeps_both(session, other, folder):
    said: list[str] = []
    session.events.problem.connect(said.append)
    first, second, third, _ = other.findings
    other.edit(add=[ball(-120, id="theirs")])
    other.accept(first.id)
    other.edit(remove=[third.id])
    assert other.save()
    session.reject(second.id)
    session.add(ball(-110, id="ours"))
    assert session.save()
    saved = read_findings(folder / "1.2.3.lungmtl.json")
    assert saved[first.id].status == "accepted"
    assert saved[second.id].status == "rejected"
    assert {"ours", "theirs"} < {f.id for f in saved}
    assert third.id not in {f.id for f in saved}
    assert len({f.number for f in saved}) == len(saved), "each number names one finding"
    assert len(said) == 1
    assert "3 changes joined yours" in said[0]
    # Once the window knows, it shows theirs too; its own undo does not take that back.
    session.take_in()
    assert session.findings == saved
    session.undo()
    assert {f.id for f in session.findings} == {f.id for f in saved} - {"ours"}
    session.edit(remove=["theirs"])  # and what it takes out stays out
    assert session.save()
    assert len(said) == 1
    assert "theirs" not in {f.id for f in read_findings(folder / "1.2.3.lungmtl.json")}
    other.take_in()
    other.accept(second.id)
    assert other.save()
    assert "theirs" not in {f.id for f in read_findings(folder / "1.2.3.lungmtl.json")}


def test_saves_before_the_window_knows_keep_both_too(session, other, folder):
    other.add(ball(-120, id="theirs"))
    assert other.save()
    for n in range(3):
        session.change(session.findings[0].id, note=str(n))
        assert session.save()
    saved = read_findings(folder / "1.2.3.lungmtl.json")
    assert saved[0].note == "2"
    assert "theirs" in {f.id for f in saved}


def test_what_both_changed_is_kept_twice_and_said(session, other, folder):
    said: list[str] = []
    session.events.problem.connect(said.append)
    id = session.findings[0].id
    other.change(id, note="theirs")
    assert other.save()
    session.change(id, note="ours")
    assert session.save()
    assert read_findings(folder / "1.2.3.lungmtl.json")[id].note == "ours"
    (beside,) = folder.glob("1.2.3-*.lungmtl.json")
    assert read_findings(beside)[id].note == "theirs"
    assert str(beside) in said[0]
    session.change(id, note="later")
    assert session.save()
    assert len(said) == 1
    assert len(list(folder.glob("1.2.3-*.lungmtl.json"))) == 1


def test_the_same_run_in_both_is_there_once(session, other, folder):
    for one in (session, other):
        one.replace_findings(Findings((ball(-100, score=0.95),)))
        assert one.save()
    assert [f.center[0] for f in read_findings(folder / "1.2.3.lungmtl.json")] == [-100.0]


def test_a_file_that_was_damaged_elsewhere_is_kept_beside(session, folder):
    said: list[str] = []
    session.events.problem.connect(said.append)
    session.save()
    file = folder / "1.2.3.lungmtl.json"
    file.write_text("{half", "utf-8")
    session.accept(session.findings[0].id)
    assert session.save()
    assert read_findings(file)[0].status == "accepted"
    assert (folder / "1.2.3.lungmtl.json.broken").read_text("utf-8") == "{half"
    assert "1.2.3.lungmtl.json.broken" in said[0]


def test_each_is_told_of_the_other_until_it_leaves(session, other, folder):
    until(lambda: "another window of this program" in other.elsewhere)
    told: list[str] = []
    other.events.elsewhere.connect(told.append)
    presence._HEART.wake()
    until(lambda: bool(session.elsewhere))
    session.close()
    presence._HEART.wake()
    until(lambda: other.elsewhere == "")
    assert told == [""]
    other.close()
    assert not list(folder.glob(".*"))


def test_closing_and_opening_again_is_nobody_else(folder):
    for _ in range(5):
        session = Session()
        session.open(chest(folder))
        session.close(wait=False)
    session = Session()
    session.open(chest(folder))
    presence._HEART.wake()
    until(lambda: len(list(folder.glob(".*.open"))) == 1)
    assert session.elsewhere == ""
    session.close()


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_another_program_is_told_of_and_a_killed_one_is_not(folder):
    process = subprocess.Popen([sys.executable, "-c", OPEN, folder], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "open\n"
        session = Session()
        session.open(chest(folder))
        until(lambda: "in another program on this machine since" in session.elsewhere)
        process.send_signal(signal.SIGKILL)
        process.wait()
        presence._HEART.wake()
        until(lambda: session.elsewhere == "")
        session.close()
    finally:
        process.kill()
        process.wait()
    assert not list(folder.glob(".*"))


def test_of_another_machine_only_silence_tells_that_it_is_gone(folder, monkeypatch):
    note = folder / ".1.2.3.lungmtl.json.abc.open"
    visitor = {"who": "ann", "host": "ws3", "process": 1, "since": "2000-01-02T12:04:00"}
    note.write_text(json.dumps(visitor), "utf-8")
    half = folder / ".1.2.3.lungmtl.json.def.open"
    half.write_text("{", "utf-8")
    session = Session()
    session.open(chest(folder))
    until(lambda: "by ann on ws3 since 2000-01-02T12:04" in session.elsewhere)
    past = time.time() - presence.STALE - 1
    os.utime(note, (past, past))
    os.utime(half, (past, past))
    presence._HEART.wake()
    until(lambda: session.elsewhere == "")
    session.close()
    assert not list(folder.glob(".*"))


def test_a_lock_that_was_left_keeps_nobody_out(folder, monkeypatch):
    monkeypatch.setattr("napari_lungmtl.session.shared.turns.WAIT", 0.1)
    lock = folder / ".file.lock"
    lock.touch()
    with turn(folder / "file"):
        assert lock.exists()
    assert not lock.exists()
    with turn(folder / "nowhere" / "file"):
        pass  # no lock can be made: the writer says what is wrong


def test_two_programs_that_write_at_once_lose_nothing(folder):
    write_findings(Findings(), folder / "1.2.3.lungmtl.json")
    code = OPEN.replace(
        'while not any(Path(sys.argv[1]).glob(".*.open")):\n    time.sleep(0.01)\nprint("open", flush=True)\ntime.sleep(60)',
        "from napari_lungmtl.training.findings import Finding, Sphere\n"
        "for n in range(15):\n"
        "    session.add(Finding(Sphere((float(n), 1, 1), 5), note=sys.argv[2]))\n"
        "    session.save()\n"
        "session.close()",
    )
    programs = [subprocess.Popen([sys.executable, "-c", code, folder, name]) for name in "ab"]
    assert [program.wait() for program in programs] == [0, 0]
    saved = read_findings(folder / "1.2.3.lungmtl.json")
    assert [sum(f.note == name for f in saved) for name in "ab"] == [15, 15]


def test_a_number_that_another_mark_took_is_no_change(session, other, folder):
    """Who drew before the other's run was known takes its number: the run can be undone all the same, and nothing is in dispute."""
    said: list[str] = []
    session.events.problem.connect(said.append)
    first, second, third, _ = session.findings
    other.edit(change=[first.with_(number=9), second.with_(number=8), third.with_(number=7)])
    assert other.save()
    session.edit(remove=[first.id])
    session.accept(second.id)
    assert session.save()
    saved = read_findings(folder / "1.2.3.lungmtl.json")
    assert first.id not in {f.id for f in saved}
    assert saved[second.id].status == "accepted"
    assert not any("changed there too" in words for words in said)
    assert len([*folder.glob("1.2.3*.lungmtl.json")]) == 1
    session.take_in()
    other.edit(remove=[third.id])
    assert other.save()
    assert third.id not in {f.id for f in read_findings(folder / "1.2.3.lungmtl.json")}
