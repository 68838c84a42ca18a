"""The truth beside an image under review: what became of each shown finding, live with the thresholds.

No Qt, no napari. The truth is nobody's edit: it stays out of the history and out of the sidecar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from psygnal import Signal, SignalGroup

from ..training.comparison.outcomes import Matcher, Outcome, Outcomes
from ..training.findings import Finding
from ..training.findings.truth import Truth
from ..training.imaging.image import Image
from .session import Session

ALL = "all readers"
"""The voice that all readers of a file have together."""


class TruthEvents(SignalGroup):
    """What views listen to."""

    truth = Signal()  # another truth, or none, or another voice of it
    outcomes = Signal()  # a finding came, went or moved
    filter = Signal()  # other findings are to be listed


class TruthReview:
    """The truth of a session's image, and the outcomes of its visible findings."""

    def __init__(self, session: Session) -> None:
        self.events = TruthEvents()
        self._session = session
        self._loaded: Truth | None = None
        self._beside: Image | None = None
        self._voice = ALL
        self._filter: Outcome | None = None
        self._matcher: Matcher | None = None
        self._of: Sequence[Finding] | None = None
        self._outcomes = Outcomes()
        session.events.thresholds.connect(self._on_session)
        session.events.findings.connect(self._on_session)
        session.events.image.connect(self._on_image)

    @property
    def loaded(self) -> Truth | None:
        """The truth as it was loaded, with the voices of all readers."""
        return self._loaded

    @property
    def truth(self) -> Truth | None:
        """The truth that findings are compared with: that of all readers together, or of the chosen one."""
        return self._matcher.truth if self._matcher is not None else None

    @property
    def voice(self) -> str:
        """Whose truth it is: `ALL`, or a reader's name."""
        return self._voice

    @property
    def filter(self) -> Outcome | None:
        """The outcome that findings must have to be listed; None for all."""
        return self._filter

    @property
    def outcomes(self) -> Outcomes:
        """What became of the visible findings, rejected ones left out, and of the nodules; empty without a truth."""
        if self._matcher is not None and self._of is not self._session.visible:
            self._of = self._session.visible
            self._outcomes = self._matcher.outcomes([f for f in self._of if f.status != "rejected"])
        return self._outcomes

    def set(self, truth: Truth | None) -> None:
        """Lay a truth beside the image, or take it away."""
        self._loaded, self._beside = truth, self._session.image
        self._filter = None
        self._listen_to(ALL)

    def choose(self, voice: str) -> None:
        """Compare with one reader, or with `ALL`.

        Raises
        ------
        KeyError
            The truth has no such reader.
        """
        if voice != ALL and (self._loaded is None or voice not in self._loaded.readers):
            raise KeyError(voice)
        self._listen_to(voice)

    def list_only(self, outcome: Outcome | None) -> None:
        """List findings of this outcome alone, or (None) all."""
        if outcome != self._filter:
            self._filter = outcome
            self.events.filter.emit()

    def lists(self, finding: Finding) -> bool:
        """Whether the filter lets a visible finding pass."""
        return self._filter is None or self.outcomes.marks.get(finding.id) is self._filter

    @property
    def missed(self) -> tuple[Finding, ...]:
        """The nodules that no visible finding hits, in the truth's order."""
        truth, nodules = self.truth, self.outcomes.nodules
        return () if truth is None else tuple(f for f in truth.nodules if nodules.get(f.id) is Outcome.MISS)

    @property
    def false_alarms(self) -> tuple[Finding, ...]:
        """The visible findings that are false alarms, in the session's order."""
        marks = self.outcomes.marks
        return tuple(f for f in self._session.visible if marks.get(f.id) is Outcome.FALSE_ALARM)

    def place(self, finding: Finding) -> tuple[float, ...]:
        """Centre and diameter of a visible finding or a nodule of the truth, as it is matched: (z, y, x, d) or (y, x, d)."""
        assert self._matcher is not None
        own = self.truth is not None and any(finding is f for f in self.truth.nodules)
        values = self._matcher.place(finding, own)
        if not self._matcher.flat:
            return tuple(values.tolist())
        x0, y0, x1, y1 = values.tolist()
        return (y0 + y1) / 2, (x0 + x1) / 2, max(x1 - x0, y1 - y0)

    def _listen_to(self, voice: str) -> None:
        self._voice = voice
        truth, image = self._loaded, self._session.image
        if truth is not None and voice != ALL:  # what other readers saw is no error of this one
            truth = replace(truth, nodules=truth.readers[voice], excluded=(), spheres={})
        self._matcher = None if truth is None or image is None else Matcher(truth, flat=image.ndim == 2)
        self._of, self._outcomes = None, Outcomes()
        self.events.truth.emit()

    def _on_session(self) -> None:
        if self._matcher is not None:
            before = self._outcomes
            if self.outcomes != before:
                self.events.outcomes.emit()

    def _on_image(self) -> None:
        # What was laid beside this very image, while others are still being told of it, stays.
        if self._loaded is not None and self._beside is not self._session.image:
            self.set(None)
