"""MTMR-Net: a residual network with a regression module whose features also feed the classification (Fig. 3, Table I)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from .config import BACKBONES, Config


class Mtmr(nn.Module):
    """The weight-shared half of the Siamese pair.

    Parameters
    ----------
    config
        Backbone, width and input.
    dropout
        On the backbone's features, in training.
    """

    def __init__(self, config: Config, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        self.stem, self.stages, features = backbone(config)
        self.dropout = nn.Dropout(dropout)
        features += int(config.size)
        self.attribute_features = nn.Linear(features, config.hidden)
        self.attribute_scores = nn.Linear(config.hidden, 8)
        self.malignancy = nn.Linear(features + config.hidden, 1)
        for layer in (self.attribute_features, self.attribute_scores, self.malignancy):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, patches: Tensor, log_diameter: Tensor) -> tuple[Tensor, Tensor]:
        """Judge patches.

        Parameters
        ----------
        patches
            (B, channels, pixels, pixels), 0–1.
        log_diameter
            (B,) of `standard_size`; ignored unless the config has `size`.

        Returns
        -------
        malignancy : Tensor
            (B,) log odds.
        attributes : Tensor
            (B, 8) on 0–1, in the order of `findings.ATTRIBUTES`.
        """
        features = self.dropout(self.stages(self.stem(patches)).mean((2, 3)))
        if self.config.size:
            features = torch.cat([features, log_diameter[:, None]], 1)
        attributes = torch.relu(self.attribute_features(features))
        # The paper's cause and effect: the class is read off image and attribute features together.
        logit = self.malignancy(torch.cat([features, attributes], 1))[:, 0]
        return logit, torch.sigmoid(self.attribute_scores(attributes))


def backbone(config: Config) -> tuple[nn.Module, nn.Module, int]:
    """Stem, residual stages and the number of features of a ResNet of any width, from torchvision's blocks.

    Patches under 128 pixels skip the stem's max-pooling and take a 5² convolution instead of 7²: a 64-pixel patch would
    otherwise end in 2² cells.
    """
    kind, blocks = BACKBONES[config.backbone]
    block: type[BasicBlock | Bottleneck] = BasicBlock if kind == "basic" else Bottleneck
    small, width = config.pixels < 128, config.width
    size = 5 if small else 7
    stem = [
        nn.Conv2d(config.channels, width, size, 2, size // 2, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    ]
    if not small:
        stem.append(nn.MaxPool2d(3, 2, 1))
    layers: list[nn.Module] = []
    channels = width
    for stage, count in enumerate(blocks):
        planes = width * 2**stage
        for place in range(count):
            stride = 2 if stage and not place else 1
            out = planes * block.expansion
            skip = None
            if stride != 1 or channels != out:
                skip = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
            # torchvision's Bottleneck takes its width from planes × base_width / 64.
            layers.append(block(channels, planes, stride, skip))
            channels = out
    return nn.Sequential(*stem), nn.Sequential(*layers), channels
