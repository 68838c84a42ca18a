"""Section *prior*: choose the prior study among the open ones, see it beside the present one, and how each nodule has changed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from weakref import WeakKeyDictionary

from napari.components import ViewerModel
from napari.utils.notifications import show_info
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QProgressBar, QSizePolicy, QSpinBox, QWidget

from ...jobs.worker import Worker
from ...layers import planes
from ...prior.beside import PriorBeside
from ...prior.readings import told
from ...prior.studies import (
    PriorStudy,
    candidates,
    findings_of,
    is_later,
    nodules,
    nodules_of,
    patient,
    session_of,
)
from ...reviewed_images import ReviewedImage, ReviewedImages
from ...session.session import Session
from ...shortcuts import tooltip
from ...text.growth import summary
from ...text.priors import LATER_ONLY, apart, whose
from ...training.findings import Finding
from ...training.growth.change import days_between
from ...training.growth.compare import Compared, Comparison, Step, compare
from ...views.linked import LinkedViews
from ..widgets.section import Section, label, set_role, tool_button
from .choice import MOST_DAYS, UNKNOWN, Choice, in_field
from .table import PriorTable

NO_PRIOR = "none"
HINT = "Open the prior CT as well; it can then be chosen here and stands beside the present one."


class PriorSection(Section):
    """Chooses, compares off the GUI thread, and lists; it owns the picture beside the canvas.

    Parameters
    ----------
    viewer
        The napari viewer.
    images
        The open images.
    views
        The linked views.
    """

    def __init__(self, viewer: ViewerModel, images: Callable[[], ReviewedImages], views: LinkedViews) -> None:
        super().__init__("prior")
        self._viewer, self._images = viewer, images
        self._choices: WeakKeyDictionary[ReviewedImage, Choice] = WeakKeyDictionary()
        self._listed: list[PriorStudy] = []
        self._rows: tuple[Compared, ...] = ()
        self._failure = ""
        self.beside = PriorBeside(viewer, views)
        self.work = Worker("The studies could not be compared", self)
        self.work.progressed.connect(self._on_step)
        self.work.finished.connect(self._on_compared)
        self.work.failed.connect(self._on_failed)
        self.work.cancelled.connect(self._show)
        self.commands: dict[str, Callable[[], object]] = {"prior": self.toggle}
        self._build()
        self.set_open(False)
        self._show()

    def _build(self) -> None:
        self.choose = QComboBox()
        self.choose.setToolTip(tooltip("prior", "The study to compare with, among the open ones"))
        self.choose.setAccessibleName("prior study")
        self.choose.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.choose.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.choose.activated.connect(lambda row: self.choose_study(self._listed[row - 1] if row else None))
        self.body.addWidget(self.choose)
        row = QHBoxLayout()
        self.days = QSpinBox()
        self.days.setRange(UNKNOWN, MOST_DAYS)
        self.days.setSpecialValueText("unknown")
        self.days.setAccessibleName("days between the studies")
        self.days.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)  # beside them "unknown" has no room
        self.days.setToolTip("Days from the prior study to the present one; by their dates where known")
        self.days.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.days.editingFinished.connect(self._on_days)
        self.days_label = label("Days between")
        self.swap = tool_button("Swap", "Make the present study the prior one", self._swap)
        self.again = tool_button(
            "Compare", "Register the lungs and measure each nodule in both studies", self.start
        )
        self.stop = tool_button("Cancel", "Stop comparing", self.work.cancel)
        row.addWidget(self.days_label)
        row.addWidget(self.days)
        row.addStretch(1)
        for button in (self.swap, self.again, self.stop):
            row.addWidget(button)
        self.body.addLayout(row)
        self.bar = QProgressBar()
        self.bar.setRange(0, 100)
        self.bar.setTextVisible(False)
        self.body.addWidget(self.bar)
        self.words = label("", "faint", wrap=True)
        self.body.addWidget(self.words)
        self.table = PriorTable()
        self.table.chosen.connect(self._go_to_row)
        self.body.addWidget(self.table)
        self.about = label("", "faint", wrap=True)
        self.body.addWidget(self.about)

    def attach(self, window: QWidget) -> None:
        """Stand beside the canvas of a window."""
        self.beside.attach(window)
        self._images().events.listed.connect(self._on_listed)

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Show the prior that was chosen for this study, if one was."""
        self.work.cancel()
        self._failure = ""
        if reviewed is not None:
            events = reviewed.session.events
            for signal in (events.findings, events.thresholds):
                self.listen(signal, self._show_state)
            self.listen(events.selected, self._on_selected)
        self._show()

    def let_go(self) -> None:
        """Stop listening for good; no widget is touched."""
        self.work.abandon()
        self._listen_to(None)
        self._images().events.listed.disconnect(self._on_listed, missing_ok=True)
        self.beside.let_go()

    # ---- what a person does

    def toggle(self) -> None:
        """Show the likeliest prior beside the present study, or put it away."""
        if self._choice is not None:
            self.choose_study(None)
        elif self._listed and not self._is_later(self._listed[0]):
            self.choose_study(self._listed[0])
        elif self._listed:
            self.set_open(True)
            show_info(LATER_ONLY)
        else:
            self.set_open(True)
            show_info(
                HINT if self._is_ct else "Only a CT can stand beside a prior study: open or choose one."
            )

    def choose_study(self, study: PriorStudy | None) -> None:
        """Show a study as the prior of the present one and compare them; None puts it away."""
        reviewed = self.reviewed
        if reviewed is None:
            return
        self.work.cancel()
        self._failure = ""
        self._choices.pop(reviewed, None)
        if study is not None:
            self._choices[reviewed] = Choice(study)
            self.set_open(True)
        self._show()
        if study is not None:
            self.start()

    def start(self) -> None:
        """Compare, off the GUI thread."""
        choice, reviewed = self._choice, self.reviewed
        present = reviewed.session.image if reviewed is not None else None
        if choice is None or reviewed is None or present is None:
            return
        self._failure = ""
        choice.of = self._nodules(reviewed, choice)
        known = choice.comparison.registration if choice.comparison is not None else None
        self.bar.setValue(0)
        self.work.start(partial(compare, present, choice.study.image, *choice.of, known))
        self._show_state()

    def _swap(self) -> None:
        """Put the prior under review, with the present study as its prior."""
        choice, reviewed = self._choice, self.reviewed
        if choice is None or reviewed is None:
            return
        former = reviewed.layer
        self.choose_study(None)
        self._images().choose(choice.study.layer)
        self.choose_study(next((s for s in self._listed if s.layer is former), None))

    def _on_days(self) -> None:
        choice = self._choice
        if choice is not None and self.days.value() != in_field(self._days(choice)):
            choice.days = self.days.value()
            self._show()

    # ---- the comparison

    @property
    def _choice(self) -> Choice | None:
        return self._choices.get(self.reviewed) if self.reviewed is not None else None

    @property
    def _is_ct(self) -> bool:
        image = self.reviewed.session.image if self.reviewed is not None else None
        return image is not None and image.ndim == 3

    def _days(self, choice: Choice) -> int | None:
        """Days between the studies: what a person wrote, else by their dates."""
        if choice.days is not None:
            return choice.days if choice.days != UNKNOWN else None
        image = self.reviewed.session.image if self.reviewed is not None else None
        return days_between(choice.study.image, image) if image is not None else None

    def _is_later(self, study: PriorStudy) -> bool:
        image = self.reviewed.session.image if self.reviewed is not None else None
        return image is not None and is_later(study.image, image)

    def _nodules(
        self, reviewed: ReviewedImage, choice: Choice
    ) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
        return nodules(reviewed.session.visible), nodules_of(self._images(), choice.study)

    def _on_step(self, step: Step) -> None:
        self.bar.setValue(round(100 * step.fraction))
        self._say(f"{step.stage.capitalize()} …")
        if step.registration is not None and step.registration is not self.beside.registration:
            self.beside.link(step.registration)

    def _on_compared(self, comparison: Comparison) -> None:
        choice = self._choice
        if choice is not None and self.reviewed is not None:
            here, there = self.reviewed.session.findings, findings_of(self._images(), choice.study)
            choice.comparison = told(comparison, here, there)
        self._show()

    def _on_failed(self, sentence: str) -> None:
        self._failure = sentence
        self._show_state()

    # ---- what is shown

    def _on_listed(self) -> None:
        """Studies were opened, closed or renamed."""
        before = self._choice
        open_layers = [id(layer) for layer in self._images().layers]
        for reviewed, choice in tuple(self._choices.items()):
            if id(choice.study.layer) not in open_layers:
                self._choices.pop(reviewed)
        if before is not self._choice:
            self.work.cancel()
            self._show()
            return
        self._list()
        self._show_state()

    def _list(self) -> None:
        """Offer what may be a prior."""
        choice = self._choice
        self._listed = candidates(self._images(), self.reviewed) if self.reviewed is not None else []
        chosen = next(
            (
                n
                for n, s in enumerate(self._listed, 1)
                if choice is not None and s.layer is choice.study.layer
            ),
            0,
        )
        self.choose.clear()
        self.choose.addItems([NO_PRIOR, *(study.words for study in self._listed)])
        self.choose.setCurrentIndex(chosen)
        self.choose.setEnabled(bool(self._listed))

    def _show(self) -> None:
        """Bring list, picture and rows in line with what is chosen."""
        choice, reviewed = self._choice, self.reviewed
        if reviewed is None and not self._listed and not self.beside.shown:
            self._show_state()
            return
        self._list()
        study = choice.study if choice is not None else None
        if study is not self.beside.study or reviewed is not self._beside_of:
            self.beside.show(reviewed, study)
            self._beside_of = reviewed
            self._listen_to(session_of(self._images(), study) if study is not None else None)
        comparison = choice.comparison if choice is not None else None
        if comparison is not None:
            self.beside.link(comparison.registration)
        if choice is not None and reviewed is not None:
            self.beside.mark(self._nodules(reviewed, choice)[1])
        self._rows = comparison.nodules if comparison is not None else ()
        days = self._days(choice) if choice is not None else None
        self.days.setValue(in_field(days))
        self.table.show_nodules(self._rows, days)
        self._show_state()
        if reviewed is not None:
            self._on_selected(reviewed.session.selected)

    _beside_of: ReviewedImage | None = None
    _prior_session: Session | None = None

    def _listen_to(self, session: Session | None) -> None:
        """What is found in the prior is drawn in its picture."""
        former, self._prior_session = self._prior_session, session
        for each, act in ((former, "disconnect"), (session, "connect")):
            if each is not None:
                for signal in (each.events.findings, each.events.thresholds):
                    getattr(signal, act)(self._show)

    def _show_state(self, _event: object = None) -> None:
        choice, running = self._choice, self.work.running
        self.again.setVisible(choice is not None and not running)
        self.stop.setVisible(running)
        self.bar.setVisible(running)
        later = choice is not None and choice.days is None and self._is_later(choice.study)
        for widget in (self.days, self.days_label):
            widget.setVisible(choice is not None and not later)
        self.swap.setVisible(later and not running)
        self.summary.setText(choice.study.words if choice is not None else "")
        if choice is None:
            self._say(HINT if self._is_ct and not self._listed else "")
        elif self._failure:
            self._say(self._failure, "error")
        elif not running:
            said = self._cautions(choice)
            self._say(" ".join(said), "warning" if said else "faint")

    def _cautions(self, choice: Choice) -> list[str]:
        """What to be careful about, in sentences."""
        reviewed = self.reviewed
        present = reviewed.session.image if reviewed is not None else None
        if reviewed is None or present is None:
            return []
        said = whose(patient(present), patient(choice.study.image))
        later = choice.days is None and is_later(choice.study.image, present)
        said += apart(self._days(choice), later, choice.comparison is not None)
        if choice.comparison is None:
            said.append("Not compared; slices are linked by position.")
        elif choice.of is not None and choice.of != self._nodules(reviewed, choice):
            said.append("Findings have changed since: compare again.")
        elif choice.of is not None and not choice.of[1]:
            said.append(
                "The prior study has no findings: review it, or run the networks on it, then compare again."
            )
        return said

    def _say(self, text: str, role: str = "faint") -> None:
        set_role(self.words, role)
        self.words.setText(text)
        self.words.setVisible(bool(text))

    # ---- selection

    def _on_selected(self, id: str | None) -> None:
        """A finding of the present study was selected: the prior shows what it was."""
        row = next(
            (
                n
                for n, nodule in enumerate(self._rows)
                if nodule.match.present is not None and nodule.match.present.id == id
            ),
            None,
        )
        self._mark_row(row)

    def _go_to_row(self, row: int) -> None:
        """Show a nodule in both studies."""
        nodule, reviewed = self._rows[row], self.reviewed
        present, prior = nodule.match.present, nodule.match.prior
        if reviewed is None:
            return
        there = present is not None and any(f.id == present.id for f in reviewed.session.findings)
        if present is not None and there:
            if reviewed.session.selected == present.id:
                planes.go_to(self._viewer, present.center)
                self._mark_row(row)
            reviewed.session.select(present.id)
        elif prior is not None:
            reviewed.session.select(None)
            self._mark_row(row)
            planes.go_to(self._viewer, self.beside.to_present(prior.center))

    def _mark_row(self, row: int | None) -> None:
        self.table.select(row)
        nodule = self._rows[row] if row is not None else None
        choice = self._choice
        days = self._days(choice) if choice is not None else None
        self.about.setText(summary(nodule, days) if nodule is not None else "")
        self.about.setVisible(nodule is not None)
        match = nodule.match if nodule is not None else None
        prior = match.prior if match is not None else None
        present = match.present if match is not None else None
        self.beside.select(prior, present.center if present is not None else None)
