"""The whole network over a volume that comes slab by slab: of what lies between voxels and pyramid only some slices are kept."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ....ops.dense_stream import DenseStream, PointwiseStream, Slabs, halve
from .folded import FirstPart, FoldedAg3d


class _Head:
    """An RPN head of one level, which writes into `rows` (n, 5)."""

    def __init__(self, layers: DenseStream, out: PointwiseStream, rows: Tensor) -> None:
        self._layers, self._out = layers, out
        self._rows, self._filled = rows, 0

    def push(self, x: Tensor, last: bool) -> None:
        self._layers.push(x, last)
        ready = self._out.run().reshape(-1, 5)
        self._rows[self._filled : self._filled + len(ready)] = ready
        self._filled += len(ready)
        self._layers.drop(self._out.done)


class Streamed:
    """Backbone and RPN.

    Parameters
    ----------
    net
        Whose weights.
    shape
        Voxels (D, H, W) of the whole volume, multiples of 16.
    """

    def __init__(self, net: FoldedAg3d, shape: Sequence[int]) -> None:
        self.net = net
        channels = len(net.out1.bias)
        self.pyramid = [
            torch.empty((1, channels, *(n // stride for n in shape)), dtype=net.dtype)
            for stride in net.config.strides
        ]
        """Maps (1, C, …) at strides 4, 8 and 16, complete after the last slab."""
        self._filled = [0, 0, 0]
        self._first = FirstPart(net)
        self._encode2, self._encode3 = DenseStream(net.encode2), DenseStream(net.encode3)
        self._decode2, self._decode1 = DenseStream(net.decode2), DenseStream(net.decode1)
        self._up3, self._up2 = Slabs(), Slabs()
        self._transition2 = PointwiseStream(net.transition2, self._encode2.maps, step=2)
        self._transition3 = PointwiseStream(net.transition3, self._encode3.maps, step=2)
        self._merge3 = PointwiseStream(net.up3.merge, [self._up3, *self._encode3.maps])
        self._merge2 = PointwiseStream(net.up2.merge, [self._up2, *self._encode2.maps])
        self._out2 = PointwiseStream(net.out2, self._decode2.maps)
        self._out1 = PointwiseStream(net.out1, self._decode1.maps)
        # As the pyramid in one block from the start: small results between large temporary arrays would leave holes.
        counts = [
            self.pyramid[level][0, 0].numel() * len(net.config.anchors[level]) for level in net.config.levels
        ]
        self.rpn = torch.empty((1, sum(counts), 5), dtype=net.dtype)
        """The RPN's output as of `Ag3d.rpn`, complete after the last slab."""
        self._heads = {}
        rows = self.rpn[0].split(counts)
        for level, head, own in zip(net.config.levels, net.heads, rows, strict=True):
            layers = DenseStream(head.layers)
            self._heads[level] = _Head(layers, PointwiseStream(head.out, layers.maps), own)

    def push(self, x: Tensor, last: bool) -> None:
        """Take the next voxels (D, H, W) in [−1, 1], an even number of slices; `last` ends the volume."""
        self._encode2.push(self._first.push(x, last), last)
        self._encode3.push(halve(self._transition2.run()), last)
        coarse = halve(self._transition3.run())
        self._up3.push(self.net.up3.spread(coarse))
        self._decode2.push(self._merge3.run(), last)
        middle = self._out2.run()
        self._up2.push(self.net.up2.spread(middle))
        self._decode1.push(self._merge2.run(), last)
        for level, ready in enumerate((self._out1.run(), middle, coarse)):
            self._keep(level, ready, last)
        for maps, before in (
            (self._encode3, self._merge3.done),
            (self._encode2, self._merge2.done),
            (self._decode2, self._out2.done),
            (self._decode1, self._out1.done),
            (self._up3, self._merge3.done),
            (self._up2, self._merge2.done),
        ):
            maps.drop(before)

    def _keep(self, level: int, ready: Tensor, last: bool) -> None:
        low = self._filled[level]
        self._filled[level] += len(ready)
        self.pyramid[level][0, :, low : self._filled[level]] = ready.permute(3, 0, 1, 2)
        if level in self._heads:
            self._heads[level].push(ready, last)
