"""Run on all: one case after the other in the background, each result to its own findings."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from qtpy.QtCore import QObject, Signal

from ...jobs.run_modes import set_threshold
from ...jobs.worker import Steps, Worker
from ...layers.image import IMAGE
from ...reviewed_images import ReviewedImages
from ...session.case_summary import CaseSummary, summary_of
from ...session.review import as_turned_since, is_reviewed, stood_upright
from ...session.session import Session
from ...session.sidecar import Sidecar
from ...training.case_list.beside import truth_beside
from ...training.findings import Findings
from ...training.findings.formats.json_file import read_findings
from ...training.findings.truth import Truth
from ...training.imaging.image import Image
from ...training.imaging.radiograph.orientation import AS_STORED, Orientation
from ...training.imaging.read import read_series
from ...training.inference import registry
from ...training.inference.chain import choose
from ...training.inference.predictor import Progress
from ...training.inference.suitability import suits
from ...training.remote.client.chain import on_machine
from ...training.remote.key_file import Key
from .case import Case
from .search import figures_of


@dataclass(frozen=True)
class Result:
    """What a run brought: findings, on which image, how it was looked at when it began, from which score on they count, and the
    truth that lies beside it, which is read here: that takes a while."""

    image: Image
    findings: Findings
    orientation: Orientation
    threshold: float
    truth: Truth | None


class BatchRun(QObject):
    """Runs all networks that suit on each of several cases.

    Models are loaded once. A result joins what a person has said of the case, as that of Run does: in its session where
    it is open, else in its file. What fails is told, and the others go on.

    Parameters
    ----------
    reviewed_images
        What is open.
    """

    progressed = Signal(object, float, str)  # Case, fraction of all, stage
    taken = Signal(object)  # Case
    failed = Signal(object, str)  # Case, sentence
    ended = Signal(str)  # what came of it

    def __init__(self, reviewed_images: Callable[[], ReviewedImages], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reviewed_images = reviewed_images
        self._queue: deque[Case] = deque()
        self._case: Case | None = None
        self._total = self._done = self._failures = 0
        self._device = "auto"
        self._machine: Key | None = None
        self._worker = Worker("The model stopped", self)
        self._worker.progressed.connect(self._on_progress)
        self._worker.finished.connect(self._on_finished)
        self._worker.failed.connect(self._on_failed)

    @property
    def running(self) -> bool:
        """Whether cases are being run."""
        return self._case is not None

    @property
    def case(self) -> Case | None:
        """The case that is run now."""
        return self._case

    def start(self, cases: Iterable[Case], device: str, machine: Key | None = None) -> None:
        """Run on cases, one after the other, on a device of this machine or on the one that a key opens."""
        self._queue, self._device, self._machine = deque(cases), device, machine
        self._total, self._done, self._failures = len(self._queue), 0, 0
        self._next()

    def cancel(self) -> None:
        """Stop at the present case, which stays as it was; the results of those before it stay."""
        if self.running:
            self._queue.clear()
            self._case = None
            self._worker.cancel()
            self.ended.emit(f"Cancelled: {self._words()}")

    def abandon(self) -> None:
        """The window is going."""
        self._queue.clear()
        self._worker.abandon()

    def _next(self) -> None:
        if not self._queue:
            self._case = None
            self.ended.emit(f"Done: {self._words()}")
            return
        case = self._case = self._queue.popleft()
        if not case.can_open:  # it was closed since
            self._on_failed(f"{case.name} is no longer open.")
            return
        reviewed = next((s for s in self._reviewed_images() if s.layer is case.layer), None)
        image = case.layer.metadata.get(IMAGE) if case.layer is not None else None
        known = None
        if reviewed is not None:
            image, known = reviewed.session.image, reviewed.session.findings
        begin = partial(_run, case, image, known, self._device, self._machine)
        self._worker.start(begin, str(case.path or case.name))

    def _words(self) -> str:
        failed = f", {self._failures} failed" if self._failures else ""
        return f"{self._done} of {self._total} run{failed}."

    def _on_progress(self, progress: Progress) -> None:
        if self._case is not None:
            finished = self._done + self._failures
            stage = f"{finished + 1} of {self._total} · {self._case.name} · {progress.stage}"
            self.progressed.emit(self._case, (finished + progress.fraction) / self._total, stage)

    def _on_finished(self, result: Result) -> None:
        case = self._case
        if case is None:
            return
        problem = self._take(case, result)
        if problem:
            self._on_failed(problem)
            return
        self._done += 1
        self.taken.emit(case)
        self._next()

    def _on_failed(self, message: str) -> None:
        if self._case is not None:
            self._failures += 1
            self.failed.emit(self._case, message)
            self._next()

    def _take(self, case: Case, result: Result) -> str:
        """Join the result with what is known of the case now; a sentence where it cannot be saved."""
        path = Sidecar(result.image).path
        reviewed = next((s for s in self._reviewed_images() if s.session.sidecar == path), None)
        if reviewed is not None:
            set_threshold(reviewed.session, result.threshold)
            _join(reviewed.session, result)
            loaded = reviewed.truth.truth
            _judge(case, reviewed.session, loaded if loaded is not None else result.truth)
            return ""
        # On the GUI thread, in a few milliseconds: no window can open the case between reading and writing.
        session = Session()
        problems: list[str] = []
        session.events.problem.connect(problems.append)
        session.open(result.image)
        _join(session, result)
        saved = session.save()
        session.close()
        case.summary = summary_of(session.findings)
        _judge(case, session, result.truth)
        return "" if saved else " ".join(problems)


def _join(session: Session, result: Result) -> None:
    session.replace_findings(as_turned_since(result.findings, result.orientation, session.orientation))


def _judge(case: Case, session: Session, truth: Truth | None) -> None:
    """Bring the figures of a case up to date; those of an evaluation stay as they were published."""
    if case.listed is None:
        case.figures = figures_of(session.findings, truth)


def _run(
    case: Case, image: Image | None, known: Findings | None, device: str, machine: Key | None
) -> Steps[Result]:
    """Read what is not open, and run what suits it."""
    yield Progress(0.0, "reading")
    if image is None:
        assert case.series is not None
        image = read_series(case.series.path, case.series)
    if known is None:
        file = Sidecar(image).newest()
        known = read_findings(file) if file is not None else Findings()
    known = stood_upright(image, known) or known
    orientation = known.orientation or AS_STORED
    chain = on_machine(choose(image, device=device), machine)
    findings = yield from chain.run(image, tuple(filter(is_reviewed, known)), orientation)
    return Result(image, findings, orientation, chain.info.default_threshold, truth_beside(image))


def has_run(summary: CaseSummary, case: Case) -> bool:
    """Whether every detector at hand that suits the case has looked at it, in its present version."""
    image = case.series or (case.layer.metadata.get(IMAGE) if case.layer is not None else None)
    if image is None:
        return False
    suitable = [info for info in registry.models() if info.task == "detection" and suits(info, image)]
    return all((info.name, info.version) in summary.models for info in registry.running(suitable))
