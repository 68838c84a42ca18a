"""Checks of plain values that come from other people's files: each says in a sentence what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..weights import ModelCard, WeightsError


def check_detector(card: ModelCard, where: str) -> None:
    """Refuse a card that is not one of a detector; `where` is what messages call it.

    Raises
    ------
    WeightsError
        It has another task, or a name, a text or a threshold that is none.
    """
    if not all(isinstance(value, str) for value in (card.name, card.version, card.title, card.purpose)):
        raise WeightsError(f"{where} has a name, version, title or purpose that is no text.")
    if not re.fullmatch(r"[\w.+-]{1,80}", card.name):
        raise WeightsError(
            f"{where} has the name {card.name[:80]!r}: letters, digits and . _ + - make a name."
        )
    if card.task != "detection":
        raise WeightsError(f"{where} has the task {card.task!r}: detectors of other makes can run here.")
    Checks(where).number("default_threshold", card.default_threshold, 0, 1)


def exact(config: Mapping[str, Any], keys: set[str], where: str) -> Mapping[str, Any]:
    """A card's config, if it has these keys and no others.

    Raises
    ------
    WeightsError
        It has not.
    """
    if other := set(config) ^ keys:
        raise WeightsError(
            f"{where}: its config has {', '.join(sorted(map(str, other)))} too much or too little."
        )
    return config


@dataclass(frozen=True)
class Checks:
    """Values of a file that are what they should be.

    Parameters
    ----------
    where
        What messages call the file.
    """

    where: str

    def number(self, name: str, value: object, low: float, high: float) -> float:
        """A finite number in a range.

        Raises
        ------
        WeightsError
            It is none.
        """
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        if not plain or not low <= value <= high:  # type: ignore[operator]
            raise WeightsError(
                f"{self.where}: {name} is {str(value)[:60]}, which is no number from {low:g} to {high:g}."
            )
        return float(value)  # type: ignore[arg-type]

    def numbers(
        self, name: str, value: object, count: int | None, low: float, high: float
    ) -> tuple[float, ...]:
        """A list of so many numbers in a range, or of some.

        Raises
        ------
        WeightsError
            It is none.
        """
        if not isinstance(value, list | tuple) or not value or len(value) != (count or len(value)):
            raise WeightsError(
                f"{self.where}: {name} is {str(value)[:60]}, which is no list of {count or 'some'} numbers."
            )
        return tuple(self.number(name, each, low, high) for each in value)

    def whole(self, name: str, value: object, count: int, high: int) -> tuple[int, ...]:
        """A list of so many whole numbers from 1 on.

        Raises
        ------
        WeightsError
            It is none.
        """
        numbers = self.numbers(name, value, count, 1, high)
        if any(n != int(n) for n in numbers):
            raise WeightsError(f"{self.where}: {name} is {value}, which are no whole numbers.")
        return tuple(int(n) for n in numbers)
