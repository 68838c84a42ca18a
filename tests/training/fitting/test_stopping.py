"""A training that is stopped by a signal keeps the step that it was in, ends with the signal's status, and goes on from there."""

from __future__ import annotations

import os
import signal

import pytest
import torch

from napari_lungmtl.training.fitting.machines import Machines
from napari_lungmtl.training.fitting.stopping import Stopped, stop_behind, stoppable, what_is_kept

from ...stand_ins import tiny_trainings as tiny
from ...stand_ins.cross_validation import write_data
from ...stand_ins.ranks import finished, ranks


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


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("count", [1, 2])
def test_a_stopped_training_keeps_its_step_and_goes_on(cubes, whole, tmp_path, number, status, count):
    """The signal comes between two parts of step 7, and of two processes to the second only: the first one stops with it."""
    machines = Machines(devices=count, accumulate=2)
    arguments = (tiny.masks, tmp_path, (2 // count, 20, cubes), machines)
    with ranks(tiny.stopped, count, *arguments, 7, int(number)) as processes:
        assert finished(processes) == ([status] if count == 1 else [143, 0])
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["global_step"] == 7
    with ranks(tiny.train, count, *arguments, True) as processes:
        assert finished(processes) == [0] * count
    for name, tensor in tiny.weights(tmp_path).items():
        torch.testing.assert_close(tensor, whole[name], rtol=1e-4, atol=1e-5)


def test_a_signal_outside_of_steps_stops_at_once_and_leaves_the_handlers_as_they_were():
    before = signal.getsignal(signal.SIGTERM)
    for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        with pytest.raises(Stopped) as stopped, stoppable():
            signal.raise_signal(number)
        assert stopped.value.code == status
        assert signal.getsignal(signal.SIGTERM) is before


def test_children_of_a_training_die_of_the_signal_themselves():
    """Pools end theirs by it, and wait for them."""
    with stoppable():
        child = os.fork() if hasattr(os, "fork") else pytest.skip("no fork here")
        if not child:
            signal.raise_signal(signal.SIGTERM)
            os._exit(0)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM


def test_what_fails_by_itself_is_no_stop():
    assert stop_behind(RuntimeError("a loader ended"), 0) is None
    assert stop_behind(SystemExit(1), 0) is None
    found = stop_behind(RuntimeError("a loader ended"), signal.SIGTERM)
    assert found is not None
    assert found.status == 143


def test_what_is_kept_is_told(tmp_path):
    assert "before anything was kept" in what_is_kept(tmp_path)
    (tmp_path / "fold0.npz").touch()
    assert "with --resume goes on" in what_is_kept(tmp_path)
