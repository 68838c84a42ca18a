"""What is said of a radiograph as a whole: how probable a nodule is, and what follows, in step with what is marked.

The rule, so that banner and marks never contradict each other: *no nodule suspected*, in green, is said only where the chance is
below the threshold, no mark is shown (rejected ones do not count), nothing speaks against the radiograph, and no network runs.
Where the chance is above it and nothing is marked, or the reverse, the banner says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from ...session.session import Session
from ...text.networks import network
from ...training.findings import Findings, ImageScore
from ...training.findings.models import doubts, orientations
from ...training.imaging.errors import NotAFrontalRadiographError
from ...training.imaging.image import Image
from ...training.imaging.radiograph.frontal import check_frontal
from ...training.imaging.radiograph.orientation import AS_STORED
from ...training.inference.radiograph_answer import ANSWER, with_prevalence


class State(StrEnum):
    """What the banner says: nothing that counts; suspected; not suspected, but marked; not yet; with care; clear."""

    VOID = "void"
    SUSPECTED = "suspected"
    MARKED = "marked"
    OPEN = "open"
    CARE = "care"
    CLEAR = "clear"


@dataclass(frozen=True)
class Doubt:
    """Why a verdict is to be taken with care; `voids` says that it does not count at all (the radiograph is turned)."""

    reason: str
    voids: bool


@dataclass(frozen=True)
class Verdict:
    """What is said of the whole radiograph, the threshold that it is held against, and what speaks against it.

    Parameters
    ----------
    score
        A network's, or the one answer of all.
    threshold
        On the same scale.
    doubt
        What speaks against the radiograph.
    open
        Whether other networks, which may find that the radiograph is turned, still run.
    marks
        How many marks are shown, rejected ones left out.
    prevalence
        Where the score is at a prevalence of 50 %: the one at which its chance is shown. None shows the score itself.
    """

    score: ImageScore
    threshold: float
    doubt: Doubt | None = None
    open: bool = False
    marks: int = 0
    prevalence: float | None = None

    @property
    def above(self) -> bool:
        """Whether the radiograph counts as showing a nodule; the prevalence does not change it."""
        return self.score.probability >= self.threshold

    @property
    def state(self) -> State:
        """What follows, by the rule above."""
        if self.doubt is not None and self.doubt.voids:
            return State.VOID
        if self.above:
            return State.SUSPECTED
        if self.marks:
            return State.MARKED
        if self.open:
            return State.OPEN
        return State.CLEAR if self.doubt is None else State.CARE

    @property
    def chance(self) -> float:
        """The probability (0–1) that is shown."""
        return self._shown(self.score.probability)

    @property
    def limit(self) -> float:
        """The threshold on the scale of `chance`."""
        return self._shown(self.threshold)

    def _shown(self, probability: float) -> float:
        return probability if self.prevalence is None else with_prevalence(probability, self.prevalence)

    @property
    def headline(self) -> str:
        """``Nodule on this radiograph: 83 %``."""
        if self.state is State.VOID:
            return "No verdict on this radiograph"
        return f"Nodule on this radiograph: {percent(self.chance)}"

    @property
    def words(self) -> str:
        """``above the threshold 0.50: nodule suspected``."""
        limit = f"{self.limit:.2f}" if self.prevalence is None else percent(self.limit)
        shown = f"{self.marks} mark{'' if self.marks == 1 else 's'} shown"  # short: the banner has one line
        return {
            State.VOID: f"{percent(self.chance)} does not count, because:",
            State.SUSPECTED: f"above the threshold {limit}: nodule suspected"
            + ("" if self.marks else ", none marked"),
            State.MARKED: f"below the threshold {limit}, but {shown}",
            State.OPEN: f"below the threshold {limit}; the run goes on",
            State.CARE: f"below the threshold {limit}: read with care",
            State.CLEAR: f"below the threshold {limit}: no nodule suspected",
        }[self.state]

    @property
    def condition(self) -> str:
        """``at prevalence 10 %``; empty where the score is shown as it is."""
        return "" if self.prevalence is None else f"at prevalence {percent(self.prevalence)}"

    @property
    def network(self) -> str:
        """``DHN 0.1``, ``DHN (own)`` with weights of a person's own; of the one answer the networks that it comes from."""
        if self.score.model != ANSWER:
            version, _, own = self.score.version.partition("+")
            return f"{network(self.score.model)} {'(own)' if own else version}".strip()
        named = (part.rpartition(" ") for part in self.score.version.split(" + "))
        return " + ".join(f"{network(name)} {version}" for name, _, version in named)


def percent(fraction: float) -> str:
    """``83 %``, ``0.4 %``: two digits below ten."""
    value = 100 * fraction
    return f"{value:.0f} %" if value >= 9.95 or value == 0 else f"{value:.2g} %"


def verdicts(session: Session | None, doubt: Doubt | None = None) -> tuple[Verdict, ...]:
    """What is said of the session's image, against the person's threshold or else its own: the one answer, or each network."""
    if session is None or session.image is None or session.image.ndim != 2:
        return ()
    thresholds, partial = session.thresholds, session.is_partial
    marks = sum(f.status != "rejected" and f.box is not None for f in session.visible)
    scores = session.findings.image_scores
    answer = tuple(s for s in scores if s.model == ANSWER)
    return tuple(
        Verdict(
            score,
            score.threshold if thresholds.image is None else thresholds.image,
            doubt,
            partial,
            marks,
            thresholds.prevalence if answer else None,
        )
        for score in answer or scores
    )


def noticed(session: Session) -> Doubt | None:
    """What networks noticed of the radiograph, in this run or before the file was saved; or that it was turned since.

    One thing is said: where it lies, that no lungs were found follows.
    """
    if seen_otherwise(session.findings):
        return Doubt("The networks saw it turned otherwise: run again.", voids=True)
    said = doubts(session.findings.models)
    return Doubt(said[0], voids=True) if said else None


def seen_otherwise(findings: Findings) -> bool:
    """Whether networks looked at the radiograph before a person turned or mirrored it; bright air is no other view to them."""
    now = replace(findings.orientation or AS_STORED, inverted=False)
    return any(replace(seen, inverted=False) != now for seen in orientations(findings.models))


def not_frontal(image: Image) -> Doubt | None:
    """What header and pixels say against a frontal chest radiograph; it takes tens of milliseconds."""
    try:
        reason = check_frontal(image)
    except NotAFrontalRadiographError as error:
        return Doubt(str(error), voids=True)
    return Doubt(reason, voids=False) if reason else None
