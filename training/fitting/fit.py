"""Training by time or by steps, resumable: one function for every network (Lightning does the rest)."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import lightning as L
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from torch import cuda
from torch.utils.data import DataLoader

from ..inference.weights import start_from
from .batches import Places, ends_step
from .callbacks import JsonLinesLogger, StepProgress, StopSignal, TimeBudget
from .learner import Learner, Network
from .machines import HERE, LIGHTNING, Machines
from .processes import end_others
from .shared_norms import SharedNorms
from .stopping import stop_behind

EVERY = timedelta(minutes=3)
"""Between two checkpoints."""


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
    machines: Machines = HERE,
    resume: bool = False,
    weights: Path | None = None,
    log: str = "log.jsonl",
    in_a_row: bool = False,
) -> tuple[Network, dict[str, Any]]:
    """Train a network through its schedule, from scratch or from weights, on all GPUs of the machine or of several.

    Each GPU has a process, which draws its own batches (`batches.Places`). Sums over a batch, in losses and in batch normalisation,
    are sums over all processes (`processes.total`). All but the first process end here.

    Parameters
    ----------
    out
        Gets a line of figures a minute in `log`, ``last.ckpt`` every three minutes and at the end.
    machines
        How many nodes, devices and accumulated batches, and the precision.
    resume
        Go on from ``out/last.ckpt``.
    weights
        A weights' file to start from.
    in_a_row
        One of several trainings in a row: without checkpoints, since it starts again after an interruption; all processes go on.

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
    Stopped
        By Ctrl+C or SIGTERM: ``out/last.ckpt`` holds the step that ended then.
    ValueError
        `machines` are not what there is here.
    """
    last = out / "last.ckpt"
    if resume and not last.exists():
        raise FileNotFoundError(f"{last} is not there: start without --resume.")
    out.mkdir(parents=True, exist_ok=True)
    begun = {} if weights is None else start_from(learner.net, weights)
    start = time.monotonic()
    stop = StopSignal(None if in_a_row else last)
    trainer = _trainer(learner, schedule, out / log, stop, machines)
    if isinstance(loader.sampler, Places):
        loader.sampler.trainer = trainer
    try:
        trainer.fit(learner, loader, ckpt_path=str(last) if resume else None)
    except BaseException as error:
        if (stopped := stop_behind(error, stop.asked)) is not None:
            raise stopped from error
        raise
    if not in_a_row:
        trainer.save_checkpoint(last)
        end_others()
    minutes = round((time.monotonic() - start) / 60, 1) if schedule.steps else schedule.minutes
    record = {
        "steps": trainer.global_step,
        "minutes": minutes,
        "device": str(trainer.strategy.root_device),
        **({"processes": trainer.world_size} if trainer.world_size > 1 else {}),
        **({"precision": machines.precision} if machines.precision != "32" else {}),
        **({"accumulate": machines.accumulate} if machines.accumulate > 1 else {}),
        **begun,
    }
    return learner.trained.cpu().eval(), record


class _Checkpoints(ModelCheckpoint):
    """Keeps the last step; a gradient that is being accumulated would be lost."""

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save between two steps only."""
        if ends_step(trainer, batch_idx):
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)


def _processes(machines: Machines) -> int:
    """Count the processes that there will be, or that a launcher started."""
    for started in (TorchElasticEnvironment, SLURMEnvironment):
        if started.detect():
            return int(started().world_size())
    devices = max(cuda.device_count(), 1) if machines.devices == "auto" else machines.devices
    return machines.nodes * devices


def _trainer(
    learner: Learner[Any], schedule: Schedule, log: Path, stop: StopSignal, machines: Machines
) -> L.Trainer:
    place = StepProgress(schedule.steps) if schedule.steps else TimeBudget(schedule.minutes)
    callbacks: list[L.Callback] = [place, JsonLinesLogger(log), stop]
    last = stop.last
    if last is not None:
        callbacks.append(
            _Checkpoints(
                last.parent,
                filename="step-{step}",
                train_time_interval=EVERY,
                save_top_k=1,
                save_last=True,
                # Or a second run into a folder writes last-v1.ckpt, and a resume goes on from the first.
                enable_version_counter=False,
            )
        )
    if machines.precision == "16" and not cuda.is_available():
        raise ValueError(
            'precision = "16" needs a GPU: take "bf16" or "32" in the table "machines" of the settings.'
        )
    several = _processes(machines) > 1
    try:
        return L.Trainer(
            max_steps=schedule.steps or -1,
            max_epochs=-1,
            accelerator="auto",
            num_nodes=machines.nodes,
            devices=machines.devices,
            precision=LIGHTNING[machines.precision],
            accumulate_grad_batches=machines.accumulate,
            # Heads that join later, and terms of the loss that a batch has nothing for, leave parameters without a gradient.
            strategy="ddp_find_unused_parameters_true" if several else "auto",
            plugins=[SharedNorms()] if several else None,
            use_distributed_sampler=False,
            gradient_clip_val=learner.gradient_clip,
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=last is not None,
            enable_progress_bar=not schedule.steps,
            enable_model_summary=False,
            log_every_n_steps=10,
        )
    except MisconfigurationException as error:
        raise ValueError(
            f"this machine does not have what 'machines' in the settings says: {error}"
        ) from error
