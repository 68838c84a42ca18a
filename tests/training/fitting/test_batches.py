"""What a step draws follows from seed, step and process: workers change nothing, a resume goes on, processes differ."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_lungmtl.training.fitting.batches import Place, endless_loader
from napari_lungmtl.training.fitting.fit import fit
from napari_lungmtl.training.fitting.hardness import WINDOW, Hardness
from tests.stand_ins.two_processes import Noting, Settings, draw, run_in_two_processes


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_places_of_processes_and_steps_are_all_different():
    numbers = [Place(step, rank, 3).number for step in range(5) for rank in range(3)]
    assert numbers == list(range(15))


def test_workers_draw_what_the_training_process_would():
    first = [list(itertools.islice(endless_loader(draw, workers, 3), 5)) for workers in (0, 2)]
    assert all(torch.equal(a, b) for a, b in zip(*first, strict=True))
    assert len({tuple(batch.flatten().tolist()) for batch in first[0]}) == 5


def train(out: Path, settings: Settings, resume: bool = False) -> None:
    torch.manual_seed(0)
    fit(Noting(settings, out), endless_loader(draw, 0, 3), out, settings, resume=resume)


def test_a_resumed_training_draws_on_where_it_was(tmp_path):
    """Also what dropout would draw, and what was learnt of the samples."""
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    train(whole, Settings(6))
    train(halves, Settings(2))
    train(halves, Settings(6), resume=True)
    again, uninterrupted = (lines(out / "rank0.jsonl") for out in (halves, whole))
    assert [line["step"] for line in again] == list(range(6))
    for name in ("batch", "chance"):
        assert [line[name] for line in again] == [line[name] for line in uninterrupted]


def test_a_training_by_the_clock_goes_on_as_well(tmp_path):
    for resume in (False, True):
        train(tmp_path, Settings(minutes=0.001), resume)
    noted = lines(tmp_path / "rank0.jsonl")
    assert [line["step"] for line in noted] == list(range(len(noted)))
    places = [Place(step) for step in range(len(noted))]
    assert [line["batch"] for line in noted] == [draw(p, (3,)).flatten().tolist() for p in places]


def test_a_resume_needs_a_checkpoint(tmp_path):
    settings = Settings(2)
    with pytest.raises(FileNotFoundError, match="without --resume"):
        fit(Noting(settings, tmp_path), endless_loader(draw, 0, 3), tmp_path, settings, resume=True)


def test_one_of_several_trainings_leaves_no_checkpoint(tmp_path):
    settings = Settings(2)
    fit(Noting(settings, tmp_path), endless_loader(draw, 0, 3), tmp_path, settings, in_a_row=True)
    assert not list(tmp_path.glob("*.ckpt"))


def test_two_processes_share_the_gradient_and_one_writes(tmp_path):
    assert run_in_two_processes(tmp_path, 4) == [0, 0]
    ranks = [lines(tmp_path / f"rank{rank}.jsonl") for rank in (0, 1)]
    batches = [[line["batch"] for line in rank] for rank in ranks]
    # Step by step and rank by rank, as many numbers as one process would draw.
    drawn = [draw(Place(step, rank, 2), (3,)).flatten().tolist() for step in range(4) for rank in (0, 1)]
    assert [batch for step in zip(*batches, strict=True) for batch in step] == drawn
    twice = [place.generators(8, (3,)) for place in map(Place, range(4))]
    assert np.ravel(drawn).tolist() == [rng.random(dtype=np.float32) for step in twice for rng in step]
    for one, two in zip(*ranks, strict=True):
        assert one["gradient"] == two["gradient"]
        assert one["gradient"] == pytest.approx(np.mean([*one["batch"], *two["batch"]]), rel=1e-5)
        assert one["hardness"] == two["hardness"]
        assert one["chance"] != two["chance"]
    (written,) = tmp_path.glob("weights.*.json")
    assert json.loads(written.read_text())[0] == 2
    assert (tmp_path / "last.ckpt").exists()
    assert [line["step"] for line in lines(tmp_path / "log.jsonl")] == [1]


def test_draws_see_what_was_hard_a_window_before():
    """So that batches drawn ahead are the ones that a resumed training draws."""
    hardness = Hardness(2)
    for step in range(3 * WINDOW):
        if step in (WINDOW, 2 * WINDOW):
            before = hardness.at(step).copy()
        hardness.note(1, 0.0)
        hardness.end_step(step + 1)
        ahead = hardness.at(step + WINDOW // 2).copy()
        if step == WINDOW - 1:
            assert ahead.tolist() == [1, 1], "what was noted in the first window is for the third"
    assert before.tolist()[0] == 1
    assert before.tolist()[1] == pytest.approx(0, abs=1e-6)
    other = Hardness(2)
    other.load(hardness.state())
    assert np.array_equal(other.at(0), hardness.at(0))
    other.load(torch.tensor([0.25, 0.5]))
    assert other.at(7).tolist() == [0.25, 0.5]
