"""The network as it runs on a CPU: the same numbers as `network.Ag3d`, in a third of the time and a fraction of the memory."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....ops.dense_stream import Conv3, DenseStream, Pointwise, PointwiseStream, Stream, halve
from ..network import Ag3d, DenseLayer, PaperStem, RpnHead, Up

CELLS = 200_000
"""Cells at stride 2 of a slab: its maps of 32 channels have 26 MB, which the C library gives again without new pages."""


def _norm(unit: nn.Module) -> nn.BatchNorm3d:
    """The first of BN, ReLU, convolution (`network.bn_relu_conv`)."""
    return cast(nn.BatchNorm3d, cast(nn.Sequential, unit)[0])


def _conv(unit: nn.Module) -> nn.Conv3d:
    return cast(nn.Conv3d, cast(nn.Sequential, unit)[2])


def _pointwise(unit: nn.Sequential, dtype: torch.dtype, then: nn.Sequential | None = None) -> Pointwise:
    return Pointwise(_norm(unit), _conv(unit), None if then is None else _norm(then), dtype)


def _layers(block: nn.Sequential, dtype: torch.dtype) -> list[tuple[Pointwise, Conv3]]:
    """The convolutions of dense layers; a layer's second norm is folded into its first convolution."""
    layers = [cast(DenseLayer, layer) for layer in block]
    return [
        (_pointwise(one.squeeze, dtype, then=one.grow), Conv3(_conv(one.grow), None, dtype)) for one in layers
    ]


class _Up:
    def __init__(self, up: Up, dtype: torch.dtype) -> None:
        bias = up.deconv.bias
        assert bias is not None
        self.weight, self.bias = up.deconv.weight.detach().to(dtype), bias.detach().to(dtype)
        self.merge = _pointwise(up.merge, dtype)

    def spread(self, x: Tensor) -> Tensor:
        """(D, H, W, C) -> (2D, 2H, 2W, C)."""
        d, h, w, c = x.shape
        if not d:
            return x.new_empty((0, 2 * h, 2 * w, c))
        planes = F.conv_transpose3d(x.permute(3, 0, 1, 2)[None], self.weight, self.bias, stride=2)
        return planes[0].permute(1, 2, 3, 0).contiguous()


class _Head:
    def __init__(self, head: RpnHead, dtype: torch.dtype) -> None:
        self.layers = _layers(head.body, dtype)
        self.out = Pointwise(head.norm, head.out, None, dtype)


class FirstPart:
    """`Backbone.first` over a volume that comes slab by slab along z.

    Parameters
    ----------
    folded
        Whose weights.
    """

    def __init__(self, folded: FoldedAg3d) -> None:
        self._net = folded
        self._stem = [Stream(conv) for conv in folded.stem]
        self._block = DenseStream(folded.encode1)
        self._transition = PointwiseStream(folded.transition1, self._block.maps, step=2)

    def push(self, x: Tensor, last: bool) -> Tensor:
        """The next voxels (D, H, W) in [−1, 1], sides multiples of 4 -> slices (n, H/4, W/4, C), as far as they are ready."""
        self._block.push(self._begin(x, last), last)
        out = self._transition.run()
        self._block.drop(self._transition.done)
        return halve(out)

    def _begin(self, x: Tensor, last: bool) -> Tensor:
        """The stem: (D, H, W) -> (n, H/2, W/2, C)."""
        first, second = self._stem
        planes = x[..., None] if self._net.paper_stem else space_to_depth(x)
        first.room(planes, planes.shape[-1]).copy_(planes)
        y = first.run(last)
        torch.clamp(y, min=0, out=second.room(y, y.shape[-1]))
        y = second.run(last)
        if self._net.paper_stem:  # both convolutions lag, so that whole pairs of slices are ready
            y = F.max_pool3d(y.permute(3, 0, 1, 2)[None], 2)[0].permute(1, 2, 3, 0)
        return y


def space_to_depth(x: Tensor) -> Tensor:
    """(D, H, W) -> (D/2, H/2, W/2, 8), as `network.SpaceToDepthStem` has them."""
    d, h, w = x.shape
    blocks = x.reshape(d // 2, 2, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return blocks.reshape(d // 2, h // 2, w // 2, 8)


class FoldedAg3d:
    """The detector's convolutions for a CPU; `FirstPart` and `streamed.Streamed` run them.

    Parameters
    ----------
    net
        In evaluation mode, on the CPU.
    dtype
        In which the convolutions are computed; bfloat16 where the processor has it is about twice as fast
        (``benchmarks/network.py``).
    """

    def __init__(self, net: Ag3d, dtype: torch.dtype = torch.float32) -> None:
        self.config, self.dtype = net.config, dtype
        backbone, stem = net.backbone, net.backbone.pre
        self.paper_stem = isinstance(stem, PaperStem)
        self.stem = [Conv3(stem.first, _norm(stem.second), dtype), Conv3(_conv(stem.second), None, dtype)]
        self.encode1, self.transition1 = (
            _layers(backbone.encode1, dtype),
            _pointwise(backbone.transition1, dtype),
        )
        self.encode2, self.transition2 = (
            _layers(backbone.encode2, dtype),
            _pointwise(backbone.transition2, dtype),
        )
        self.encode3, self.transition3 = (
            _layers(backbone.encode3, dtype),
            _pointwise(backbone.transition3, dtype),
        )
        self.up3, self.decode2 = _Up(backbone.up3, dtype), _layers(backbone.decode2, dtype)
        self.out2 = _pointwise(backbone.out2, dtype)
        self.up2, self.decode1 = _Up(backbone.up2, dtype), _layers(backbone.decode1, dtype)
        self.out1 = _pointwise(backbone.out1, dtype)
        self.heads = [_Head(cast(RpnHead, head), dtype) for head in net.heads]
