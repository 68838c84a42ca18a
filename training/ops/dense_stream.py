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
        planes = x.permute(3, 0, 1, 2)[None]
        return F.conv3d(planes, self.weight, self.bias, padding=(beyond, 1, 1))[0].permute(1, 2, 3, 0)


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
        """Convolve what was written; `last` ends the volume."""
        assert self._buffer is not None
        if last:
            self._buffer[self._filled].zero_()
            self._filled += 1
        out = self._conv(self._buffer[: self._filled], beyond=0)
        self._buffer[:2] = self._buffer[self._filled - 2 : self._filled].clone()
        self._kept = 2
        return out


class Slabs:
    """Slices (D, H, W, C) of a map, counted from the volume's first, that are kept until nobody needs them."""

    def __init__(self) -> None:
        self._slabs: list[tuple[int, Tensor]] = []
        self.end = 0

    def push(self, slab: Tensor) -> None:
        """Append slices."""
        if len(slab):
            self._slabs.append((self.end, slab))
            self.end += len(slab)

    def drop(self, before: int) -> None:
        """Let go of what lies wholly before a slice."""
        self._slabs = [(start, slab) for start, slab in self._slabs if start + len(slab) > before]

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


def halve(x: Tensor) -> Tensor:
    """Average blocks of 2³ cells: (D, H, W, C), even sides -> (D/2, H/2, W/2, C)."""
    x = x[0::2] + x[1::2]
    x = x[:, 0::2] + x[:, 1::2]
    x = x[:, :, 0::2] + x[:, :, 1::2]
    return x.mul_(0.125)
