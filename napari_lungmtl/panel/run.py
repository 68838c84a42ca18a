"""Section *run*: one button, which stages on which device, how far it is, and what went wrong."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from napari.utils.notifications import show_error, show_warning
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QApplication, QComboBox, QHBoxLayout, QProgressBar, QPushButton, QWidget

from ..jobs import run_modes
from ..jobs.worker import Worker, wait_for_threads
from ..reviewed_images import ReviewedImage
from ..session.changes import counted
from ..session.review import as_turned_since, is_reviewed, with_opinions
from ..shortcuts import tooltip
from ..text.votes import is_unlike, verdict
from ..training.errors import LungmtlError
from ..training.findings import Finding, Findings
from ..training.imaging.image import Image
from ..training.imaging.radiograph.orientation import Orientation
from ..training.inference.chain import Chain
from ..training.inference.model_store import warm_up
from ..training.inference.predictor import Progress
from ..training.remote.client.chain import RemoteChain, on_machine
from .outcomes import Outcomes, notes_of
from .widgets.device_box import DeviceBox
from .widgets.section import Section, label

JUDGED_ON_CT = "Malignancy is judged on CT only: no network here reads it from a radiograph."
WARM_UP_MS = 1000
"""From the opening of an image until the networks for it are loaded, which takes seconds, while a person looks at it."""
BEGIN_MS = 60
"""From the start of a run until networks work: what the window does first would else wait for Python's lock time and again."""
LONGEST_WAIT = 2.0
"""Seconds that networks wait for it at most, whatever becomes of the window."""
PATIENCE_MS = 400
"""What is done sooner shows no bar: the dock would jump for the blink of an eye."""


@dataclass(frozen=True)
class Job:
    """A run: on what, by which chain.

    `judges` says that it judges what is there instead of looking for nodules; `orientation` is how the radiograph was looked at
    when it began, `part` what is shown of its findings so far.
    """

    reviewed: ReviewedImage
    chain: Chain | RemoteChain
    judges: bool
    started: float
    orientation: Orientation
    part: Findings | None = None

    @property
    def words(self) -> str:
        """On which image it runs, and on which machine, if that is another one."""
        where = f"on “{self.reviewed.layer.name}”"
        return f"{where}, {self.chain.key.name}" if isinstance(self.chain, RemoteChain) else where


class RunSection(Section):
    """Runs models on the image that the dock acts on; the result goes to that image, whichever is looked at then."""

    started = Signal()
    """A person pressed Run."""
    found = Signal(object)  # ReviewedImage
    """Findings have come, the first of a run or all."""
    finished = Signal(object)  # ReviewedImage
    traced = Signal(object, object)  # ReviewedImage, Trace
    """A network's reasons have come."""

    def __init__(self) -> None:
        super().__init__("run")
        self.runner = Worker("The model stopped", self)
        self._warming = Worker("Models cannot be loaded ahead", self)
        if app := QApplication.instance():
            app.aboutToQuit.connect(wait_for_threads)
        self._warm_up_soon = QTimer(self)  # once the image has been drawn
        self._warm_up_soon.setSingleShot(True)
        self._warm_up_soon.setInterval(WARM_UP_MS)
        self._warm_up_soon.timeout.connect(self._warm_up)
        self._job: Job | None = None
        self._since: tuple[float, float] | None = None
        self._build()
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self._patience.timeout.connect(self._show_running)
        self.runner.progressed.connect(self._on_progress)
        self.runner.finished.connect(self._on_finished)
        self.runner.failed.connect(self._on_failed)
        self.runner.cancelled.connect(self._on_cancelled)

    def _build(self) -> None:
        self.button = QPushButton("Run")
        self.button.setObjectName("primary")
        self.button.clicked.connect(self.start)
        self.mode = QComboBox()
        self.mode.setToolTip("What a run does")
        self.mode.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.mode.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.mode.currentIndexChanged.connect(self._show_purpose)
        self.device = DeviceBox()
        self.chosen_device, self.chosen_machine = "auto", self.device.key
        self.busy: Callable[[], str] = lambda: ""  # a sentence while other work needs the networks
        self.device.chosen.connect(self._on_device)
        self.device.refused.connect(lambda why: self._say(why, "error"))
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addWidget(self.mode, 1)
        row.addWidget(self.device)
        self.body.addLayout(row)
        self.purpose = label("", "faint", wrap=True)
        self.body.addWidget(self.purpose)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.stage = label("", wrap=True)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.cancel_button.clicked.connect(self.cancel)
        self._progress = QWidget()
        progress = QHBoxLayout(self._progress)
        progress.setContentsMargins(0, 0, 0, 0)
        progress.addWidget(self.stage, 1)
        progress.addWidget(self.cancel_button)
        self.body.addWidget(self.bar)
        self.body.addWidget(self._progress)
        self.message = label("", wrap=True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.body.addWidget(self.message)
        self._outcomes = Outcomes(self.message)
        self._show_running()

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Offer what the models at hand can do with the image."""
        if reviewed is not None:
            self.listen(reviewed.session.events.image, self._show_modes)
            self.listen(reviewed.session.events.findings, self._make_room)
            self.listen(reviewed.session.events.undone, self._forget_outcome)
            self._warm_up_soon.start()
        self._show_modes(reviewed.session.image if reviewed is not None else None)
        self._outcomes.show(reviewed)

    def show_models(self) -> None:
        """Other networks are in use: name them, and stay with what a run does."""
        mode = self.mode.currentData()
        self._show_modes(self.reviewed.session.image if self.reviewed is not None else None)
        self.mode.setCurrentIndex(max(self.mode.findData(mode), 0))

    def release(self) -> None:
        """Stop listening; models are no longer loaded ahead."""
        super().release()
        self._warming.abandon()

    def _warm_up(self) -> None:
        """Load what a run needs, so that it begins at once."""
        image = self.reviewed.session.image if self.reviewed is not None else None
        mode = self.mode.currentData() if self.chosen_machine is None else None
        if image is not None and mode is not None and not self.runner.running:
            infos = run_modes.chain_for(image, mode).infos
            self._warming.start(partial(warm_up, infos, self.chosen_device))

    def _forget_outcome(self, _words: object = None) -> None:
        """What the last run brought was perhaps undone: its message speaks of another state."""
        if self.reviewed is not None and not self.runs_on(self.reviewed):
            self._outcomes.forget(self.reviewed)

    def start(self) -> None:
        """Do what the box beside the button says."""
        reviewed, mode = self.reviewed, self.mode.currentData()
        if reviewed is None or reviewed.session.image is None or mode is None or self.runner.running:
            return
        if busy := self.busy():
            self._say(busy, "warning")
            return
        if mode == run_modes.CHARACTERISE:
            if not len(reviewed.session.findings):
                self._say("There is nothing to characterise yet: draw a sphere, or detect first.", "warning")
                return
            self._begin(reviewed, mode, tuple(reviewed.session.findings))
        else:
            kept = (
                tuple(f for f in reviewed.session.findings if is_reviewed(f)) if mode == run_modes.ALL else ()
            )
            self._begin(reviewed, mode, kept)
        self._show_running()
        self.started.emit()

    def characterise(self, id: str | None = None) -> None:
        """Judge one finding alone: the one with this id, or the selected one."""
        session = self.reviewed.session if self.reviewed is not None else None
        id = id or (session.selected if session is not None else None)
        if self.reviewed is None or session is None or session.image is None or id is None:
            self._say("Select a finding to characterise it.", "warning")
        elif self.runner.running or self.busy():
            show_warning(self.busy() or "A run is going on: wait for its end, or cancel it.")
        elif run_modes.CHARACTERISE not in run_modes.modes_for(session.image):
            none = "No network at hand judges nodules in this kind of image."
            self._say(JUDGED_ON_CT if session.image.ndim == 2 else none, "warning")
        else:
            self._begin(self.reviewed, run_modes.CHARACTERISE, (session.findings[id],))
            self._patience.start()

    def cancel(self) -> None:
        """Stop; the session stays as it is."""
        self.runner.cancel()

    def runs_on(self, reviewed: ReviewedImage) -> bool:
        """Whether a run goes on on this image."""
        return self._job is not None and reviewed is self._job.reviewed

    def forget(self, reviewed: ReviewedImage) -> None:
        """The image is gone: stop a run on it."""
        if self.runs_on(reviewed):
            self.runner.cancel()

    def _begin(self, reviewed: ReviewedImage, mode: str, findings: Sequence[Finding]) -> None:
        """Start a mode on the image, with a person's findings or those to be judged."""
        image = reviewed.session.image
        assert image is not None
        try:
            chain = on_machine(run_modes.chain_for(image, mode, self.chosen_device), self.chosen_machine)
        except LungmtlError as error:
            self._on_failed(str(error))
            return
        judges = mode == run_modes.CHARACTERISE
        orientation = reviewed.session.orientation
        self._job, self._since = Job(reviewed, chain, judges, time.monotonic(), orientation), None
        self._outcomes.forget(reviewed)
        asked = reviewed.session.findings.with_items(tuple(findings))
        go = threading.Event()

        def begin() -> Generator[Progress, None, Findings]:
            go.wait(LONGEST_WAIT)
            return chain.characterise(image, asked) if judges else chain.run(image, asked.items, orientation)

        self.runner.start(begin, image.series_uid)
        QTimer.singleShot(BEGIN_MS, go.set)
        self._on_progress(Progress(0.0, "starting"))

    def _show_modes(self, image: Image | None) -> None:
        self.mode.blockSignals(True)
        self.mode.clear()
        for mode in run_modes.modes_for(image) if image is not None else ():
            self.mode.addItem(run_modes.title_of(image, mode), mode)  # type: ignore[arg-type]
        self.mode.blockSignals(False)
        self._show_purpose()
        self._show_running()

    def _show_purpose(self, _index: int = 0) -> None:
        mode: str | None = self.mode.currentData()
        image = self.reviewed.session.image if self.reviewed is not None else None
        if image is None:
            self.purpose.setText("")
        elif mode is not None:
            self.purpose.setText(run_modes.purpose(run_modes.chain_for(image, mode)))
        else:
            kind = image.modality or ("volume" if image.ndim == 3 else "radiograph")
            self.purpose.setText(f"There is no model for this kind of image ({kind}, {image.ndim}-D).")
        self.mode.setToolTip(self.purpose.text() or "What a run does")
        self._make_room()

    def _make_room(self, _value: object = None) -> None:
        """Once there are findings, what a run does moves to the tool tip: their card needs the height."""
        told = self.mode.count() and self.reviewed is not None and len(self.reviewed.session.findings)
        self.purpose.setVisible(bool(self.purpose.text()) and not told)

    def _on_device(self) -> None:
        """Keep the choice as plain values: workers ask for it, and no widget may be read off the GUI thread."""
        self.chosen_device, self.chosen_machine = self.device.device, self.device.key

    def _show_running(self) -> None:
        running = self.runner.running
        self.button.setEnabled(not running and self.mode.count() > 0)
        self.button.setToolTip(
            "A run is going on" if running else tooltip("run", "Do what the box beside it says")
        )
        self.bar.setVisible(running)
        self._progress.setVisible(running)
        self.summary.setText(self._job.words if running and self._job else "")

    def _on_progress(self, progress: Progress) -> None:
        now = time.monotonic()
        if self._since is None and progress.fraction > 0:
            self._since = now, progress.fraction
        self.bar.setValue(round(1000 * progress.fraction))
        parts = [f"{progress.stage} · {progress.fraction:.0%}".replace("%", "\u00a0%")]
        if self._since is not None and now - self._since[0] > 0.5 and progress.fraction > self._since[1]:
            speed = (progress.fraction - self._since[1]) / (now - self._since[0])
            parts.append(f"{clock(math.ceil((1 - progress.fraction) / speed))} left")
        self.stage.setText(" · ".join(parts))
        if progress.trace is not None and self._job is not None:
            self.traced.emit(self._job.reviewed, progress.trace)
        if progress.findings is not None and self._job is not None:
            self._take_part(self._job, progress.findings)
        if progress.note:
            of = self._job.reviewed if self._job is not None else None
            show_warning(self._outcomes.tell(of, progress.note, "warning"))

    def _on_finished(self, findings: Findings) -> None:
        job, self._job = self._job, None
        self._end()
        if job is None:
            return
        text = self._take_judged(job, findings) if job.judges else self._take_found(job, findings)
        notes = notes_of(findings)  # which stay
        self._outcomes.tell(job.reviewed, notes or text, "warning" if notes else "faint")
        self.finished.emit(job.reviewed)

    def _take_found(self, job: Job, findings: Findings) -> str:
        session = job.reviewed.session
        run_modes.set_threshold(session, job.chain.info.default_threshold)
        findings = as_turned_since(findings, job.orientation, session.orientation)
        session.replace_findings(_without_removed(findings, job.part, session.findings))
        self.found.emit(job.reviewed)
        took = clock(time.monotonic() - job.started)
        found, flat = len(session.findings), session.image is not None and session.image.ndim == 2
        marks = f"{found} mark" if found == 1 else f"{found} marks"  # of which the list may join two
        return f"Done in {took}: {marks if flat else counted(found)}."  # *show* says how many are shown

    def _take_part(self, job: Job, findings: Findings) -> None:
        """Boxes of each network, and spheres before their malignancy is known, are shown as they come."""
        image = job.reviewed.session.image
        if image is None or job.judges or (image.ndim == 3 and job.part is not None):
            return  # of a CT once: what is redrawn with every opinion is in a person's way
        session = job.reviewed.session
        run_modes.set_threshold(session, job.chain.info.default_threshold)
        session.replace_findings(
            as_turned_since(findings, job.orientation, session.orientation), partial=True
        )
        here = {f.id for f in session.findings}  # not what a kept one covers
        self._job = replace(job, part=findings.with_items(tuple(f for f in findings if f.id in here)))
        self.found.emit(job.reviewed)

    def _take_judged(self, job: Job, findings: Findings) -> str:
        """Only what networks say changes, and only where the sphere is still what it was when the run began."""
        session = job.reviewed.session
        judged = {f.id: f for f in findings}
        asked = [f for f in session.findings if f.id in judged]
        after = [with_opinions(f, judged[f.id]) for f in asked]
        if changed := [b for a, b in zip(asked, after, strict=True) if b != a]:
            session.edit(change=changed, models=findings.models, notes=findings.notes)
        done = [f for f in after if f.opinions and f.geometry == judged[f.id].geometry]
        if len(judged) == 1 and len(done) == 1 and done[0].malignancy is not None:
            if is_unlike(done[0]):
                return verdict(done[0])
            return f"Malignancy {done[0].malignancy:.2f}, spread {done[0].malignancy_spread or 0:.2f}."
        took = clock(time.monotonic() - job.started)
        return f"Done in {took}: {len(done)} of {len(judged)} characterised."

    def _on_failed(self, message: str) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.reviewed.session.drop_partial()
        self._end()
        show_error(self._outcomes.tell(job.reviewed if job is not None else self.reviewed, message, "error"))

    def _on_cancelled(self) -> None:
        job, self._job = self._job, None
        untouched = job is None or job.reviewed.session.drop_partial()
        self._end()
        what = "Nothing was changed." if untouched else "What had been found stays: Undo takes it back."
        self._outcomes.tell(job.reviewed if job is not None else None, f"Cancelled. {what}", "faint")

    def _end(self) -> None:
        self._patience.stop()
        self._show_running()

    def _say(self, text: str, role: str = "") -> None:
        self._outcomes.say(text, role)


def _without_removed(findings: Findings, part: Findings | None, present: Findings) -> Findings:
    """A run's result without what a person took out while it went on; not after Undo, which takes out all."""
    shown = {f.id for f in part or ()}
    left = shown & {f.id for f in present}
    return findings.with_items(tuple(f for f in findings if f.id not in shown or f.id in left or not left))


def clock(seconds: float) -> str:
    """``0:07``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
