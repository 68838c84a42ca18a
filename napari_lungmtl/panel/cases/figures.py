"""The figures of the cases of a list: which can be sorted by, how a cell writes them, and conditions on them in the filter."""

from __future__ import annotations

import re
from collections.abc import Callable

from ...training.case_list.figures import TITLES, CaseFigures
from ...training.cluster.search import COMPARE, FIGURES

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
    SCORE: "The highest score that a network gave to a single finding, shown or not; "
    "not the chance that a radiograph shows a nodule, which its banner gives",
    "missed": "True nodules that no shown finding hits; empty where nobody knows",
    "false alarm": "The highest score of a finding that lies on no true nodule; empty where nobody knows",
    "disagreement": "The largest difference of two networks, two sets or the folds of a network on one place (0–1)",
    "distance": "From a true nodule to the nearest shown finding, the farthest one, in mm",
    "spread": "The largest standard deviation of a probability, over folds, slices or views",
}
_CONDITION = re.compile(r"([a-z]+)(<=|>=|<|>|=)(\d*\.?\d+)")
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
    figure, compare, number = _NAMES[match[1]], COMPARE[match[2]], float(match[3])

    def meets(value_of_case: Callable[[str], float | None]) -> bool:
        value = value_of_case(figure)
        return value is not None and compare(value, number)

    return meets


def of_index(text: str) -> tuple[str, tuple[tuple[str, str, float], ...], str]:
    """Divide what is looked for in an index: words, comparisons of figures that it has, and a sentence on those that it lacks."""
    words: list[str] = []
    lacking: list[str] = []
    figures: list[tuple[str, str, float]] = []
    for word in text.split():
        match = _CONDITION.fullmatch(word)
        if match is not None and match[1] in FIGURES:
            figures.append((match[1], match[2], float(match[3])))
        else:
            (words if match is None or match[1] not in _NAMES else lacking).append(word)
    said = (
        f"An index of many studies does not know {', '.join(lacking)}: it has {', '.join(FIGURES)}, as in score>0.9."
        if lacking
        else ""
    )
    return " ".join(words), tuple(figures), said
