"""The dock *Lung nodules*: a list of sections, read from top to bottom as the work goes."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from functools import partial

import napari.viewer
from qtpy.QtCore import QEvent, QObject, QSize, QTimer
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QShortcut, QVBoxLayout, QWidget

from .. import shortcuts
from ..canvas.cine import Cine
from ..canvas.corners import CornerTexts
from ..canvas.ground import Ground
from ..canvas.marks.overlay import MarkTexts
from ..canvas.mouse import ReadingMouse
from ..canvas.whole import StaysWhole
from ..editing.stays_put import StaysPut
from ..editing.tools import EditTools
from ..jobs.units import prepare_units
from ..layers import planes
from ..layers.gl_context import canvas_of, make_removals_safe
from ..reviewed_images import ReviewedImage, ReviewedImages
from ..training.crossval.saliency import saliency
from ..training.log_file import keep_log
from ..views.linked import LinkedViews
from .actions import window_actions
from .archive.button import ArchiveButton
from .blind.section import BlindSection
from .cases.section import CasesSection
from .cohort.section import CohortSection
from .commands import ReviewCommands
from .compare.section import CompareSection
from .findings.section import FindingsSection
from .first_finding import FirstFinding
from .footer import Footer
from .hand_on.section import HandOnSection
from .history.section import HistorySection
from .inside.section import InsideSection
from .leaving import close_windows
from .measurements.section import MeasureSection
from .nodule.section import NoduleCardSection
from .operating_point.section import OperatingPointSection
from .pictures import Pictures
from .preferences import Preferences
from .prior.section import PriorSection
from .reading.curtain import Curtain
from .reading.section import ReadingSection
from .run import RunSection
from .show.section import ShowSection
from .study.section import StudySection
from .weights.choice import Sets, WeightsChoice
from .why.section import WhySection
from .widgets.late_scroll import LateScrollArea
from .widgets.qt import call_each, sure
from .widgets.section import Section
from .widgets.theme import palette, stylesheet
from .widgets.wheel import WheelGuard

WIDTH = 380
# Before what saves and waits: that was registered earlier, and is done when this one has closed what is open.
atexit.register(close_windows)


class LungNodulesDock(QWidget):
    """Find, look at and judge lung nodules in the selected image layer.

    Parameters
    ----------
    viewer
        The napari viewer that the dock belongs to.
    """

    run: RunSection
    findings: FindingsSection
    footer: Footer
    reviewed_images: ReviewedImages

    def __init__(self, viewer: napari.viewer.Viewer) -> None:  # napari goes by exactly this annotation
        super().__init__()
        keep_log(terminal=True)
        # From its menu napari hands out a proxy that wraps every layer anew, while events carry the layers themselves:
        # what is known by identity must not be wrapped.
        viewer = getattr(viewer, "__wrapped__", viewer)
        self.viewer = viewer
        self.setObjectName("LungNodulesDock")
        self._actions = window_actions(self)
        self.measure = MeasureSection(viewer, lambda: self.views.canvas_slab.slab)
        self.pictures = Pictures(viewer)
        self.compare = CompareSection(viewer)
        self.inside = InsideSection(viewer, lambda: self.run.chosen_device)
        self.compare.missed.connect(self.inside.look_at)
        self.run = RunSection()
        self.weights = WeightsChoice(self.run)
        self.run.head.addWidget(self.weights.button)
        self.run.body.insertWidget(1, self.weights)
        self.weights.changed.connect(self.inside.again)
        self.weights.compared.connect(self._show_compared)
        self.cases = CasesSection(viewer, lambda: self.reviewed_images, self.run, self.compare.set_truth)
        self.study_section = StudySection(lambda: self.reviewed_images, self.cases)
        self.operating_point = OperatingPointSection(self.cases, lambda: self.reviewed_images)
        self.why = WhySection(viewer)
        self.why.run_wanted.connect(self.run.start)
        self.run.traced.connect(self.why.keep)
        self.run.found.connect(self.why.ask_again)
        self.weights.changed.connect(self.why.answer_again)
        self.compare.missed.connect(self.why.ask_about)
        self.cine = Cine(viewer, self)
        self.measure.hand.tool_changed.connect(lambda tool: self.cine.stop() if tool is not None else None)
        self.views = LinkedViews(viewer)
        self.prior = PriorSection(viewer, lambda: self.reviewed_images, self.views)
        review = ReviewCommands(lambda: self.reviewed, self.measure)
        self.editing = EditTools(viewer, lambda: self.reviewed)
        for part in (review, self.measure, self.pictures, self.compare, self.prior, self.editing):
            self._actions |= part.commands
        self.reading = ReadingSection(viewer, lambda: self.reviewed_images)
        self._actions = self.reading.guard(self._actions)
        self.run.busy = self.reading.busy_beside(self.run.busy)
        self.preferences = Preferences()
        self.show_section = ShowSection(viewer, self.views, self.cine, self.preferences)
        self.weights.changed.connect(self.show_section.show_expected)
        self.weights.changed.connect(self.operating_point.curve.show_all)
        self.show_section.head.addWidget(self.pictures)
        self.show_section.heat.device = lambda: self.run.chosen_device
        self.findings = FindingsSection(self._actions)
        self.findings.none_yet = self.reading.none_yet
        self.card = NoduleCardSection(self.preferences)
        self.history = HistorySection()
        self.card.characterise.connect(self.run.characterise)
        self.why.saliency.ready.connect(self.card.closeups.show_heat)
        self.why.saliency.compute = lambda image, finding: saliency(image, finding, self.run.chosen_device)
        self.compare.changed.connect(self.study_section.show_legend)
        self.run.started.connect(self._stay_at_run)
        self.first_finding = FirstFinding(viewer, self.run, lambda: self.reviewed)
        self.first_finding.shown.connect(self._stay_at_run)
        self.blind = BlindSection(viewer, lambda: self.run.chosen_device)
        studying = self.blind.one.off = self.compare.off = lambda: self.reading.study is not None
        self.cases.off = studying
        self.reading.begins.connect(self.cases.opener.forget)
        archive = ArchiveButton(viewer, lambda: self.reviewed_images)
        self.hand_on = HandOnSection((archive,), self.compare, self.findings.export, studying)
        self.cohort = CohortSection(viewer, lambda: self.reviewed_images, lambda: self.run.runner.running)
        self.footer = Footer()
        self.sections: tuple[Section, ...] = (
            self.study_section,
            self.cases,
            self.run,
            self.show_section,
            self.findings,
            self.card,
            self.history,
            self.prior,
            self.measure,
            self.compare,
            self.operating_point,
            self.why,
            self.inside,
            self.blind,
            self.reading,
            self.hand_on,
            self.cohort,
            self.footer,
        )
        kept = (
            self.study_section,
            self.show_section,
            self.findings,
            self.card,
            self.reading,
            self.measure,
            self.footer,
        )
        self.reading.curtain = Curtain(self.sections, kept, (self.card,), self.show_section.heat)
        self._lay_out()
        self._wheel = WheelGuard(self, *self.sections, *(each.content for each in self.sections))
        self._shortcuts: list[QShortcut] = []
        self._set_theme()
        viewer.events.theme.connect(self._set_theme)
        self._stop_turning: Callable[[], None] | None = planes.hold_upright(viewer, self._is_flat)
        self.reviewed_images = ReviewedImages(viewer)
        self.corners = CornerTexts(viewer, self.views.looked_through)
        texts = (self.corners.rectangles, self.measure.hand.overlay.rectangles, self.views.canvas_slab.taken)
        self.marks = MarkTexts(viewer, lambda: tuple(box for each in texts for box in each()))
        self.measure.hand.overlay.moved.connect(self.marks.later)
        self.measure.hand.overlay.marks = self.marks.outlines
        self.views.is_taken = lambda: self.blind.one.is_on or self.prior.beside.shown
        self.pictures.watch(self.views, self.corners, self.marks, self.measure, self.prior.beside)
        self.marks.show_table(self.preferences["attributes"])
        self.preferences.events.changed.connect(self._switch)
        self.mouse, self.ground = ReadingMouse(viewer), Ground(viewer)
        self.whole = StaysWhole(viewer, lambda: self.reviewed is not None)
        self.reviewed_images.events.current.connect(self._set_reviewed)
        for forget in (self.run.forget, self.why.forget, self.cases.on_closing, self.blind.forget):
            self.reviewed_images.events.closing.connect(forget)
        self.reviewed_images.events.listed.connect(self.study_section.show_list)
        self.reviewed_images.events.listed.connect(self.cases.sync_soon)
        self._set_reviewed(self.reviewed_images.current)
        self.stays_put = StaysPut(viewer, self.reviewed_images)
        self._units = prepare_units(self)
        self.destroyed.connect(partial(_let_go, self))

    def _is_flat(self) -> bool:
        """Whether a radiograph is looked at."""
        images = getattr(self, "reviewed_images", None)  # not yet there while the dock is built
        return images is not None and images.current is not None and images.current.radiograph is not None

    @property
    def reviewed(self) -> ReviewedImage | None:
        """The image that the dock acts on, with its session."""
        return self.reviewed_images.current

    def sizeHint(self) -> QSize:
        """About 380 pixels wide."""
        return QSize(WIDTH, 700)

    def event(self, event: QEvent | None) -> bool:
        """Install the keys when the dock has come into its window, and mend what napari does there."""
        if event is not None and event.type() == QEvent.Type.Show and not self._shortcuts:
            make_removals_safe(self.viewer, self)
            canvas = canvas_of(sure(self.window()))
            if canvas is not None:
                self.marks.attach(canvas)
            for part in (
                self.corners,
                self.measure,
                self.mouse,
                self.whole,
                self.views,
                self.prior,
                self.cine,
                self.reading,
                self.editing,
            ):
                part.attach(sure(self.window()))
            self.why.attach(sure(self.window()), self.views)
            self._shortcuts = shortcuts.install(sure(self.window()), self.viewer, self._actions)
        if event is not None and event.type() == QEvent.Type.ParentChange and self.parent() is None:
            QTimer.singleShot(0, self.close)  # napari took it out, and closes nothing
        return super().event(event)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """The card of a selected finding has grown."""
        grown = event is not None and event.type() == QEvent.Type.Resize and watched is self.card
        if (
            grown
            and self._follow_card
            and self.reviewed is not None
            and self.reviewed.session.selected is not None
        ):
            self._looking.start()
        return super().eventFilter(watched, event)

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for section in self.sections:
            column.addWidget(section)
        column.addStretch(1)
        self._scroll = LateScrollArea(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._scroll)
        self.setMinimumWidth(WIDTH)
        self.card.installEventFilter(self)
        self._follow_card = False  # from the choice of a finding to the next run
        self._looking = QTimer(self)  # once the card has come to its place
        self._looking.setSingleShot(True)
        self._looking.setInterval(100)
        self._looking.timeout.connect(self._scroll_to_card)
        self.footer.unfolded.connect(
            lambda: QTimer.singleShot(0, self._scroll_down)
        )  # once it has its height

    def _scroll_down(self) -> None:
        self._scroll.ensureWidgetVisible(self.footer)

    def _stay_at_run(self) -> None:
        """Keep progress and Cancel in sight, whatever the run does to the card of a finding that was selected before."""
        self._follow_card = False
        self._looking.stop()
        self._scroll.ensureWidgetVisible(self.run, 0, 0)

    def _scroll_to_card(self) -> None:
        """Show the card's end, as far as the table stays in view: whoever steps through it wants both."""
        bar, view = sure(self._scroll.verticalScrollBar()), sure(self._scroll.viewport())
        end = self.card.geometry().bottom() - view.height()
        wanted = min(end, self.findings.geometry().top())
        if wanted > bar.value():  # never back up, where a person may have gone on purpose
            bar.setValue(wanted)

    def _set_theme(self, _event: object = None) -> None:
        colors = palette(self.viewer.theme)
        self.setStyleSheet(stylesheet(colors))
        for section in (
            *(self.study_section, self.findings, self.card, self.cohort),
            *(self.operating_point, self.cases, self.why, self.history),
        ):
            section.set_colors(colors)

    def _set_reviewed(self, reviewed: ReviewedImage | None) -> None:
        self.cine.set_layer(reviewed.layer if reviewed is not None else None)
        self.ground.take(reviewed is not None)
        for follow in (*(section.set_reviewed for section in self.sections), self.weights.set_reviewed):
            follow(reviewed)
        self.editing.set_reviewed(reviewed)
        if reviewed is not None:
            self.corners.set_image(reviewed.layer, reviewed.session.image)
            news = reviewed.truth.events.truth
            self.views.set_image(reviewed.layer, reviewed.session, reviewed.companions, news)
            reviewed.binding.fill(self.preferences["fill"])
            self.marks.follow(
                reviewed.session, reviewed.marked, reviewed.true_findings, dragged=reviewed.binding.dragged
            )
        else:
            self.corners.set_image(None, None)
            self.views.set_image(None, None)
            self.marks.follow(None)
        self.mouse.set_layer(reviewed.layer if reviewed is not None else None)
        self.study_section.show_list()
        if reviewed is not None:
            reviewed.session.events.selected.connect(self._go_to_selected, unique=True)

    def _go_to_selected(self, id: str | None) -> None:
        if self.reviewed is not None and id is not None and id == self.reviewed.session.selected:
            self._follow_card = True
            self._looking.start()
            self.cine.stop()
            finding = self.reviewed.session.findings[id]
            if finding.box is not None:
                planes.go_to_box(self.viewer, finding.box.low, finding.box.high)
            else:
                planes.go_to(self.viewer, finding.center)

    def _switch(self, name: str, on: bool) -> None:
        """A switch of the row *Marks*, or its key."""
        if name == "attributes":
            self.marks.show_table(on)
        elif self.reviewed is not None:
            self.reviewed.binding.fill(on)

    def _show_compared(self, sets: Sets) -> None:
        """Own weights and the shipped ones beside each other, or a network of another make and ours."""
        self.compare.set_open(True)
        a, b = sets.by_name
        self.compare.sets.show_runs(a, b, sets.by_name)
        QTimer.singleShot(0, lambda: self._scroll.ensureWidgetVisible(self.compare))

    def toggle_corner_texts(self) -> None:
        """Show or hide the texts on the canvas."""
        self.corners.show_texts(not self.corners.on)
        self.marks.later()  # which may stand there now

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """The dock is closed for good."""
        if self._stop_turning is None:  # it is closed
            return
        self._scroll.take_in()  # of a dock that nobody has seen
        self.run.cancel()
        self.cine.stop()
        _let_go(self)
        for overlay in (self.corners, self.marks, self.measure.hand.overlay):
            overlay.hide()
            overlay.deleteLater()
        for panes in (self.prior.beside, self.views):
            panes.take_out()
        super().closeEvent(event)


def _let_go(dock: LungNodulesDock) -> None:
    """Stop a run, save everything, and let go of window and viewer, which may live on.

    Also called when the window is gone and takes the dock with it, or Python ends and takes timers first: no widget is touched
    here, and nothing that has gone keeps the rest from being saved.
    """
    shortcuts_, dock._shortcuts = dock._shortcuts, []
    call_each(*(shortcut.deleteLater for shortcut in shortcuts_))
    if dock._stop_turning is None:
        return
    stop_turning, dock._stop_turning = dock._stop_turning, None
    busy = (dock.run.runner, dock.first_finding, dock.weights, dock.cohort, dock.cases, dock._units)
    parts = (
        *(dock.whole, dock.corners, dock.measure, dock.compare, dock.operating_point, dock.why, dock.blind),
        *(dock.reading, dock.prior, dock.views, dock.marks, dock.editing, dock.hand_on, dock.history),
        dock.stays_put,
    )
    call_each(
        stop_turning,
        *(each.abandon for each in busy if each is not None),
        *(section.release for section in dock.sections),
        partial(dock.viewer.events.theme.disconnect, dock._set_theme),
        *(part.let_go for part in parts),
        partial(dock.mouse.set_layer, None),
        dock.ground.let_go,
        dock.reviewed_images.close,
    )
