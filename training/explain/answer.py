"""What a run says of one place: the mark that is there, or the first cause why there is none, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ..findings import Box, Geometry, Sphere

PROPOSAL = "proposal"
"""The network's first look sees too little for a second one."""
LIMIT = "limit"
"""There are more, and surer, places for a second look than the run takes."""
OVERLAP = "overlap"
"""A surer mark that overlaps it has swallowed it (non-maximum suppression)."""
FIELD = "field"
"""It lies outside the lung field, or outside the picture."""
FLOOR = "floor"
"""Its score is under the one from which marks are kept."""
JOINED = "joined"
"""It was joined to a surer mark of the same lesion, whose sphere lies elsewhere."""
AIR = "air"
"""Its score was lowered, because there is hardly any air around."""
SMALL = "small"
"""What is left of it is too small for a mark."""
EDGE = "edge"
"""The mark next to it ends before it."""
THRESHOLD = "threshold"
"""The mark is there, and its score is under the one from which marks are shown."""
SCORES = (PROPOSAL, LIMIT, FLOOR)
"""What asks for a score before marks are kept, in the order of a run."""
UNSEEN = "unseen"
"""The network did not look there."""
NOTHING = "nothing"
"""Nothing that the network can mark lies there, however low the score: nothing can be switched off to make a mark appear."""


@dataclass(frozen=True)
class Place:
    """Where a person asks.

    Parameters
    ----------
    point
        World point (z, y, x) of a CT, (y, x) of a radiograph.
    nodule
        The true nodule there, if any: a mark is then here by the official rule of the modality (its centre within the sphere's
        radius; intersection over union with the box). Without one, a mark is here that holds the point.
    """

    point: tuple[float, ...]
    nodule: Sphere | Box | None = None


@dataclass(frozen=True)
class Stage:
    """One step of a run at a place.

    Parameters
    ----------
    name, value, limit
        What was asked, what the answer was, and what it had to be, for a person: ``"first look (RPN)"``, ``"0.31"``,
        ``"> 0.02"``.
    passed
        Whether the place got past it; None where it was never asked, and `value` is what the answer would have been.
    """

    name: str
    value: str
    limit: str = ""
    passed: bool | None = True


@dataclass(frozen=True)
class Cause:
    """Why no mark is at a place.

    Parameters
    ----------
    kind
        One of this module's words.
    words
        A sentence for a radiologist.
    also
        The same in short, where another cause is named first.
    off
        What would have to be switched off or lowered: `kind`, and what asks the same later. A score that is too low for a second
        look is one cause, though what is kept asks for a score again.
    """

    kind: str
    words: str
    also: str = ""
    off: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "off", self.off | {self.kind})


@dataclass(frozen=True)
class Answer:
    """What one network's run says of a place.

    Parameters
    ----------
    model, title
        The network, by name and as a person knows it.
    place
        Where was asked.
    stages
        In the order of the run, as far as they concern the place.
    mark
        The mark that is here, also one that is not shown; None where there is none.
    score
        Of that mark; where there is none, what its score would be without the causes: 0–1. None where nobody can say.
    causes
        Why no mark is shown, in the order of the run; empty where one is. The first is the one to name. Without all of them
        (nearly always one) the mark would be there, with `score`.
    candidate
        The network's own number of what would be the mark; None where there is none.
    """

    model: str
    title: str
    place: Place
    stages: tuple[Stage, ...] = ()
    mark: Geometry | None = None
    score: float | None = None
    causes: tuple[Cause, ...] = ()
    candidate: int | None = None

    @property
    def cause(self) -> Cause | None:
        """The cause to name; None where a mark is shown."""
        return self.causes[0] if self.causes else None

    @property
    def sentence(self) -> str:
        """The answer in a sentence or two."""
        if not self.causes:
            score = "" if self.score is None else f", score {lower(self.score)}"
            return f"{self.title} marks this place{score}."
        first, *others = self.causes
        said = [first.words, *(cause.also for cause in others)]
        if self.mark is None and self.score is not None and not any(c.kind in SCORES for c in self.causes):
            said.append(f"But for that it would be marked, with a score of {lower(self.score)}.")
        return " ".join(said)

    def with_cause(self, cause: Cause, stage: Stage) -> Answer:
        """The answer with a further cause and its stage, after all others."""
        return replace(self, causes=(*self.causes, cause), stages=(*self.stages, stage))


def under_threshold(answer: Answer, threshold: float) -> Answer:
    """Say of a mark that is there whether it passes the threshold from which marks are shown."""
    if answer.mark is None or answer.score is None:
        return answer
    shown = answer.score >= threshold
    stage = Stage("shown", lower(answer.score), f"≥ {threshold:.2f}", shown)
    if shown:
        return replace(answer, stages=(*answer.stages, stage))
    words = (
        f"{answer.title} has marked this place, but is not sure enough to show it: it would appear "
        f"at a threshold of {lower(answer.score)}."
    )
    return answer.with_cause(Cause(THRESHOLD, words), stage)


def promising(against: Mapping[str, np.ndarray], score: np.ndarray) -> list[int]:
    """Choose candidates to be followed to the end.

    Parameters
    ----------
    against
        By word of this module, bool (K,): what a run had against each of K candidates.
    score
        (K,) what each would score.

    Returns
    -------
    list of int
        The best of those with nothing against them, of those that one suppression took out, of those whose score is too low, of
        the others.
    """
    none = np.zeros(len(score), int)
    taken_out = sum((bad.astype(int) for kind, bad in against.items() if kind not in SCORES), none)
    low = sum((bad.astype(int) for kind, bad in against.items() if kind in SCORES), none) > 0
    kind = np.where(low, np.where(taken_out == 0, 2, 3), np.where(taken_out > 1, 3, taken_out))
    return [int(at[score[at].argmax()]) for k in range(4) if len(at := np.flatnonzero(kind == k))]


class Trace(Protocol):
    """What a run keeps of its reasons; lives as long as somebody holds it."""

    @property
    def model(self) -> str:
        """The network's name."""
        ...

    @property
    def version(self) -> str:
        """Of its weights."""
        ...

    @property
    def nbytes(self) -> int:
        """Memory that it holds."""
        ...

    def answer(self, place: Place) -> Answer:
        """Say which mark is at a place, shown or not, or why the run made none."""
        ...


LEAST = 1e-4


def lower(score: float) -> str:
    """Write a score so that a threshold set to what is read lets it pass: rounded down, to two digits that are not 0.

    Examples
    --------
    >>> lower(0.178), lower(0.00437), lower(1.0), lower(1e-9)
    ('0.17', '0.0043', '1.00', '< 0.0001')
    """
    if score < LEAST:
        return f"< {LEAST:.4f}"
    digits = 2
    while score < 10.0 ** (1 - digits):
        digits += 1
    step = 10**digits
    return f"{int(score * step + 1e-6) / step:.{digits}f}"
