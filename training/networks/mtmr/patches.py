"""Slices through a nodule, cut to its size: what the network sees, the same in training and use (§III-A 3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import PLANES, Config

AXES = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}
"""Axis of the cube (z, y, x) along the normal, the rows and the columns of a slice of each plane."""


def side(diameter: Tensor, config: Config) -> Tensor:
    """Side in mm of the square around a nodule of this diameter (B,)."""
    return (config.crop_factor * diameter + config.crop_margin).clamp(max=config.crop_max)


def spread_slices(diameter: float, config: Config) -> list[float]:
    """Offsets in mm from the centre of the slices that a nodule spans: 1 mm apart, or fewer, evenly spread."""
    reach = 0.8 * diameter / 2  # the caps of a ball show little of it
    count = max(1, min(int(2 * reach) + 1, config.max_slices))
    if count == 1:
        return [0.0]
    step = 2 * reach / (count - 1) if count == config.max_slices else 1.0
    return [(i - (count - 1) / 2) * step for i in range(count)]


def neighbours(offset: Tensor, diameter: Tensor, config: Config) -> Tensor:
    """Offsets (…, channels) of a slice (…) and the ones beside it."""
    step = (diameter / 8).clamp(min=1.0)
    place = torch.arange(config.channels, device=offset.device) - (config.channels - 1) / 2
    return offset[..., None] + step[..., None] * place


def pixel_places(pixels: int, device: torch.device) -> Tensor:
    """Where a slice's pixels (pixels,) lie from its middle, as parts of its side."""
    return (torch.arange(pixels, device=device) + 0.5) / pixels - 0.5


def cut(
    cubes: Tensor,
    centers: Tensor,
    offsets: Tensor,
    planes: Tensor,
    sides: Tensor,
    pixels: int,
    angle: Tensor | None = None,
) -> Tensor:
    """Square slices of cubes, bilinear in the slice and linear across.

    Parameters
    ----------
    cubes
        (B, D, H, W), 1 mm, z, y, x, values 0–1.
    centers
        (B, 3) z, y, x in voxel indices.
    offsets
        (B, P) distance in mm of each slice from the centre along its normal.
    planes
        (B, P) index into `PLANES`.
    sides
        (B,) mm.
    angle
        (B,) rotation in the plane, radians.

    Returns
    -------
    Tensor
        (B, P, pixels, pixels); outside the cube its outermost voxels go on.
    """
    count, several = offsets.shape
    place = pixel_places(pixels, cubes.device)[None] * sides[:, None]
    rows = place[:, :, None].expand(-1, -1, pixels)
    columns = place[:, None, :].expand(-1, pixels, -1)
    if angle is not None:
        c, s = angle.cos()[:, None, None], angle.sin()[:, None, None]
        rows, columns = rows * c - columns * s, rows * s + columns * c
    shape = (count, several, pixels, pixels)
    parts = torch.stack(
        [
            offsets[:, :, None, None].expand(shape),
            rows[:, None].expand(shape),
            columns[:, None].expand(shape),
        ],
        -1,
    )
    table = torch.tensor([AXES[p] for p in PLANES], device=cubes.device)[planes]  # (B, P, 3)
    points = torch.empty_like(parts).scatter_(-1, table[:, :, None, None, :].expand_as(parts), parts)
    points = points + centers[:, None, None, None, :]
    size = torch.tensor(cubes.shape[1:], device=cubes.device)
    grid = (points * 2 / (size - 1) - 1).flip(-1)  # grid_sample wants x, y, z
    return F.grid_sample(cubes[:, None], grid, align_corners=True, padding_mode="border")[:, 0]


def nodule_patches(
    cube: Tensor, center: Tensor, diameter: float, config: Config
) -> tuple[Tensor, list[tuple[str, float]]]:
    """All patches of one nodule.

    Parameters
    ----------
    cube
        (D, H, W), values 0–1.
    center
        (3,) z, y, x in voxel indices.

    Returns
    -------
    patches : Tensor
        (M, channels, pixels, pixels).
    places : list of (str, float)
        Plane and offset in mm of each.
    """
    offsets = spread_slices(diameter, config)
    d = torch.tensor(diameter, device=cube.device)
    off = torch.tensor(offsets, device=cube.device)
    stacked = neighbours(off, d.expand_as(off), config).flatten()
    within = pixel_places(config.pixels, cube.device) * side(d, config)
    shape = (len(offsets), config.channels, config.pixels, config.pixels)
    found = [cut_along(cube, center, plane, stacked, within).reshape(shape) for plane in config.planes]
    return torch.cat(found), [(plane, offset) for plane in config.planes for offset in offsets]


def cut_along(cube: Tensor, center: Tensor, plane: str, offsets: Tensor, within: Tensor) -> Tensor:
    """Cut what `cut` does of one cube (D, H, W) along one plane without turning: (P, pixels, pixels).

    Such slices lie along the cube's axes, so one axis is interpolated after the other, which takes a tenth of the time.

    Parameters
    ----------
    offsets
        (P,) distance in mm of each slice from the centre along its normal.
    within
        (pixels,) of rows and columns.
    """
    normal, rows, columns = AXES[plane]
    turned = cube.permute(normal, rows, columns)
    for axis, along in ((normal, offsets), (rows, within), (columns, within)):
        turned = _interpolated(turned, center[axis] + along)
    return turned


def _interpolated(values: Tensor, places: Tensor) -> Tensor:
    """Interpolate the first axis (n, a, b) at places (P,), and put it last: (a, b, P)."""
    places = places.clamp(0, len(values) - 1)
    low = places.long().clamp(max=len(values) - 2)
    part = (places - low).to(values.dtype)[:, None, None]
    return torch.lerp(values[low], values[low + 1], part).permute(1, 2, 0)
