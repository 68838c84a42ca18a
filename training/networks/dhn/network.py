"""DHN (Fig. 1): ResNet-18 and a feature pyramid, with a global head and a local head side by side."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock
from torchvision.ops import DeformConv2d, FeaturePyramidNetwork

from ...ops.bfloat16 import bfloat16_where_faster
from ...ops.local_contrast import with_local_contrast
from .config import Config
from .local_head import Found, LocalHead

MEAN, SD = 0.5, 0.25
"""Grey values 0–1 of a radiograph become (value − MEAN) / SD."""


class Deformable(nn.Module):
    """A 3×3 convolution whose taps move (deformable convolution, first version); without learning it is a plain one."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.offset = nn.Conv2d(channels_in, 18, 3, stride, 1)
        nn.init.zeros_(self.offset.weight)
        nn.init.zeros_(self.offset.bias)  # type: ignore[arg-type]
        self.convolution = DeformConv2d(channels_in, channels, 3, stride, 1, bias=False)
        nn.init.kaiming_normal_(self.convolution.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) in; the offsets are float32, because bfloat16 cannot tell neighbouring pixels apart."""
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            return self.convolution(x, self.offset(x))


class Body(nn.Module):
    """ResNet-18 for one or two channels; gives the maps of its stages 2–5 (strides 4–32)."""

    def __init__(self, width: int, deformable: Sequence[int], channels: int = 1) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 7, 2, 3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        )
        self.channels = [width * 2**i for i in range(4)]
        self.stages = nn.ModuleList()
        before = width
        for number, channels in enumerate(self.channels, 2):
            stride = 1 if number == 2 else 2
            self.stages.append(
                nn.Sequential(
                    block(before, channels, stride, number in deformable),
                    block(channels, channels, 1, number in deformable),
                )
            )
            before = channels
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.bias is None:
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> list[Tensor]:
        """Maps of stages 2–5 of (N, channels, H, W)."""
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


def block(before: int, channels: int, stride: int, deformable: bool) -> BasicBlock:
    """ResNet's basic block, with both of its 3×3 convolutions deformable if asked for."""
    change = None
    if stride != 1 or before != channels:
        change = nn.Sequential(nn.Conv2d(before, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))
    made = BasicBlock(before, channels, stride, change)
    if deformable:
        made.conv1 = Deformable(before, channels, stride)
        made.conv2 = Deformable(channels, channels, 1)
    return made


class GlobalHead(nn.Module):
    """Two 3×3 convolutions with ReLU, the maximum over the map, a linear layer (§3.1); two logits for the softmax."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.linear = nn.Linear(channels, 2)
        for module in self.convolutions:
            if isinstance(module, nn.Conv2d):
                # torch's default shrinks the signal sixfold here, and the head then takes long to start learning.
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, level: Tensor) -> Tensor:
        """Logits (N, 2), without and with a nodule, of one map of the pyramid (N, C, h, w)."""
        return self.linear(self.convolutions(level).amax((2, 3)))


class Dhn(nn.Module):
    """The whole network; a head that the config leaves out is None."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        channels = config.pyramid_channels
        self.body = Body(config.width, config.deformable, 1 + config.local_contrast)
        finest = min(config.levels)
        self.pyramid = FeaturePyramidNetwork(self.body.channels[finest - 2 :], channels)
        self.global_head = GlobalHead(channels) if config.heads != "local" else None
        self.local_head = LocalHead(config) if config.heads != "global" else None

    def features(self, radiographs: Tensor, bfloat16: bool = False) -> list[Tensor]:
        """Maps of the pyramid, float32, from the finest of `Config.levels` to level 5, of radiographs (N, side, side), 0–1."""
        x = (
            with_local_contrast(radiographs)
            if self.config.local_contrast
            else (radiographs[:, None] - MEAN) / SD
        )
        x = x.contiguous(memory_format=torch.channels_last)
        with bfloat16_where_faster(x.device, bfloat16):
            maps = self.body(x)
            low = min(self.config.levels)
            named = OrderedDict((str(n), m) for n, m in enumerate(maps, 2) if n >= low)
            pyramid = self.pyramid(named)
        return [m.float() for m in pyramid.values()]

    def global_logits(self, features: Sequence[Tensor]) -> Tensor:
        """Logits (N, 2) of the global head."""
        assert self.global_head is not None
        return self.global_head(features[self.config.global_level - min(self.config.levels)])

    def forward(self, radiographs: Tensor) -> tuple[Tensor | None, list[Found] | None]:
        """Inference: P(nodule) (N,) and what was found on each radiograph, both uncalibrated; None for a head that is not there."""
        features = self.features(radiographs)
        probability = None
        if self.global_head is not None:
            probability = torch.softmax(self.global_logits(features), 1)[:, 1]
        return probability, self.local_head.detect(features) if self.local_head is not None else None
