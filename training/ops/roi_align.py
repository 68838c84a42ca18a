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
    channels, *shape = feature.shape
    n = output_size * sampling_ratio
    if len(rois) == 0:
        return feature.new_zeros((0, channels, output_size, output_size, output_size))
    steps = (torch.arange(n, device=feature.device, dtype=feature.dtype) + 0.5) / n - 0.5
    offsets = torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij"), dim=-1).reshape(-1, 3)
    points = rois[:, None, :3] + offsets[None] * rois[:, None, 3:4]
    size = torch.tensor(shape, device=feature.device, dtype=feature.dtype)
    # grid_sample wants x, y, z in [-1, 1] over cell edges (align_corners=False).
    grid = ((2 * points + 1) / size - 1).flip(-1)[None, :, :, None]
    sampled = F.grid_sample(feature[None], grid, mode="bilinear", padding_mode="border", align_corners=False)
    bins = sampled[0, :, :, :, 0].reshape(channels, len(rois), *(output_size, sampling_ratio) * 3)
    return bins.mean(dim=(3, 5, 7)).transpose(0, 1)
