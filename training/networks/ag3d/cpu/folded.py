"""The network as it runs on a CPU: the same numbers as `network.Ag3d`, in a third of the time and a fraction of the memory."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....ops.dense_stream import Conv3, Pointwise, Slabs, Stream, halve, together
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


class _Layer:
    """A dense layer; its second norm is folded into the first convolution."""

    def __init__(self, layer: DenseLayer, dtype: torch.dtype) -> None:
        self.squeeze = _pointwise(layer.squeeze, dtype, then=layer.grow)
        self.grow = Conv3(_conv(layer.grow), None, dtype)


class _Block:
    """Dense layers, on a whole map."""

    def __init__(self, block: nn.Sequential, dtype: torch.dtype) -> None:
        self.layers = [_Layer(cast(DenseLayer, layer), dtype) for layer in block]

    def __call__(self, x: Tensor) -> list[Tensor]:
        """The parts of the concatenation."""
        parts = [x]
        for layer in self.layers:
            parts.append(layer.grow(layer.squeeze(parts)))
        return parts


class _Up:
    def __init__(self, up: Up, dtype: torch.dtype) -> None:
        bias = up.deconv.bias
        assert bias is not None
        self.weight, self.bias = up.deconv.weight.detach().to(dtype), bias.detach().to(dtype)
        self.merge = _pointwise(up.merge, dtype)

    def __call__(self, x: Tensor, skip: list[Tensor]) -> Tensor:
        planes = F.conv_transpose3d(x.permute(3, 0, 1, 2)[None], self.weight, self.bias, stride=2)
        return self.merge([planes[0].permute(1, 2, 3, 0).contiguous(), *skip])


class _Head:
    def __init__(self, head: RpnHead, dtype: torch.dtype) -> None:
        self.body = _Block(head.body, dtype)
        self.out = Pointwise(head.norm, head.out, None, dtype)

    def __call__(self, x: Tensor) -> Tensor:
        return self.out(self.body(x)).reshape(1, -1, 5)


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
        self._layers = [(layer.squeeze, Stream(layer.grow)) for layer in folded.encode1.layers]
        self._maps = [Slabs()]
        self._done = [0] * (len(self._layers) + 1)
        """Slices that each layer, and at last the transition, has taken."""

    def push(self, x: Tensor, last: bool) -> Tensor:
        """The next voxels (D, H, W) in [−1, 1], sides multiples of 4 -> slices (n, H/4, W/4, C), as far as they are ready."""
        self._maps[0].push(self._begin(x, last))
        for number, (squeeze, grow) in enumerate(self._layers):
            maps = self._maps[: number + 1]
            low, high = self._done[number], maps[-1].end
            room = grow.room(maps[0].piece(low, low + 1).expand(high - low, -1, -1, -1), len(squeeze.bias))
            for where, parts in together(maps, low, high):
                squeeze(parts, out=room[where])
            self._done[number] = high
            if len(self._maps) == number + 1:
                self._maps.append(Slabs())
            self._maps[number + 1].push(grow.run(last))
        low = self._done[-1]
        high = low + (self._maps[-1].end - low) // 2 * 2
        first = self._maps[0].piece(low, low + 1)
        out = first.new_empty((high - low, *first.shape[1:3], len(self._net.transition1.bias)))
        for where, parts in together(self._maps, low, high):
            self._net.transition1(parts, out=out[where])
        self._done[-1] = high
        for slabs in self._maps:
            slabs.drop(high)
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
    """The detector on a CPU; `rpn`, `fprn` and `config` as of `network.Ag3d`, from which it takes the weights.

    Parameters
    ----------
    net
        In evaluation mode, on the CPU.
    dtype
        In which the convolutions are computed; bfloat16 where the processor has it is about twice as fast
        (``benchmarks/network.py``).
    """

    def __init__(self, net: Ag3d, dtype: torch.dtype = torch.float32) -> None:
        self.config, self.dtype, self.fprn = net.config, dtype, net.fprn
        backbone, stem = net.backbone, net.backbone.pre
        self.paper_stem = isinstance(stem, PaperStem)
        self.stem = [Conv3(stem.first, _norm(stem.second), dtype), Conv3(_conv(stem.second), None, dtype)]
        self.encode1, self.transition1 = (
            _Block(backbone.encode1, dtype),
            _pointwise(backbone.transition1, dtype),
        )
        self.encode2, self.transition2 = (
            _Block(backbone.encode2, dtype),
            _pointwise(backbone.transition2, dtype),
        )
        self.encode3, self.transition3 = (
            _Block(backbone.encode3, dtype),
            _pointwise(backbone.transition3, dtype),
        )
        self.up3, self.decode2 = _Up(backbone.up3, dtype), _Block(backbone.decode2, dtype)
        self.out2 = _pointwise(backbone.out2, dtype)
        self.up2, self.decode1 = _Up(backbone.up2, dtype), _Block(backbone.decode1, dtype)
        self.out1 = _pointwise(backbone.out1, dtype)
        self.heads = [_Head(cast(RpnHead, head), dtype) for head in net.heads]

    def rest(self, x: Tensor) -> list[Tensor]:
        """`Backbone.rest` of a map (D/4, H/4, W/4, C): maps (1, C, …) at strides 4, 8 and 16."""
        encoded2 = self.encode2(x)
        encoded3 = self.encode3(halve(self.transition2(encoded2)))
        coarse = halve(self.transition3(encoded3))
        middle = self.out2(self.decode2(self.up3(coarse, encoded3)))
        fine = self.out1(self.decode1(self.up2(middle, encoded2)))
        return [y.permute(3, 0, 1, 2)[None] for y in (fine, middle, coarse)]

    def rpn(self, pyramid: list[Tensor]) -> Tensor:
        """As `Ag3d.rpn`."""
        maps = [pyramid[level][0].permute(1, 2, 3, 0) for level in self.config.levels]
        return torch.cat([head(y) for head, y in zip(self.heads, maps, strict=True)], dim=1)
