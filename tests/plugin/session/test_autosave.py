"""Saving: soon, whole, in the right place, and said when it fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import napari_lungmtl
from napari_lungmtl.session import autosave
from napari_lungmtl.session.autosave import Autosaver
from napari_lungmtl.session.review import reviewer
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.findings import Findings
from napari_lungmtl.training.findings.formats.errors import SaveError
from napari_lungmtl.training.findings.formats.json_file import read_findings

from ...stand_ins.chests import ball, chest
from ...stand_ins.saved_findings import SAVED_CT

KILLED = """
import sys, time
import numpy as np
from pathlib import Path
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.findings import Finding, Findings, Provenance, Sphere
from napari_lungmtl.training.imaging.image import Image

session = Session()
session.open(Image(np.zeros((2, 2, 2)), "CT", (1, 1, 1), series_uid="killed", source=Path(sys.argv[1])))
session.replace_findings(Findings((Finding(Sphere((1, 1, 1), 5), provenance=Provenance("ag3d")),)))
for n in range(1000):
    session.change(session.findings[0].id, note=str(n))
    print(n, time.time(), flush=True)
    time.sleep(0.02)
"""


def test_whatever_fails_is_said_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what no writer foresaw: the saver's thread must live, or nothing would be saved from then on."""
    monkeypatch.setattr(autosave, "DELAY", 600.0)  # the thread keeps out of it
    monkeypatch.setattr(autosave, "RETRY", 600.0)
    errors: list[Exception] = [MemoryError(), ValueError("out of range")]
    written: list[Findings] = []
    said: list[str] = []

    def write(findings: Findings) -> None:
        if errors:
            raise errors.pop(0)
        written.append(findings)

    saver = Autosaver(write, said.append)
    saver.request(Findings())
    assert [saver.flush() for _ in range(3)] == [False, False, True]
    assert written == [Findings()]
    assert said == ["This needs more memory than there is: close other programs, or take a smaller image."]
    saver.close()


def test_many_commands_become_one_write_which_none_of_them_puts_off(session: Session, monkeypatch) -> None:
    session.save()
    saved = []
    session.events.saved.connect(saved.append)
    monkeypatch.setattr(autosave, "DELAY", 600.0)
    session.change(session.findings[0].id, note="0")
    due = session.saving._autosave._due
    for n in range(1, 50):
        session.change(session.findings[0].id, note=str(n))
    assert session.saving._autosave._due == due
    assert not saved
    session.save(wait=False)
    deadline = time.monotonic() + 60
    while not saved and time.monotonic() < deadline:
        time.sleep(0.02)
    assert saved == [session.saved_at]
    assert read_findings(session.sidecar)[0].note == "49"


def test_close_saves_and_reopening_finds_everything(session: Session, folder: Path) -> None:
    session.accept(session.findings[0].id)
    session.close()
    again = Session()
    again.open(chest(folder))
    assert again.findings == session.findings
    assert not again.can_undo
    again.close()


def test_a_sidecar_of_before_opens_with_all_values(folder: Path) -> None:
    (folder / "1.2.840.1.lungmtl.json").write_text(SAVED_CT, "utf-8")
    session = Session()
    session.open(chest(folder, series_uid="1.2.840.1"))
    assert tuple(f.with_(number=0) for f in session.findings) == read_findings(session.sidecar).items
    first, drawn = session.findings
    assert (first.provenance.label, first.provenance.person, drawn.provenance.person) == (
        "ag3d 0.1",
        "ann",
        "ann",
    )
    assert [o.model for o in first.opinions] == ["mtmr", "mtcnn"]
    session.change(first.id, note="")
    assert session.save()
    saved, before = json.loads(session.sidecar.read_text("utf-8")), json.loads(SAVED_CT)
    before["findings"][0]["note"] = ""
    before["findings"][1]["score"] = None  # of what a person drew, who gave none
    assert [entry.pop("number") for entry in saved["findings"]] == [1, 2]
    (change,) = saved["findings"][0].pop("history")
    assert (change["what"], change["value"], change["by"]) == ("note", "", reviewer())
    assert saved["findings"] == before["findings"]
    session.close()


def test_opening_alone_writes_nothing(folder: Path) -> None:
    session = Session()
    session.open(chest(folder))
    session.close()
    assert list(folder.iterdir()) == []


def test_the_sidecar_lies_beside_the_image(folder: Path) -> None:
    session = Session()
    session.open(chest(folder))
    assert session.sidecar == folder / "1.2.3.lungmtl.json"
    session.open(chest(folder / "scan.mhd", series_uid="scan"))
    assert session.sidecar == folder / "scan.lungmtl.json"
    (folder / "scan.zarr").mkdir()
    session.open(chest(folder / "scan.zarr", series_uid="scan"))
    assert session.sidecar == folder / "scan.lungmtl.json"
    session.close()


def test_read_only_media_and_installed_samples_are_left_alone(folder: Path, user_folder: Path) -> None:
    session = Session()
    folder.chmod(0o555)
    try:
        session.open(chest(folder))
        assert session.sidecar == user_folder / "findings" / "1.2.3.lungmtl.json"
    finally:
        folder.chmod(0o755)
    samples = Path(napari_lungmtl.__file__).parent / "sample_data"
    session.open(chest(samples.resolve()))
    assert user_folder in session.sidecar.parents
    session.add(ball(-100))
    assert session.save()
    assert len(read_findings(session.sidecar)) == 1
    session.close()


def test_images_without_a_file_do_not_share_findings() -> None:
    session, other = Session(), Session()
    session.open(chest(series_uid="phantom"))
    other.open(chest(series_uid="phantom", spacing=(1.0, 1.0, 1.0)))
    assert session.sidecar != other.sidecar


def test_a_damaged_sidecar_is_kept_and_the_study_opens(session: Session, folder: Path) -> None:
    session.close()
    session.sidecar.write_text('{"schema_version": 1, "find')
    problems = []
    again = Session()
    again.events.problem.connect(problems.append)
    again.open(chest(folder))
    broken = folder / "1.2.3.lungmtl.json.broken"
    assert broken.read_text() == '{"schema_version": 1, "find'
    assert len(again.findings) == 0
    assert len(problems) == 1
    assert broken.name in problems[0]
    again.add(ball(-100))
    assert again.save()
    assert len(read_findings(again.sidecar)) == 1
    again.close()


def test_a_sidecar_of_a_newer_version_is_not_touched(session: Session, folder: Path) -> None:
    session.close()
    path = session.sidecar
    document = json.loads(path.read_text()) | {"schema_version": 99}
    path.write_text(json.dumps(document))
    problems = []
    again = Session()
    again.events.problem.connect(problems.append)
    again.open(chest(folder))
    assert len(problems) == 1
    again.add(ball(-100))
    assert again.save()
    assert json.loads(path.read_text()) == document
    assert again.sidecar != path
    again.close()


def _full(findings: Findings, path: Path) -> None:
    raise SaveError(f"{path} could not be written: No space left on device")


def test_a_full_disk_is_said_once_and_loses_nothing(session: Session, monkeypatch, user_folder: Path) -> None:
    session.save()
    problems = []
    session.events.problem.connect(problems.append)
    with monkeypatch.context() as disk:
        disk.setattr("napari_lungmtl.session.sidecar.write_findings", _full)
        session.accept(session.findings[0].id)
        assert not session.save()
        assert not session.save()
        assert len(problems) == 1
        assert "No space left" in problems[0]
        assert session.findings[0].status == "accepted"
    assert session.save()
    assert read_findings(session.sidecar)[0].status == "accepted"


def test_where_the_image_lies_can_no_longer_be_written(
    session: Session, folder: Path, user_folder: Path
) -> None:
    session.save()
    problems = []
    session.events.problem.connect(problems.append)
    (folder / "1.2.3.lungmtl.json").unlink()
    (folder / "1.2.3.lungmtl.json").mkdir()  # renaming onto it fails, for root too
    session.accept(session.findings[0].id)
    assert session.save()
    assert session.sidecar == user_folder / "findings" / "1.2.3.lungmtl.json"
    assert len(problems) == 1
    assert str(session.sidecar) in problems[0]
    again = Session()
    again.open(chest(folder))
    assert again.findings[0].status == "accepted"


def test_what_a_closed_case_could_not_save_outlives_other_cases_and_comes_back(
    session: Session, folder: Path, tmp_path: Path, monkeypatch
) -> None:
    session.save()
    with monkeypatch.context() as disk:
        disk.setattr("napari_lungmtl.session.sidecar.write_findings", _full)
        session.accept(session.findings[0].id)
        session.close(wait=False)
        other = Session()
        other.open(chest(tmp_path / "elsewhere"))
        assert session.saving._autosave in autosave._leaving, "still trying"
        again = Session()
        again.open(chest(folder))
        assert again.findings[0].status == "accepted"
        assert session.saving._autosave not in autosave._leaving, "one of them writes the file"
    assert again.save()
    assert read_findings(again.sidecar)[0].status == "accepted"
    other.close()
    again.close()


def test_a_folder_that_has_become_read_only_keeps_its_findings(
    session: Session, folder: Path, user_folder: Path
) -> None:
    session.save()
    session.close()
    folder.chmod(0o555)
    try:
        again = Session()
        again.open(chest(folder))
        assert [f.id for f in again.findings] == [f.id for f in session.findings]
        again.accept(again.findings[0].id)
        assert again.save()
        assert user_folder in again.sidecar.parents
        again.close()
    finally:
        folder.chmod(0o755)
    last = Session()
    last.open(chest(folder))
    assert last.findings[0].status == "accepted", "the newer of the two"
    last.close()


def test_a_failed_write_is_tried_again(monkeypatch) -> None:
    monkeypatch.setattr(autosave, "DELAY", 0.01)
    monkeypatch.setattr(autosave, "RETRY", 0.05)
    written, reported = [], []

    def write(findings: Findings) -> None:
        written.append(findings)
        if len(written) == 1:
            raise OSError("full")

    saver = Autosaver(write, reported.append)
    value = Findings((ball(-1),))
    saver.request(value)
    deadline = time.monotonic() + 60
    while len(written) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert saver.close()
    assert written == [value, value]
    assert reported == ["full"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX exit")
def test_leaving_python_without_closing_saves(tmp_path: Path) -> None:
    code = KILLED.replace("range(1000)", "range(3)").replace("time.sleep(0.02)", "pass")
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True, stdout=subprocess.DEVNULL)
    assert read_findings(tmp_path / "killed.lungmtl.json")[0].note == "2"


def test_who_leaves_does_not_wait_and_nothing_is_lost() -> None:
    written: list[tuple[Findings, threading.Thread]] = []
    go_on = threading.Event()

    def write(findings: Findings) -> None:
        go_on.wait(30)
        written.append((findings, threading.current_thread()))

    saver = Autosaver(write, lambda _problem: None)
    saver.request(Findings(notes=("last",)))
    saver.leave()
    assert not written
    assert not saver.hurry()
    threading.Timer(0.1, go_on.set).start()
    autosave.finish_writing()
    assert [findings.notes for findings, _ in written] == [("last",)]
    assert not saver.pending
    assert saver not in autosave._leaving


def test_who_leaves_with_nothing_to_write_is_forgotten_at_once() -> None:
    saver = Autosaver(lambda _findings: None, lambda _problem: None)
    saver.leave()
    assert saver not in autosave._leaving
    assert saver.hurry()
