"""RoIAlign in three dimensions (He et al., doi:10.1109/ICCV.2017.322, with 8 instead of 4 neighbours)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def roi_align_3d(feature: Tensor, rois: Tensor, output_size: int, sampling_ratio: int = 2) -> Tensor:
    """Average trilinear samples in each bin of cubic regions of one feature map.

    Parameters
    ----------
    feature
        (C, D, H, W).
    rois
        (K, 4): centre z, y, x and side, in cells of the feature map. A cell's centre is at its integer index.
    output_size
        Bins along each axis.
    sampling_ratio
        Samples along each axis of a bin.

    Returns
    -------
    Tensor
        (K, C, output_size, output_size, output_size). Samples outside the map take the border's value.
    """
    if len(rois) == 0:
        return feature.new_zeros((0, feature.shape[0], *(output_size,) * 3))
    n = output_size * sampling_ratio
    sampled = _sample(feature[None], _points(rois, n)[None, :, :, None])
    bins = sampled[0, :, :, :, 0].reshape(len(feature), len(rois), *(output_size, sampling_ratio) * 3)
    return bins.mean(dim=(3, 5, 7)).transpose(0, 1)


def roi_align_each(features: Tensor, rois: Tensor, output_size: int, sampling_ratio: int = 2) -> Tensor:
    """Average trilinear samples of one cubic region in each of several maps.

    Parameters
    ----------
    features
        (K, C, D, H, W).
    rois
        (K, 4) as in `roi_align_3d`, the first in the first map.
    output_size, sampling_ratio
        As in `roi_align_3d`.

    Returns
    -------
    Tensor
        (K, C, output_size, output_size, output_size).
    """
    n = output_size * sampling_ratio
    sampled = _sample(features, _points(rois, n)[:, :, None, None])
    bins = sampled.reshape(*features.shape[:2], *(output_size, sampling_ratio) * 3)
    return bins.mean(dim=(3, 5, 7))


def _points(rois: Tensor, n: int) -> Tensor:
    """The n³ sampling points of each region: (K, n³, 3) z, y, x in cells."""
    steps = (torch.arange(n, device=rois.device, dtype=rois.dtype) + 0.5) / n - 0.5
    offsets = torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij"), dim=-1).reshape(-1, 3)
    return rois[:, None, :3] + offsets[None] * rois[:, None, 3:4]


def _sample(features: Tensor, points: Tensor) -> Tensor:
    """Trilinear values of maps (N, C, D, H, W) at points (N, …, 3), three dimensions in between."""
    size = torch.tensor(features.shape[2:], device=features.device, dtype=features.dtype)
    # grid_sample wants x, y, z in [-1, 1] over cell edges (align_corners=False).
    grid = ((2 * points + 1) / size - 1).flip(-1)
    return F.grid_sample(features, grid, mode="bilinear", padding_mode="border", align_corners=False)
