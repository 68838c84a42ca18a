"""From a marked sphere to the log odds of every voxel around it: what use and evaluation share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .config import Config
from .field import grid_offsets, network_input, sample
from .network import MaskNet

LARGEST = 30.0
"""Diameter in mm of the largest marks in training: larger nodules are looked at as if they were this large."""
MIRRORED: tuple[tuple[int, ...], ...] = ((), (1,), (2,), (3,), (1, 2), (1, 3), (2, 3), (1, 2, 3))


@dataclass(frozen=True, eq=False)
class Field:
    """What the network says of the points around a mark.

    Parameters
    ----------
    log_odds
        (V, n, n, n) of each mirror image, mirrored back.
    side
        Of the field, in mm.
    """

    log_odds: Tensor
    side: float

    def at(self, offsets: np.ndarray) -> np.ndarray:
        """Log odds (…) at offsets (…, 3) z, y, x in mm from the mark's centre: the mean of all views."""
        return self._sampled(self.log_odds.mean(0, keepdim=True), offsets)[0]

    def of_views_at(self, offsets: np.ndarray) -> np.ndarray:
        """Log odds (V, …) of each view."""
        return self._sampled(self.log_odds, offsets)

    def _sampled(self, values: Tensor, offsets: np.ndarray) -> np.ndarray:
        places = torch.from_numpy((offsets / self.side + 0.5) * values.shape[1] - 0.5).float()
        places = places.reshape(1, -1, 1, 1, 3).expand(len(values), -1, -1, -1, -1)
        found = sample(values, places).reshape(len(values), *offsets.shape[:-1]).numpy()
        return np.where((np.abs(offsets) <= self.side / 2).all(-1), found, -np.inf)


@torch.inference_mode()
def field_of(
    net: MaskNet, cube: np.ndarray, center: np.ndarray, diameter: float, spacing: float = 1.0
) -> Field:
    """Run the network on the surroundings of a mark.

    Parameters
    ----------
    cube
        (D, H, W) HU, z, y, x.
    center, diameter
        (3,) voxel index in it, and mm, of the mark.
    spacing
        Of its voxels, in mm. With `LARGEST` in mind, see `scale_of`.
    """
    config: Config = net.config
    device = next(net.parameters()).device
    shown = diameter / spacing
    side = config.side(shown)
    offsets = (grid_offsets(config.points) * side)[None]
    hu = sample(
        torch.from_numpy(np.ascontiguousarray(cube, np.float32))[None],
        offsets + torch.as_tensor(center).float(),
    )
    inputs = network_input(hu, offsets, torch.tensor([shown], dtype=torch.float32), config)
    views = MIRRORED[: config.views]
    batch = torch.cat([inputs.flip([axis + 1 for axis in view]) for view in views]).to(device)
    log_odds = net(batch.contiguous(memory_format=torch.channels_last_3d)).float().cpu()
    back = torch.stack(
        [values.flip([a - 1 for a in view]) for values, view in zip(log_odds, views, strict=True)]
    )
    return Field(back, side * spacing)


def scale_of(diameter: float) -> float:
    """Spacing in mm of the cube that a mark of this diameter in mm is looked at in."""
    return max(1.0, diameter / LARGEST)


def drawn(log_odds: np.ndarray, center: Sequence[float] | np.ndarray, level: float) -> np.ndarray:
    """Points (d, h, w) held to be the nodule at a voxel index: those over the level, in the piece that has even odds there.

    Where the highest log odds of that piece are not twice the level, as in a faint nodule, half of them take its place: so that
    neither a voxel is left of it nor a brighter neighbour is drawn, and a little more contrast draws a little more.
    """
    outer = piece_at(log_odds > 0, center)
    if not outer.any():
        return outer
    return piece_at(outer & (log_odds > min(level, log_odds[outer].max() / 2)), center)


def piece_at(mask: np.ndarray, center: Sequence[float] | np.ndarray) -> np.ndarray:
    """Keep the connected piece of a mask that lies nearest to a voxel index; pieces of a tenth of the largest do not count."""
    import cc3d

    parts, count = cc3d.connected_components(mask, connectivity=6, return_N=True)
    if count < 2:
        return mask
    sizes = np.bincount(parts.ravel())[1:]
    distance = [
        np.linalg.norm(np.argwhere(parts == k + 1) - center, axis=1).min()
        if size >= sizes.max() / 10
        else np.inf
        for k, size in enumerate(sizes)
    ]
    return parts == int(np.argmin(distance)) + 1
