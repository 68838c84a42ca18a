"""The table of the selected nodule's attributes: its strips, in pixels from its upper left corner. No napari, no Qt.

A strip has the name at its left, then the bar from the scale's lowest value to its highest, the value written at its
beginning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...layers.rectangle import Rectangle
from ...text.votes import mean_and_deviation
from ...training.findings.attribute_words import SCALES, AttributeScale

ROW, INSET = 18.0, 1.0
"""Height of a strip, and how much less of it a bar leaves above and below."""
NAME_WIDTH, BAR_WIDTH = 124.0, 88.0
"""Room for the name, and length of a bar at the highest value."""
WIDTH = NAME_WIDTH + BAR_WIDTH


@dataclass(frozen=True)
class Bar:
    """One attribute: its strip, the filled part of it, and what is written on each."""

    name: str
    value: str
    strip: Rectangle
    filled: Rectangle
    spread: Rectangle | None = None
    """From one deviation of the readers' votes below their mean to one above it, within the bar; None where it is not known."""


def size(attributes: Mapping[str, float]) -> tuple[float, float]:
    """Height and width of the table with its title in pixels."""
    return ROW * (1 + sum(name in attributes for name in SCALES)), WIDTH


def bars(
    attributes: Mapping[str, float], votes: Mapping[str, Sequence[float]] | None = None
) -> tuple[Bar, ...]:
    """The strips of those attributes that are known, below the title, with the spread of the votes on them.

    A nominal attribute has no filled part: the number of a category is no amount.
    """
    scales = [scale for name, scale in SCALES.items() if name in attributes]
    result = []
    for place, scale in enumerate(scales, 1):
        top, value = place * ROW, attributes[scale.name]
        length = 0.0 if scale.nominal else BAR_WIDTH * scale.fraction(value)
        result.append(
            Bar(
                scale.title,
                scale.describe(value),
                (top, 0.0, top + ROW, WIDTH),
                (top + INSET, NAME_WIDTH, top + ROW - INSET, NAME_WIDTH + length),
                None if scale.nominal else _spread(scale, top, (votes or {}).get(scale.name, ())),
            )
        )
    return tuple(result)


def _spread(scale: AttributeScale, top: float, shares: Sequence[float]) -> Rectangle | None:
    if not shares:
        return None
    mean, deviation = mean_and_deviation(shares)
    left, right = (NAME_WIDTH + BAR_WIDTH * scale.fraction(mean + way * deviation) for way in (-1, 1))
    return top + ROW - INSET - 3, left, top + ROW - INSET - 1, right
