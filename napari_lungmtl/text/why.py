"""Words of the answer to "why here, or why not?"."""

from __future__ import annotations

from ..training.explain.answer import Answer, Place, lower
from ..training.findings import Sphere
from ..training.imaging.image import Image


def place_words(place: Place, image: Image) -> str:
    """Where was asked: ``z −103.7  y 20.3  x −88.6``, with the true nodule's size if one was asked about."""
    axes = ("z", "y", "x")[-len(place.point) :]
    digits = 1 if image.spacing is not None else 0
    words = "  ".join(f"{axis} {value:.{digits}f}" for axis, value in zip(axes, place.point, strict=True))
    words = words.replace("-", "−")
    if isinstance(place.nodule, Sphere):
        return f"nodule Ø {place.nodule.diameter:.1f} mm · {words}"
    return words if place.nodule is None else f"nodule · {words}"


def verdict(answer: Answer) -> str:
    """The answer's sentence; of a nodule that is marked, so said."""
    if not answer.causes and answer.place.nodule is not None and answer.score is not None:
        return f"{answer.title} marks this nodule, score {lower(answer.score)}."
    return answer.sentence
