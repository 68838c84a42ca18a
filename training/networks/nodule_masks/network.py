"""The network: a U-Net of three levels behind a halving stem, with the full resolution only at its two ends."""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import Config

INPUTS = 3
"""Channels: HU, the marked sphere, its size."""


class Block(nn.Sequential):
    """Two convolutions of 3³, each with group normalisation and ReLU."""

    def __init__(self, inputs: int, channels: int) -> None:
        layers: list[nn.Module] = []
        for count in (inputs, channels):
            layers += [
                nn.Conv3d(count, channels, 3, padding=1, bias=False),
                nn.GroupNorm(channels // 8, channels),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers)


class MaskNet(nn.Module):
    """(B, `INPUTS`, n, n, n) -> log odds (B, n, n, n) that a point of the grid lies in the nodule."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        widths = config.channels
        self.stem = nn.Conv3d(INPUTS, widths[0], 2, stride=2)
        self.down = nn.ModuleList(Block(widths[max(i - 1, 0)], width) for i, width in enumerate(widths))
        self.pool = nn.MaxPool3d(2)
        self.raise_ = nn.ModuleList(
            nn.ConvTranspose3d(deep, width, 2, stride=2) for width, deep in itertools.pairwise(widths)
        )
        self.up = nn.ModuleList(Block(2 * width, width) for width in widths[:-1])
        self.full = nn.ConvTranspose3d(widths[0], 8, 2, stride=2)
        self.last = nn.Sequential(
            nn.Conv3d(8 + INPUTS - 1, 8, 3, padding=1), nn.ReLU(inplace=True), nn.Conv3d(8, 1, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        features, kept = self.stem(x), []
        for i, block in enumerate(self.down):
            features = block(self.pool(features) if i else features)
            kept.append(features)
        for raise_, block, skip in zip(
            reversed(self.raise_), reversed(self.up), reversed(kept[:-1]), strict=True
        ):
            features = block(torch.cat([raise_(features), skip], 1))
        fine = torch.cat([self.full(features), x[:, : INPUTS - 1].to(features.dtype)], 1)
        if self.training or fine.device.type != "cpu":
            return self.last(fine)[:, 0]
        first, relu, last = self.last
        return in_blocks(relu(in_blocks(fine, first, (2, 1, 1))), last, (2, 2, 2))[:, 0]


def in_blocks(x: Tensor, conv: nn.Module, block: tuple[int, int, int]) -> Tensor:
    """Convolve as `conv` does, a block of voxels at once.

    A processor computes 16 channels at a time, whether there are as many or not. The convolution is one with the block as its
    stride and a channel for each of its voxels, whose kernels hold the 3³ one at the voxel's place.

    Parameters
    ----------
    x
        (B, C, D, H, W), sides multiples of the block's.
    conv
        3³, padding 1, to few channels.
    block
        Voxels of a block; with few channels for each, so that 16 are about filled.
    """
    assert isinstance(conv, nn.Conv3d)
    assert conv.bias is not None
    weight = conv.weight.new_zeros((*block, *conv.weight.shape[:2], *(side + 2 for side in block)))
    for place in itertools.product(*map(range, block)):
        within = tuple(slice(at, at + 3) for at in place)
        weight[place][(slice(None), slice(None), *within)] = conv.weight
    bias = conv.bias.repeat(math.prod(block))
    weight = weight.flatten(0, 3).contiguous(memory_format=torch.channels_last_3d)
    y = F.conv3d(x, weight, bias, stride=block, padding=1)
    y = y.unflatten(1, (*block, -1)).permute(0, 5, 1, 6, 2, 7, 3, 4)  # voxels by place, channels last
    return y.reshape(len(x), *x.shape[2:], conv.out_channels).permute(0, 4, 1, 2, 3)
