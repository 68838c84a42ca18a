"""What the training of every network shares: decay on weights only, warm-up and cosine, moving average, place in the schedule."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar, cast

import lightning as L
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from .batches import ends_step, place_of

Network = TypeVar("Network", bound=nn.Module)


class OptimizerConfig(Protocol):
    """What `Learner` needs of a network's ``TrainingConfig``.

    Parameters
    ----------
    learning_rate, weight_decay
        AdamW's; the rate is the highest of the schedule.
    ema
        Decay of the moving average of the weights that is released; 0 releases the weights themselves.
    seed
        What a step draws by chance follows from it and the step.
    """

    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def ema(self) -> float: ...
    @property
    def seed(self) -> int: ...


def weight_groups(net: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Split parameters into an optimizer's groups: decay on weights, none on norms and biases."""
    weights = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]


def warm_cosine(progress: float, warm_up: float = 0.03) -> float:
    """Factor on the learning rate at a fraction of the schedule: linear from 5 % over `warm_up`, then a cosine to 1 %."""
    if progress < warm_up:
        return 0.05 + 0.95 * progress / warm_up
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min((progress - warm_up) / (1 - warm_up), 1)))


class Learner(L.LightningModule, Generic[Network]):
    """A network on its way through the schedule; each adds ``training_step``, and what its checkpoints keep besides.

    Parameters
    ----------
    net
        As it begins.
    averaging
        From the decay of the moving average to an update for `AveragedModel`.
    """

    net: Network
    config: OptimizerConfig
    gradient_clip: float | None = 5.0
    """Largest norm of the gradient; None leaves it as it is."""

    def __init__(
        self,
        net: Network,
        config: OptimizerConfig,
        averaging: Callable[[float], Callable[..., None]] = get_ema_multi_avg_fn,
    ) -> None:
        super().__init__()
        self.net, self.config = net, config
        self.average = None
        if config.ema:
            average = AveragedModel(net, multi_avg_fn=averaging(config.ema), use_buffers=True)
            self.average = average.requires_grad_(False)
        self.progress = 0.0
        """Fraction of the schedule that is over, 0–1; `fitting.callbacks` move it."""

    @property
    def trained(self) -> Network:
        """The network to release: the moving average if there is one."""
        return self.net if self.average is None else cast(Network, self.average.module)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW (Adam where the decay is 0) without decay on norms and biases; `learning_rate` sets the rate of each step."""
        return torch.optim.AdamW(
            weight_groups(self.net, self.config.weight_decay), lr=self.config.learning_rate
        )

    def learning_rate(self) -> float:
        """The rate of the step that is due."""
        return self.config.learning_rate * warm_cosine(self.progress)

    def on_train_batch_start(self, _batch: Any, index: int) -> None:
        """Set the rate, and the random numbers of dropout and the like: they belong to the step, as its batch does."""
        place = place_of(self.trainer, index)
        torch.manual_seed(int(place.generator(self.config.seed, 1).integers(2**63)))
        optimizer = self.optimizers()
        assert not isinstance(optimizer, list)
        for group in optimizer.param_groups:
            group["lr"] = self.learning_rate()

    def on_before_zero_grad(self, _optimizer: torch.optim.Optimizer) -> None:
        """Follow the weights, as the step before left them."""
        if self.average is not None:
            self.average.update_parameters(self.net)

    def on_train_batch_end(self, _out: Any, _batch: Any, index: int) -> None:
        """Tell `on_step_end`, unless the step still waits for further batches."""
        if ends_step(self.trainer, index):
            self.on_step_end()

    def on_step_end(self) -> None:
        """Do what belongs to the end of an optimizer's step; nothing here."""

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the schedule's place."""
        checkpoint["progress"] = self.progress

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on where the checkpoint was."""
        self.progress = checkpoint["progress"]
