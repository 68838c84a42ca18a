"""MO-SegNet (Table 1): an encoder, atrous pyramid and decoder shared by two tasks, which part at full resolution.

Rows of Table 1 are named in the code. Where the table cannot be meant as printed:

* Rows 29, 33, 37 and 41 list the channels of one of the two maps that they join (128, 64, 32, 16); joined they have twice as many.
* Rows 43 and 45 list a ReLU; a softmax over classes follows, which needs logits of either sign.
* The pooling rows list GroupNorm; what they pool is normalised already, so nothing is added.
* The bottom layers of rows 37 and 41 are rows 5 and 2, the last ones of their resolution, as are 13 and 9.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...ops.local_contrast import with_local_contrast
from .config import Config

RARE = 0.01
"""Odds of a lesion at a pixel before training."""

Norm = Callable[[int], nn.Module]


def group_norm(config: Config) -> Norm:
    """GroupNorm with `Config.groups` groups, the paper names no number."""
    return lambda channels: nn.GroupNorm(min(config.groups, channels), channels)


def norms(config: Config) -> tuple[Norm, Norm]:
    """The normalisation of the rows that Table 1 marks GN, and of those that it marks BN."""
    group, batch = group_norm(config), nn.BatchNorm2d
    return {"paper": (group, batch), "group": (group, group), "batch": (batch, batch)}[config.norm]


def conv(inputs: int, outputs: int, norm: Norm, kernel: int = 3, rate: int = 1) -> nn.Sequential:
    """Convolution, normalisation, ReLU: a row of Table 1."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=rate * (kernel // 2), dilation=rate, bias=False),
        norm(outputs),
        nn.ReLU(inplace=True),
    )


class Up(nn.Module):
    """A transposed convolution 3×3 of stride 2, what it doubles joined with the encoder's map, then convolutions."""

    def __init__(self, inputs: int, skip: int, outputs: list[int], norm: Norm) -> None:
        super().__init__()
        self.up = nn.Sequential(
            nn.ConvTranspose2d(inputs, skip, 3, 2, padding=1, output_padding=1, bias=False),
            norm(skip),
            nn.ReLU(inplace=True),
        )
        widths = [2 * skip, *outputs]
        self.convs = nn.Sequential(*(conv(a, b, norm) for a, b in pairwise(widths)))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.convs(torch.cat([self.up(x), skip], 1))


class Pyramid(nn.Module):
    """Rows 15–27: atrous convolutions side by side, two 1×1 convolutions on each, summed."""

    def __init__(self, width: int, rates: tuple[int, ...], first: Norm, then: Norm) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(
                conv(width, width, then, rate=rate),
                conv(width, width, first, 1),
                conv(width, width, first, 1),
            )
            for rate in rates
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([branch(x) for branch in self.branches]).sum(0)


class MoSegNet(nn.Module):
    """Two segmentations of a radiograph.

    Parameters
    ----------
    config
        With ``network="unet"`` two plain 3×3 convolutions stand in the place of the atrous pyramid.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        encoder, decoder = norms(config)
        a, b, c, d = config.widths
        stem = (4 if config.stem == "space_to_depth" else 1) * (1 + config.local_contrast)
        self.encoder = nn.ModuleList(
            [
                nn.Sequential(conv(stem, a, encoder), conv(a, a, encoder)),  # rows 1, 2
                nn.Sequential(conv(a, b, encoder), conv(b, b, encoder)),  # 4, 5
                nn.Sequential(conv(b, c, encoder), conv(c, c, encoder), conv(c, c, encoder)),  # 7–9
                nn.Sequential(conv(c, d, encoder), conv(d, d, encoder), conv(d, d, encoder)),  # 11–13
            ]
        )
        self.bottom: nn.Module = (
            Pyramid(d, config.rates, encoder, decoder)  # 15–27
            if config.network == "mosegnet"
            else nn.Sequential(conv(d, d, encoder), conv(d, d, encoder))
        )
        self.decoder = nn.ModuleList(
            [
                Up(d, d, [c, c], decoder),  # rows 28–31
                Up(c, c, [b, b], decoder),  # 32–35
                Up(b, b, [a, a], decoder),  # 36–39
                Up(a, a, [], decoder),  # 40, 41
            ]
        )
        rare = nn.Conv2d(a, config.lesion_classes, 1)
        nn.init.zeros_(cast(Tensor, rare.bias))
        # Lesions are rare: begin there, as detectors do (Lin et al., focal loss, 4.1).
        nn.init.constant_(cast(Tensor, rare.bias)[1:], math.log(RARE))
        self.lesions = nn.Sequential(conv(2 * a, a, decoder), rare)  # rows 42, 43
        self.lungs = (
            nn.Sequential(conv(2 * a, a, decoder), nn.Conv2d(a, config.lung_classes, 1))  # 44, 45
            if config.tasks == "both"
            else None
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits of both tasks.

        Parameters
        ----------
        x
            Radiographs (B, 1, h, w), or 2 channels with local contrast (`normalise`); h and w are multiples of `Config.multiple`.

        Returns
        -------
        lesions
            (B, 1 + lesions, h, w), the first class is background.
        lungs
            (B, 3, h, w): background, right, left; (B, 2, h, w) without sides; None for a single task.
        """
        if self.config.stem == "space_to_depth":
            x = functional.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)
        kept = []
        for level, block in enumerate(self.encoder):
            if level:
                x = pool(x)
            x = block(x)
            kept.append(x)
        x = self.bottom(pool(x))
        for up, skip in zip(self.decoder, reversed(kept), strict=True):
            x = up(x, skip)
        return self._out(self.lesions(x)), None if self.lungs is None else self._out(self.lungs(x))

    def _out(self, logits: Tensor) -> Tensor:
        if self.config.stem == "paper":
            return logits.float()
        return functional.interpolate(logits.float(), scale_factor=2, mode="bilinear", align_corners=False)


def pool(x: Tensor) -> Tensor:
    """Max pooling 3×3 of stride 2 (rows 3, 6, 10, 14)."""
    return functional.max_pool2d(x, 3, 2, padding=1)


def normalise(pixels: Tensor, local_contrast: bool = False) -> Tensor:
    """Grey values 0–1 (B, 1, h, w) centred to −1 … 1, or to two channels with the local contrast."""
    return with_local_contrast(pixels[:, 0]) if local_contrast else pixels * 2 - 1
