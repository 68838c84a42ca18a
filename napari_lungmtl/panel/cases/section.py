"""Section *cases*: the list of all open images and of all those in a folder; the next one by key; Run on all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from napari.components import ViewerModel
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QFileDialog, QHBoxLayout

from ...reviewed_images import ReviewedImage, ReviewedImages
from ...session.case_summary import DONE, IN_WORK, summary_of
from ...training.findings.truth import Truth
from ...training.imaging.image import Image
from ...training.imaging.radiograph.orientation import AS_STORED, Orientation
from ...training.imaging.streamed import fraction_of
from ..run import RunSection
from ..widgets.qt import sure
from ..widgets.section import Section, eliding, label, set_role
from ..widgets.theme import Palette
from .batch import BatchRun, has_run
from .case import Case
from .controls import FAILURES, FilterRow, ProgressRow, button, done_button, ended_words, show_paths
from .hard import HardCases
from .many import ManyRow
from .model import CasesModel
from .open_cases import add, beside, match, sum_up, sum_up_open
from .opener import CaseOpener
from .search import Stream, Thumbnails, search, searched_words
from .table import CasesTable
from .thumbnail import pixmap_of, thumbnail_of

HINT = "Choose a folder of scans or radiographs, or drop it here."


class CasesSection(Section):
    """Lists what is open and what a folder holds, opens it, and runs the networks on all of it.

    Parameters
    ----------
    viewer, reviewed_images
        Where images are opened.
    run
        Runs on single images: not at the same time.
    set_truth
        Lays a truth beside the image under review.
    """

    stepped = Signal()
    """Another case is listed as the current one, or there are more or fewer."""

    def __init__(
        self,
        viewer: ViewerModel,
        reviewed_images: Callable[[], ReviewedImages],
        run: RunSection,
        set_truth: Callable[[Truth], object],
    ) -> None:
        super().__init__("cases")
        self._reviewed_images, self._run = reviewed_images, run
        self.paths: tuple[Path, ...] = ()
        self.model = CasesModel()
        self.hard = HardCases(viewer, self.model, set_truth, self.load, self._say, self)
        self.search: Stream[Case] = Stream("The folder cannot be searched", self)
        self.thumbnails = Thumbnails(self)
        self.off: Callable[[], bool] = lambda: False  # during a reader study, whose findings are others
        self._held: dict[str, Orientation] = {}  # by case, as its radiograph was last turned
        self.opener = CaseOpener(
            viewer, reviewed_images, self._is_needed, lambda case: beside(self.model.rows, case, 1), self
        )
        self.batch = BatchRun(reviewed_images, self)
        run.busy = self._busy
        self._failed: list[str] = []
        self._sync_soon = QTimer(self)  # many images may be opened at once
        self._sync_soon.setSingleShot(True)
        self._sync_soon.setInterval(0)
        self._sync_soon.timeout.connect(self.sync)
        self._build()
        self._connect()
        self.setAcceptDrops(True)
        self._say(HINT, "faint")
        self._show_state()
        self.set_open(False)

    # ---- what a person, the command line or a drop asks for

    def load(self, paths: Sequence[Path | str]) -> None:
        """List the cases of folders, evaluations and saved lists; what is open stays open, and listed."""
        self.search.cancel()
        self.batch.cancel()
        self.opener.forget()
        self.thumbnails.forget()
        self.paths = tuple(map(Path, paths))
        for case in self.model.cases:
            case.series = case.shown_in = None  # what is open and not found again goes when it is closed
        self.model.remove([case for case in self.model.cases if case.layer is None])
        self.set_open(True)
        self._say("")
        show_paths(self.name, self.paths)
        self.many.open(self.paths)
        self.filter.show_tip(of_index=self.many.results is not None)
        self._filter()  # an index looks for the words itself, any other list does not
        self.search.start(partial(search, self.paths, self.many.conditions, self.many.counted.emit))
        self._show_state()

    def choose_folder(self) -> None:
        """Ask for a folder."""
        path = QFileDialog.getExistingDirectory(self, "Scans and radiographs", str(*self.paths[:1]))
        if path:
            self.load([path])

    def step(self, step: int) -> None:
        """Show the next (1) or previous (-1) case of the list, round at its ends; without a folder, of the open images."""
        if not self.paths or self.off():
            self._reviewed_images().step(step)
        elif (case := beside(self.model.rows, self.opener.asked or self.model.current, step)) is not None:
            self.show_case(case)

    def show_case(self, case: Case) -> None:
        """Show a case of the list."""
        if case.layer is None and case.series is None:
            self._say(case.problem, "error")
            return
        case.problem = ""  # it may have been mended since
        self.opener.show(case)
        if self.opener.waiting:
            self._say(f"Opening {case.name} …", "faint")
            self._mark(case)

    def toggle_done(self) -> None:
        """The case that is seen is done, or is not after all."""
        if self.reviewed is not None:
            session = self.reviewed.session
            session.set_done(not session.findings.done_by)

    def run_on_all(self) -> None:
        """Run the networks on all listed cases that they have not looked at yet."""
        if self.batch.running or self._run.runner.running:
            self._say("A run is going on: wait for its end, or cancel it.", "warning")
            return
        able = [case for case in self.model.rows if case.can_open]
        cases = [case for case in able if not has_run(case.summary, case)]
        if not cases:
            every = "The networks have looked at every listed case: open one and press Run to run them again."
            self._say(every if able else "No case is listed.", "faint")
            return
        self._failed.clear()
        self._say("")
        self.batch.start(cases, self._run.chosen_device, self._run.chosen_machine)
        self._show_state()

    def cancel(self) -> None:
        """Stop the run, or the search; what has come stays."""
        if self.batch.running:
            self.batch.cancel()
        elif self.search.cancel():
            self._say("Cancelled: the list holds what was found until then.", "faint")
        self._show_state()

    def abandon(self) -> None:
        """The window is going."""
        for work in (self.search, self.thumbnails, self.opener, self.batch, self.hard):
            work.abandon()

    @property
    def place(self) -> tuple[int, int] | None:
        """Which of how many listed cases is the current one, from 1; None without a folder."""
        row = self.model.row_of(self.opener.asked or self.model.current)
        return None if not self.paths or row is None or self.off() else (row + 1, len(self.model.rows))

    # ---- widgets

    def _build(self) -> None:
        self.folder = button("Folder…", "List all scans and radiographs of a folder", self.choose_folder)
        run_tip = "Run the networks on all listed cases, one after the other"
        self.run_all = button("Run on all", run_tip, self.run_on_all)
        self.done = done_button(self.toggle_done)
        buttons = QHBoxLayout()
        for push in (self.folder, self.hard.button, self.run_all, self.done):
            buttons.addWidget(push)
        self.name = eliding("faint")
        buttons.addWidget(self.name, 1)
        self.filter, self.many = FilterRow(), ManyRow(lambda: self.batch.running)
        self.table = CasesTable(self.model)
        self.progress = ProgressRow(self.cancel)
        self.message = label("", wrap=True)
        self.body.addLayout(buttons)
        below = (self.hard.notes, self.progress.bar, self.progress, self.message)
        for widget in (self.filter, self.many, self.table, *below):
            self.body.addWidget(widget)

    def _connect(self) -> None:
        self.filter.changed.connect(self._filter)
        self.many.changed.connect(lambda: self.load(self.paths))
        self.filter.order_chosen.connect(self._sort)
        self.model.changed.connect(self._on_changed)
        self.table.asked.connect(self.show_case)
        # Not while the row is being drawn.
        self.table.delegate.wanted.connect(self._want_thumbnail, Qt.ConnectionType.QueuedConnection)
        self.thumbnails.made.connect(self._take_thumbnail)
        self.search.came.connect(self._on_found)
        self.search.ended.connect(self._on_searched)
        self.opener.opened.connect(self._on_opened)
        self.opener.failed.connect(self._on_not_opened)
        self.opener.kept.connect(partial(self._say, role="error"))
        self.opener.image_read.connect(lambda case, image: self._take_image(case, image))
        self.batch.progressed.connect(self._on_progress)
        self.batch.taken.connect(self._on_run)
        self.batch.failed.connect(self._on_failed)
        self.batch.ended.connect(self._on_ended)
        self._run.found.connect(self._sum_up_open)
        self._run.finished.connect(self._sum_up_open)

    def set_colors(self, colors: Palette) -> None:
        """Colours of the present theme."""
        self.table.set_colors(colors)

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Mark the image that is seen, and say how far it is."""
        if reviewed is not None:
            events = reviewed.session.events
            self.listen(events.thresholds, self._sum_up_current)
            for signal in (events.findings, reviewed.truth.events.truth):
                self.listen(signal, self._sum_up_current)
                self.listen(signal, lambda _value=None: self.hard.judge(reviewed))
        self.sync_soon()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Folders and files may be dropped."""
        if sure(sure(event).mimeData()).hasUrls():
            sure(event).acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """What was dropped is listed."""
        event = sure(event)
        paths = [Path(url.toLocalFile()) for url in sure(event.mimeData()).urls() if url.isLocalFile()]
        event.acceptProposedAction()
        if paths:
            self.load(paths)

    def _show_state(self) -> None:
        cases = self.model.cases
        self.run_all.setEnabled(bool(cases) and not self.batch.running)
        self.done.setEnabled(self.reviewed is not None)
        self.filter.setVisible(len(cases) > 1 or self.many.results is not None)
        self.table.setVisible(bool(cases))
        self.hard.set_listed(bool(cases))
        if not self.batch.running:
            if self.search.running:
                self.progress.show_progress(None, f"Searching … {len(cases)} cases so far")
            else:
                self.progress.hide_all()
        states = [case.state for case in cases]
        counts = [f"{n} {state}" for state in (IN_WORK, DONE) if (n := states.count(state))]
        self.summary.setText(
            " · ".join([f"{len(cases)} case{'s' * (len(cases) != 1)}", *counts]) if cases else ""
        )
        self.stepped.emit()

    def _say(self, text: str, role: str = "") -> None:
        set_role(self.message, role)
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def _filter(self) -> None:
        words = self.many.take_words(self.filter.words.text())
        self.model.set_filter(words, self.filter.state.currentData())

    def _sort(self, order: str, descending: bool) -> None:
        self.model.set_order(order, descending)
        self._on_changed()

    def _on_changed(self) -> None:
        self.filter.show_order(*self.model.order)
        self.table.show_case(self.opener.asked or self.model.current)
        self._show_state()

    # ---- what is open

    def sync_soon(self) -> None:
        """Do so once for all the images that are being opened."""
        self._sync_soon.start()

    def sync(self) -> None:
        """Match the open images with the listed cases."""
        images = self._reviewed_images()
        if not self.off():
            match(self.model, images)
        self._set_current(images.current)

    def _set_current(self, reviewed: ReviewedImage | None) -> None:
        layer = reviewed.layer if reviewed is not None else None
        current = next((case for case in self.model.cases if layer is not None and case.layer is layer), None)
        if current is not self.model.current:
            self.model.current = current
            self.opener.seen(current)
            if self.model.row_of(current) is None:
                self.model.arrange()
        self._mark(self.opener.asked or current)
        self.done.setChecked(reviewed is not None and bool(reviewed.session.findings.done_by))
        self._show_state()

    def on_closing(self, reviewed: ReviewedImage) -> None:
        """An image goes: what is known of it stays in the list."""
        for case in self.model.cases:
            if case.layer is reviewed.layer:
                case.summary = summary_of(reviewed.session.findings)
                self.model.update_case(case)

    def _sum_up_open(self, _value: object = None) -> None:
        sum_up_open(self.model, self._reviewed_images())

    def _sum_up_current(self, _value: object = None) -> None:
        case, reviewed = self.model.current, self.reviewed
        if case is None or reviewed is None or case.layer is not reviewed.layer:
            return
        held = reviewed.session.orientation
        if self._held.get(case.key, held) != held:  # a person turned it
            case.thumbnail = None
        self._held[case.key] = held
        state = case.state
        sum_up(self.model, case, reviewed.session)
        self.done.setChecked(bool(reviewed.session.findings.done_by))
        if case.state != state:
            self._show_state()

    def _is_needed(self, reviewed: ReviewedImage) -> bool:
        return self._run.runs_on(reviewed)

    def _busy(self) -> str:
        return "Run on all is going on: wait for its end, or cancel it." if self.batch.running else ""

    # ---- the list

    def _mark(self, case: Case | None) -> None:
        self.table.show_case(case)
        self.hard.notes.show_case(case)
        self.stepped.emit()

    def _on_found(self, batch: list[Case]) -> None:
        add(self.model, batch)
        self._show_state()

    def _on_searched(self, message: str) -> None:
        words, role = searched_words(self.model.cases, message, self.many.results is not None)
        if words:
            self._say(words, role)
        self.model.arrange()  # figures came last
        self._show_state()

    def _want_thumbnail(self, case: Case) -> None:
        image = self._reviewed_images().image_of(case.layer) if case.layer is not None else None
        if case.thumbnail is None and image is None:
            self.thumbnails.ask(case)
        elif case.thumbnail is None and image is not None and fraction_of(image) == 1:
            held = (s.session.orientation for s in self._reviewed_images() if s.layer is case.layer)
            self._take_thumbnail(case, thumbnail_of(image, next(held, AS_STORED)))

    def _take_image(self, case: Case, image: Image) -> None:
        if case.thumbnail is None and image.ndim == 3:  # how a radiograph is held is found off the GUI thread
            self._take_thumbnail(case, thumbnail_of(image))

    def _take_thumbnail(self, case: Case, picture: np.ndarray | None) -> None:
        case.thumbnail = pixmap_of(picture)
        self.model.update_case(case)

    # ---- opening and running

    def _on_opened(self, case: Case) -> None:
        self._say("")
        self.sync()
        self.hard.lay_out(case, self.reviewed)

    def _on_not_opened(self, case: Case, message: str) -> None:
        case.problem = message
        self.model.update_case(case)
        if case is self.opener.asked:
            self._say(message, "error")
        self._show_state()

    def _on_progress(self, _case: Case, fraction: float, stage: str) -> None:
        self.progress.show_progress(fraction, f"{stage} · {fraction:.0%} of all".replace("%", " %"))

    def _on_run(self, case: Case) -> None:
        self._sum_up_open()
        self.model.update_case(case)
        self.hard.lay_truth(case, self.reviewed)

    def _on_failed(self, case: Case, message: str) -> None:
        self._failed.append(message if case.name in message else f"{case.name}: {message}")
        self._say("\n".join(self._failed[-FAILURES:]), "error")

    def _on_ended(self, words: str) -> None:
        self._say(*ended_words(words, self._failed))
        self.model.arrange()
        self._show_state()
