"""Radiographs of a batch, each by its number in the step: whoever draws it, it is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..data.public.radiographs import RadiographSample, RadiographSamples, draw_together
from .batches import Place, Seed

PATIENCE = 1000
"""Draws in a row of what is not wanted, before one gives up."""


def draw_radiographs(
    source: RadiographSamples,
    count: int,
    place: Place,
    seed: Seed,
    wanted: Callable[[RadiographSample], bool] = lambda _: True,
) -> Iterator[tuple[RadiographSample, np.random.Generator]]:
    """Draw the `count` radiographs of a place, each with random numbers of its own to vary it.

    Pairs, where the source has such, stay together: radiographs 2n and 2n + 1 of a step are one.

    Parameters
    ----------
    wanted
        Others are passed over.

    Raises
    ------
    ValueError
        None of many was wanted.
    """
    size = 2 if hasattr(source, "draw_pair") else 1
    at, together = -1, []
    for number in place.in_step(count):
        group, member = divmod(number, size)
        if group != at:
            at, together = (
                group,
                _group(source, size, wanted, np.random.default_rng((*seed, place.step, group, 0))),
            )
        yield together[member], np.random.default_rng((*seed, place.step, number, 1))


def _group(
    source: RadiographSamples,
    size: int,
    wanted: Callable[[RadiographSample], bool],
    rng: np.random.Generator,
) -> list[RadiographSample]:
    drawn: list[RadiographSample] = []
    for _ in range(PATIENCE):
        drawn += filter(wanted, draw_together(source, rng))
        if len(drawn) >= size:
            return drawn
    raise ValueError(f"{source.name} does not say where nodules are, so nothing can be learnt from it.")
