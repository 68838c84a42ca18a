"""SCPM-Net's architecture with random weights, for its time and memory alone.

Luo et al., SCPM-Net: An anchor-free 3D lung nodule detection network using sphere representation and center points matching,
Medical Image Analysis 75:102287 (2022). Widths, blocks and coordinate channels are those that the paper's authors published.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 64
"""Of the pyramid and the heads."""
BODY = ((32, 2, 1), (64, 2, 2), (64, 3, 2), (64, 3, 2))
"""Channels, residual blocks and stride of each stage."""
AXES = 3


def convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution and normalisation."""
    return nn.Sequential(
        nn.Conv3d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm3d(outputs)
    )


class Residual(nn.Module):
    """ResNet's basic block."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first, self.second = convolution(inputs, outputs, 3, stride), convolution(outputs, outputs)
        same = stride == 1 and inputs == outputs
        self.beside = nn.Identity() if same else convolution(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.second(functional.relu(self.first(x))) + self.beside(x))


class Attention(nn.Module):
    """Channels weighed by what they hold on average."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            *(nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, channels), nn.Sigmoid())
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weigh(x.mean((2, 3, 4)))[..., None, None, None]


class Body(nn.Module):
    """Maps at strides 2, 4, 8 and 16."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            *(convolution(1, 32), nn.ReLU(), convolution(32, 32), nn.ReLU()), nn.MaxPool3d(3, 2, 1)
        )
        self.stages = nn.ModuleList()
        self.attentions = nn.ModuleList()
        before = 32
        for channels, blocks, stride in BODY:
            self.attentions.append(Attention(before))
            first = Residual(before, channels, stride)
            others = (Residual(channels, channels, 1) for _ in range(blocks - 1))
            self.stages.append(nn.Sequential(first, *others))
            before = channels

    def forward(self, x: Tensor) -> list[Tensor]:
        x, maps = self.stem(x), []
        for attention, stage in zip(self.attentions, self.stages, strict=True):
            x = stage(attention(x))
            maps.append(x)
        return maps


class Heads(nn.Module):
    """Pyramid with coordinates, its decoder, and centre, radius and offset on two maps of stride 2."""

    def __init__(self) -> None:
        super().__init__()
        self.sides = nn.ModuleList(nn.Conv3d(channels, WIDTH, 1) for channels, _, _ in BODY)
        self.smooth = nn.ModuleList(nn.Conv3d(WIDTH, WIDTH, 3, padding=1) for _ in BODY)
        self.placed = nn.ModuleList(convolution(WIDTH + AXES, WIDTH) for _ in BODY)
        self.up = nn.ModuleList(convolution(WIDTH, WIDTH) for _ in BODY[1:])
        self.out = nn.Conv3d(WIDTH, 1 + 1 + AXES, 1)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        sides = [side(m) for side, m in zip(self.sides, maps, strict=True)]
        for level in reversed(range(len(sides) - 1)):
            sides[level] = sides[level] + twice(sides[level + 1])
        levels = [
            functional.relu(placed(with_place(smooth(side))))
            for placed, smooth, side in zip(self.placed, self.smooth, sides, strict=True)
        ]
        x = levels[-1]
        for up, beside in zip(self.up, [levels[2], levels[1], None], strict=True):
            x = twice(x) if beside is None else twice(x) + beside
            x = functional.relu(up(x))
        return [self.out(levels[0]), self.out(x)]


class ScpmNet(nn.Module):
    """(B, 1, z, y, x) to two maps of centres, radii and offsets at stride 2."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.heads = Body(), Heads()

    def forward(self, x: Tensor) -> list[Tensor]:
        return self.heads(self.body(x))


def twice(x: Tensor) -> Tensor:
    """Each voxel doubled along all axes."""
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def with_place(x: Tensor) -> Tensor:
    """The map with its coordinates (−1 … 1) as three more channels."""
    axes = [torch.linspace(-1, 1, n, device=x.device, dtype=x.dtype) for n in x.shape[2:]]
    place = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    return torch.cat([x, place.expand(len(x), -1, -1, -1, -1)], 1)
