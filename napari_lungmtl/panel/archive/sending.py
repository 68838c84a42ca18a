"""Findings back to the archive: which of them, what SEG and SR cannot hold, and the button."""

from __future__ import annotations

from psygnal import SignalInstance
from qtpy.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from ...reviewed_images import ReviewedImage
from ...session.changes import counted
from ...session.session import Session
from ...text.cases import case_name
from ...training.dicomweb.findings import for_archive, loss_sentence
from ...training.export_options import Which
from ...training.findings import Findings
from ...training.findings.export import chosen
from ..widgets.section import label

WAYS = (Which.SHOWN, Which.ACCEPTED, Which.KEPT)


class SendBox(QFrame):
    """Says what would be sent of the image under review; whoever owns it sends `findings` when `button` is clicked."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("section")
        self._session: Session | None = None
        self._signals: tuple[SignalInstance, ...] = ()
        self._busy = False
        self.title = label("", "name", wrap=True)
        self.which = QComboBox()
        for way in WAYS:
            self.which.addItem(way.words, way)
        self.count, self.lost = label("", "faint", wrap=True), label("", "faint", wrap=True)
        self.button = QPushButton("Send findings")
        self.button.setAutoDefault(False)
        row = QHBoxLayout()
        row.addWidget(QLabel("Findings"))
        row.addWidget(self.which)
        row.addStretch(1)
        row.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.title)
        column.addLayout(row)
        column.addWidget(self.count)
        column.addWidget(self.lost)
        self.which.currentIndexChanged.connect(self.show_state)
        self.show_state()

    @property
    def findings(self) -> Findings:
        """What would be sent now; without any where nothing can be."""
        session = self._session
        if session is None or self._why_not():
            return Findings(())
        return for_archive(self._part(session))

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Be for another image, or for none."""
        self.release()
        self._session = reviewed.session if reviewed is not None else None
        if self._session is not None:
            self._signals = (self._session.events.findings, self._session.events.thresholds)
        for signal in self._signals:
            signal.connect(self.show_state)
        self.show_state()

    def release(self) -> None:
        """Stop listening."""
        for signal in self._signals:
            signal.disconnect(self.show_state)
        self._signals = ()

    def set_busy(self, busy: bool) -> None:
        """Whether something else goes on."""
        self._busy = busy
        self.show_state()

    def _part(self, session: Session) -> Findings:
        shown = {f.id for f in session.visible}
        return chosen(session.findings, self.which.currentData(), lambda f: f.id in shown)

    def _why_not(self) -> str:
        image = self._session.image if self._session is not None else None
        if image is None:
            return "No image is open."
        if not image.is_dicom:
            return "The open image is no DICOM series: an archive takes findings on its own series only."
        return ""

    def show_state(self, _value: object = None) -> None:
        """Say what would be sent."""
        image = self._session.image if self._session is not None else None
        self.title.setText(
            f"Send findings of {case_name(image)} back" if image is not None else "Send findings back"
        )
        why, findings = self._why_not(), self.findings
        if why or self._session is None:
            self.count.setText(why)
        else:
            rejected = len(self._part(self._session)) - len(findings)
            left = f"; {rejected} rejected left out" if rejected else ""
            total = len(self._session.findings)
            words = f"{counted(len(findings))} of {total} as SEG and SR into the same study{left}."
            self.count.setText(words if total else "There are no findings yet.")
        lost = loss_sentence(findings) if len(findings) else ""
        self.lost.setText(f"{lost}." if lost else "")
        self.lost.setVisible(bool(lost))
        self.button.setEnabled(bool(len(findings)) and not self._busy)
