"""What both experiments share: a reader that a script plays, and marks as a moved last layer would make them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_lungmtl.training.learning.candidates import Candidates, Head
from napari_lungmtl.training.learning.fit import Rows, Scale, choose_pull, fit, together
from napari_lungmtl.training.learning.learn import SHARES
from napari_lungmtl.training.learning.places import hits, judged_rows


@dataclass(frozen=True, eq=False)
class Study:
    """One image with its truth (N, 4), the marks that the shipped weights leave (M, 4), and what they looked at."""

    name: str
    truth: np.ndarray
    marks: np.ndarray
    candidates: Candidates
    planar: bool

    @property
    def rows(self) -> Rows:
        """What a reader teaches who accepts each mark that hits, rejects all others, and draws what is missed."""
        free = ~hits(self.marks, self.truth, self.planar).any(1)
        return judged_rows(self.candidates, self.truth, self.marks[free], self.planar)


def taught(studies: list[Study]) -> tuple[Head | None, float]:
    """The step that studies teach, by the same functions as `lungmtl train --reviewed`, and the pull; None without both classes."""
    rows = [s.rows for s in studies]
    every = together(rows)
    if not every.both:
        return None, np.nan
    scale = Scale.of([s.candidates.features[~s.candidates.drawn] for s in studies])
    pull = choose_pull(rows, scale).pull
    return fit(every, scale, pull), pull


def backed_off(step: Head, forgets: Callable[[Head], bool]) -> Head:
    """The largest part of a step that forgets nothing, as the command takes it; the smallest where all do."""
    parts = [step.scaled(share) for share in SHARES]
    return next((part for part in parts if not forgets(part)), parts[-1])


def logits(candidates: Candidates, step: Head | None) -> np.ndarray:
    """Logits (P,) of the shipped layer, or of one that has moved."""
    if step is None:
        return candidates.logits
    return candidates.logits + candidates.features @ step.weight + step.bias
