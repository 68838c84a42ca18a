"""Which case a reader sees when, and with or without the networks: drawn by a seed, the same each time."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class Mode(StrEnum):
    """How a case is read."""

    LOOK_FIRST = "look first"
    AIDED = "aided"
    UNAIDED = "unaided"


class Design(StrEnum):
    """Which modes a study has."""

    LOOK_FIRST = "look first, then with the networks"
    AIDED = "with the networks at once"
    UNAIDED = "without the networks"
    CROSSED = "crossed: half without, half with; then the other way round"


_OF = {Design.LOOK_FIRST: Mode.LOOK_FIRST, Design.AIDED: Mode.AIDED, Design.UNAIDED: Mode.UNAIDED}


@dataclass(frozen=True)
class Step:
    """One reading to come: the case by the key that the list of cases has for it, and how it is read."""

    key: str
    mode: Mode


def draw_steps(keys: Sequence[str], design: Design, seed: int, reader: str) -> tuple[Step, ...]:
    """Draw the order of a reader's cases.

    Parameters
    ----------
    keys
        The cases, in any order: the same set gives the same order.
    design
        `Design.CROSSED` has every case twice: in the first round half of them aided, half unaided, in the second the other way
        round, in another order.
    seed, reader
        Together they make the order: two readers of one seed have their own, and a reader who begins again the same.
    """
    rng = np.random.default_rng([seed, zlib.crc32(reader.encode())])
    cases = sorted(keys)

    def shuffled() -> list[str]:
        return [cases[i] for i in rng.permutation(len(cases))]

    if design is not Design.CROSSED:
        return tuple(Step(key, _OF[design]) for key in shuffled())
    first, second = shuffled(), shuffled()
    aided = set(first[: len(first) // 2])
    one = [Step(key, Mode.AIDED if key in aided else Mode.UNAIDED) for key in shuffled()]
    two = [Step(key, Mode.UNAIDED if key in aided else Mode.AIDED) for key in second]
    return (*one, *two)
