"""Training by time or by steps, resumable: one function for every network (Lightning does the rest)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import lightning as L
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader, IterableDataset

from ..inference.weights import start_from
from .callbacks import JsonLinesLogger, StepProgress, TimeBudget
from .learner import Learner, Network


class Schedule(Protocol):
    """How long to train: `steps` where it is positive, else `minutes`."""

    @property
    def steps(self) -> int: ...
    @property
    def minutes(self) -> float: ...


def fit(
    learner: Learner[Network],
    loader: DataLoader,
    out: Path,
    schedule: Schedule,
    *,
    resume: bool = False,
    weights: Path | None = None,
    log: str = "log.jsonl",
) -> tuple[Network, dict[str, Any]]:
    """Train a network through its schedule, from scratch or from weights.

    Parameters
    ----------
    out
        Gets a line of figures a minute in `log` and, by time, ``last.ckpt`` every three minutes. Trainings by steps are short
        ones, which start again after an interruption.
    resume
        Go on from ``out/last.ckpt``.
    weights
        A weights' file to start from.

    Returns
    -------
    net : Network
        The one to release (`Learner.trained`), on the CPU in evaluation mode.
    record : dict
        What the card says of it: ``steps``, ``minutes``, ``device``, and what `weights.start_from` gives.

    Raises
    ------
    FileNotFoundError
        `resume` without a checkpoint.
    """
    out.mkdir(parents=True, exist_ok=True)
    begun = {} if weights is None else start_from(learner.net, weights)
    logger = JsonLinesLogger(out / log)
    start = time.monotonic()
    if schedule.steps:
        trainer = _fit_steps(learner, loader, schedule.steps, logger)
        steps, minutes = schedule.steps, round((time.monotonic() - start) / 60, 1)
    else:
        trainer = _fit_minutes(learner, loader, schedule.minutes, logger, out / "last.ckpt", resume)
        steps, minutes = trainer.global_step, schedule.minutes
    record = {"steps": steps, "minutes": minutes, "device": str(trainer.strategy.root_device), **begun}
    return learner.trained.cpu().eval(), record


def _fit_minutes(
    learner: Learner[Any], loader: DataLoader, minutes: float, logger: L.Callback, last: Path, resume: bool
) -> L.Trainer:
    if resume and not last.exists():
        raise FileNotFoundError(f"{last} is not there: start without --resume.")
    saver = ModelCheckpoint(
        last.parent,
        filename="step-{step}",
        train_time_interval=timedelta(minutes=3),
        save_top_k=1,
        save_last=True,
    )
    trainer = L.Trainer(
        max_epochs=-1,
        accelerator="auto",
        devices="auto",
        gradient_clip_val=learner.gradient_clip,
        callbacks=[TimeBudget(minutes), logger, saver],
        logger=False,
        enable_progress_bar=True,
        enable_model_summary=False,
        log_every_n_steps=10,
    )
    trainer.fit(learner, loader, ckpt_path=str(last) if resume else None)
    if learner.global_rank == 0:
        trainer.save_checkpoint(last)
    return trainer


def _fit_steps(learner: Learner[Any], loader: DataLoader, steps: int, logger: L.Callback) -> L.Trainer:
    trainer = L.Trainer(
        max_steps=steps,
        max_epochs=-1,
        accelerator="auto",
        devices=1,
        gradient_clip_val=learner.gradient_clip,
        callbacks=[StepProgress(steps), logger],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(learner, loader)
    return trainer


def endless_loader(
    samples: IterableDataset,
    workers: int,
    batch: int | None = None,
    collate: Callable[[list[Any]], Any] | None = None,
) -> DataLoader:
    """Load what an endless dataset draws, in `workers` processes beside the training one.

    Parameters
    ----------
    batch, collate
        Samples of a batch and what makes one of them; None where the dataset draws whole batches.
    """
    return DataLoader(
        samples,
        batch_size=batch,
        collate_fn=collate,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
