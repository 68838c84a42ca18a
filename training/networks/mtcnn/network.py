"""The 2-D MT-CNN of a view: ShareNet, ClsNet and ImgNet (Fig. 3), and nine of them, or one for all nine views.

Where the paper is silent: convolutions keep the size ("same" padding), so that ImgNet can mirror ShareNet exactly; upsampling
repeats pixels. ClsNet's two last neurons are one here: a sigmoid of one logit is the softmax of two.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...ops.nodule_size import standard_size
from .config import Config
from .views import NAMES


def _layer(convolution: nn.Module, channels: int, config: Config) -> nn.Sequential:
    norm: list[nn.Module] = [nn.BatchNorm2d(channels)] if config.batch_norm else []
    return nn.Sequential(convolution, *norm, nn.ReLU(inplace=True))


class ShareNet(nn.Module):
    """Convolution and 2² max pooling, `Config.layers` times: the encoder that both tasks share."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        widths = (1, *config.filters[: config.layers])
        self.layers = nn.ModuleList(
            _layer(nn.Conv2d(widths[i], widths[i + 1], k, padding=k // 2), widths[i + 1], config)
            for i, k in enumerate(config.kernels[: config.layers])
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, n, n) -> (N, C, n / 2^layers, …)."""
        for layer in self.layers:
            x = F.max_pool2d(layer(x), 2)
        return x


class ClsNet(nn.Module):
    """Three fully connected layers: 256 (and the size, where the config says so), 16, and the logit."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.size = config.size
        features = config.filters[config.layers - 1] * (config.pixels >> config.layers) ** 2
        first, second = config.hidden
        self.layers = nn.Sequential(
            nn.Linear(features, first),
            nn.ReLU(inplace=True),
            nn.Dropout(config.dropout),
            nn.Linear(first + int(config.size), second),
            nn.ReLU(inplace=True),
            nn.Dropout(config.dropout),
            nn.Linear(second, 1),
        )

    def forward(self, x: Tensor, size: Tensor | None = None) -> Tensor:
        """(N, C, h, w) and `standard_size` (N,) -> (N,) logits."""
        features = self.layers[:3](x.flatten(1))
        if self.size:
            if size is None:
                raise ValueError("this network reads the diameter too")
            features = torch.cat([features, size[:, None].to(features.dtype)], 1)
        return self.layers[3:](features)[:, 0]


class ImgNet(nn.Module):
    """ShareNet in reverse: upsampling and deconvolution; the last one gives the logits of the image, and of the mask."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        widths = (1, *config.filters[: config.layers])
        self.sizes = [config.pixels >> i for i in range(config.layers)]
        self.layers = nn.ModuleList()
        drawn = (1 + config.masks, *widths[1:])
        for i, k in enumerate(config.kernels[: config.layers]):
            deconvolution = nn.ConvTranspose2d(widths[i + 1], drawn[i], k, padding=k // 2)
            self.layers.append(_layer(deconvolution, widths[i], config) if i else deconvolution)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, 1 or 2, n, n) logits of the pixels."""
        for layer, size in zip(reversed(self.layers), reversed(self.sizes), strict=True):
            x = layer(F.interpolate(x, size=(size, size)))
        return x


class ViewNet(nn.Module):
    """One 2-D MT-CNN; without ImgNet where `Config.alpha` is 0."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.share, self.cls = ShareNet(config), ClsNet(config)
        self.img = ImgNet(config) if config.alpha else None
        self.apply(_kaiming)
        # Neither the logit nor the image is rectified: they start small.
        last = self.cls.layers[-1]
        assert isinstance(last, nn.Linear)
        nn.init.normal_(last.weight, std=0.01)

    def forward(
        self, x: Tensor, size: Tensor | None = None, reconstruct: bool = True
    ) -> tuple[Tensor, Tensor | None]:
        """(N, 1, n, n) and sizes (N,) -> logits (N,) and, where asked for, pixels' logits (N, 1 or 2, n, n)."""
        features = self.share(x)
        image = self.img(features) if reconstruct and self.img is not None else None
        return self.cls(features, size), image


def _kaiming(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class MtCnn(nn.Module):
    """The nine views' networks and the weights of their fusion.

    Attributes
    ----------
    fusion : Tensor
        (9,) ω_v of eq. 4, summing to 1; Algorithm 1 sets them from the views' AUCs.
    """

    fusion: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        count = len(NAMES)
        self.nets = nn.ModuleList(ViewNet(config) for _ in range(1 if config.shared_views else count))
        self.register_buffer("fusion", torch.full((count,), 1 / count))

    def forward(
        self, views: Tensor, diameter: Tensor | None = None, reconstruct: bool = True
    ) -> tuple[Tensor, Tensor | None]:
        """Logits (B, V) and pixels' logits (B, V, C, n, n), or None, of views (B, V, n, n).

        V is nine; one network for all views takes any number. C is the grey values, and the mask where the config has `masks`.
        Diameters (B,) in mm are read where the config has `size`.
        """
        batch, count, *shape = views.shape
        size = standard_size(diameter.to(views.device)) if diameter is not None else None
        if self.config.shared_views:
            each = size.repeat_interleave(count) if size is not None else None
            logits, image = self.nets[0](views.reshape(batch * count, 1, *shape), each, reconstruct)
            return logits.view(batch, count), None if image is None else image.view(
                batch, count, image.shape[1], *shape
            )
        if count != len(self.nets):
            raise ValueError(f"{len(self.nets)} networks take as many views, not {count}")
        pairs = [net(views[:, i : i + 1], size, reconstruct) for i, net in enumerate(self.nets)]
        images = [image for _, image in pairs if image is not None]
        return torch.stack([logit for logit, _ in pairs], 1), torch.stack(images, 1) if images else None

    @torch.inference_mode()
    def probabilities(self, views: Tensor, diameter: Tensor | None = None) -> Tensor:
        """(B, 9) p_v of eq. 4, averaged over mirror images where the config says so."""
        flips: list[list[int]] = [[], [2], [3], [2, 3]] if self.config.flips else [[]]
        sizes = diameter.repeat(len(flips)) if diameter is not None else None
        logits, _ = self(torch.cat([views.flip(f) for f in flips]), sizes, reconstruct=False)
        return torch.sigmoid(logits).view(len(flips), len(views), -1).mean(0)

    def fuse(self, probabilities: Tensor) -> Tensor:
        """(B,) P = Σ ω_v p_v (eq. 4)."""
        return probabilities @ self.fusion
