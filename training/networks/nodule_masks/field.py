"""The grid around a marked sphere that the network sees: as fine as the nodule is small, the same in training and use."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...imaging.values import window_to_unit
from ...ops.nodule_size import standard_size
from .config import Config


def grid_offsets(points: int) -> Tensor:
    """Offsets (n, n, n, 3) z, y, x of the grid's points from its middle, as parts of its side."""
    along = (torch.arange(points) + 0.5) / points - 0.5
    return torch.stack(torch.meshgrid(along, along, along, indexing="ij"), -1)


def sample(volumes: Tensor, places: Tensor, padding: str = "border") -> Tensor:
    """Interpolate volumes (B, D, H, W) linearly at places (B, …, 3) in voxel indices z, y, x.

    `padding` is ``"border"`` (the outermost voxels go on) or ``"zeros"``.
    """
    size = torch.tensor(volumes.shape[1:], dtype=places.dtype, device=places.device)
    where = (places * 2 / (size - 1) - 1).flip(-1)  # grid_sample wants x, y, z
    return F.grid_sample(volumes[:, None], where, align_corners=True, padding_mode=padding)[:, 0]


def network_input(hu: Tensor, offsets_mm: Tensor, diameter: Tensor, config: Config) -> Tensor:
    """Stack what the network sees.

    Parameters
    ----------
    hu
        (B, n, n, n) Hounsfield units on the grid.
    offsets_mm
        (B, n, n, n, 3) of its points from the marked centre, in mm.
    diameter
        (B,) of the mark, in mm.

    Returns
    -------
    Tensor
        (B, 3, n, n, n): values 0…1, the sphere (1 at its middle, 0 on its surface, −1 a radius outside), and its size.
    """
    values = window_to_unit(hu, *config.hu_range)
    radius = (diameter / 2)[:, None, None, None]
    sphere = (1 - offsets_mm.norm(dim=-1) / radius).clamp(-1, 1)
    size = standard_size(diameter)[:, None, None, None].expand_as(values)
    return torch.stack([values, sphere, size], 1)
