"""Some seconds of fuzzing with a fixed seed, and that the harness sees what it is there for."""

import random
from pathlib import Path

import pytest

from .mutate import mutate
from .run import PATIENCE, Reader, fuzz, replay
from .seeds import write_all

SECONDS = 6


@pytest.mark.fuzz
def test_damaged_files_are_read_or_refused(tmp_path):
    report = fuzz(SECONDS, seed=0, kept=tmp_path)
    assert sum(counts.total() for counts in report.counts.values()) > 40
    assert not report.failures, "\n".join(report.lines())


@pytest.mark.fuzz
def test_whole_files_are_read_and_foreign_ones_refused(tmp_path):
    reader = Reader()
    try:
        for seed in write_all(tmp_path):
            found = reader.read(seed.kind, tmp_path / seed.name / seed.main)
            right = "refused" if seed.kind == "truth" else "read"
            assert found["is"] == right, (seed.name, found)
    finally:
        reader.close()


def test_the_same_dice_do_the_same_damage():
    data = bytes(range(256)) * 8
    first, second = (
        [mutate(data, data[::-1], random.Random(f"x:{i}")) for i in range(200)] for _ in range(2)
    )
    assert first == second
    for damage in first:
        assert data[: damage.start] == damage.data[: damage.start]
        assert not damage.cut or damage.data == data[: damage.start]


def test_a_dying_process_is_a_finding_and_is_started_anew(tmp_path):
    reader = Reader()
    (tmp_path / "a.csv").write_text("1.2\n")
    try:
        reader.close()
        assert reader.read("series", tmp_path / "a.csv")["is"] == "crash"
        assert reader.read("series", tmp_path / "a.csv")["is"] == "read"
        assert reader.read("series", Path("/nowhere"))["is"] == "refused"
    finally:
        reader.close()
    assert PATIENCE == 20


def test_a_kept_input_is_read_again(tmp_path):
    kept = tmp_path / "csv-series-0-7"
    kept.mkdir()
    (kept / "a.csv").write_text("1.2\n1.2\n")
    found = replay(kept)
    assert found["is"] == "refused"
    assert "lists 1.2 twice" in str(found["says"])
