"""The predictor contract: one mechanism for progress and for cancellation, on the command line and in the window."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from ..errors import LungmtlError
from ..explain.answer import Trace
from ..findings import Findings
from ..imaging.image import Image

Result = TypeVar("Result")

SCORE_FLOOR = 0.05
"""Predictors keep every detection above this score, so that thresholds move without running again."""
DETECTOR = "detector"
"""Key of `Finding.scores` under which a reduction of false positives keeps the detector's."""


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Parameters
    ----------
    fraction
        0–1 of the whole run.
    stage
        What is happening, for a person: ``"finding the lungs"``, ``"detecting"``.
    findings
        What is known so far, or None where nothing new is.
    note
        A sentence that the person must see (``"out of GPU memory: went on with the CPU"``), or empty.
    trace
        Why the network marked what, for whoever wants to keep it; None in all steps but one of a run.
    """

    fraction: float
    stage: str
    findings: Findings | None = None
    note: str = ""
    trace: Trace | None = None


@dataclass(frozen=True)
class ModelInfo:
    """What a person chooses between, known without loading torch or weights."""

    name: str
    title: str
    purpose: str
    modalities: tuple[str, ...]
    version: str = ""
    default_threshold: float = 0.5
    task: str = "detection"
    heat_map: str = ""
    weights: Path | None = None
    """The file of a person's own weights; None for the shipped ones."""


@dataclass(frozen=True, eq=False)
class HeatMap:
    """A heat map of what a network went by, placed in the world (`heat_map(image)` of a radiograph's predictor).

    Parameters
    ----------
    values
        float32 (h, w), 0–1.
    spacing, origin
        (y, x): world units for one pixel of `values`, and the world position of its first pixel's centre.
    title
        What it shows: ``"DHN objectness"``, ``"MO-SegNet nodule probability"``.
    """

    values: np.ndarray
    spacing: tuple[float, float]
    origin: tuple[float, float]
    title: str


class Predictor(Protocol):
    """A model ready to run. Each ``yield`` is a point at which the caller may draw progress, or stop by closing."""

    info: ModelInfo

    def run(self, image: Image) -> Generator[Progress, None, Findings]:
        """Yield progress; return the findings when exhausted.

        Raises
        ------
        PredictorError
            The image does not suit the model, with a sentence for the person.
        """
        ...


class Characteriser(Protocol):
    """A model that says something about findings that are already there: a link of a chain (`inference.chain`)."""

    info: ModelInfo

    def run(self, image: Image, findings: Findings) -> Generator[Progress, None, Findings]:
        """Yield progress with the findings so far; return the same findings, in the same order and with the same ids.

        Each sphere gets this model's `Opinion` in `Finding.opinions` (one that is there already is replaced); what is no
        sphere, or lies outside the image, comes back as it was with a note in the progress. All others go on.

        Raises
        ------
        PredictorError
            The image does not suit the model, with a sentence for the person.
        """
        ...


class PredictorError(LungmtlError):
    """The model cannot do this, and the message says why and what to do."""


def finish(run: Generator[Any, None, Result]) -> Result:
    """Exhaust a run and give its result: findings, of a predictor."""
    while True:
        try:
            next(run)
        except StopIteration as stop:
            return stop.value
