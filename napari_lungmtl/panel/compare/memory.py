"""What images are compared with, for as long as the window lives: a case that is let go and opened again has it still."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ...reviewed_images import ReviewedImage
from ...session.truth import ALL
from ...training.comparison.outcomes import Outcome
from ...training.findings import Findings
from ...training.findings.truth import Truth


@dataclass
class Compared:
    """The truth of an image, whose voice of it is heard, which outcome is listed alone; opened sets, and those that are chosen.

    `files` and `doubts` are by the names of their files, `chosen` are the names of sets A and B.
    """

    truth: Truth | None = None
    voice: str = ALL
    filter: Outcome | None = None
    files: dict[str, Findings] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)
    chosen: tuple[str, str] | None = None


class Memory:
    """Knows images by the file of their findings, which is the same whenever they are opened."""

    def __init__(self) -> None:
        self._known: dict[Path, Compared] = {}

    def of(self, reviewed: ReviewedImage | None) -> Compared:
        """What an image is compared with; of one without a file, or of none, nothing that lasts."""
        path = reviewed.session.sidecar if reviewed is not None else None
        return self._known.setdefault(path, Compared()) if path is not None else Compared()

    def keep_truth(self, reviewed: ReviewedImage) -> None:
        """Remember what a person has just chosen."""
        known, review = self.of(reviewed), reviewed.truth
        known.truth, known.voice, known.filter = review.loaded, review.voice, review.filter

    def recall_truth(self, reviewed: ReviewedImage, set_truth: Callable[[Truth], None]) -> None:
        """Lay the truth beside an image that was opened again."""
        known, review = self.of(reviewed), reviewed.truth
        truth, voice, filter_ = known.truth, known.voice, known.filter
        if truth is None or review.loaded is not None:
            return
        set_truth(truth)
        if voice != ALL:
            review.choose(voice)
        review.list_only(filter_)
        known.voice, known.filter = voice, filter_
