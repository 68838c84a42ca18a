"""On how many machines and GPUs a training runs, and how exactly they reckon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .ranges import Count

Precision = Literal["32", "bf16", "16"]
LIGHTNING: dict[str, Any] = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
"""What Lightning calls each `Precision`."""


@dataclass(frozen=True)
class Machines:
    """What a training runs on; the table ``machines`` of a settings file.

    Every process draws batches of the network's own ``batch``, so a step has ``batch`` × `nodes` × `devices` × `accumulate`
    samples: the ones that a single process with a batch of that size would draw.

    Parameters
    ----------
    nodes
        Machines. On each, a launcher (Slurm's ``srun``, ``torchrun``) starts the same command.
    devices
        Processes on each machine, one for each GPU: ``"auto"`` for all GPUs there, or one process without any.
    precision
        ``"32"``; ``"bf16"`` or ``"16"`` for mixed precision: weights and losses stay float32, convolutions do not.
        ``"16"`` needs a GPU.
    accumulate
        Batches whose gradients are summed up before each step.
    """

    nodes: Count = 1
    devices: Count | Literal["auto"] = "auto"
    precision: Precision = "32"
    accumulate: Count = 1

    def __post_init__(self) -> None:
        for name in ("nodes", "devices", "accumulate"):
            value = getattr(self, name)
            if name == "devices" and value == "auto":
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} is a whole number from 1 on, not {value!r}")
        if self.precision not in LIGHTNING:
            raise ValueError(f"precision is one of {', '.join(LIGHTNING)} (as text), not {self.precision!r}")


HERE = Machines()
"""This machine, with all GPUs that it has."""
