"""Which samples a step draws: they follow from the seed, the step and the sample's place in the step alone.

All processes (one a GPU) and all parts of an accumulated gradient draw from one sequence: however many there are, the step sees the
samples that one process would draw for a batch of the same total size. A resumed training goes on where it was, and it makes no
difference how many workers load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import lightning as L
import numpy as np
from torch.utils.data import DataLoader, Dataset, Sampler

Seed = tuple[int, ...]
"""Whole numbers from 0 on."""


class Place(NamedTuple):
    """Where a batch belongs: the optimizer's step, which of so many processes draws it, and which part of the step it is."""

    step: int
    rank: int = 0
    ranks: int = 1
    part: int = 0
    parts: int = 1

    @property
    def within(self) -> int:
        """Count the batches of this step before this one."""
        return self.part * self.ranks + self.rank

    @property
    def number(self) -> int:
        """Count the batches of all steps and processes before this one."""
        return self.step * self.parts * self.ranks + self.within

    def samples(self, count: int) -> range:
        """Number the samples of this batch among those of all steps, `count` in each batch."""
        return range(self.number * count, (self.number + 1) * count)

    def in_step(self, count: int) -> range:
        """Number the samples of this batch among those of its step, `count` in each batch."""
        return range(self.within * count, (self.within + 1) * count)

    def generators(self, count: int, seed: Seed) -> Iterator[np.random.Generator]:
        """Make the random numbers of each of the `count` samples of this batch."""
        return (np.random.default_rng((*seed, self.step, number)) for number in self.in_step(count))

    def generator(self, *seed: int) -> np.random.Generator:
        """Make random numbers of this batch as a whole, which another number of processes would not have."""
        return np.random.default_rng((*seed, self.step, self.ranks, self.parts, self.within))

    @property
    def next(self) -> Place:
        """The batch that the same process draws next."""
        last = self.part + 1 == self.parts
        return self._replace(step=self.step + last, part=0 if last else self.part + 1)


Draw = Callable[[Place, Seed], Any]
"""Makes the batch of a place, with random numbers that follow from the place and the seed (`Place.generators`)."""


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
        return self.draw(place, self.seed)


class Places(Sampler[Place]):
    """This process' places, from the trainer's step on; from step 0 of one process where nothing trains."""

    def __init__(self) -> None:
        self.trainer: L.Trainer | None = None

    def __iter__(self) -> Iterator[Place]:
        # Asked for after a checkpoint was loaded and the processes found each other.
        place = Place(0) if self.trainer is None else place_of(self.trainer)
        while True:
            yield place
            place = place.next


def place_of(trainer: L.Trainer, index: int = 0) -> Place:
    """Give the place of a trainer's batch: the first of the step that is due, or the one with an index in the epoch."""
    parts = trainer.accumulate_grad_batches
    return Place(trainer.global_step, trainer.global_rank, trainer.world_size, index % parts, parts)


def ends_step(trainer: L.Trainer, index: int) -> bool:
    """Whether the batch with an index in the epoch was the last of its step."""
    return (index + 1) % trainer.accumulate_grad_batches == 0


def shuffled(chosen: np.ndarray, numbers: range, seed: int) -> np.ndarray:
    """Pick what stands at some numbers of an endless sequence of epochs: all that is chosen, each time in another order."""
    picked = []
    for epoch in range(numbers.start // len(chosen), (numbers.stop - 1) // len(chosen) + 1):
        begin = epoch * len(chosen)
        order = np.random.default_rng((seed, epoch)).permutation(chosen)
        picked.append(order[max(numbers.start - begin, 0) : numbers.stop - begin])
    return np.concatenate(picked)


def endless_loader(draw: Draw, workers: int, *seed: int) -> DataLoader:
    """Load the batches of one step after the other, in `workers` processes beside the training one."""
    return DataLoader(
        Batches(draw, seed),
        sampler=Places(),
        batch_size=None,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
