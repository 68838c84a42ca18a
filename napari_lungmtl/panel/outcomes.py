"""What a run had to say: kept with its image, and said with its name while another one is looked at."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from qtpy.QtWidgets import QLabel

from ..reviewed_images import ReviewedImage
from ..training.findings import Findings
from ..training.findings.models import doubts
from .widgets.section import set_role


class Outcomes:
    """Writes into a label how the last run of the image that is looked at ended, or what it says so far.

    Parameters
    ----------
    message
        Where it stands; hidden while nothing is to be said.
    """

    def __init__(self, message: QLabel) -> None:
        self._message = message
        self._of: WeakKeyDictionary[ReviewedImage, tuple[str, str]] = WeakKeyDictionary()
        self._shown: ReviewedImage | None = None
        self.say("")

    def say(self, text: str, role: str = "") -> None:
        """Say something that is gone when another image is looked at."""
        set_role(self._message, role)
        self._message.setText(text)
        self._message.setVisible(bool(text))

    def tell(self, of: ReviewedImage | None, text: str, role: str = "") -> str:
        """Keep what a run on an image had to say, and return it as it is said here: with the image's name where it is another."""
        if of is not None:
            self._of[of] = text, role
        said = text if of is self._shown or of is None else f"“{of.layer.name}”: {text}"
        self.say(said, role)
        return said

    def forget(self, of: ReviewedImage | None) -> None:
        """What the last run on an image brought is another's, or was undone: nothing is said of it any more."""
        if of is not None:
            self._of.pop(of, None)
        if of is self._shown:
            self.say("")

    def show(self, reviewed: ReviewedImage | None) -> None:
        """Say what was said of an image that is looked at now; where no run has ended on it, what its findings bring."""
        self._shown = reviewed
        notes = notes_of(reviewed.session.findings) if reviewed is not None else ""
        kept = self._of.get(reviewed) if reviewed is not None else None
        self.say(*(kept or (notes, "warning")))


def notes_of(findings: Findings) -> str:
    """What a run had to say, also one before the file was saved; what voids the verdict stands with the banner."""
    return "\n".join(note for note in findings.notes if note not in doubts(findings.models))
