"""Training by time or by steps, resumable: one function for every network (Lightning does the rest)."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Protocol

import lightning as L
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import cuda
from torch.utils.data import DataLoader

from ..inference.weights import start_from
from .batches import Places
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
    alone: bool = False,
    devices: int | Literal["auto"] = "auto",
) -> tuple[Network, dict[str, Any]]:
    """Train a network through its schedule, from scratch or from weights, on all GPUs of the machine.

    Each GPU has a process, which draws its own batches (`batches.Places`); gradients are averaged over them. All but the first
    process end here.

    Parameters
    ----------
    out
        Gets a line of figures a minute in `log`, ``last.ckpt`` every three minutes and at the end.
    resume
        Go on from ``out/last.ckpt``.
    weights
        A weights' file to start from.
    alone
        One of several trainings in a row: on one device and without checkpoints, since it starts again after an interruption.
    devices
        How many processes; by default one for each GPU.

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
    last = out / "last.ckpt"
    if resume and not last.exists():
        raise FileNotFoundError(f"{last} is not there: start without --resume.")
    out.mkdir(parents=True, exist_ok=True)
    begun = {} if weights is None else start_from(learner.net, weights)
    start = time.monotonic()
    trainer = _trainer(learner, schedule, out, log, None if alone else last, 1 if alone else devices)
    if isinstance(loader.sampler, Places):
        loader.sampler.trainer = trainer
    trainer.fit(learner, loader, ckpt_path=str(last) if resume else None)
    if not alone:
        trainer.save_checkpoint(last)
    if trainer.global_rank:
        raise SystemExit(0)
    minutes = round((time.monotonic() - start) / 60, 1) if schedule.steps else schedule.minutes
    record = {
        "steps": trainer.global_step,
        "minutes": minutes,
        "device": str(trainer.strategy.root_device),
        **({"processes": trainer.world_size} if trainer.world_size > 1 else {}),
        **begun,
    }
    return learner.trained.cpu().eval(), record


def _trainer(
    learner: Learner[Any],
    schedule: Schedule,
    out: Path,
    log: str,
    last: Path | None,
    devices: int | Literal["auto"],
) -> L.Trainer:
    place = StepProgress(schedule.steps) if schedule.steps else TimeBudget(schedule.minutes)
    callbacks: list[L.Callback] = [place, JsonLinesLogger(out / log)]
    if last is not None:
        callbacks.append(
            ModelCheckpoint(
                last.parent,
                filename="step-{step}",
                train_time_interval=timedelta(minutes=3),
                save_top_k=1,
                save_last=True,
                # Or a second run into a folder writes last-v1.ckpt, and a resume goes on from the first.
                enable_version_counter=False,
            )
        )
    several = (cuda.device_count() if devices == "auto" else devices) > 1
    return L.Trainer(
        max_steps=schedule.steps or -1,
        max_epochs=-1,
        accelerator="auto",
        devices=devices,
        # Heads that join later, and terms of the loss that a batch has nothing for, leave parameters without a gradient.
        strategy="ddp_find_unused_parameters_true" if several else "auto",
        use_distributed_sampler=False,
        gradient_clip_val=learner.gradient_clip,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=last is not None,
        enable_progress_bar=not schedule.steps,
        enable_model_summary=False,
        log_every_n_steps=10,
    )
