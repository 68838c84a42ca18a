"""What the network is trained on: nodules with their masks, marked where and as large as a detector might."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...crossval.folds import FOLDS
from ...data.errors import DatasetError
from ...data.public.luna16_nodules import load_masks, to_hu
from ...data.public.rated_nodules import RatedNodules, load_rated_nodules
from ...fitting.batches import Place, Seed, shuffled
from .config import Config, TrainingConfig
from .field import grid_offsets, network_input, sample


@dataclass(frozen=True, eq=False)
class MaskedNodules:
    """n nodules with their masks.

    Parameters
    ----------
    nodules
        As rated.
    masks
        (n, 50, 50, 50) bool.
    center, diameter
        (n, 3) voxel index of the mask's middle, and (n,) diameter in mm of the ball of its volume.
    """

    nodules: RatedNodules
    masks: np.ndarray
    center: np.ndarray
    diameter: np.ndarray

    def __len__(self) -> int:
        return len(self.diameter)

    def take(self, chosen: np.ndarray) -> MaskedNodules:
        """Select some of the nodules: a mask (n,) or positions."""
        return MaskedNodules(
            self.nodules.take(chosen), self.masks[chosen], self.center[chosen], self.diameter[chosen]
        )

    def training_rows(self, held_out: str) -> np.ndarray:
        """Rows that a training may see: neither the held-out fold nor ``never``."""
        return np.flatnonzero(np.isin(self.nodules.fold, [f for f in FOLDS if f != held_out]))


def load_masked_nodules(folder: Path) -> MaskedNodules:
    """Read the nodules of a folder of cubes with their masks.

    Raises
    ------
    DatasetError
        The folder has no masks, or one of them is empty.
    """
    nodules = load_rated_nodules(folder)
    masks = load_masks(folder, nodules.index)
    if masks is None:
        raise DatasetError(
            f"{folder / 'cubes.npz'} holds no masks: the network learns from masks of nodules."
        )
    volume = masks.sum((1, 2, 3))
    if not volume.all():
        raise DatasetError(
            f"{folder / 'cubes.npz'}: the mask of cube {nodules.index[volume == 0][0]} is empty."
        )
    center = np.array([np.argwhere(mask).mean(0) for mask in masks])
    return MaskedNodules(nodules, masks, center, 2 * (3 * volume / (4 * np.pi)) ** (1 / 3))


class Batches:
    """Draws batches of marked nodules: the network's input, and how much of each point's surroundings is nodule (0–1)."""

    def __init__(
        self, data: MaskedNodules, rows: np.ndarray, network: Config, config: TrainingConfig
    ) -> None:
        self.data, self.rows, self.network, self.config = data, rows, network, config
        self.grid = grid_offsets(network.points)

    def __call__(self, place: Place, seed: Seed) -> dict[str, Any]:
        size = min(self.config.batch, len(self.rows))
        rows = shuffled(self.rows, place.samples(size), self.config.seed)
        inputs, targets = [], []
        for row, rng in zip(rows, place.generators(size, seed), strict=True):
            one, target = self._draw(int(row), rng)
            inputs.append(one)
            targets.append(target)
        return {"input": torch.cat(inputs), "target": torch.cat(targets)}

    def _draw(self, row: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        config = self.config
        center, diameter = marked(self.data, row, config, rng)
        turn = torch.from_numpy(_turn(rng, config.turn)).float()
        offsets = (self.grid * self.network.side(diameter))[None]
        places = offsets @ turn.T + torch.from_numpy(center).float()
        hu = torch.from_numpy(to_hu(self.data.nodules.voxels[row]))[None]
        values = sample(hu, places) + config.offset_hu * float(rng.uniform(-1, 1))
        noise = config.noise_hu * float(rng.uniform(0, 1))
        values = values + noise * torch.from_numpy(rng.standard_normal(values.shape, np.float32))
        mask = torch.from_numpy(self.data.masks[row])[None].float()
        inputs = network_input(values, offsets, torch.tensor([diameter]), self.network)
        return inputs, sample(mask, places, "zeros")


def marked(
    data: MaskedNodules, row: int, config: TrainingConfig, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Mark a nodule as a detector might: (3,) voxel index of its cube, and mm."""
    true = float(data.diameter[row])
    spread = config.shift * true + config.shift_mm
    center = data.center[row] + np.clip(rng.normal(0, spread, 3), -0.3 * true, 0.3 * true)
    return center, true * float(np.exp(np.clip(rng.normal(*config.size), -0.7, 0.4)))


def _turn(rng: np.random.Generator, part: float) -> np.ndarray:
    """A matrix (3, 3) that mirrors, swaps y and x, and now and then turns in space."""
    matrix = np.diag(rng.choice([-1.0, 1.0], 3))
    if rng.uniform() < 0.5:
        matrix = matrix[[0, 2, 1]]
    if rng.uniform() < part:
        matrix = np.linalg.qr(rng.normal(size=(3, 3)))[0] @ matrix
    return matrix
