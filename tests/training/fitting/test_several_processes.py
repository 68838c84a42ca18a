"""Two processes are one on the same total batch, so are gradients that are summed up; what is killed goes on as if it were not."""

from __future__ import annotations

import dataclasses
import json
import os
import time

import numpy as np
import pytest
import torch

from napari_lungmtl.training.fitting.batches import Place
from napari_lungmtl.training.fitting.machines import Machines
from napari_lungmtl.training.fitting.training_run import read_run
from napari_lungmtl.training.inference.weights import read_card

from ...stand_ins import tiny_trainings as tiny
from ...stand_ins.cross_validation import write_data
from ...stand_ins.ranks import finished, ranks
from ...stand_ins.rated_cubes import write_rated_cubes

STEPS = int(os.environ.get("LUNGMTL_STEPS", "12"))
"""A multiple of 4; docs/retraining.md has the figures of 200."""


@pytest.mark.parametrize("make", [tiny.ag3d, tiny.mosegnet])
def test_two_processes_lose_what_one_does_on_the_same_total_batch(tmp_path, make):
    """Losses go by the whole batch, and so do the norms: the same up to rounding, and later to what rounding grows to."""
    one, two = tmp_path / "one", tmp_path / "two"
    with (
        ranks(tiny.train, 2, make, two, (2, STEPS), Machines(devices=2)) as pair,
        ranks(tiny.train, 1, make, one, (4, STEPS), Machines()) as single,
    ):
        assert finished([*pair, *single], 200 + 5 * STEPS) == [0, 0, 0]
    alone, first, second = tiny.losses(one), tiny.losses(two, 0), tiny.losses(two, 1)
    assert len(alone) == STEPS
    assert first.tolist() == second.tolist()
    assert first[0] == pytest.approx(alone[0], rel=1e-6)
    assert first[:3] == pytest.approx(alone[:3], rel=1e-3)
    blocks = [losses.reshape(4, -1).mean(1) for losses in (alone, first)]
    assert blocks[1] == pytest.approx(blocks[0], rel=0.1)
    weights = [tiny.weights(two, rank) for rank in (0, 1)]
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in weights[0].items())


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("cubes"), 12)


@pytest.fixture(scope="module")
def whole(cubes, tmp_path_factory):
    """The weights of an uninterrupted training of one process, with batches of four."""
    out = tmp_path_factory.mktemp("whole")
    with ranks(tiny.train, 1, tiny.masks, out, (4, 20, cubes), Machines()) as processes:
        assert finished(processes) == [0]
    return tiny.weights(out)


def assert_same(weights, others):
    for name, tensor in weights.items():
        torch.testing.assert_close(tensor, others[name], rtol=1e-4, atol=1e-5)


def test_gradients_summed_up_are_those_of_a_larger_batch(cubes, whole, tmp_path):
    machines = Machines(accumulate=2)
    with ranks(tiny.train, 1, tiny.masks, tmp_path, (2, 20, cubes), machines) as processes:
        assert finished(processes) == [0]
    assert_same(tiny.weights(tmp_path), whole)


def test_a_killed_training_goes_on_as_if_it_had_not_been(cubes, whole, tmp_path):
    """One of two processes, each with two batches a step, is killed half-way: the other one ends, and both start again."""
    machines = Machines(devices=2, accumulate=2)
    arguments = (tiny.masks, tmp_path, (1, 20, cubes), machines)
    noted = tmp_path / "losses1.jsonl"
    with ranks(tiny.train, 2, *arguments, False, 10) as processes:
        until = time.monotonic() + 100
        while time.monotonic() < until and (not noted.exists() or len(noted.read_text().splitlines()) < 10):
            time.sleep(0.02)
        processes[1].kill()
        codes = finished(processes)
    assert codes[1] == -9
    assert codes[0] not in (0, None), "it went on alone, or hangs"
    done = len(noted.read_text().splitlines())
    assert done < 20
    with ranks(tiny.train, 2, *arguments, True) as processes:
        assert finished(processes) == [0, 0]
    again = [json.loads(line)[0] for line in noted.read_text().splitlines()[done:]]
    assert 1 < again[0] <= done + 1, "it began anew, or left steps out"
    assert again == list(range(again[0], 21))
    assert_same(tiny.weights(tmp_path), whole)


def test_folds_are_trained_by_all_processes_and_written_by_one(tmp_path):
    data, out = write_rated_cubes(tmp_path, 20), tmp_path / "Läufe 1"
    settings = tmp_path / "settings.json"
    small = {"width": 8, "pixels": 32, "hidden": 8, "planes": ["axial"], "max_slices": 1}
    values = {"network": small, "training": {"steps": 2, "batch": 2}, "machines": {"devices": 2}}
    settings.write_text(json.dumps(values))
    with ranks(tiny.network, 2, settings, "mtmr", data, out) as processes:
        assert finished(processes) == [0, 0]
    assert (out / "went on").exists()
    assert read_card(out / "mtmr.safetensors").training["models"] == list("01234")


def test_mixed_precision_learns_with_finite_losses(tmp_path):
    with ranks(tiny.train, 1, tiny.ag3d, tmp_path, (2, 4), Machines(precision="bf16")) as processes:
        assert finished(processes) == [0]
    assert np.isfinite(tiny.losses(tmp_path)).all()
    assert {t.dtype for n, t in tiny.weights(tmp_path).items() if n.endswith("weight")} == {torch.float32}


def test_however_a_step_is_cut_it_holds_the_same_samples():
    cuts = [(4, 1, 1), (2, 2, 1), (1, 2, 2), (2, 1, 2)]
    for step in (0, 7):
        found = []
        for count, n, parts in cuts:
            places = [Place(step, rank, n, part, parts) for part in range(parts) for rank in range(n)]
            drawn = [rng.random() for place in places for rng in place.generators(count, (3,))]
            found.append((sorted(drawn), sorted(k for place in places for k in place.samples(count))))
        assert all(one == found[0] for one in found)
    place, seen = Place(5, 1, 2, 0, 2), []
    for _ in range(4):
        seen.append((place.step, place.part))
        place = place.next
    assert seen == [(5, 0), (5, 1), (6, 0), (6, 1)]


@pytest.mark.parametrize(
    ("machines", "said"),
    [
        ({"devices": 0}, 'machines.devices must be a whole number from 1 on or "auto", not 0'),
        ({"nodes": "two"}, 'machines.nodes must be a whole number from 1 on, not "two"'),
        ({"accumulate": 1.5}, "machines.accumulate must be a whole number from 1 on, not 1.5"),
        ({"precision": 16}, 'machines.precision must be one of "32", "bf16", "16", not 16'),
        ({"gpus": 2}, "unknown settings"),
        (2, "must be a table"),
    ],
)
def test_machines_that_make_no_sense_are_refused(tmp_path, machines, said):
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"machines": machines}))
    with pytest.raises(ValueError, match=said):
        read_run(tmp_path, tmp_path, settings)
    assert dataclasses.asdict(read_run(tmp_path, tmp_path, None).machines)["devices"] == "auto"
