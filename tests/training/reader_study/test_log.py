"""The log: each line on the disk, read back with what a crash or a stranger did to it, and the draw of cases."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training.findings import Box, Finding, Mask, Provenance, Sphere
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.reader_study.errors import ReaderStudyError
from napari_lungmtl.training.reader_study.events import (
    Event,
    What,
    finding_of,
    image_details,
    image_of,
    mark_details,
)
from napari_lungmtl.training.reader_study.log import LogWriter, content_hash, now, read_log
from napari_lungmtl.training.reader_study.plan import Design, Mode, draw_steps

from ...stand_ins.reader_study import ScriptedReader, image_named, sphere


@pytest.fixture
def path(tmp_path):
    reader = ScriptedReader(tmp_path / "a" / "b.readings.jsonl", "Dr Ä")
    reader.log.start(design="look first")
    reader.open("1.2.3")
    reader.mark(sphere("m1", 4.0))
    return reader.log.path


def test_what_is_written_is_on_the_disk_and_comes_back(path, monkeypatch):
    log = read_log(path)
    assert [e.what for e in log.events] == [What.STARTED, What.OPENED, What.ADDED]
    assert log.problems == ()
    assert log.events[2].reader == "Dr Ä"
    assert log.events[2].at.utcoffset() is not None
    assert finding_of(log.events[2].details, 0.5).geometry == Sphere((4.0, 0.0, 0.0), 10.0)
    synced = []
    monkeypatch.setattr("os.fsync", lambda handle: synced.append(path.read_bytes().count(b"\n")))
    LogWriter(path, "Dr Ä").write(What.PAUSED)
    assert synced == [4], "the whole line, before the call returns"


@pytest.mark.parametrize("cut", [1, 20, 80])
def test_a_crash_in_the_middle_of_a_line(path, cut):
    path.write_bytes(path.read_bytes()[:-cut])
    log = read_log(path)
    if cut > 1:
        assert [e.what for e in log.events] == [What.STARTED, What.OPENED]
        assert log.problems == (
            f"{path}, line 3 breaks off, as a crash leaves it; all that came before is there.",
        )
    LogWriter(path, "Dr Ä").write(What.DONE)
    after = read_log(path)
    assert after.events[-1].what is What.DONE, "the next line is no part of the half one"
    assert len(after.problems) == (cut > 1)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "Expecting"),
        ("[]", "no JSON object"),
        ('{"at": "2026-01-05T09:00:00", "what": "done", "reader": "x"}', "no zone"),
        ('{"at": 7, "what": "done", "reader": "x"}', "time is no text"),
        ('{"at": "2026-01-05T09:00:00+00:00", "what": "sang", "reader": "x"}', "sang"),
        ('{"what": "done", "reader": "x"}', "no 'at'"),
        ('{"at": "2026-01-05T09:00:00+00:00", "what": "done", "reader": 3}', "must be texts"),
        ("\udcff", "codec|UTF"),
    ],
)
def test_a_damaged_line_is_named_and_the_others_load(path, line, why):
    good = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*good[:2], line.encode(errors="surrogateescape") + b"\n", *good[2:]]))
    log = read_log(path)
    assert len(log.events) == 3
    assert len(log.problems) == 1
    assert f"{path}, line 3 is damaged" in log.problems[0]
    assert __import__("re").search(why, log.problems[0])


def test_what_is_no_log(tmp_path, path):
    with pytest.raises(ReaderStudyError, match=r"none\.jsonl cannot be read .*: name a log"):
        read_log(tmp_path / "none.jsonl")
    (tmp_path / "other.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(ReaderStudyError, match="no line of a reader study"):
        read_log(tmp_path / "other.jsonl")
    newer = path.read_text().replace('"format": 1', '"format": 9')
    (tmp_path / "newer.jsonl").write_text(newer)
    with pytest.raises(ReaderStudyError, match=r"newer version \(format 9"):
        read_log(tmp_path / "newer.jsonl")
    (tmp_path / "file").write_text("")
    with pytest.raises(ReaderStudyError, match=r"cannot be written .* folder that may be written"):
        LogWriter(tmp_path / "file" / "x.readings.jsonl", "x")


def test_marks_and_images_come_back():
    mask = np.zeros((3, 4, 4), bool)
    mask[1, 1:3, 1:3] = True
    painted = Finding(Mask.from_array(mask, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)), id="p")
    assert finding_of(mark_details(painted), 1.0).center == pytest.approx(painted.center)
    box = Finding(Box((1, 2), (5, 9)), id="b", provenance=Provenance("fake", "1"))
    assert finding_of(json.loads(json.dumps(mark_details(box))), 1.0).geometry == box.geometry
    assert mark_details(box)["by"] == "fake"
    assert mark_details(box.with_(provenance=Provenance("fake", "1", "me")))["by"] == "", "moved by a reader"
    for image in (image_named("1.2"), replace(image_named("1.2"), spacing=None, shape=(9, 9))):
        assert image_of(json.loads(json.dumps(image_details(image)))) == image
    with pytest.raises(ValueError, match="describes no mark"):
        finding_of({"id": "x"}, 1.0)
    event = Event(now(), What.DONE, "x", Mode.AIDED, "c", {"a": 1})
    assert Event.of(event.to_json()) == replace(
        event, at=event.at.replace(microsecond=event.at.microsecond // 1000 * 1000)
    )


def test_a_case_is_known_by_its_content():
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    image = Image(voxels, "CT", (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), series_uid="1")
    same = Image(
        voxels[:, :, ::-1].copy()[:, :, ::-1], "CT", (1.0, 1.0, 1.0), (5.0, 0.0, 0.0), series_uid="2"
    )
    assert content_hash(same) == content_hash(image), "whatever it is called, and however it lies in memory"
    other = voxels.copy()
    other[1, 2, 3] += 1
    others = [
        Image(other, "CT", image.spacing, image.origin),
        Image(voxels, "CT", (2.0, 1.0, 1.0), image.origin),
    ]
    assert content_hash(image) not in map(content_hash, others)


@given(
    st.sets(st.text(min_size=1), min_size=1, max_size=9), st.integers(0, 99), st.sampled_from(list(Design))
)
def test_the_order_is_drawn_once_and_holds_every_case(keys, seed, design):
    steps = draw_steps(sorted(keys), design, seed, "x")
    assert steps == draw_steps(list(keys)[::-1], design, seed, "x"), "of the set, not of how it was listed"
    pairs = {(s.key, s.mode) for s in steps}
    assert len(pairs) == len(steps)
    if design is Design.CROSSED:
        assert pairs == {(k, m) for k in keys for m in (Mode.AIDED, Mode.UNAIDED)}
        rounds = steps[: len(keys)], steps[len(keys) :]
        assert [{s.key for s in each} for each in rounds] == [keys, keys]
        assert sum(s.mode is Mode.AIDED for s in rounds[0]) == len(keys) // 2
    else:
        assert {s.key for s in steps} == keys


def test_readers_and_seeds_have_orders_of_their_own():
    keys = [f"c{n}" for n in range(30)]
    orders = {draw_steps(keys, Design.AIDED, seed, reader) for seed in (1, 2) for reader in ("a", "b")}
    assert len(orders) == 4
