"""Section *operating point*: the curve with the threshold on it, a promise on false marks, and a lamp."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QSizePolicy

from ...layers.follower import coalesced
from ...reviewed_images import ReviewedImage, ReviewedImages
from ...session.thresholds import promised_score
from ..cases.open_cases import count_anew
from ..cases.section import CasesSection
from ..widgets.section import Section
from ..widgets.theme import Palette
from .curve_view import CurveView
from .promise import PromiseView
from .reviews import Review, done_cases

COUNT_MS = 150
"""So long nobody has turned the promise when the list counts by it: a count takes about a second for a thousand cases."""


class OperatingPointSection(Section):
    """What the present threshold is worth, by an evaluation and by the person's own reviewed cases.

    Parameters
    ----------
    cases
        The list whose cases somebody marks done.
    reviewed_images
        Which of them are open.
    """

    _built = False

    def __init__(self, cases: CasesSection, reviewed_images: Callable[[], ReviewedImages]) -> None:
        super().__init__("operating point")
        # Wrapped lines may need more height than the size hint knows, which is of a wider section.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self._cases, self._images = cases, reviewed_images
        self.curve = CurveView()
        self.promise = PromiseView(self._reviews)
        self._count_soon = coalesced(self._count, COUNT_MS)
        self.body.addWidget(self.curve)
        self.body.addWidget(self.promise)
        self.curve.changed.connect(self._summarise)
        self.promise.changed.connect(self._summarise)
        self.promise.published.connect(self._on_published)
        cases.stepped.connect(self._on_cases)
        self._built = True
        self.set_open(False)

    def set_open(self, shown: bool) -> None:
        """Unfold or fold; what was not shown while it was folded comes now."""
        super().set_open(shown)
        if self._built and shown:
            self.promise.show_all()

    def set_colors(self, colors: Palette) -> None:
        """Colours of the present theme."""
        self.curve.plot.set_colors(colors)

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Tie the curve to another image's threshold."""
        session = reviewed.session if reviewed is not None else None
        if session is not None:
            self.listen(session.events.thresholds, self._on_thresholds)
            self.listen(session.events.findings, self._on_findings)
        self.curve.set_session(session)
        self.promise.set_session(session)

    def let_go(self) -> None:
        """The dock goes."""
        self._count_soon.stop()
        for work in (self.curve.work, self.promise.work, self.promise.measuring):
            work.abandon()

    def _reviews(self, radiographs: bool) -> list[Review]:
        return done_cases(self._cases.model.cases, self._images(), radiographs)

    def _on_thresholds(self, _thresholds: object = None) -> None:
        self.promise.on_thresholds()
        self.curve.show_threshold()

    def _on_findings(self, _findings: object = None) -> None:
        self.promise.on_findings()
        self.curve.show_all()

    def _on_cases(self) -> None:
        if self.reviewed is not None:
            self.promise.show_all()

    def _on_published(self) -> None:
        """Images that are open, but not seen, are at the score that they would open at; the list soon counts by it."""
        for reviewed in self._images():
            session = reviewed.session
            flat = session.image is not None and session.image.ndim == 2
            score = promised_score(flat, session.findings.models)
            if score is not None and reviewed is not self.reviewed:
                session.set_thresholds(score=score)
        self._count_soon.start()

    def _count(self) -> None:
        count_anew(self._cases.model, self._images())

    def _summarise(self) -> None:
        held = f"at most {self.promise.most.value()} false" if self.promise.holds else self.curve.brief
        unlike = " · ▲ unlike" if self.promise.unlike else ""
        self.summary.setText(f"{held}{unlike}" if self.curve.shown is not None or self.promise.holds else "")
