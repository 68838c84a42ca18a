"""Section *why here*: what the networks' run thought at a place that a person asks about, and why it is marked or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from napari.components import ViewerModel
from napari.utils.notifications import show_warning
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from ...canvas.frame import Frame
from ...canvas.questions import Questions
from ...reviewed_images import ReviewedImage
from ...session.explained.reasons import in_session
from ...session.explained.traces import Traces
from ...text.why import place_words, verdict
from ...training.explain.answer import Answer, Place, Trace
from ...training.findings import Box, Finding, Sphere
from ...training.imaging.image import Image
from ...views.linked import LinkedViews
from ...views.pane import ViewPane
from ..widgets.section import Section, label, set_role, tool_button
from ..widgets.theme import Palette
from .saliency import SaliencySwitch
from .table import StagesTable

HINT = "Alt+click a place to ask why the networks mark it, or why not."
NO_RUN = (
    "No run with the present weights is kept for this image: findings from a file or of another session do not tell their reasons. "
    "Run again to ask."
)


class WhySection(Section):
    """Answers one question at a time; unfolds with the first.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    """

    run_wanted = Signal()
    """A person wants a run, to ask about it."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__("why here")
        self.traces = Traces()
        self.questions = Questions(viewer, self._image)
        self.questions.asked.connect(self.ask)
        self.commands: dict[str, Callable[[], object]] = {}
        self._said: tuple[Answer, ...] = ()
        self._place: Place | None = None
        self._asked_before = False
        self.sentence = label(HINT, "faint", wrap=True)
        self.table = StagesTable()
        self.button = QPushButton("Run")
        self.button.setToolTip("Run the networks on this image; the question is answered when they are done")
        self.button.clicked.connect(self.run_wanted)
        self.pick = tool_button("Ask by a click", "The next click on the image asks, without Alt", self._pick)
        self.pick.setCheckable(True)
        self.questions.waiting_changed.connect(self.pick.setChecked)
        self.row = QWidget()
        row = QHBoxLayout(self.row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.pick)
        row.addStretch(1)
        row.addWidget(self.button)
        self.saliency = SaliencySwitch(self)
        self.saliency.failed.connect(show_warning)
        for widget in (self.sentence, self.table, self.row, self.saliency):
            self.body.addWidget(widget)
        self.set_open(False)
        self._show()

    def attach(self, window: QWidget, views: LinkedViews) -> None:
        """Take questions from the canvas of a window and from the planes beside it."""
        self.questions.attach(window)
        for pane in views.panes.values():
            self.questions.listen_to(pane, partial(_frame_of, pane))

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Forget the last question: it was about another image."""
        self._place, self._said = None, ()
        self.questions.wait(False)
        if reviewed is not None:
            events = reviewed.session.events
            for signal in (events.findings, events.thresholds):
                self.listen(signal, self._show)
            for signal in (events.findings, events.selected, events.image):
                self.listen(signal, self._show_selected)
        self._show_selected()
        self._show()

    def set_colors(self, colors: Palette) -> None:
        """Colours of the present theme."""
        self.table.set_colors(colors)
        self._show()

    def release(self) -> None:
        """Stop listening, and let go of what is being computed."""
        super().release()
        self.saliency.forget()

    def let_go(self) -> None:
        """The dock goes, and the canvas may stay: clicks are napari's again."""
        self.questions.let_go()

    def keep(self, reviewed: ReviewedImage, trace: Trace) -> None:
        """Keep the reasons of a run that goes on."""
        self.traces.keep(reviewed.session, trace)

    def ask_again(self, reviewed: ReviewedImage) -> None:
        """Answer the last question anew: a run has brought its findings."""
        if reviewed is self.reviewed:
            self.answer_again()

    def forget(self, reviewed: ReviewedImage) -> None:
        """The image is closed: its reasons go."""
        self.traces.forget(reviewed.session)

    def ask(self, point: Sequence[float], nodule: Sphere | Box | None = None) -> None:
        """Ask about a world point, or about the true nodule there, and unfold at the first question.

        A reader study hides the section, and nothing is told then.
        """
        if self.reviewed is None or self.isHidden():
            return
        self._place = Place(tuple(float(c) for c in point), nodule)
        if not self._asked_before:
            self._asked_before = True
            self.set_open(True)
        self.answer_again()

    def ask_about(self, nodule: Finding) -> None:
        """Ask why a true nodule is missed."""
        if self.reviewed is None:
            return
        place = self.reviewed.truth.place(nodule)
        if len(place) == 4:
            self.ask(place[:3], Sphere(place[:3], place[3]))
        else:
            self.ask(place[:2], nodule.box)

    def _image(self) -> Image | None:
        return self.reviewed.session.image if self.reviewed is not None else None

    def _show_selected(self, _value: object = None) -> None:
        session = self.reviewed.session if self.reviewed is not None else None
        id = session.selected if session is not None else None
        finding = session.findings[id] if session is not None and id is not None else None
        self.saliency.show_finding(self._image(), finding)

    def _pick(self) -> None:
        self.questions.wait(self.pick.isChecked())

    def answer_again(self) -> None:
        """Put the last question to the traces of the present weights."""
        if self._place is not None and self.reviewed is not None:
            self._said = tuple(t.answer(self._place) for t in self.traces.of(self.reviewed.session))
            self._show()

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What is shown: one answer for each network that ran."""
        session = self.reviewed.session if self.reviewed is not None else None
        return () if session is None else tuple(in_session(session, said) for said in self._said)

    def _show(self, _value: object = None) -> None:
        place, image, answers = self._place, self._image(), self.answers
        self.summary.setText("" if place is None or image is None else place_words(place, image))
        unknown = place is not None and not answers
        if place is None:
            text = HINT
        else:
            text = NO_RUN if unknown else "\n".join(verdict(a) for a in answers)
        self.sentence.setText(text)
        set_role(self.sentence, "faint" if place is None else "")
        self.table.show_answers(answers)
        self.table.setVisible(any(a.stages for a in answers))
        self.button.setVisible(unknown)
        self.pick.setEnabled(image is not None)


def _frame_of(pane: ViewPane) -> Frame | None:
    """Where a pane shows the world."""
    return pane.frame if pane.scene is not None else None
