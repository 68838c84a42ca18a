"""The words of the eight LIDC attributes: titles, the ends of their scales, the names of their categories.

The numbers and their meaning are those of the LIDC-IDRI reading protocol (McNitt-Gray et al., Acad. Radiol. 14, 2007,
"The Lung Image Database Consortium (LIDC) data collection process for nodule detection and annotation").
"""

from __future__ import annotations

from dataclasses import dataclass

from .lidc_scales import SCALE_MAX


@dataclass(frozen=True)
class AttributeScale:
    """How one attribute is read.

    Parameters
    ----------
    name
        LIDC name, a key of `Finding.attributes`.
    title
        What a person reads.
    low, high
        Words for 1 and for `maximum`; empty where the numbers are names of categories.
    categories
        Names of 1 … `maximum` where the attribute is nominal, else empty.
    """

    name: str
    title: str
    low: str = ""
    high: str = ""
    categories: tuple[str, ...] = ()

    @property
    def maximum(self) -> int:
        """Highest value; every scale begins with 1."""
        return SCALE_MAX[self.name]

    @property
    def nominal(self) -> bool:
        """Whether the numbers are names and a mean of them means nothing."""
        return bool(self.categories)

    def fraction(self, value: float) -> float:
        """Place of a value between the ends, 0–1; what lies beyond an end is put there."""
        return min(max((value - 1) / (self.maximum - 1), 0.0), 1.0)

    def category(self, value: float) -> str:
        """Name of the category nearest to a value.

        Raises
        ------
        ValueError
            The attribute is not nominal.
        """
        if not self.nominal:
            raise ValueError(f"{self.name} is a scale without categories")
        return self.categories[min(max(int(value + 0.5), 1), self.maximum) - 1]

    def describe(self, value: float) -> str:
        """The value as a person writes it: ``"4.1"``, or the name of the category."""
        return self.category(value) if self.nominal else f"{value:.1f}"


_SCALES = (
    AttributeScale("subtlety", "Subtlety", "extremely subtle", "obvious"),
    AttributeScale(
        "internalStructure", "Internal structure", categories=("soft tissue", "fluid", "fat", "air")
    ),
    AttributeScale(
        "calcification",
        "Calcification",
        categories=("popcorn", "laminated", "solid", "non-central", "central", "absent"),
    ),
    AttributeScale("sphericity", "Sphericity", "linear", "round"),
    AttributeScale("margin", "Margin", "poorly defined", "sharp"),
    AttributeScale("lobulation", "Lobulation", "none", "marked"),
    AttributeScale("spiculation", "Spiculation", "none", "marked"),
    AttributeScale("texture", "Texture", "ground glass", "solid"),
)
SCALES: dict[str, AttributeScale] = {scale.name: scale for scale in _SCALES}
"""The eight by their LIDC names, in the order of `ATTRIBUTES`."""
