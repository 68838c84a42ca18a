"""Progress over the stages of a chain, and what gets it from functions that are no generators."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing

from ..findings import Findings
from ..imaging.image import Image
from ..imaging.streamed import rest_of
from .predictor import ModelInfo, Progress

Run = Generator[Progress, None, Findings]
OnProgress = Callable[[float, str], None]
"""Gets the fraction done (0–1) and the stage."""
DURATION = {"detection": 6.0, "reduction": 1.0, "characterisation": 2.0, "segmentation": 1.0}
"""How long stages take, roughly and relative to each other."""


class ChainProgress:
    """One fraction over all stages, which never goes back.

    Parameters
    ----------
    infos
        The models in the order of work.
    """

    def __init__(self, infos: Sequence[ModelInfo]) -> None:
        durations = [DURATION[i.task] for i in infos]
        total = sum(durations)
        self._starts = {i.name: sum(durations[:k]) / total for k, i in enumerate(infos)}
        self._lengths = {i.name: d / total for i, d in zip(infos, durations, strict=True)}
        self._start, self._length, self._last = 0.0, 0.0, 0.0

    def enter(self, info: ModelInfo) -> None:
        """The stage of another model begins."""
        self._start, self._length = self._starts[info.name], self._lengths[info.name]

    def at(self, fraction: float) -> float:
        """The whole's fraction at a fraction of the stage."""
        value = self._start + self._length * min(max(fraction, 0.0), 1.0)
        self._last = max(self._last, min(value, 1.0))
        return self._last

    def end(self) -> float:
        """Everything is done."""
        self._last = 1.0
        return self._last


def arriving(image: Image) -> Iterator[Progress]:
    """Wait for the voxels of a study on a server, and say how many are there; nothing where they are.

    The bar waits at its beginning: how long networks take has nothing to do with how long a server does.

    Yields
    ------
    Progress
        A point at which the run may be stopped.
    """
    for fraction in rest_of(image):
        yield Progress(0.0, f"reading from the server, {fraction:.0%}")


def noted(run: Run, notes: list[str]) -> Run:
    """Pass a run on, and keep its notes."""
    with closing(run):
        while True:
            try:
                step = next(run)
            except StopIteration as stop:
                return stop.value
            if step.note:
                notes.append(step.note)
            yield step
