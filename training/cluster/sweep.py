"""Many trainings on a Dask cluster: each a task with a folder of its own, and a row in the table at the end.

A training is a process that its worker starts: what it breaks breaks nothing else, and it ends when the worker does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..findings.formats.atomic import write_atomically
from .came_of import came_of
from .connect import GPU, ONE_THREAD
from .sweep_runs import SweepRun
from .task import ALREADY, DONE, FAILED, ClusterError
from .worker import claimed

if TYPE_CHECKING:
    from distributed import Client

RESULT, JOB, OUTPUT = "result.json", "job.json", "output.log"
"""In the folder of a run: what came of it, what it was told, and what it said."""
PROGRAM = f"{__package__}.training_process"
TRIES = 3
KILLED = 9
"""The signal that nothing can answer."""
_OF_LAUNCHERS = (
    "SLURM_",
    "TORCHELASTIC_",
    "MASTER_",
    "WORLD_SIZE",
    "RANK",
    "LOCAL_RANK",
    "NODE_RANK",
    "GROUP_RANK",
)
"""How variables begin by which Slurm and torchrun tell a process that it is one of several."""
_turn = Lock()
"""Held by the thread of a worker that trains: one training at a time."""


@dataclass(frozen=True)
class Job:
    """What all trainings of a sweep share.

    Parameters
    ----------
    network
        By name.
    data
        Folder to train on, the same on all machines.
    out
        Folder of the sweep, the same on all machines.
    weights
        To start from, or None.
    """

    network: str
    data: Path
    out: Path
    weights: Path | None = None

    def told(self, run: SweepRun) -> dict[str, Any]:
        """Everything that a run follows from, as JSON."""
        return {
            "network": self.network,
            "data": str(self.data),
            "weights": None if self.weights is None else str(self.weights),
            "settings": run.settings,
        }


@dataclass(frozen=True)
class RunOutcome:
    """What came of a run.

    Parameters
    ----------
    name, status
        `SweepRun.name`; `DONE`, `ALREADY` or `FAILED`.
    sentence
        Why, where it failed.
    minutes
        On the clock, of all tries of this worker.
    figures
        Numbers of the weights' card by name.
    """

    name: str
    status: str
    sentence: str = ""
    minutes: float = 0.0
    figures: dict[str, float] = field(default_factory=dict)


def train_run(run: SweepRun, job: Job, threads: int | None = None) -> RunOutcome:
    """Train in a process of its own, unless that was done before; whatever goes wrong is told in the outcome."""
    folder = job.out / run.name
    try:
        with _turn:
            folder.mkdir(parents=True, exist_ok=True)
            with claimed(folder / RESULT):
                return _train_run(run, job, folder, threads)
    except (OSError, ValueError, ClusterError) as error:
        return RunOutcome(run.name, FAILED, f"{folder}: {error}")


def _train_run(run: SweepRun, job: Job, folder: Path, threads: int | None) -> RunOutcome:
    told = job.told(run)
    known = folder / JOB
    if known.exists() and json.loads(known.read_text(encoding="utf-8")) != told:
        raise ClusterError(
            "it holds a training with other settings or data: choose another --out, or move it."
        )
    result = folder / RESULT
    if result.exists():
        kept = json.loads(result.read_text(encoding="utf-8"))
        return RunOutcome(run.name, ALREADY, "", kept["minutes"], kept["figures"])
    write_atomically(known, json.dumps(told, indent=1).encode())
    write_atomically(folder / "settings.json", json.dumps(run.settings, indent=1).encode())
    start = time.monotonic()
    output = folder / OUTPUT
    with output.open("a", encoding="utf-8") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", PROGRAM, str(folder)],
            env=environment(threads),
            # Closed when this process ends, however it does: the training then ends as well.
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        status = process.wait()
    minutes = round((time.monotonic() - start) / 60, 2)
    if status:
        return RunOutcome(run.name, FAILED, _stop(status) or _last_words(output, status), minutes)
    card = next((p for p in folder.glob("*.json") if p.with_suffix(".safetensors").exists()), None)
    if card is None:
        return RunOutcome(
            run.name, FAILED, f"it ended without weights: {_last_words(output, status)}", minutes
        )
    numbers = figures(json.loads(card.read_text(encoding="utf-8"))["metrics"])
    write_atomically(result, json.dumps({"minutes": minutes, "figures": numbers}, indent=1).encode())
    return RunOutcome(run.name, DONE, "", minutes, numbers)


def environment(threads: int | None) -> dict[str, str]:
    """Give the variables of a training: those of the worker, but for what its launcher told.

    A worker that Slurm started beside others would else have its training wait for theirs.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith(_OF_LAUNCHERS)}
    return own | (dict.fromkeys(ONE_THREAD, str(threads)) if threads else {})


def _stop(status: int) -> str:
    """Tell of a training that a signal ended, itself or by the exit status that stands for it; empty where none did."""
    number = -status if status < 0 else max(status - 128, 0)
    if not number:
        return ""
    why = ", as where memory runs out" if number == KILLED else ""
    return f"was stopped by signal {number}{why}; the same command goes on"


def _last_words(output: Path, status: int) -> str:
    lines = [
        line for line in output.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()
    ]
    said = lines[-1].strip() if lines else "it said nothing"
    return f"{said} (exit status {status}; all that it said is in {output})"


def figures(metrics: dict[str, Any], before: str = "") -> dict[str, float]:
    """Flatten the numbers of a card's metrics: ``whole.mean_sensitivity``."""
    found: dict[str, float] = {}
    for name, value in metrics.items():
        if isinstance(value, dict):
            found |= figures(value, f"{before}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[f"{before}{name}"] = float(value)
    return found


def sweep(
    client: Client,
    runs: Iterable[SweepRun],
    job: Job,
    take: Callable[[RunOutcome], object],
    *,
    threads: int | None = None,
    work: Callable[[SweepRun, Job, int | None], RunOutcome] = train_run,
) -> None:
    """Train all runs, one for each worker at a time; one whose worker died goes on elsewhere, up to three times.

    Parameters
    ----------
    take
        Is given each outcome, in the order in which they come.
    threads
        Of each training; None leaves it to the workers' environment.
    work
        What a worker does.

    Raises
    ------
    ClusterError
        The scheduler went away; what is done is done, and the same sweep goes on from there.
    """
    from distributed import as_completed

    waiting = ((run, 1) for run in runs)
    running: dict[Any, tuple[SweepRun, int]] = {}
    done = as_completed(loop=client.loop)

    def submit(run: SweepRun, tries: int) -> None:
        future = client.submit(work, run, job, threads, pure=False, resources=_resources(client))
        running[future] = run, tries
        done.add(future)

    def fill() -> None:
        while len(running) < max(len(client.nthreads()), 1) and (following := next(waiting, None)):
            submit(*following)

    try:
        fill()
        for future in done:
            run, tries = running.pop(future)
            came = came_of(future)
            if came.died and tries < TRIES:
                submit(run, tries + 1)
            elif came.died:
                take(RunOutcome(run.name, FAILED, f"its worker died {TRIES} times: it may need more memory."))
            elif came.error is not None:
                take(RunOutcome(run.name, FAILED, f"{type(came.error).__name__}: {came.error}"))
            else:
                take(came.result)
            fill()
    finally:
        client.cancel(list(running))


def _resources(client: Client) -> dict[str, float] | None:
    """A whole GPU where workers have the tag."""
    tagged = (GPU in w.get("resources", {}) for w in client.scheduler_info()["workers"].values())
    return {GPU: 1} if any(tagged) else None


def table(outcomes: Iterable[RunOutcome]) -> Iterator[tuple[str, ...]]:
    """Yield a header and a row for each run, by name, with all figures that any run has."""
    rows = sorted(outcomes, key=lambda outcome: outcome.name)
    names = list(dict.fromkeys(name for outcome in rows for name in outcome.figures))
    yield ("run", "status", "minutes", *names, "sentence")
    for one in rows:
        numbers = (f"{one.figures[n]:.4g}" if n in one.figures else "" for n in names)
        yield (one.name, one.status, f"{one.minutes:.2f}", *numbers, one.sentence)
