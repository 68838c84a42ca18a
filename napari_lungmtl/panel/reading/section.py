"""Section *reader study*: cases in a drawn order, the networks' marks hidden until they may be seen, and all of it logged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from napari.components import ViewerModel
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QWidget

from ...reviewed_images import ReviewedImage, ReviewedImages
from ...session.review import is_by_person, merge_run, passes, read_as
from ...session.session import Session
from ...session.sidecar import Sidecar
from ...training.errors import LungmtlError
from ...training.imaging.image import Image
from ..cases.case import Case
from ..cases.opener import CaseOpener
from ..cases.search import Stream, search
from ..widgets.section import Section, label, set_role
from .curtain import ALWAYS, Curtain, foreign_layers
from .places import Cover, TopOfDock
from .reading_view import ReadingView
from .recorder import Recorder, accept_again, bring_in_line
from .setup_form import SetupForm
from .study import Plan, State, Study
from .suggestions import suggestions_of

BUSY = "A reader study is going on: what networks say of its cases was found before it began."
NOT_RUN = "No network was run on this case before: that none is shown does not mean that none is there."


class ReadingSection(Section):
    """Begins, shows and ends a study.

    During a study images are opened with another place for their findings (`ReviewedImages.place`): the reader's own, in the folder
    of the log. What networks found is therefore nowhere in the window before the reveal, in no view and no table.
    """

    begins = Signal()
    """A study is about to close what is open."""

    def __init__(self, viewer: ViewerModel, images: Callable[[], ReviewedImages]) -> None:
        super().__init__("reader study")
        self._viewer, self._images = viewer, images
        self.study: Study | None = None
        self.curtain: Curtain | None = None
        self._found: list[Case] = []
        self._failed = False
        self._top = TopOfDock(self)
        self.search: Stream[Case] = Stream("The folder cannot be searched", self)
        self.search.came.connect(self._found.extend)
        self.search.ended.connect(self._on_searched)
        self.opener = CaseOpener(viewer, images, lambda _reviewed: False, self._following, self)
        self.opener.opened.connect(self._on_opened)
        self.opener.failed.connect(self._on_not_opened)
        self.recorder = Recorder(self._write, self._halt)
        self.cover = Cover("Paused")
        self.form, self.view = SetupForm(), ReadingView()
        self.message = label("", "faint", wrap=True)
        for widget in (self.form, self.view, self.message):
            self.body.addWidget(widget)
        self.form.folder_chosen.connect(self._search)
        self.form.asked.connect(self.start)
        self.view.drawing.connect(self.draw)
        self.view.advanced.connect(self.advance)
        self.view.paused.connect(self.toggle_pause)
        self.view.skipped.connect(self._skip)
        self.view.ended.connect(self.end)
        self.view.case.said.connect(lambda value: self._log(lambda study: study.rate(value)))
        self.view.mark.said.connect(self._on_mark_rated)
        self.set_open(False)
        self._say("")
        self._show()

    # ---- the dock

    def guard(self, actions: Mapping[str, Callable[[], object]]) -> dict[str, Callable[[], object]]:
        """Let keys do during a study only what looks, marks and measures; *case done* goes on with the study."""
        return {name: partial(self._act, name, action) for name, action in actions.items()}

    def _act(self, name: str, action: Callable[[], object]) -> None:
        if self.study is None or (name in ALWAYS and self.study.state is not State.PAUSED):
            action()
        elif name == "done":
            self.advance()

    def busy_beside(self, other: Callable[[], str]) -> Callable[[], str]:
        """Say why no network runs now: for this study, or for another reason."""
        return lambda: BUSY if self.study is not None else other()

    def none_yet(self) -> str:
        """What the table says while it is empty."""
        return (
            "None yet: press Run."
            if self.study is None
            else "None yet: press Mark, and click on what you see."
        )

    def attach(self, window: QWidget) -> None:
        """The dock has come into its window."""
        self.cover.attach(window)

    def let_go(self) -> None:
        """The window goes: the clock stops, and the study goes on when it is begun again."""
        self.recorder.follow(None)
        self.search.abandon()
        self.opener.abandon()
        if self.study is not None:
            study, self.study = self.study, None
            for reviewed in self._images():  # what the log of edits says at last is the reader's, too
                reviewed.session.save()
            read_as("")
            with suppress(LungmtlError):  # nobody is there to be told; the log ends with the last line before
                study.pause()

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Another image is on the canvas."""
        if reviewed is not None:
            self.listen(reviewed.session.events.selected, self._show)
            self.listen(reviewed.truth.events.truth, self._refuse_truth)
        study = self.study
        going_on = study is not None and study.state not in (State.OPENING, State.PAUSED)
        if study is not None and going_on and not self._is_here(study):
            self._log(lambda study: study.pause())
            self._say("The case is no longer on the canvas: Resume opens it again.", "warning")
        self._show()

    def _is_here(self, study: Study) -> bool:
        """Whether the present case is on the canvas."""
        return (
            study.image is not None
            and self.reviewed is not None
            and self.reviewed.session.image is study.image
        )

    # ---- a study begins

    def _search(self, folder: Path) -> None:
        self._found.clear()
        self._say("Searching …")
        self.search.start(partial(search, [folder]))

    def _on_searched(self, problem: str) -> None:
        cases = [case for case in self._found if case.can_open]
        without = sum(not case.summary.models for case in cases)
        if problem or not cases:
            self._say(
                problem or "No scan and no radiograph was found there: choose another folder.", "warning"
            )
            return
        words = f"{len(cases)} case{'s' * (len(cases) != 1)}."
        if without:
            words += f" {without} without findings of a network: 'Run on all' in 'cases' first, or nothing is revealed there."
        self._say(words, "warning" if without else "faint")

    def start(self, plan: Plan) -> None:
        """Begin a study, or go on with the reader's unfinished one."""
        if self.search.running:
            self._say("The folder is still being searched: wait a moment.", "warning")
            return
        others = [layer.name for layer in foreign_layers(self._viewer, self._images())]
        if others:
            self._say(f"Close the layer {others[0]} first: it could show what is to be found.", "warning")
            return
        try:
            study = Study(plan, self._found)
        except LungmtlError as error:
            self._say(str(error), "error")
            return
        if study.step is None:
            self._say(
                "None of the study's cases is in that folder: choose the one that it was begun with.",
                "warning",
            )
            return
        said = list(study.problems)
        if study.past is not None:
            said.insert(
                0, f"Resumed: {study.past.design}, {len(study.past.left)} of {len(study.steps)} left."
            )
        if study.missing:
            said.append(f"{len(study.missing)} cases of the study are not in the folder and are left out.")
        self.study = study
        self.begins.emit()
        self._images().place = self._place
        self._close_images()
        read_as(plan.reader)
        self._top.go(True)
        self.set_open(True)
        self._say(" ".join(said))
        self._open()

    def _place(self, image: Image) -> Sidecar:
        return Sidecar(image) if self.study is None else Sidecar.at(self.study.marks_of(image))

    def _close_images(self, but: object = None) -> None:
        for layer in self._images().layers:
            if layer is not but:
                self._viewer.layers.remove(layer)

    # ---- from case to case

    def _open(self) -> None:
        study = self.study
        if study is not None and study.case is not None:
            self._failed = False
            self._show()
            self.opener.show(study.case)

    def _following(self, _case: Case) -> Case | None:
        return self.study.following if self.study is not None else None

    def _on_opened(self, case: Case) -> None:
        reviewed = self._images().current
        study = self.study
        if study is None or reviewed is None or reviewed.layer is not case.layer or study.case is not case:
            return
        image = reviewed.session.image
        assert image is not None
        self._close_images(but=case.layer)
        if not self._log(lambda study: study.opened(image)):
            return
        bring_in_line(reviewed.session, study.reading, study.plan.reader)
        self.recorder.follow(reviewed.session)
        if study.state in (State.REVEALED, State.AIDED):
            self._reveal(reviewed.session)
        self._show()

    def _on_not_opened(self, case: Case, problem: str) -> None:
        if self.study is not None and case is self.study.case:
            self._failed = True
            self._say(problem, "error")
            self._show()

    def _skip(self) -> None:
        if self._log(lambda study: study.skip(self.message.text())):
            self._say("")
            self._go_on()

    def _reveal(self, session: Session) -> None:
        """Log what is going to be shown, then show it."""
        assert session.image is not None
        found = suggestions_of(session.image)
        merged = merge_run(session.findings, found)
        shown = [f for f in merged if not is_by_person(f) and passes(f, session.thresholds)]
        if self._log(lambda study: study.revealed(shown)):
            with self.recorder.silent():
                session.replace_findings(found)
                accept_again(session, self.study.reading if self.study is not None else None)
            if not found.models:
                self._say(" ".join(filter(None, (self.message.text(), NOT_RUN))), "warning")

    def draw(self) -> None:
        """Take napari's tool for new spheres or rectangles; also where a network would have had nothing to draw."""
        reviewed = self.reviewed
        if self.study is None or reviewed is None:
            return
        film = reviewed.radiograph
        layer = reviewed.binding.redraw() if film is None else film.boxes.redraw()
        self._viewer.layers.selection.active = layer
        layer.mode = "add" if film is None else "add_rectangle"

    def advance(self) -> None:
        """Done looking, or done with the case."""
        study, reviewed = self.study, self.reviewed
        if study is None or reviewed is None or not self._is_here(study):
            return
        self.recorder.catch_up()
        if study.state is State.LOOKING:
            self._reveal(reviewed.session)
            self._show()
        elif study.state in (State.REVEALED, State.AIDED, State.UNAIDED):
            self.recorder.follow(None)
            if self._log(lambda study: study.done()):
                self._go_on()
            else:
                self.recorder.follow(reviewed.session)

    def _go_on(self) -> None:
        assert self.study is not None
        if self.study.step is None:
            self.end()
        else:
            self._say("")
            self._open()

    def toggle_pause(self) -> None:
        """Go away, or come back."""
        study = self.study
        if study is None:
            return
        if study.state is not State.PAUSED:
            self._log(lambda study: study.pause())
            self._show()
            return
        self._say("")
        if self._is_here(study):
            self._log(lambda study: study.resume())
            self.recorder.catch_up()
        else:
            self.recorder.follow(None)
            study.reopen()
            self._open()
        self._show()

    def end(self) -> None:
        """The study is over: its last image goes, and everything else comes back."""
        study = self.study
        if study is None:
            return
        self.recorder.follow(None)
        try:
            study.end()
        except LungmtlError as error:
            self._say(str(error), "error")
        read, total = study.place[1] - study.left, study.place[1]
        self.study = None
        self.opener.forget()
        self._close_images()
        read_as("")
        self._images().place = Sidecar
        self._top.go(False)
        if study.state is State.ENDED:
            self._say(
                f"{read} of {total} cases were read. The log is {study.plan.log}; lungmtl readers analyses it."
            )
        self._show()

    # ---- the log

    def _write(self, what: object, **details: object) -> None:
        assert self.study is not None
        self.study.write(what, **details)  # type: ignore[arg-type]

    def _log(self, act: Callable[[Study], object]) -> bool:
        """Do what is logged; whether it could be."""
        if self.study is None:
            return False
        try:
            act(self.study)
        except LungmtlError as error:
            self._halt(str(error))
            return False
        return True

    def _halt(self, problem: str) -> None:
        """What is done must not go on unlogged."""
        if self.study is not None:
            self.study.halt()
        self._say(problem, "error")
        self._show()

    def _on_mark_rated(self, sure: float) -> None:
        id = self._rated_mark()
        if id is not None:
            self._log(lambda study: study.score(id, sure))

    def _rated_mark(self) -> str | None:
        """The selected finding, if it is a mark of the reader's."""
        session = self.reviewed.session if self.reviewed is not None else None
        if session is None or session.selected is None:
            return None
        finding = session.findings[session.selected]
        return finding.id if is_by_person(finding) or finding.status == "accepted" else None

    def _refuse_truth(self) -> None:
        if self.study is not None and self.reviewed is not None and self.reviewed.truth.loaded is not None:
            truth = self.reviewed.truth
            QTimer.singleShot(0, lambda: truth.set(None))
            self._say("No truth is shown in a reader study.", "warning")

    # ---- what is shown

    def _say(self, text: str, role: str = "faint") -> None:
        set_role(self.message, role)
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def _show(self, _value: object = None) -> None:
        study = self.study
        self.form.setVisible(study is None)
        self.view.setVisible(study is not None)
        if study is not None:
            self.view.show_study(study, self._rated_mark(), self._failed)
        self.summary.setText(
            "" if study is None else "{} · case {} of {}".format(study.plan.reader, *study.place)
        )
        self.cover.lay(study is not None and study.state is State.PAUSED)
        if self.curtain is not None:
            hides = study is not None and study.hides_networks
            self.curtain.draw(running=study is not None, hides_networks=hides)
