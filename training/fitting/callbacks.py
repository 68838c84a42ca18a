"""What watches a training: the time it may take or the steps it has, and a line of figures now and then."""

from __future__ import annotations

import json
import logging
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

import lightning as L

from .batches import ends_step
from .processes import is_first
from .stopping import SIGNALS, Stopped, in_main_thread

log = logging.getLogger(__name__)


class TimeBudget(L.Callback):
    """Moves the learner's `progress` with the time spent training and stops at 1; time before a resume counts."""

    def __init__(self, minutes: float) -> None:
        self.seconds = 60 * minutes
        self.last = 0.0

    def on_train_start(self, _trainer: L.Trainer, _module: Any) -> None:
        """Start counting."""
        self.last = time.monotonic()

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, _out: Any, _batch: Any, index: int) -> None:
        """Count steps, and stop when the time is over: for all processes by the first one's clock, so that they stay in step."""
        if not ends_step(trainer, index):
            return
        now = time.monotonic()
        progress = min(1.0, module.progress + (now - self.last) / self.seconds)
        module.progress = trainer.strategy.broadcast(progress) if trainer.world_size > 1 else progress
        self.last = now
        trainer.should_stop = module.progress >= 1


class StepProgress(L.Callback):
    """Moves the learner's `progress` with the optimizer's steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, *_: Any) -> None:
        """Count."""
        module.progress = trainer.global_step / self.steps


class JsonLinesLogger(L.Callback):
    """Appends a line of figures to a file every minute, for logs that outlive a terminal."""

    def __init__(self, path: Path) -> None:
        self.path, self.next = path, 0.0

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, *_: Any) -> None:
        """Write when a minute has passed."""
        if trainer.global_rank or time.monotonic() < self.next:
            return
        self.next = time.monotonic() + 60
        figures = {k: round(float(v), 4) for k, v in trainer.callback_metrics.items()}
        line = {"step": trainer.global_step, "progress": round(module.progress, 4), **figures}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


class StopSignal(L.Callback):
    """Ends a training that is told to stop after its step, with a checkpoint; told twice, at once.

    Parameters
    ----------
    last
        The checkpoint, or None for a training without.
    """

    def __init__(self, last: Path | None) -> None:
        self.last, self.asked = last, 0

    def on_train_start(self, _trainer: L.Trainer, _module: Any) -> None:
        """Take the place of Lightning's handlers, which stop between two parts of a step; it puts back what was before them."""
        for number in SIGNALS if in_main_thread() else ():
            if signal.getsignal(number) is not signal.SIG_IGN:  # as after nohup
                signal.signal(number, self._ask)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise Stopped(number)
        self.asked = number
        if is_first():
            log.warning("stopping after this step; a second signal stops at once")

    def on_train_batch_end(
        self, trainer: L.Trainer, _module: Any, _out: Any, _batch: Any, index: int
    ) -> None:
        """Stop between two steps, all processes after the same one, whichever of them was told."""
        if not ends_step(trainer, index) or not self._is_asked(trainer):
            return
        if self.last is not None:
            trainer.save_checkpoint(self.last)
        raise Stopped(self.asked or signal.SIGTERM)

    def _is_asked(self, trainer: L.Trainer) -> bool:
        own = bool(self.asked)
        return trainer.strategy.reduce_boolean_decision(own, all=False) if trainer.world_size > 1 else own
