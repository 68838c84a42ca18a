"""DenseNet's BN-ReLU-convolutions at inference on a CPU: channels last, norms folded, volumes in slabs along z.

Maps are (slices, rows, columns, channels). Concatenations are never made: a 1³ convolution of a concatenation is the sum of
the convolutions of its parts. A 3³ convolution keeps the last two slices of a slab, so no slice is computed twice, seams
cannot show, and memory does not grow with the height of the volume.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .bfloat16 import has_onednn

ROWS = 32_768
"""Cells of one step of a 1³ convolution: their activations stay in the cache."""


def affine(norm: nn.BatchNorm3d) -> tuple[Tensor, Tensor]:
    """Compute scale and shift (channels,) that a batch norm applies at inference."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return scale, norm.bias - norm.running_mean * scale


class Pointwise:
    """BN, ReLU and a 1³ convolution of the parts of a concatenation.

    Parameters
    ----------
    norm, conv
        Of the network.
    then
        A batch norm and ReLU that follow; the norm is folded into the convolution.
    dtype
        In which it computes.
    """

    def __init__(
        self, norm: nn.BatchNorm3d, conv: nn.Conv3d, then: nn.BatchNorm3d | None, dtype: torch.dtype
    ) -> None:
        weight = conv.weight.detach()[:, :, 0, 0, 0].T
        bias = torch.zeros(weight.shape[1]) if conv.bias is None else conv.bias.detach()
        scale, shift = (t.detach() for t in affine(norm))
        self.relu = then is not None
        if then is not None:
            factor, offset = (t.detach() for t in affine(then))
            weight, bias = weight * factor, bias * factor + offset
        self.scale, self.shift, self.weight, self.bias = (
            t.to(dtype).contiguous() for t in (scale, shift, weight, bias)
        )

    def __call__(self, parts: Sequence[Tensor], out: Tensor | None = None) -> Tensor:
        """Parts (D, H, W, C₁), (D, H, W, C₂) … -> (D, H, W, channels), into `out` if given."""
        first = parts[0]
        result = first.new_empty((*first.shape[:-1], len(self.bias))) if out is None else out
        cells, into = [p.reshape(-1, p.shape[-1]) for p in parts], result.view(-1, len(self.bias))
        active = first.new_empty((min(ROWS, len(into)), max(c.shape[1] for c in cells)))
        for low in range(0, len(into), ROWS):
            goal, begin = into[low : low + ROWS], 0
            for number, part in enumerate(cells):
                some = part[low : low + ROWS]
                end = begin + some.shape[1]
                # The buffer's front, contiguous whatever the part's channels.
                x = active.view(-1)[: some.numel()].view(some.shape)
                torch.addcmul(self.shift[begin:end], some, self.scale[begin:end], out=x).clamp_(min=0)
                torch.addmm(goal if number else self.bias, x, self.weight[begin:end], out=goal)
                begin = end
            if self.relu:
                goal.clamp_(min=0)
        return result


class Conv3:
    """A 3³ convolution of maps (D, H, W, C), zeros beyond the sides.

    Parameters
    ----------
    conv
        Of the network.
    then
        A batch norm that follows, folded in.
    dtype
        In which it computes.
    """

    def __init__(self, conv: nn.Conv3d, then: nn.BatchNorm3d | None, dtype: torch.dtype) -> None:
        weight, bias = conv.weight.detach(), None
        if then is not None:
            factor, offset = (t.detach() for t in affine(then))
            weight, bias = weight * factor[:, None, None, None, None], offset.to(dtype)
        self.weight = weight.to(dtype).contiguous(memory_format=torch.channels_last_3d)
        self.bias = bias

    def __call__(self, x: Tensor, beyond: int = 1) -> Tensor:
        """(D, H, W, C) -> (D - 2 + 2 · beyond, H, W, channels): so many slices of zeros before and behind."""
        planes, padding = x.permute(3, 0, 1, 2)[None], (beyond, 1, 1)
        if torch.get_num_threads() == 1 and has_onednn(self.weight.dtype):
            # With one thread, torch takes small inputs to a convolution that is many times slower and unfolds them in memory.
            y = torch.mkldnn_convolution(planes, self.weight, self.bias, padding, (1, 1, 1), (1, 1, 1), 1)
        else:
            y = F.conv3d(planes, self.weight, self.bias, padding=padding)
        return y[0].permute(1, 2, 3, 0)


class Stream:
    """A 3³ convolution over a volume that comes slab by slab along z.

    The output lags one slice behind the input until the last slab.

    Parameters
    ----------
    conv
        What is computed.
    """

    def __init__(self, conv: Conv3) -> None:
        self._conv, self._kept = conv, 1
        self.channels = conv.weight.shape[0]
        self._buffer: Tensor | None = None
        self._filled = 0

    def room(self, like: Tensor, channels: int) -> Tensor:
        """Give the place (D, H, W, channels) where the next slab, of as many slices as `like` (D, H, W, …), is written."""
        need = self._kept + len(like) + 1
        if self._buffer is None or len(self._buffer) < need:
            former, self._buffer = self._buffer, like.new_zeros((need + 1, *like.shape[1:3], channels))
            if former is not None:
                self._buffer[: self._kept] = former[: self._kept]
        self._filled = self._kept + len(like)
        return self._buffer[self._kept : self._filled]

    def run(self, last: bool) -> Tensor:
        """Convolve what was written since, if anything; `last` ends the volume."""
        assert self._buffer is not None
        if last:
            self._buffer[self._filled].zero_()
            self._filled += 1
        if self._filled < 3:  # too few slices yet
            self._kept = self._filled
            return self._buffer.new_empty((0, *self._buffer.shape[1:3], self.channels))
        out = self._conv(self._buffer[: self._filled], beyond=0)
        self._buffer[:2] = self._buffer[self._filled - 2 : self._filled].clone()
        self._kept = self._filled = 2
        return out


class Slabs:
    """Slices (D, H, W, C) of a map, counted from the volume's first, that are kept until nobody needs them."""

    def __init__(self) -> None:
        self._slabs: list[tuple[int, Tensor]] = []
        self.end = 0
        self.none: Tensor | None = None
        """No slices (0, H, W, C) of this map, once any were pushed."""

    def push(self, slab: Tensor) -> None:
        """Append slices, which may be none."""
        if self.none is None:
            self.none = slab[:0]
        if len(slab):
            self._slabs.append((self.end, slab))
            self.end += len(slab)

    def drop(self, before: int) -> None:
        """Let go of what lies wholly before a slice."""
        self._slabs = [(start, slab) for start, slab in self._slabs if start + len(slab) > before]

    def __len__(self) -> int:
        """Slices that are kept."""
        return sum(len(slab) for _, slab in self._slabs)

    def piece(self, low: int, high: int) -> Tensor:
        """Slices from `low` on, as many up to `high` as lie in one piece."""
        start, slab = next((s, t) for s, t in self._slabs if s <= low < s + len(t))
        return slab[low - start : high - start]


def together(maps: Sequence[Slabs], low: int, high: int) -> Iterator[tuple[slice, list[Tensor]]]:
    """Slices `low` to `high` of several maps, in pieces that each holds whole; with their place from `low` on."""
    at = low
    while at < high:
        parts = [m.piece(at, high) for m in maps]
        n = min(len(p) for p in parts)
        yield slice(at - low, at - low + n), [p[:n] for p in parts]
        at += n


class PointwiseStream:
    """A 1³ convolution of maps that come slab by slab.

    Parameters
    ----------
    conv
        What is computed.
    maps
        The parts of the concatenation.
    step
        Slices are taken by so many.
    """

    def __init__(self, conv: Pointwise, maps: Sequence[Slabs], step: int = 1) -> None:
        self._conv, self._maps, self._step = conv, maps, step
        self.done = 0
        """Slices that were taken."""

    def run(self) -> Tensor:
        """Compute as many slices (n, H, W, channels) as all maps have."""
        low, like = self.done, self._maps[0].none
        assert like is not None
        self.done += (min(m.end for m in self._maps) - low) // self._step * self._step
        out = like.new_empty((self.done - low, *like.shape[1:3], len(self._conv.bias)))
        for where, parts in together(self._maps, low, self.done):
            self._conv(parts, out=out[where])
        return out


class DenseStream:
    """Dense layers over a map that comes slab by slab; each output lags a slice behind its input.

    Parameters
    ----------
    layers
        The 1³ and the 3³ convolution of each.
    """

    def __init__(self, layers: Sequence[tuple[Pointwise, Conv3]]) -> None:
        self._layers = [(squeeze, Stream(grow)) for squeeze, grow in layers]
        self._done = [0] * len(layers)
        self.maps = [Slabs() for _ in range(len(layers) + 1)]
        """The parts of the concatenation, until `drop`."""

    def push(self, x: Tensor, last: bool) -> None:
        """Take the next slices (D, H, W, C), which may be none; `last` ends the volume."""
        self.maps[0].push(x)
        for number, (squeeze, grow) in enumerate(self._layers):
            maps = self.maps[: number + 1]
            low, high = self._done[number], maps[-1].end
            if high == 0:
                self.maps[number + 1].push(x.new_empty((0, *x.shape[1:3], grow.channels)))
                continue
            if high > low:
                one = maps[0].piece(low, low + 1)
                room = grow.room(one.expand(high - low, -1, -1, -1), len(squeeze.bias))
                for where, parts in together(maps, low, high):
                    squeeze(parts, out=room[where])
                self._done[number] = high
            self.maps[number + 1].push(grow.run(last))

    def drop(self, before: int) -> None:
        """Let go of what lies wholly before a slice."""
        for slabs in self.maps:
            slabs.drop(before)


def halve(x: Tensor) -> Tensor:
    """Average blocks of 2³ cells: (D, H, W, C), even sides -> (D/2, H/2, W/2, C)."""
    x = x[0::2] + x[1::2]
    x = x[:, 0::2] + x[:, 1::2]
    x = x[:, :, 0::2] + x[:, :, 1::2]
    return x.mul_(0.125)
