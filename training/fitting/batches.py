"""Which batch a step draws: it follows from the seed, the step and the process alone.

N processes (one a GPU) therefore draw N different batches, a resumed training goes on where it was, and it makes no difference how
many workers load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import lightning as L
import numpy as np
from torch.utils.data import DataLoader, Dataset, Sampler


class Place(NamedTuple):
    """Where a batch belongs: the optimizer's step, and which of so many processes draws it."""

    step: int
    rank: int = 0
    ranks: int = 1

    @property
    def number(self) -> int:
        """Count the batches of all processes before this one."""
        return self.step * self.ranks + self.rank

    def generator(self, *seed: int) -> np.random.Generator:
        """Make the random numbers of this batch."""
        return np.random.default_rng((*seed, self.number))


Draw = Callable[[Place, np.random.Generator], Any]
"""Makes the batch of a place, with random numbers that belong to the place."""


class Batches(Dataset[Any]):
    """Endless batches, each under its `Place`.

    Parameters
    ----------
    draw
        Makes one; in a worker process, too.
    seed
        Whole numbers from 0 on.
    """

    def __init__(self, draw: Draw, seed: Sequence[int]) -> None:
        self.draw, self.seed = draw, tuple(seed)

    def __getitem__(self, place: Place) -> Any:
        return self.draw(place, place.generator(*self.seed))


class Places(Sampler[Place]):
    """This process' places, from the trainer's step on; from step 0 of one process where nothing trains."""

    def __init__(self) -> None:
        self.trainer: L.Trainer | None = None

    def __iter__(self) -> Iterator[Place]:
        # Asked for after a checkpoint was loaded and the processes found each other.
        trainer = self.trainer
        place = (
            Place(0)
            if trainer is None
            else Place(trainer.global_step, trainer.global_rank, trainer.world_size)
        )
        while True:
            yield place
            place = place._replace(step=place.step + 1)


def endless_loader(draw: Draw, workers: int, *seed: int) -> DataLoader:
    """Load the batches of one step after the other, in `workers` processes beside the training one."""
    return DataLoader(
        Batches(draw, seed),
        sampler=Places(),
        batch_size=None,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
