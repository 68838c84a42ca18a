"""A sweep spans its runs, trains each once in a folder of its own, and tells in a table what came of them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import pytest

from napari_lungmtl.training.cluster import sweep as trainings
from napari_lungmtl.training.cluster.sweep import (
    Job,
    RunOutcome,
    environment,
    figures,
    sweep,
    table,
    train_run,
)
from napari_lungmtl.training.cluster.sweep_runs import SweepRun, sweep_runs
from napari_lungmtl.training.cluster.task import ALREADY, DONE, FAILED, ClusterError

from ...house import ROOT
from ...stand_ins.rated_cubes import write_rated_cubes

distributed = pytest.importorskip("distributed")

FILE = """
version = "0.1-try"
[network]
width = 4
[training]
steps = 1
[sweep.training]
learning_rate = [1e-3, 3e-3]
alpha = [[1.76, 0.69], [0.69, 1.76]]
[sweep.machines]
precision = ["bf16"]
"""


def test_lists_span_runs_and_a_folder_holds_them(tmp_path):
    path = tmp_path / "variants.toml"
    path.write_text(FILE)
    runs = sweep_runs(path)
    assert len({run.name for run in runs}) == len(runs) == 4
    assert runs[0].name == "learning_rate=0.001_alpha=1.76-0.69_precision=bf16"
    assert runs[3].settings == {
        "version": "0.1-try",
        "network": {"width": 4},
        "training": {"steps": 1, "learning_rate": 3e-3, "alpha": [0.69, 1.76]},
        "machines": {"precision": "bf16"},
    }
    named = sweep_runs(ROOT / "experiments" / "mtmr")
    assert [run.name for run in named][:2] == ["attributes_only", "malignancy_only"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[training]\nsteps = 1", "spans nothing"),
        ("[sweep]\nsteps = [1]", "spans nothing"),
        ("[sweep.training]\nsteps = 1", "must be a list"),
        ("[sweep.training]\nsteps = []", "must be a list"),
        ("steps = ", "no valid TOML"),
    ],
)
def test_a_sweep_that_spans_nothing_says_so(tmp_path, text, said):
    path = tmp_path / "s.toml"
    path.write_text(text)
    with pytest.raises((ClusterError, ValueError), match=said):
        sweep_runs(path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ClusterError, match="no settings"):
        sweep_runs(tmp_path / "empty")


def test_a_training_on_a_worker_of_slurm_waits_for_no_other(monkeypatch):
    """Lightning takes these for one of several processes that a launcher started."""
    told = {"SLURM_NTASKS": "8", "TORCHELASTIC_RUN_ID": "1", "WORLD_SIZE": "8", "LOCAL_RANK": "3"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    own = environment(2)
    assert not told.keys() & own.keys()
    assert own["PATH"] == os.environ["PATH"]
    assert own["OMP_NUM_THREADS"] == "2"
    assert "OMP_NUM_THREADS" not in environment(None).keys() - os.environ.keys()


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_runs_are_trained_once_and_a_bad_one_is_a_row(client, tmp_path):
    """Real trainings, as processes: one is done, one has a setting that there is not; what is done is not done again."""
    small = {"width": 8, "pixels": 32, "hidden": 8, "planes": ["axial"], "max_slices": 1}
    good = SweepRun("good", {"network": small, "training": {"steps": 1, "batch": 2}})
    runs = [good, SweepRun("bad", {"training": {"stepps": 1}})]
    data = tmp_path / "Würfel"
    data.mkdir()
    write_rated_cubes(data, 20)
    job = Job("mtmr", data, tmp_path / "Läufe")
    outcomes: list[RunOutcome] = []
    sweep(client, runs, job, outcomes.append, threads=1)
    found = {outcome.name: outcome for outcome in outcomes}
    assert found["good"].status == DONE, found["good"].sentence
    assert found["bad"].status == FAILED
    assert "stepps" in found["bad"].sentence
    assert 0 <= found["good"].figures["auc"] <= 1
    assert (job.out / "good" / "mtmr.safetensors").exists()
    again: list[RunOutcome] = []
    sweep(client, [good], job, again.append)
    assert again == [replace(found["good"], status=ALREADY)]
    header, bad, first = table(outcomes)
    assert header[:3] == ("run", "status", "minutes")
    assert bad[:2] == ("bad", FAILED)
    assert float(first[header.index("auc")]) == pytest.approx(found["good"].figures["auc"], abs=1e-3)
    other = SweepRun("good", {"network": small, "training": {"steps": 2, "batch": 2}})
    assert "other settings" in train_run(other, job).sentence


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGTERM)", "was stopped by signal 15; the same command goes on"),
        ("sys.exit(128 + signal.SIGTERM)", "was stopped by signal 15; the same command goes on"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "by signal 9, as where memory runs out; the same"),
        ("sys.exit('no such setting')", "no such setting (exit status 1"),
        ("pass", "it ended without weights"),
    ],
)
def test_a_training_that_was_stopped_says_so_and_how_long_it_took(tmp_path, monkeypatch, does, said):
    """The training is a program that does this; the clock is a minute further each time that it is asked."""
    (tmp_path / "program.py").write_text(f"import os, signal, sys\n{does}\n")
    monkeypatch.setattr(trainings, "PROGRAM", "program")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    clock = count(0, 60)
    monkeypatch.setattr(trainings, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    outcome = train_run(SweepRun("one", {}), Job("mtmr", tmp_path, tmp_path))
    assert outcome.status == FAILED
    assert said in outcome.sentence
    assert outcome.minutes >= 1
    assert not (tmp_path / "one" / "result.json").exists()


def test_no_more_runs_wait_than_there_are_workers(client, tmp_path):
    made: list[str] = []
    taken: list[RunOutcome] = []

    def runs():
        for number in range(6):
            made.append(str(number))
            assert len(made) - len(taken) <= 2
            yield SweepRun(str(number), {})

    def work(run: SweepRun, _job: Job, _threads: int | None) -> RunOutcome:
        if run.name == "3":
            raise RuntimeError("what nobody foresaw")
        return RunOutcome(run.name, DONE)

    sweep(client, runs(), Job("x", tmp_path, tmp_path), taken.append, work=work)
    assert sorted(outcome.name for outcome in taken) == made
    assert [o.sentence for o in taken if o.status == FAILED] == ["RuntimeError: what nobody foresaw"]


def test_figures_are_the_numbers_of_a_card():
    metrics = {"how": "by hand", "cases": 3, "whole": {"mean": 0.5, "at": {"1": 0.25}}, "helps": True}
    assert figures(json.loads(json.dumps(metrics))) == {"cases": 3, "whole.mean": 0.5, "whole.at.1": 0.25}
