"""How hard each training sample is to a network: noted at each step, drawn by a while later."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.distributed
from torch import Tensor

WINDOW = 64
"""Steps. Longer than workers draw ahead (two batches each and one of Lightning's), so that how many there are changes nothing."""


class Hardness:
    """How badly a network did on each of n samples lately, 0–1.

    Draws of a window of steps see what was known when the window before began: batches that are drawn ahead, in whichever process,
    are the ones that a resumed training draws.

    Parameters
    ----------
    count
        n; all begin as hard.
    """

    def __init__(self, count: int) -> None:
        self.now = torch.ones(count)
        self.seen = torch.ones(2, count).share_memory_()
        self._noted: list[tuple[int, float]] = []

    def at(self, step: int) -> np.ndarray:
        """Look up what the draws of a step go by: (n,)."""
        return self.seen[(step // WINDOW) % 2].numpy()

    def note(self, sample: int, value: float) -> None:
        """Note how badly a network did on a sample in this step."""
        self._noted.append((sample, value))

    def set(self, values: Tensor) -> None:
        """Let draws go by what a pass over all samples measured, at once."""
        self.now.copy_(values)
        self.seen[:] = self.now

    def end_step(self, steps: int) -> None:
        """Take in what all processes noted, `steps` being over."""
        for sample, value in _of_all_processes(self._noted):
            self.now[sample] = 0.5 * self.now[sample] + 0.5 * value
        self._noted = []
        if steps % WINDOW == 0:
            self.seen[(steps // WINDOW + 1) % 2] = self.now

    def state(self) -> dict[str, Tensor]:
        """Copy what a checkpoint keeps."""
        return {"now": self.now.clone(), "seen": self.seen.clone()}

    def load(self, state: dict[str, Tensor] | Tensor) -> None:
        """Go on from a checkpoint; those of earlier versions hold one value for each sample."""
        whole = {"now": state, "seen": state.expand(2, -1)} if isinstance(state, Tensor) else state
        self.now.copy_(whole["now"])
        self.seen.copy_(whole["seen"])


def _of_all_processes(noted: list[tuple[int, float]]) -> list[tuple[int, float]]:
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return noted
    gathered: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(gathered, noted)
    return [pair for part in gathered for pair in part]
