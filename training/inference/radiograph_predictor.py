"""What the predictors of radiograph networks share: the network on its device, and the CPU where a GPU's memory ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import nn

from .device import run_with_cpu_fallback
from .predictor import ModelInfo

Net = TypeVar("Net", bound=nn.Module)
Result = TypeVar("Result")


class RadiographPredictor(Generic[Net]):
    """A network adds ``run`` and ``heat_map``.

    Parameters
    ----------
    net
        Trained network.
    info
        Name, version and default threshold, from the card.
    device
        Where to run. When a GPU runs out of memory, the CPU takes over for this once.
    """

    def __init__(self, net: Net, info: ModelInfo, device: torch.device) -> None:
        self.info = info
        self.device = device
        self.net = net.eval().to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def run_with_cpu_fallback(self, work: Callable[[torch.device], Result]) -> tuple[Result, str]:
        """What `work` gives with the network on the device it is told; and a note, empty unless that had to be the CPU."""

        def moved(device: torch.device) -> Result:
            self.net.to(device)
            return work(device)

        return run_with_cpu_fallback(moved, self.device)
