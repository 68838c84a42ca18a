"""Sentences on findings that a file does not have, which know how many these are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self


class LeftOut(str):
    """A sentence on findings that were left out of a file, with their numbers."""

    numbers: frozenset[str]

    @classmethod
    def of(cls, why: str, numbers: Sequence[str]) -> list[Self]:
        """The sentence, or none where nothing was left out.

        Examples
        --------
        >>> LeftOut.of("as they are on no slice", ["3", "7"])
        ['left out of these, as they are on no slice: 3, 7']
        """
        if not numbers:
            return []
        said = cls(f"left out of these, {why}: {', '.join(numbers)}")
        said.numbers = frozenset(numbers)
        return [said]


def count_left_out(said: Iterable[str]) -> int:
    """How many findings the sentences of one file say that it does not have; one that two of them name counts once."""
    return len(frozenset().union(*(one.numbers for one in said if isinstance(one, LeftOut))))
