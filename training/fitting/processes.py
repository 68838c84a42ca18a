"""What the processes of one training know of each other: sums over all, and who writes.

Losses use it, which a network may need without training: nothing here needs Lightning before processes train.
"""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor


def count() -> int:
    """Processes of this training."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this process writes for all; known from a launcher's variables before the processes have found each other."""
    from lightning.pytorch.utilities import rank_zero_only

    return not rank_zero_only.rank  # type: ignore[attr-defined]


def end_others() -> None:
    """End all processes but the first, which goes on alone."""
    if not is_first():
        raise SystemExit(0)


def total(values: Tensor) -> Tensor:
    """Sum a tensor over all processes, with its gradient.

    A loss made of such sums is the loss of the whole batch in every process. Its gradient counts each process as often as there
    are processes, and the mean that DDP takes over them puts that right. All processes must call this equally often.
    """
    return cast(Tensor, _Total.apply(values)) if count() > 1 else values


class _Total(torch.autograd.Function):
    """A sum over all processes: what reaches it from all of their losses goes back to each of them."""

    @staticmethod
    def forward(_ctx: Any, values: Tensor) -> Tensor:
        summed = values.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(_ctx: Any, gradient: Tensor) -> Tensor:
        return _Total.forward(None, gradient)


def mean(values: Tensor) -> Tensor:
    """Average values (N,) over those of all processes, with gradient; 0 without any."""
    sums = total(torch.stack([values.sum(), values.new_tensor(float(len(values)))]))
    return sums[0] / sums[1].clamp(min=1)


def highest(values: Tensor, most: int) -> Tensor:
    """Find the lowest of the `most` highest values (N,) of all processes together, a scalar; −∞ where there are fewer."""
    padded = torch.full((most,), -torch.inf, dtype=values.dtype, device=values.device)
    own = values.detach().topk(min(most, len(values))).values
    padded[: len(own)] = own
    if count() > 1:
        gathered = [torch.empty_like(padded) for _ in range(count())]
        dist.all_gather(gathered, padded)
        padded = torch.cat(gathered)
    return padded.topk(most).values[-1]
