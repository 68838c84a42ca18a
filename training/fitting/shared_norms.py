"""Batch normalisation over all processes of a training."""

from __future__ import annotations

import torch
from lightning.pytorch.plugins.layer_sync import LayerSync
from torch import Tensor, nn

from .processes import count, total


class ProcessorBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation over all processes without a GPU: torch's own, `nn.SyncBatchNorm`, needs one."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, …) -> (N, C, …)."""
        if not self.training or count() == 1:
            return super().forward(x)
        axes = [axis for axis in range(x.ndim) if axis != 1]
        shape = [1, -1] + [1] * (x.ndim - 2)
        values = x.float()
        # In one message; a variance out of sums of squares needs double precision.
        sums = [values.sum(axes).double(), values.double().square().sum(axes)]
        size = sums[0].new_tensor([values.numel() / x.shape[1]])
        parts = total(torch.cat([*sums, size])).split([len(sums[0]), len(sums[0]), 1])
        size = parts[2].detach()
        middle = parts[0] / size
        variance = (parts[1] / size - middle.square()).clamp(min=0)
        self._remember(middle.detach().float(), (variance.detach() * size / (size - 1).clamp(min=1)).float())
        y = (values - middle.float().view(shape)) * (variance + self.eps).rsqrt().float().view(shape)
        if self.affine:
            y = y * self.weight.view(shape) + self.bias.view(shape)
        return y.to(x.dtype)

    def _check_input_dim(self, input: Tensor) -> None:
        pass

    @torch.no_grad()
    def _remember(self, middle: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        weight = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(middle, weight)
        self.running_var.lerp_(variance, weight)


class SharedNorms(LayerSync):
    """Exchanges all batch normalisations of a model, while it trains in several processes, for those over all processes."""

    def __init__(self) -> None:
        self._exchanged: list[tuple[nn.Module, str, nn.Module]] = []

    def apply(self, model: nn.Module) -> nn.Module:
        """Exchange them; those inside a module with ``own_norms`` stay, because processes call it unequally often."""
        kept = {
            norm for part in model.modules() if getattr(part, "own_norms", False) for norm in part.modules()
        }
        for part in list(model.modules()):
            for name, norm in part.named_children():
                if isinstance(norm, nn.modules.batchnorm._BatchNorm) and norm not in kept:
                    self._exchanged.append((part, name, norm))
                    setattr(part, name, _shared(norm))
        return model

    def revert(self, model: nn.Module) -> nn.Module:
        """Put the model's own back, with what was learnt."""
        for part, name, norm in self._exchanged:
            norm.training = getattr(part, name).training
            setattr(part, name, norm)
        self._exchanged.clear()
        return model


def _shared(norm: nn.modules.batchnorm._BatchNorm) -> nn.modules.batchnorm._BatchNorm:
    """Make the same normalisation over all processes, on the same tensors."""
    kind = nn.SyncBatchNorm if torch.cuda.is_available() else ProcessorBatchNorm
    made = kind(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    made._parameters, made._buffers, made.training = norm._parameters, norm._buffers, norm.training
    return made
