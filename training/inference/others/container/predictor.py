"""A container as a predictor: the CT goes in without names, progress and Cancel work, and nodules come out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from ....error_boundary import as_sentences
from ....findings import Findings, ImageReference, Provenance
from ....findings.formats.errors import FindingsFileError
from ....imaging.image import Image
from ...predictor import SCORE_FLOOR, ModelInfo, PredictorError, Progress
from ...suitability import check_ct
from ...weights import ModelCard
from .card import ContainerSettings, read_container
from .engine import Engine, last_line, tail
from .files import Written, find_output, measured, read_output, share, write_input

S = TypeVar("S")
T = TypeVar("T")

BEGUN, ENDED = 0.0, 0.95
"""Fractions of a run until a container ends, and then: how far it is nobody knows, and a bar that moved would promise a time."""
KILLED = 137


def build(path: Path, card: ModelCard, info: ModelInfo, device: str) -> Container:
    """The predictor of a container's card.

    Raises
    ------
    WeightsError
        The card is none.
    PredictorError
        The engine cannot be used, or the image is not on this machine.
    """
    predictor = Container(read_container(path)[1], info, card, device)
    predictor.engine.identify(predictor.settings.image)
    return predictor


class Container:
    """A detector in a container as a `Predictor`."""

    def __init__(self, settings: ContainerSettings, info: ModelInfo, card: ModelCard, device: str) -> None:
        self.info, self.settings = info, settings
        self.engine = Engine(settings.engine)
        self._card, self._device = card, device

    def run(self, image: Image) -> Generator[Progress, None, Findings]:
        """Yield progress; return what the container found by descending score, all from `SCORE_FLOOR` on.

        Raises
        ------
        PredictorError
            The image is no CT volume, the engine cannot be used, or the container failed or wrote something else.
        """
        check_ct(image, self.info.title, "detects")
        identifier = self.engine.identify(self.settings.image)
        if not self.settings.digest:
            yield Progress(BEGUN, self.info.title, note=self._unpinned(identifier))
        found = yield from self._contained(image, identifier)
        kept = sorted((f for f in found.nodules if f.score >= SCORE_FLOOR), key=lambda f: -f.score)
        found = replace(found, nodules=tuple(kept))
        if not found.sized:
            found = yield from _steps(
                measured(found, image), lambda n: Progress(ENDED, f"measuring mark {n}")
            )
        for note in found.notes:
            yield Progress(ENDED, self.info.title, note=f"{self.info.title}: {note}.")
        return self._findings(found, image, identifier)

    def _contained(self, image: Image, identifier: str) -> Generator[Progress, None, Written]:
        """Run the container on the image, and read what it wrote."""
        title = self.info.title
        with (
            as_sentences(title, PredictorError),
            # What a container's own user wrote may stay, where this one may not delete it.
            tempfile.TemporaryDirectory(prefix="lungmtl-", ignore_cleanup_errors=True) as folder,
        ):
            given, written = _folders(Path(folder))
            yield from _steps(write_input(image, given), lambda n: Progress(BEGUN, f"writing slice {n}"))
            log = Path(folder) / "log"
            running = self.engine.run(identifier, (given, written), self.settings.workflow, self._device, log)
            status = yield from _steps(
                running, lambda line: Progress(BEGUN, f"{title}: {line[:80]}" if line else title)
            )
            said = last_line(tail(log)) or "it said nothing"
            if status:
                why = " by somebody, or because memory ran out" if status == KILLED else ""
                raise PredictorError(f"{title} ended{why} with exit status {status}: {said}")
            yield Progress(ENDED, "reading what it wrote")
            return self._read(written, image, said)

    def _unpinned(self, identifier: str) -> str:
        short = identifier.removeprefix("sha256:")[:12]
        image = self.settings.image
        return f"{self.info.title}: its card pins no image. {image} was {short} now, and may be another tomorrow."

    def _read(self, written: Path, image: Image, said: str) -> Written:
        try:
            return read_output(find_output(written, self.settings.findings), image, self.settings)
        except FindingsFileError as error:
            reason = str(error).replace(f"{written}{os.sep}", "")
            raise PredictorError(
                f"{self.info.title} ended, but what it wrote cannot be used: {reason}. Its last line was: {said}"
            ) from error

    def _findings(self, found: Written, image: Image, identifier: str) -> Findings:
        who = Provenance(self.info.name, self.info.version)
        model = {
            "name": self.info.name,
            "version": self.info.version,
            "sha256": self._card.sha256,
            "title": self.info.title,
            "file": self.info.weights.name if self.info.weights is not None else "",
            "image": self.settings.image,
            "image_id": identifier,
        }
        items = tuple(f.with_(provenance=who) for f in found.nodules)
        return Findings(items, ImageReference.of(image), (model,))


def _folders(folder: Path) -> tuple[Path, Path]:
    """What a container reads, and where it writes; nobody else on this machine gets past the folder that holds them."""
    given, written = folder / "in", folder / "out"
    for each, mode in ((given, 0o755), (written, 0o777)):
        each.mkdir()
        each.chmod(mode)  # its root has no rights over other users' folders
    share(written)
    return given, written


def _steps(steps: Generator[S, None, T], told: Callable[[S], Progress]) -> Generator[Progress, None, T]:
    """Tell steps as progress; give their result."""
    with closing(steps):
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                return end.value
            yield told(step)
