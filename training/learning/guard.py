"""Before and after: whether new weights find what the old ones found, mark no more besides, and are better at anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .candidates import Outcome

ALLOWED = 0.005
"""By how much a figure may fall (sensitivity) or rise (other marks an image)."""
RATES = (1.0, 0.25)
"""Other marks an image at which sensitivity is measured besides the default threshold."""


@dataclass(frozen=True)
class Figures:
    """What an `Outcome` comes to.

    Parameters
    ----------
    images, lesions
        How many.
    found
        Lesions that a mark hits at the default threshold.
    other
        Marks on no lesion at the default threshold, in all images.
    sensitivity_at
        Share of the lesions found where so many other marks fall on an image, by `RATES`.
    """

    images: int
    lesions: int
    found: int
    other: int
    sensitivity_at: Mapping[str, float] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, float]:
        """Figures of which higher is better, by what a person calls them; none of what there is nothing to measure on."""
        shares = {}
        if self.lesions:
            shares["sensitivity at the default threshold"] = self.found / self.lesions
            shares |= {
                f"sensitivity at {rate} other mark an image": v for rate, v in self.sensitivity_at.items()
            }
        if self.images:
            shares["other marks an image at the default threshold"] = -self.other / self.images
        return shares

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**self.__dict__, "sensitivity_at": dict(self.sensitivity_at)}


def figures(outcome: Outcome, threshold: float) -> Figures:
    """Sum an outcome up."""
    best = np.array(list(outcome.lesions.values()), float)
    other = -np.sort(-np.concatenate([np.array(v, float) for v in outcome.false.values()] or [np.zeros(0)]))
    images = len(outcome.false)

    def sensitivity(rate: float) -> float:
        allowed = int(rate * images)
        limit = other[allowed] if allowed < len(other) else 0.0
        return float((best > limit).mean())

    at = {f"{rate:g}": sensitivity(rate) for rate in RATES} if len(best) and images else {}
    return Figures(images, len(best), int((best >= threshold).sum()), int((other >= threshold).sum()), at)


def joined(outcomes: Iterable[Outcome]) -> Outcome:
    """Join the outcomes of several images."""
    lesions: dict[str, float] = {}
    false: dict[str, tuple[float, ...]] = {}
    for one in outcomes:
        lesions |= one.lesions
        false |= one.false
    return Outcome(lesions, false)


@dataclass(frozen=True)
class Comparison:
    """Two outcomes of the same images.

    Parameters
    ----------
    name
        What they are of: ``"held-back reviewed studies"``.
    lost, gained
        Names of the lesions that were found before at the default threshold and are not now, and the other way round.
    """

    name: str
    before: Figures
    after: Figures
    lost: tuple[str, ...]
    gained: tuple[str, ...]

    @property
    def worse(self) -> list[str]:
        """Why the new weights are not to be used, in sentences for a person; empty where nothing is worse."""
        said = [f"{lesion}, found before, is lost ({self.name})." for lesion in self.lost]
        before, after = self.before.values, self.after.values
        for figure, value in before.items():
            if after[figure] < value - ALLOWED - 1e-9:
                said.append(f"{figure} {abs(value):.3f} → {abs(after[figure]):.3f} ({self.name}).")
        return said

    @property
    def better(self) -> bool:
        """Whether any lesion more is found at the default threshold, or less is marked besides."""
        return self.after.found > self.before.found or self.after.other < self.before.other

    @property
    def sentence(self) -> str:
        """Before and after: ``held-back reviewed studies (3 images): 2 → 3 of 4 found, 6 → 1 other marks.``"""
        b, a = self.before, self.after
        images = f"{b.images} image{'s' * (b.images != 1)}"
        return f"{self.name} ({images}): {b.found} → {a.found} of {b.lesions} found, {b.other} → {a.other} other marks."

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "lost": list(self.lost),
            "gained": list(self.gained),
        }


def compare(name: str, before: Outcome, after: Outcome, threshold: float) -> Comparison:
    """Compare what two weights make of the same images at one threshold."""
    was, now = ({n for n, score in o.lesions.items() if score >= threshold} for o in (before, after))
    return Comparison(
        name,
        figures(before, threshold),
        figures(after, threshold),
        tuple(sorted(was - now)),
        tuple(sorted(now - was)),
    )


@dataclass(frozen=True)
class Verdict:
    """Whether new weights are better.

    Parameters
    ----------
    comparisons
        That of held-back studies first, where there are such; then the ones that show whether anything was forgotten.
    held_back
        Whether there were studies that nothing was learnt from.
    """

    comparisons: tuple[Comparison, ...]
    held_back: bool

    @property
    def recommended(self) -> bool:
        """Nothing is worse anywhere, and held-back studies show a gain."""
        return self.held_back and not self.reasons and self.comparisons[0].better

    @property
    def reasons(self) -> list[str]:
        """What is worse."""
        return [sentence for c in self.comparisons for sentence in c.worse]

    @property
    def headline(self) -> str:
        """What follows: better, or why not."""
        if self.recommended:
            return "Better."
        if self.reasons:
            more = len(self.reasons) - 1
            return f"Not better: {self.reasons[0]}{f' (and {more} more)' * bool(more)}"
        why = "on the held-back studies" if self.held_back else "because no study could be held back"
        return f"No gain shown {why}: keep the weights that you have."

    @property
    def sentence(self) -> str:
        """For a person: what follows, and before and after."""
        return " ".join((self.headline, *(c.sentence for c in self.comparisons)))
