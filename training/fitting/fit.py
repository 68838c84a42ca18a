"""Training by the clock, resumable: one function for every room (Lightning does the rest)."""

from __future__ import annotations

import dataclasses
import json
import time
import tomllib
from collections.abc import Sequence
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import lightning as L
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader

from ..inference.registry import NETWORKS
from ..inference.weights import start_from

FINE_TUNED = ("ag3d", "dhn", "mosegnet")
"""Models that can start from weights; the others are trained once for each fold."""


class Clock(L.Callback):
    """Moves the module's `progress` with the time spent training and stops at 1; time before a resume counts."""

    def __init__(self, minutes: float) -> None:
        self.seconds = 60 * minutes
        self.last = 0.0

    def on_train_start(self, _trainer: L.Trainer, _module: Any) -> None:
        """Start counting."""
        self.last = time.monotonic()

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, *_: Any) -> None:
        """Count, and stop when the time is over."""
        now = time.monotonic()
        module.progress = min(1.0, module.progress + (now - self.last) / self.seconds)
        self.last = now
        trainer.should_stop = module.progress >= 1


class Pace(L.Callback):
    """Moves the module's `progress` with the steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, *_: Any) -> None:
        """Count."""
        module.progress = trainer.global_step / self.steps


class Log(L.Callback):
    """One line of figures a minute, for logs that outlive a terminal."""

    def __init__(self, path: Path) -> None:
        self.path, self.next = path, 0.0

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, *_: Any) -> None:
        """Write when a minute has passed."""
        if time.monotonic() < self.next:
            return
        self.next = time.monotonic() + 60
        figures = {k: round(float(v), 4) for k, v in trainer.callback_metrics.items()}
        line = {"step": trainer.global_step, "progress": round(module.progress, 4), **figures}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


def fit(
    module: L.LightningModule, loader: DataLoader, out: Path, minutes: float, *, resume: bool = False
) -> int:
    """Train until the schedule's minutes are over; gives the number of steps.

    Parameters
    ----------
    module
        Has `progress` (0–1), which the clock moves.
    out
        Gets ``last.ckpt`` every three minutes and ``log.jsonl``.
    resume
        Go on from ``out/last.ckpt``.

    Raises
    ------
    FileNotFoundError
        `resume` without a checkpoint.
    """
    out.mkdir(parents=True, exist_ok=True)
    last = out / "last.ckpt"
    if resume and not last.exists():
        raise FileNotFoundError(f"{last} is not there: start without --resume.")
    saver = ModelCheckpoint(
        out, filename="step-{step}", train_time_interval=timedelta(minutes=3), save_top_k=1, save_last=True
    )
    trainer = L.Trainer(
        max_epochs=-1,
        accelerator="auto",
        devices="auto",
        gradient_clip_val=5.0,
        callbacks=[Clock(minutes), Log(out / "log.jsonl"), saver],
        logger=False,
        enable_progress_bar=True,
        enable_model_summary=False,
        log_every_n_steps=10,
    )
    trainer.fit(module, loader, ckpt_path=str(last) if resume else None)
    if module.global_rank == 0:
        trainer.save_checkpoint(last)
    return trainer.global_step


def fit_steps(
    module: L.LightningModule, loader: DataLoader, steps: int, callbacks: Sequence[L.Callback] = ()
) -> None:
    """Train for a number of steps: short runs that start again after an interruption (a fold of `crossval.folds`)."""
    trainer = L.Trainer(
        max_steps=steps,
        max_epochs=-1,
        accelerator="auto",
        devices=1,
        gradient_clip_val=5.0,
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, loader)


class Schedule(Protocol):
    """How long to train: `steps` where it is positive, else `minutes`."""

    @property
    def steps(self) -> int: ...
    @property
    def minutes(self) -> float: ...


def fit_schedule(
    module: Any,
    loader: DataLoader,
    out: Path,
    schedule: Schedule,
    *,
    resume: bool = False,
    weights: Path | None = None,
) -> dict[str, Any]:
    """Train an `fitting.learner.Learner` for a schedule's steps or minutes (`fit_steps`, `fit`), from scratch or from weights.

    Returns
    -------
    dict
        What the card says of it: ``steps``, ``minutes``, ``device``, and what `weights.start_from` gives.
    """
    begun = {} if weights is None else start_from(module.net, weights)
    start = time.monotonic()
    if schedule.steps:
        fit_steps(module, loader, schedule.steps, [Pace(schedule.steps)])
        steps, minutes = schedule.steps, round((time.monotonic() - start) / 60, 1)
    else:
        steps, minutes = fit(module, loader, out, schedule.minutes, resume=resume), schedule.minutes
    return {"steps": steps, "minutes": minutes, "device": str(module.device), **begun}


def train(
    room: str,
    data: Path,
    out: Path,
    config: Path | None = None,
    resume: bool = False,
    weights: Path | None = None,
) -> Path:
    """Train a room's network and write weights with their card: what ``lungmtl train`` calls.

    Parameters
    ----------
    config
        JSON or TOML file with what differs from the shipped settings, in tables ``network`` and ``training``.
    weights
        A weights' file to start from instead of from scratch.

    Returns
    -------
    Path
        The weights' file.
    """
    if weights is not None and room not in FINE_TUNED:
        raise ValueError(f"{room} is trained once for each fold, from scratch: leave --weights out.")
    settings = read_settings(config) if config else {}
    # A room with several weights learns from "model" which ones are meant.
    module = import_module(f"..networks.{NETWORKS[room]}.training", __package__)
    return module.train(data, out, {**settings, "model": room, "weights": weights}, resume=resume)


def read_settings(path: Path) -> dict[str, Any]:
    """The tables of a settings file."""
    text = path.read_text(encoding="utf-8")
    return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)


def config_from(base: Any, changes: dict[str, Any]) -> Any:
    """A config dataclass with some values changed, refusing names that it does not have."""
    names = {f.name for f in dataclasses.fields(base)}
    unknown = set(changes) - names
    if unknown:
        raise ValueError(f"unknown settings {sorted(unknown)}; {type(base).__name__} has {sorted(names)}")
    return dataclasses.replace(base, **changes)
