"""*Join…*: what another person did to the same image, before it becomes one with what was done here."""

from __future__ import annotations

from pathlib import Path

from napari.utils.notifications import show_info
from qtpy.QtWidgets import QFileDialog, QWidget

from ...jobs.worker import one_step
from ...session.log.joins import Theirs, counts, joined, read_theirs, sentences, take
from ...session.session import Session
from ...training.findings import ImageReference
from ..widgets.reading_dialog import ReadingDialog
from ..widgets.section import set_role

FILES = "Findings and logs (*.lungmtl.json *.lungmtl.log.jsonl)"
MOST_LINES = 8
"""Sentences that are shown; the others are counted, and hover."""


class JoinDialog(ReadingDialog):
    """Reads another person's file in the background, tells what would become of both, and joins them when asked to.

    Parameters
    ----------
    session
        Of the image under review.
    parent
        Beside which it opens.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        hint = "another person's *.lungmtl.json of this image, its log beside it"
        super().__init__("Join another person's findings", hint, "Join", MOST_LINES, parent)
        self._session = session
        self.theirs: Theirs | None = None
        self.lay_out()
        self.resize(480, 260)

    def open_file(self, path: Path) -> None:
        """Read a file in the background."""
        image, saving = self._session.image, self._session.saving
        if image is None:
            return
        self._session.save()  # our own log tells where both part
        own, logs, reference = self._session.sidecar, saving.logs, ImageReference.of(image)
        self.read(path, lambda: one_step(read_theirs, path, own, logs, reference))

    def take_in(self) -> None:
        """Join, say what was done, and close."""
        if self.theirs is None:
            return
        both = take(self._session, self.theirs)
        self._session.save()
        show_info(f"{self.theirs.path.name}: {counts(both)}.")
        self.close()

    def _ask(self) -> None:
        folder = str(self._session.sidecar.parent) if self._session.sidecar is not None else ""
        path, _ = QFileDialog.getOpenFileName(self, "Another person's findings of this image", folder, FILES)
        if path:
            self.open_file(Path(path))

    def _show(self, theirs: Theirs | None) -> None:
        self.bar.hide()
        self.theirs = theirs
        self.take.setEnabled(theirs is not None)
        set_role(self.words, "")
        lines: list[str] = []
        if theirs is None:
            self.words.setText("")
        else:
            both = joined(theirs, self._session.findings)
            self.words.setText(f"{_source(theirs)}\nFor this window: {counts(both)}.")
            lines = sentences(both, theirs)
        self.warn(lines)


def _source(theirs: Theirs) -> str:
    """Whose it is, and from where on both went their own ways."""
    who, n = theirs.who or "somebody", theirs.commands
    did = f"{n} command{'s' if n != 1 else ''} by {who}" if n else f"Findings of {who}"
    if theirs.since:
        return f"{did}. Both came from what there was on {theirs.since[:10]} at {theirs.since[11:16]}."
    return (
        f"{did}. No log tells where both parted: their values' histories do, and nothing counts as taken out."
    )
