"""3D Aggregated Faster R-CNN: the backbone of Table I, three RPN heads, and the aggregated classifier (FPRN).

Zhang, Cao, Liu, Luo: 3D Aggregated Faster R-CNN for General Lesion Detection. "conv" is BN-ReLU-conv, as in DenseNet.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...ops.roi_align import roi_align_3d, roi_align_each
from .config import Config


def bn_relu_conv(cin: int, cout: int, kernel: int) -> nn.Sequential:
    """BN, ReLU, convolution without bias: DenseNet's order."""
    return nn.Sequential(
        nn.BatchNorm3d(cin),
        nn.ReLU(inplace=True),
        nn.Conv3d(cin, cout, kernel, padding=kernel // 2, bias=False),
    )


class DenseLayer(nn.Module):
    """Bottleneck 1³ (`bottleneck` × growth) and 3³ convolution whose output is appended to the input."""

    def __init__(self, cin: int, growth: int, bottleneck: int) -> None:
        super().__init__()
        self.squeeze = bn_relu_conv(cin, bottleneck * growth, 1)
        self.grow = bn_relu_conv(bottleneck * growth, growth, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, D, H, W) -> (N, C + growth, D, H, W)."""
        # The first BN's ReLU is in place on BN's own output, so x stays whole for the concatenation.
        return torch.cat([x, self.grow(self.squeeze(x))], dim=1)


def dense_block(cin: int, config: Config) -> nn.Sequential:
    """Two dense layers (Table I: Encode, Decode, and the detector's bottlenecks)."""
    g, b = config.growth, config.bottleneck
    return nn.Sequential(DenseLayer(cin, g, b), DenseLayer(cin + g, g, b))


class PaperStem(nn.Module):
    """Two 3³ convolutions at full resolution and 2³ max pooling."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv3d(1, channels, 3, padding=1, bias=False)
        self.second = bn_relu_conv(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, D, H, W) -> (N, channels, D/2, H/2, W/2)."""
        return F.max_pool3d(self.second(self.first(x)), 2)


class SpaceToDepthStem(nn.Module):
    """2³ blocks as eight channels, then two 3³ convolutions at half resolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv3d(8, channels, 3, padding=1, bias=False)
        self.second = bn_relu_conv(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, D, H, W) -> (N, channels, D/2, H/2, W/2)."""
        n, _, d, h, w = x.shape
        blocks = x.reshape(n, d // 2, 2, h // 2, 2, w // 2, 2).permute(0, 2, 4, 6, 1, 3, 5)
        blocks = blocks.reshape(n, 8, d // 2, h // 2, w // 2)
        if self.first.weight.is_contiguous(memory_format=torch.channels_last_3d):
            blocks = blocks.contiguous(memory_format=torch.channels_last_3d)
        return self.second(self.first(blocks))


class Up(nn.Module):
    """Transposed convolution, concatenation with the upstream map, 1³ convolution (Table I: Upsample)."""

    def __init__(self, cin: int, skip: int, cout: int) -> None:
        super().__init__()
        self.deconv = nn.ConvTranspose3d(cin, cin, 2, stride=2)
        self.merge = bn_relu_conv(cin + skip, cout, 1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(N, cin, D, …) and (N, skip, 2D, …) -> (N, cout, 2D, …)."""
        return self.merge(torch.cat([self.deconv(x), skip], dim=1))


class Backbone(nn.Module):
    """The U-Net of Table I; gives the pyramid at strides 4, 8 and 16, each of `pyramid_channels`."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        c, p = config.stem_channels, config.pyramid_channels
        wide = 2 * config.growth
        self.pre = PaperStem(c) if config.stem == "paper" else SpaceToDepthStem(c)
        self.encode1, self.transition1 = dense_block(c, config), bn_relu_conv(c + wide, p, 1)
        self.encode2, self.transition2 = dense_block(p, config), bn_relu_conv(p + wide, p, 1)
        self.encode3, self.transition3 = dense_block(p, config), bn_relu_conv(p + wide, p, 1)
        self.up3, self.decode2 = Up(p, p + wide, p), dense_block(p, config)
        self.out2 = bn_relu_conv(p + wide, p, 1)
        self.up2, self.decode1 = Up(p, p + wide, p), dense_block(p, config)
        self.out1 = bn_relu_conv(p + wide, p, 1)

    def first(self, x: Tensor) -> Tensor:
        """The part at strides 1 and 2, most of the work: (N, 1, D, H, W) -> (N, C, D/4, H/4, W/4)."""
        return F.avg_pool3d(self.transition1(self.encode1(self.pre(x))), 2)

    def rest(self, x: Tensor) -> list[Tensor]:
        """From stride 4 on: (N, C, D/4, …) -> maps of D/4, D/8 and D/16."""
        encoded2 = self.encode2(x)
        encoded3 = self.encode3(F.avg_pool3d(self.transition2(encoded2), 2))
        coarse = F.avg_pool3d(self.transition3(encoded3), 2)
        middle = self.out2(self.decode2(self.up3(coarse, encoded3)))
        fine = self.out1(self.decode1(self.up2(middle, encoded2)))
        return [fine, middle, coarse]

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 1, D, H, W), sides multiples of 16 -> maps of D/4, D/8 and D/16."""
        return self.rest(self.first(x))


class RpnHead(nn.Module):
    """Two bottlenecks and a 1³ convolution; not shared between scales (§III-B)."""

    def __init__(self, config: Config, anchors: int) -> None:
        super().__init__()
        wide = config.pyramid_channels + 2 * config.growth
        self.body = dense_block(config.pyramid_channels, config)
        self.norm = nn.BatchNorm3d(wide)
        self.out = nn.Conv3d(wide, anchors * 5, 1)
        nn.init.normal_(self.out.weight, std=0.01)
        bias = self.out.bias
        assert bias is not None
        nn.init.zeros_(bias)
        # Prior of 1 % (Lin et al., focal loss): the first steps would else drown in negatives.
        with torch.no_grad():
            bias[::5] = -4.6

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, D, H, W) -> (N, D·H·W·A, 5): logit, three offsets, log diameter ratio."""
        y = self.out(F.relu(self.norm(self.body(x))))
        n, _, d, h, w = y.shape
        return y.reshape(n, -1, 5, d, h, w).permute(0, 3, 4, 5, 1, 2).reshape(n, -1, 5)


class Magnify(nn.Module):
    """Local Magnification (§III-D): twice a transposed convolution and two bottlenecks, each doubling a crop's sides.

    Table I prints 2³ transposed convolutions, as for Upsample, and an output of 5³, which no doubling gives. Read here: a lesion
    is 1 to 1.5 cells wide at its level (Fig. 3), so its part of the magnified crop is about 5³, and the rest is the margin.
    """

    crop, factor = 3, 4
    own_norms = True
    """Each process magnifies for its own proposals, as often as it has some (`fitting.processes.SharedNorms`)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        channels = config.pyramid_channels
        self.stages = nn.Sequential(*(self._stage(channels, config) for _ in range(2)))

    @staticmethod
    def _stage(channels: int, config: Config) -> nn.Sequential:
        return nn.Sequential(
            nn.ConvTranspose3d(channels, channels, 2, stride=2),
            dense_block(channels, config),
            bn_relu_conv(channels + 2 * config.growth, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(K, C, n, n, n) -> (K, C, 4n, 4n, 4n)."""
        return self.stages(x)


def crop_cells(feature: Tensor, centers: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Cut whole cells out of a map, `size` along each side, around the cells that hold the centres; its border goes on outside.

    Parameters
    ----------
    feature
        (C, D, H, W).
    centers
        (K, 3) in cells, a cell's centre at its index.

    Returns
    -------
    crops : Tensor
        (K, C, size, size, size).
    low : Tensor
        (K, 3) index of each crop's first cell.
    """
    shape = torch.tensor(feature.shape[1:], device=feature.device)
    middle = centers.round().long().clamp(min=torch.zeros_like(shape), max=shape - 1)
    low = middle - size // 2
    index = low[:, :, None] + torch.arange(size, device=feature.device)
    z, y, x = (index[:, axis].clamp(0, int(shape[axis]) - 1) for axis in range(3))
    crops = feature[:, z[:, :, None, None], y[:, None, :, None], x[:, None, None, :]]
    return crops.transpose(0, 1), low


class Fprn(nn.Module):
    """The aggregated classifier: RoI features of all scales, concatenated, 768 × 256 × 1 (§III-C)."""

    roi_size = 2

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.magnify = Magnify(config) if config.magnify else None
        features = config.pyramid_channels * len(config.strides) * self.roi_size**3
        self.classifier = nn.Sequential(
            nn.Linear(features, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, 1)
        )

    def forward(self, pyramid: list[Tensor], proposals: list[Tensor]) -> Tensor:
        """Logits (ΣK,) of the proposals of each image.

        Parameters
        ----------
        pyramid
            Maps (N, C, …) at strides 4, 8, 16.
        proposals
            One (K, 5) tensor per image: z, y, x, diameter in voxels of the input, and the level they came from.
        """
        return self.classifier(self._pooled(pyramid, proposals))[:, 0]

    def hidden(self, pyramid: list[Tensor], proposals: list[Tensor]) -> Tensor:
        """What the last layer is given of the proposals (ΣK, 256), as `forward` has them."""
        return self.classifier[:-1](self._pooled(pyramid, proposals))

    def _pooled(self, pyramid: list[Tensor], proposals: list[Tensor]) -> Tensor:
        """RoI features of all levels (ΣK, 768)."""
        pooled = [
            torch.cat([self._pool(level, pyramid, i, p) for i, p in enumerate(proposals)])
            for level in range(3)
        ]
        return torch.cat(pooled, dim=1).flatten(1)

    def _pool(self, level: int, pyramid: list[Tensor], index: int, proposals: Tensor) -> Tensor:
        """RoI features (K, C, 2, 2, 2) of one image on one level."""
        stride = self.config.strides[level]
        # A voxel's centre is at its index; a cell's centre is in the middle of its stride³ voxels.
        centers = (proposals[:, :3] + 0.5) / stride - 0.5
        reference = proposals.new_tensor(self.config.strides)[proposals[:, 4].long()]
        # Diameter Alignment: the size in cells of the level that proposed it holds on every level (Fig. 3).
        cells = proposals[:, 3] / (reference if self.config.align_diameter else stride)
        feature = pyramid[level][index].float().contiguous()
        if self.magnify is None:
            return roi_align_3d(feature, torch.cat([centers, cells[:, None]], dim=1), self.roi_size)
        return self._magnified(self.magnify, feature, centers, cells)

    def _magnified(self, magnify: Magnify, feature: Tensor, centers: Tensor, cells: Tensor) -> Tensor:
        """RoI features of magnified crops: the paper's order is crop, magnify, RoIAlign (Fig. 2 and 3)."""
        if not len(centers):
            nothing = feature.new_zeros((0, feature.shape[0], *(self.roi_size,) * 3))
            # Its weights take part all the same: all processes must take the same ways back.
            return nothing + 0 * sum(weight.sum() for weight in magnify.parameters())
        crops, low = crop_cells(feature, centers, magnify.crop)
        magnified = magnify(crops)
        inside = (centers - low + 0.5) * magnify.factor - 0.5
        rois = torch.cat([inside, cells[:, None] * magnify.factor], dim=1)
        return roi_align_each(magnified, rois, self.roi_size)


class Ag3d(nn.Module):
    """The whole detector."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.backbone = Backbone(config)
        self.heads = nn.ModuleList(RpnHead(config, len(config.anchors[level])) for level in config.levels)
        self.fprn = Fprn(config)

    def rpn(self, pyramid: list[Tensor]) -> Tensor:
        """(N, anchors of all scales, 5), in the order of `anchors.anchor_grid`."""
        used = [pyramid[level] for level in self.config.levels]
        return torch.cat([head(feature) for head, feature in zip(self.heads, used, strict=True)], dim=1)

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Pyramid and RPN output of windows (N, 1, D, H, W) in [−1, 1]."""
        pyramid = self.backbone(x)
        return pyramid, self.rpn(pyramid)
