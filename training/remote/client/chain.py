"""A chain of networks that runs on another machine, and is to its caller as one that runs here."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from ...error_boundary import sentence
from ...errors import LungmtlError
from ...findings import Finding, Findings
from ...imaging.errors import NoLungFoundError
from ...imaging.image import Image
from ...imaging.radiograph.orientation import Orientation
from ...inference.chain import Chain
from ...inference.predictor import ModelInfo, Progress
from ...inference.progress import Run, arriving
from ...inference.suitability import frontal_doubt
from ...storage.address import is_remote
from ..key_file import Key, RemoteError
from ..report import DONE, FAILED, RECEIVING, RUNNING, UNKNOWN, UNSEEN, WAITING, Addressee, Report
from ..request import Request, digest_of, packed, request_of, to_values
from ..server import calls
from .link import GoneError, Link

T = TypeVar("T")
TICK = 0.1
"""Seconds between two steps: at each the run may be stopped."""
ASKING = 0.25
"""Seconds between two questions to the server."""
ANSWERING = 30.0
"""Seconds until a question without an answer counts as a lost connection."""
SENDING = 120.0
"""The same for a piece of the voxels: a slow line needs them."""
LOST = 300.0
"""Seconds for which a lost connection is tried again."""
TRIES = 3
"""So often a run is begun, where the process that has it dies."""
SENT = 0.1
"""What of the whole run counts as sent voxels."""


class LostError(OSError):
    """The connection is gone; the job is perhaps not."""


@dataclass(frozen=True)
class RemoteChain:
    """A chain on another machine.

    Parameters
    ----------
    chain
        The networks; its device means nothing there.
    key
        What opens the machine.
    lost
        As `LOST`.
    """

    chain: Chain
    key: Key
    lost: float = LOST

    @property
    def info(self) -> ModelInfo:
        """See `Chain.info`."""
        return self.chain.info

    @property
    def infos(self) -> tuple[ModelInfo, ...]:
        """See `Chain.infos`."""
        return self.chain.infos

    @property
    def detectors(self) -> tuple[ModelInfo, ...]:
        """See `Chain`."""
        return self.chain.detectors

    def run(
        self, image: Image, manual: Sequence[Finding] = (), orientation: Orientation | None = None
    ) -> Run:
        """See `Chain.run`: the same findings, without traces.

        Raises
        ------
        RemoteError
            The machine is not reached, does not let us in, has other networks, or was lost for too long; or what `Chain.run`
            raises, from there.
        NoLungFoundError
            There is no lung in the image.
        """
        note = frontal_doubt(self.chain.detectors, image)  # by what its file says, which is not sent
        if note:
            yield Progress(0.0, "detecting", note=note)
        said = (note,) if note else ()
        found = yield from self._remotely(image, Findings(tuple(manual)), orientation, said)
        return replace(found, notes=tuple(dict.fromkeys((*said, *found.notes))))

    def characterise(self, image: Image, findings: Findings) -> Run:
        """See `Chain.characterise`; errors as of `run`."""
        return (yield from self._remotely(image, findings, judges=True))

    def _remotely(
        self,
        image: Image,
        findings: Findings,
        orientation: Orientation | None = None,
        said: Sequence[str] = (),
        judges: bool = False,
    ) -> Run:
        yield from arriving(image)
        digest = yield from digest_of(image)
        request = request_of(
            uuid.uuid4().hex,
            image,
            digest,
            self.infos,
            findings=findings,
            judges=judges,
            orientation=orientation,
        )
        if path := shared_path(image, self.key):
            request = replace(request, path=path, uid=image.series_uid)
        errand = _Errand(self.key, request, Addressee(image, request, findings), self.lost)
        errand.said.update(said)
        try:
            return (yield from errand.run())
        finally:
            errand.close()


def on_machine(chain: Chain, key: Key | None) -> Chain | RemoteChain:
    """Let a chain run on the machine that a key opens; without one it stays here."""
    return chain if key is None else RemoteChain(chain, key)


def shared_path(image: Image, key: Key) -> str:
    """The path of an image that the machine sees too, or nothing."""
    if image.source is None or is_remote(image.source):
        return ""
    path = Path(os.path.normpath(image.source.absolute()))  # the way up leads out of a shared folder
    return str(path) if any(path.is_relative_to(folder) for folder in key.shared) else ""


@dataclass(eq=False)
class _Errand:
    """One job on a server, over as many connections as it takes."""

    key: Key
    request: Request
    addressee: Addressee
    lost: float
    worker: str = ""
    heard: int = 0  # notes
    number: int = 0  # of the findings that have come
    said: set[str] = field(default_factory=set)  # notes that the person has read

    def __post_init__(self) -> None:
        self.now = Progress(0.0, "connecting")
        self._link = Link(self.key)

    def close(self) -> None:
        """Let go of the job, whether it is done or not, and hang up."""
        self._link.close(calls.end, self.request.job, worker=self.worker)

    def run(self) -> Run:
        """Begin the job, follow it through lost connections, and give what was found."""
        yield from self._connect()
        tries = 0
        while True:
            try:
                if not self.worker:
                    tries += 1
                    self.worker = yield from self._choose()
                return (yield from self._follow())
            except LostError:
                yield from self._reconnect()
            except GoneError:
                self.worker = ""
                if tries == TRIES:
                    raise RemoteError(
                        f"On {self.key.name} the process that ran the networks has died {TRIES} times with this image: "
                        "see what it says there, or run it here."
                    ) from None
                yield self._at(
                    note=f"The process with the networks on {self.key.name} has died: it was begun again."
                )

    def _connect(self) -> Generator[Progress, None, None]:
        try:
            yield from self._wait(self._link.open())
        except LostError as error:
            host, port = self.key.place
            raise RemoteError(
                f"No networks answer at {host}:{port} ({error}): start 'lungmtl serve' on {self.key.name}, or the way there."
            ) from error

    def _reconnect(self) -> Generator[Progress, None, None]:
        """Try until the server is there again, and see whether it has the job still."""
        since = time.monotonic()
        yield self._at(
            "connection lost: trying again", note=f"The connection to {self.key.name} is lost: trying again."
        )
        while True:
            try:
                yield from self._wait(self._link.open())
                found = yield from self._wait(self._link.ask(calls.has, self.request.job))
            except LostError as error:
                if time.monotonic() - since > self.lost:
                    minutes = max(1, round(self.lost / 60))
                    raise RemoteError(
                        f"The connection to {self.key.name} was lost and did not come back in {minutes} min ({error}): "
                        "see to it, and run again."
                    ) from error
                end = time.monotonic() + 1
                while time.monotonic() < end:
                    time.sleep(TICK)
                    yield self._at("connection lost: trying again")
            else:
                self.worker = next((worker for worker, has in found.items() if has), "")
                yield self._at("connected again", note=f"The connection to {self.key.name} is back.")
                return

    def _choose(self) -> Generator[Progress, None, str]:
        """The worker with the fewest jobs."""
        since = time.monotonic()
        while not (found := (yield from self._wait(self._link.ask(calls.hello)))):
            if time.monotonic() - since > self.lost:
                raise RemoteError(
                    f"{self.key.name} has no process that runs networks: start 'lungmtl serve' there again."
                )
            time.sleep(ASKING)
            yield self._at("waiting for a worker")
        self.heard = self.number = 0
        best = min(found, key=lambda worker: found[worker]["busy"])
        if (there := found[best]["version"]) != (here := version("napari-lungmtl")):
            raise RemoteError(
                f"{self.key.name} has napari-lungmtl {there}, this machine {here}: install the same on both."
            )
        return best

    def _follow(self) -> Run:
        """Send what is missing and ask until it is done."""
        report = yield from self._begin()
        while True:
            if report.state == UNKNOWN:
                raise GoneError
            if report.state == UNSEEN:  # its path shows another image there, or none
                yield from self._ask(calls.end, self.request.job)
                self.request = replace(self.request, path="", uid="")
                report = yield from self._begin()
                continue
            if report.state == FAILED:
                kind = NoLungFoundError if report.kind == NoLungFoundError.__name__ else RemoteError
                raise kind(self.addressee.text(report.sentence))
            if report.state == RECEIVING:
                yield from self._send(report.missing)
            yield from self._steps(report)
            if report.state == DONE:
                return self._result(report)
            time.sleep(ASKING)
            report = yield from self._ask(calls.report, self.request.job, self.heard, self.number)

    def _begin(self) -> Generator[Progress, None, Report]:
        return (yield from self._ask(calls.begin, to_values(self.request), self.heard, self.number))

    def _send(self, missing: Sequence[int]) -> Generator[Progress, None, None]:
        left = set(missing)
        total = self.request.size / 1e6
        for number, piece in enumerate(packed(self.addressee.image)):
            if number in left:
                sending = self._link.ask(calls.put, self.request.job, number, piece, worker=self.worker)
                if not (yield from self._wait(sending, SENDING)):
                    raise GoneError
            done = (number + 1) / self.request.pieces
            yield self._at(f"sending {done * total:.0f} of {total:.0f} MB", fraction=SENT * done)

    def _steps(self, report: Report) -> list[Progress]:
        """What a report says, as steps of a run."""
        start = 0.0 if self.request.path else SENT
        self.heard += len(report.notes)
        words = dict.fromkeys(self.addressee.text(note) for note in report.notes)
        steps = [self._at(note=note) for note in words if note not in self.said]
        self.said.update(words)
        if report.state == WAITING:
            stage = f"waiting for {report.ahead} before it" if report.ahead else "waiting"
            return [*steps, self._at(stage)]
        if report.state == RUNNING:
            findings = None
            if report.document:
                findings = self._findings(report)
            step = self._at(report.stage, start + (1 - start) * report.fraction)
            steps.append(replace(step, findings=findings))
        return steps

    def _result(self, report: Report) -> Findings:
        if not report.document:
            raise GoneError
        return self._findings(report)

    def _findings(self, report: Report) -> Findings:
        if report.digest != self.request.digest:
            raise RemoteError(
                f"{self.key.name} has answered for another image: nothing was taken. Run it again."
            )
        self.number = report.number
        return self.addressee.findings(report.document)

    def _at(self, stage: str = "", fraction: float | None = None, note: str = "") -> Progress:
        """A step; the fraction never goes back."""
        at = self.now.fraction if fraction is None else max(fraction, self.now.fraction)
        self.now = Progress(at, stage or self.now.stage)
        return replace(self.now, note=note)

    def _ask(self, function: Callable[..., Any], *args: Any) -> Generator[Progress, None, Any]:
        return (yield from self._wait(self._link.ask(function, *args, worker=self.worker)))

    def _wait(self, answer: Future[T], limit: float = ANSWERING) -> Generator[Progress, None, T]:
        """Wait for an answer, and let the run be stopped meanwhile.

        Raises
        ------
        LostError, GoneError
            There is none.
        RemoteError
            The other side does not know the question.
        """
        since = time.monotonic()
        try:
            while not wait([answer], TICK).done:
                if time.monotonic() - since > limit:
                    raise LostError("no answer")
                yield self.now
            return answer.result()
        except (LungmtlError, GoneError, LostError):
            raise
        except OSError as error:  # also TimeoutError, and Dask's own
            raise LostError(" ".join(str(error).split())[:200] or type(error).__name__) from error
        except Exception as error:  # a function that is not there in another version
            raise RemoteError(
                f"{self.key.name} does not understand this version of lungmtl ({sentence(error)}): install the same on both."
            ) from error
        finally:
            answer.cancel()
