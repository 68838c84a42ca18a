"""The figures of the cases of a list: which can be sorted by, how a cell writes them, and conditions on them in the filter."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

from ...training.case_list.figures import TITLES, CaseFigures

SCORE = "score"
HEADS = {
    SCORE: "Score",
    "missed": "Missed",
    "false alarm": "False",
    "disagreement": "Differ",
    "distance": "mm",
    "spread": "Spread",
}
"""Heads of the column by the order that it shows."""
TIPS = {
    SCORE: "The highest score that a network gave to a finding",
    "missed": "True nodules that no shown finding hits; empty where nobody knows",
    "false alarm": "The highest score of a finding that lies on no true nodule; empty where nobody knows",
    "disagreement": "The largest difference of two networks, two sets or the folds of a network on one place (0–1)",
    "distance": "From a true nodule to the nearest shown finding, the farthest one, in mm",
    "spread": "The largest standard deviation of a probability, over folds, slices or views",
}
_CONDITION = re.compile(r"([a-z]+)(<=|>=|<|>|=)(\d*\.?\d+)")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_NAMES = {title.partition(" ")[0]: title for title in HEADS}
"""What a condition calls a figure: its first word."""


def value_of(figures: CaseFigures, title: str) -> float | None:
    """The value of a figure (not of the score) by what a person calls it, None where it is unknown."""
    return getattr(figures, next(name for name, each in TITLES.items() if each == title))


def text_of(value: float | None, figure: str) -> str:
    """What a cell says; empty where nobody knows: a 0 would be a figure."""
    if value is None:
        return ""
    return str(value) if figure == "missed" else f"{value:.1f}" if figure == "distance" else f"{value:.2f}"


def condition(word: str) -> Callable[[Callable[[str], float | None]], bool] | None:
    """Read a word of the filter such as ``missed>0`` or ``false>=0.8``; None where it is none.

    What it returns takes a case's values by figure; a case whose figure is unknown meets no condition.
    """
    match = _CONDITION.fullmatch(word)
    if match is None or match[1] not in _NAMES:
        return None
    figure, compare, number = _NAMES[match[1]], _COMPARE[match[2]], float(match[3])

    def meets(value_of_case: Callable[[str], float | None]) -> bool:
        value = value_of_case(figure)
        return value is not None and compare(value, number)

    return meets
