"""Jobs of a worker: voxels come in pieces, one job at a time is in the networks, and results are kept until they are asked for.

A job belongs to no connection: whoever lost his asks again under the job's word.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from socket import gethostname
from typing import Any

from ...error_boundary import STOPS, foreseen, sentence
from ...errors import LungmtlError
from ...findings import Findings
from ...imaging.image import Image
from ...imaging.read import read_image
from ...inference import registry
from ...inference.chain import Chain, chain_of
from ...inference.predictor import finish
from ...inference.progress import Run
from ...log_file import keep_log, log_error
from ..key_file import RemoteError
from ..report import (
    DONE,
    FAILED,
    RECEIVING,
    RUNNING,
    UNKNOWN,
    UNSEEN,
    WAITING,
    Report,
    packed_findings,
)
from ..request import Request, digest_of, unpacked

KEEP = 900.0
"""Seconds for which a job is kept that nobody asks for: so long may a connection be lost."""
OPEN = (RECEIVING, WAITING, RUNNING)


@dataclass(eq=False)
class Job:
    """A request and what came of it so far."""

    request: Request
    asked: float
    pieces: dict[int, bytes] = field(default_factory=dict)
    now: Report = field(default_factory=partial(Report, RECEIVING))
    notes: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def missing(self) -> tuple[int, ...]:
        """Pieces that have not come."""
        if self.now.state != RECEIVING:
            return ()
        return tuple(k for k in range(self.request.pieces) if k not in self.pieces)


class Jobs:
    """The jobs of a process, by their words.

    Parameters
    ----------
    device
        Where networks run, as for `registry.load_predictor`.
    shared
        Folders below which images are read from their path.
    keep
        As `KEEP`.
    """

    def __init__(self, device: str = "auto", shared: Sequence[str] = (), keep: float = KEEP) -> None:
        self.device, self.keep = device, keep
        self.shared = tuple(Path(folder).resolve() for folder in shared)
        self._jobs: dict[str, Job] = {}
        self._line: list[Job] = []  # the first one is in the networks
        self._lock = threading.Lock()
        self._turn = ThreadPoolExecutor(1, "networks")
        self._ends = threading.Event()
        threading.Thread(target=self._tidy_now_and_then, daemon=True).start()

    def hello(self) -> dict[str, Any]:
        """Say in plain values what is here: the version, and how many jobs are open."""
        with self._lock:
            self._tidy()
            busy = sum(job.now.state in OPEN for job in self._jobs.values())
        return {"version": version("napari-lungmtl"), "busy": busy}

    def begin(self, request: Request, notes: int = 0, number: int = 0) -> Report:
        """Take a job on, unless it is here already; says where it stands, as `report`."""
        with self._lock:
            self._tidy()
            job = self._jobs.get(request.job)
            if job is None:
                job = self._jobs[request.job] = Job(request, time.monotonic())
                try:
                    self._refuse(request)
                except LungmtlError as error:
                    job.now = Report(FAILED, sentence=str(error))
                else:
                    self._submit(job, whole=bool(request.path))
        return self.report(request.job, notes, number)

    def put(self, word: str, number: int, piece: bytes) -> bool:
        """Take a piece of the voxels; the last one starts the job. Whether there is such a job."""
        with self._lock:
            job = self._jobs.get(word)
            if job is None:
                return False
            job.asked = time.monotonic()
            if number in job.missing:
                job.pieces[number] = piece
                self._submit(job, whole=not job.missing)
            return True

    def report(self, word: str, notes: int = 0, number: int = 0) -> Report:
        """Say where a job stands to somebody who has heard so many notes and has the findings of that number."""
        with self._lock:
            job = self._jobs.get(word)
            if job is None:
                return Report(UNKNOWN)
            job.asked = time.monotonic()
            now = job.now  # once: the networks' thread may put another in its place at any moment
            ahead = self._line.index(job) if now.state == WAITING and job in self._line else 0
            document = now.document if now.number > number else b""
            told = tuple(job.notes[notes:])
            return replace(now, ahead=ahead, missing=job.missing, notes=told, document=document)

    def end(self, word: str) -> None:
        """Stop a job that is not done, and forget it."""
        with self._lock:
            if (job := self._jobs.pop(word, None)) is not None:
                job.stop.set()

    def close(self) -> None:
        """Stop all."""
        self._ends.set()
        with self._lock:
            for job in self._jobs.values():
                job.stop.set()
        self._turn.shutdown(wait=False, cancel_futures=True)

    def _tidy(self) -> None:
        """Let go of what nobody has asked for."""
        since = time.monotonic() - self.keep
        for word in [w for w, job in self._jobs.items() if job.asked < since]:
            self._jobs.pop(word).stop.set()

    def _tidy_now_and_then(self) -> None:
        while not self._ends.wait(self.keep / 4):
            with self._lock:
                self._tidy()

    def _refuse(self, request: Request) -> None:
        """Say at once what would go wrong when all voxels have been sent."""
        request.check()
        _chain(request, self.device)

    def _submit(self, job: Job, whole: bool) -> None:
        if whole:
            job.now = Report(WAITING)
            self._line.append(job)
            self._turn.submit(self._work, job)

    def _work(self, job: Job) -> None:
        """Run a job and keep what comes of it; called in the thread of the networks."""
        try:
            if job.stop.is_set():
                return
            job.now = replace(job.now, state=RUNNING, stage="preparing")
            image = self._image(job)
            if image is None:
                job.now = Report(UNSEEN)
                return
            chain = _chain(job.request, self.device)
            with closing(_begun(chain, job.request, image)) as run:
                self._follow(job, run)
        except STOPS:
            raise
        except BaseException as error:  # codecs in Rust panic with errors that are no Exception
            if not foreseen(error):
                keep_log(terminal=False)
                log_error(error, f"job {job.request.job}")
            job.now = replace(job.now, state=FAILED, sentence=sentence(error), kind=type(error).__name__)
        finally:
            job.pieces.clear()
            with self._lock:
                self._line.remove(job)

    def _follow(self, job: Job, run: Run) -> None:
        while not (job.stop.is_set() or job.asked < time.monotonic() - self.keep):
            try:
                step = next(run)
            except StopIteration as end:
                self._tell(job, end.value, state=DONE, fraction=1.0)
                return
            if step.note:
                job.notes.append(step.note)
            self._tell(job, step.findings, fraction=step.fraction, stage=step.stage)
        with self._lock:
            if self._jobs.get(job.request.job) is job:  # not one that was begun again under its word
                del self._jobs[job.request.job]

    def _tell(self, job: Job, findings: Findings | None, **changes: Any) -> None:
        """Take a step into the report; one assignment, since others read it."""
        if findings is not None:
            changes |= {"document": packed_findings(findings), "number": job.now.number + 1}
        job.now = replace(job.now, digest=job.request.digest, **changes)

    def _image(self, job: Job) -> Image | None:
        """The image as networks get it, made of the pieces or read from its path; None where that does not give the same."""
        request = job.request
        if not request.path:
            image = request.image(unpacked(request, [job.pieces[k] for k in range(request.pieces)]))
            if finish(digest_of(image)) != request.digest:
                raise RemoteError("The voxels were damaged on their way: run it again.")
            return image
        path = Path(request.path).resolve()
        if not any(path.is_relative_to(folder) for folder in self.shared):
            return None
        try:
            seen = read_image(path, series=request.uid or None)
        except LungmtlError:
            return None
        return request.image(seen.voxels) if finish(digest_of(seen)) == request.digest else None


def _chain(request: Request, device: str) -> Chain:
    """The networks of a request, with the weights that the client knows."""
    here = {info.name: info for info in registry.models()}
    for name, sha in request.networks:
        if name not in here or registry.card_of(here[name]).sha256 != sha:
            title = here[name].title if name in here else name
            raise RemoteError(
                f"{gethostname()} has other weights of {title} than this machine: use the shipped ones on both, or run here."
            )
    return chain_of([here[name] for name, _ in request.networks], device)


def _begun(chain: Chain, request: Request, image: Image) -> Run:
    given = request.given()
    if request.judges:
        return chain.characterise(image, given)
    return chain.run(image, given.items, request.looks)
