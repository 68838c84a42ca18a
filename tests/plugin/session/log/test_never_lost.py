"""Killed processes, full and read-only disks, two writers: findings and their log can be read, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from itertools import pairwise, zip_longest
from pathlib import Path

import pytest

from napari_lungmtl.session import autosave
from napari_lungmtl.session.session import Session
from napari_lungmtl.session.shared import turns
from napari_lungmtl.session.shared.turns import turn
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.findings.log.file import log_of
from napari_lungmtl.training.findings.log.replay import Log

from ....stand_ins import killed_edits
from ....stand_ins.chests import ball, chest

ROOT = Path(__file__).parents[4]


def note_by_note(log: Log) -> dict[int, str]:
    """What the first finding's note counted to in each of the last commands, with the id of the record."""
    changes = [(r.change["findings"].get("changed", {}).get("f0", {}), r.id) for r in log if r.is_command][
        -150:
    ]
    return {int(change["after"]["note"]): id for change, id in changes if "note" in change.get("after", {})}


def longest_write(told: list[tuple[int, float]], killed: float) -> float:
    """Seconds that the disk took for one, or had taken when the process was killed."""
    begun = [at for n, at in told if n == killed_edits.WRITES]
    ended = [at for n, at in told if n == killed_edits.WRITTEN]
    return max((end - start for start, end in zip_longest(begun, ended, fillvalue=killed)), default=0.0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX processes")
def test_twenty_processes_that_are_killed_among_500_edits_lose_less_than_a_second(tmp_path, monkeypatch):
    times = [0.25 + 0.07 * n for n in range(20)]
    command = [sys.executable, "-m", "tests.stand_ins.killed_edits", tmp_path, *map(str, times)]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "XDG_DATA_HOME": str(tmp_path / "data")})
    saved_at_all = 0
    for k in range(20):
        folder = tmp_path / str(k)
        killed = float((folder / "killed").read_text())
        told = [(int(n), float(at)) for n, at in map(str.split, (folder / "told").read_text().splitlines())]
        edits = [(n, at) for n, at in told if n >= 0]
        starved = max((b - a for (_, a), (_, b) in pairwise(edits)), default=0.0)  # by a loaded machine
        due = [n for n, at in edits if at < killed - 1.0 - starved - longest_write(told, killed)]
        file = folder / "killed.lungmtl.json"
        if not file.exists():
            assert not due
            continue
        saved_at_all += 1
        findings = read_findings(file)
        n = int(findings["f0"].note or -1)
        assert n >= max(due, default=-1)
        assert findings[f"f{1 + n % 19}"].label == f"{n}", "a command is there as a whole"
        log = Log.read(log_of(file))
        assert log.torn <= 1
        notes = note_by_note(log)
        assert list(notes) == sorted(set(notes)), "command by command"
        assert max(notes, default=-1) >= n, "the log is never behind"
        if n in notes:
            assert log.state(notes[n]) == findings
    assert saved_at_all > 0
    # Whoever opens one goes on at once: the lock of the dead keeps nobody out, and its last states can be opened.
    session = Session()
    session.open(killed_edits.image_of(tmp_path / "19"))
    session.change("f0", note="after")
    monkeypatch.setattr(turns, "WAIT", 600.0)
    assert session.save()
    log = Log.read(*session.saving.logs)
    assert log.state(log.head.id) == session.findings
    session.close()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 kB, for the image and for the user's folder."""
    place = tmp_path / "disk"
    place.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    try:
        done = subprocess.run(options, capture_output=True, text=True, timeout=20)
    except OSError as error:
        pytest.skip(f"no small disk can be mounted here: {error}")
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(path: Path) -> None:
    """Take all room that there is."""
    with path.open("wb", buffering=0) as stream:
        for size in (4096, 256, 1):
            try:
                while stream.write(b"x" * size) == size:
                    pass
            except OSError:
                continue


def test_a_full_disk_says_so_keeps_everything_and_is_written_when_there_is_room(small_disk, monkeypatch):
    monkeypatch.setattr(autosave, "RETRY", 0.05)
    monkeypatch.setattr("napari_lungmtl.session.sidecar.user_data_path", lambda *_, **__: small_disk / "user")
    (small_disk / "scan").mkdir()
    (small_disk / "user" / "findings").mkdir(parents=True)
    session = Session()
    said: list[str] = []
    session.events.problem.connect(said.append)
    session.open(chest(small_disk / "scan"))
    session.add(ball(-120, id="a"))
    assert session.save()
    fill(small_disk / "filler")
    for n in range(30):
        session.change("a", note=f"{n} " + "long " * 60)
        if n % 10 == 9:
            assert not session.save()
    assert session.findings["a"].note.startswith("29 ")
    assert sum("kept in memory" in words for words in said) == 1
    file = session.sidecar
    assert read_findings(file)["a"].note == "", "what was saved before is whole"
    assert Log.read(log_of(file)).torn == 0
    (small_disk / "filler").unlink()
    deadline = time.monotonic() + 60
    while read_findings(file) != session.findings and time.monotonic() < deadline:
        time.sleep(0.02)
    assert read_findings(file) == session.findings
    log = Log.read(*session.saving.logs)
    notes = [log.state(r.id)["a"].note.split(" ")[0] for r in log if r.label == "noted on 1"]
    assert notes == [str(n) for n in range(30)], "every command is in the log"
    session.close()


def test_what_the_log_has_and_the_file_has_not_is_told_and_can_be_brought_back(session, folder, monkeypatch):
    """As after a disk that took the lines of the log and not the file, and a process that died."""
    assert session.save()
    before = session.findings
    with monkeypatch.context() as disk:
        disk.setattr("napari_lungmtl.session.sidecar.write_findings", _full)
        session.accept(before[0].id)
        assert not session.save()
    last = session.findings
    session.saving._autosave.discard()  # killed
    session.close()
    os.utime(session.sidecar, (1, 1))
    again, said = Session(), []
    again.events.problem.connect(said.append)
    again.open(chest(folder))
    assert again.findings == before
    assert "More was done than is saved" in said[0]
    assert "accepted 1" in said[0]
    log = Log.read(*again.saving.logs)
    again.go_to(log.state(log.head.id), "the last")
    assert again.findings == last
    again.close()


def test_in_a_folder_that_has_become_read_only_the_log_goes_on_elsewhere(session, folder, user_folder):
    session.accept(session.findings[0].id)
    assert session.save()
    session.close()
    folder.chmod(0o555)
    try:
        again = Session()
        again.open(chest(folder))
        again.reject(again.findings[1].id)
        assert again.save()
        assert user_folder in log_of(again.sidecar).parents
        log = Log.read(*again.saving.logs)
        assert [r.label for r in log][-4:] == ["run: 4 findings", "accepted 1", "opened", "rejected 2"]
        assert log.state(log.head.id) == read_findings(again.sidecar) == again.findings
        again.close()
    finally:
        folder.chmod(0o755)


def _full(_findings, path) -> None:
    raise OSError(28, "No space left on device", str(path))


def test_a_log_that_cannot_be_written_keeps_no_findings_from_being_saved(session, folder):
    assert session.save()
    log = log_of(session.sidecar)
    whole = log.read_bytes()
    log.unlink()
    log.mkdir()
    said: list[str] = []
    session.events.problem.connect(said.append)
    for finding in session.findings[:2]:
        session.accept(finding.id)
        assert session.save()
    assert read_findings(session.sidecar) == session.findings
    assert len(said) == 1
    assert "The history cannot be saved" in said[0]
    log.rmdir()
    log.write_bytes(whole)
    session.reject(session.findings[2].id)
    assert session.save()
    assert [r.label for r in Log.read(log)][-3:] == ["accepted 1", "accepted 2", "rejected 3"]
    log.write_text("a person's own notes\n")
    session.accept(session.findings[3].id)
    assert session.save()
    assert (folder / f"{log.name}.broken").read_text() == "a person's own notes\n"
    known = Log.read(log)
    assert known.state(known.head.id) == session.findings


def test_a_lock_is_renewed_taken_over_and_not_given_back_twice(folder, monkeypatch):
    monkeypatch.setattr(turns, "BEAT", 0.02)
    monkeypatch.setattr(turns, "WAIT", 0.3)
    lock = folder / ".file.lock"
    with turn(folder / "file") as held:
        words = lock.read_text()
        assert str(os.getpid()) in words
        deadline = time.monotonic() + 60
        while lock.read_text() in ("", words) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert lock.read_text() not in ("", words)
        assert held.is_ours
        with held._turn:  # not between its look whose the lock is and its words
            lock.write_text("another's")  # taken over: this machine slept
        assert not held.is_ours
    assert lock.read_text() == "another's"
    # Of this machine, and of a process that has ended: nobody waits.
    monkeypatch.setattr(turns, "WAIT", 600.0)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    lock.write_text(f"token\n0\n{ended.pid}\n{turns.machine_key()}\nhere")
    with turn(folder / "file") as held:
        assert held.is_ours
    assert not lock.exists()


def test_findings_of_whoever_was_overtaken_join_those_of_the_other(session, folder, monkeypatch):
    assert session.save()
    other = Session()
    other.open(chest(folder))
    slept: list[bool] = []
    really = turns.Turn.is_ours.fget

    def sleeps_once(self) -> bool:
        if not slept:
            slept.append(True)
            self._lock.unlink()
            other.add(ball(-120, id="theirs"))
            assert other.save()
            return False
        return really(self)

    monkeypatch.setattr(turns.Turn, "is_ours", property(sleeps_once))
    session.add(ball(-110, id="ours"))
    assert session.save()
    assert {"ours", "theirs"} < {f.id for f in read_findings(session.sidecar)}
    other.close()
