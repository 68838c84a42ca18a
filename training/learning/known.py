"""What must not be forgotten: the images that shipped weights were tuned on, or the samples that come with the package."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from ..findings import Findings
from ..findings.formats.json_file import read_findings
from ..imaging.image import Image
from ..imaging.read import read_image
from ..inference import registry
from ..inference.predictor import finish
from ..inference.view import View
from ..inference.weights import ModelCard
from .candidates import Outcome
from .places import hits
from .reviewed import places

DATA = "LUNGMTL_DATA"
"""Environment variable that names the folder of the data that shipped weights were made from."""
SAMPLES = ("ct", "radiograph.dcm")
"""Of the package's ``sample_data``; their truth lies beside them."""


@dataclass(frozen=True, eq=False)
class KnownCase:
    """An image of which it is known what is in it.

    Parameters
    ----------
    name
        Unique among the cases.
    outcome
        What a predictor makes of it.
    """

    name: str
    outcome: Callable[[Any], Outcome]


@dataclass(frozen=True)
class KnownSet:
    """Cases and what they are called."""

    name: str
    cases: tuple[KnownCase, ...]


def known_set(name: str, card: ModelCard) -> KnownSet:
    """Open what a network must not forget: its own dev set where the data are at hand, else the package's samples."""
    folder = os.environ.get(DATA)
    if folder:
        cases = tuple(registry.network(name).known_cases(Path(folder), card))
        if cases:
            return KnownSet("the shipped dev set", cases)
    return KnownSet("the package's samples", tuple(_samples(card.modalities)))


def _samples(modalities: Sequence[str]) -> list[KnownCase]:
    folder = Path(str(files("napari_lungmtl"))) / "sample_data"
    cases = []
    for name in SAMPLES:
        path = folder / name
        truth = read_findings(folder / f"{path.stem}_truth.lungmtl.json")
        if truth.image.modality in modalities:
            cases.append(KnownCase(path.stem, partial(_of_file, path, truth)))
    return cases


def _of_file(path: Path, truth: Findings, predictor: Any) -> Outcome:
    return outcome_of(path.stem, read_image(path), predictor, places(truth))


def found_in(predictor: Any, image: Image, orientation: Any = None) -> Findings:
    """Run a predictor as in use: a radiograph that lies on its side is turned for it."""
    view = View.of(image, orientation)
    return view.as_stored(finish(predictor.run(view.turned)))


def outcome_of(
    name: str, image: Image, predictor: Any, nodules: np.ndarray, orientation: Any = None
) -> Outcome:
    """Run a predictor on an image and see which nodules (N, 4) its marks hit; marks on none are other marks."""
    findings = found_in(predictor, image, orientation)
    return marks_outcome(
        name, places(findings), np.array([f.score for f in findings], float), nodules, image.ndim == 2
    )


def marks_outcome(
    name: str, marks: np.ndarray, scores: np.ndarray, nodules: np.ndarray, planar: bool
) -> Outcome:
    """Say which nodules (N, 4) marks (M, 4) with scores (M,) hit."""
    hit = hits(marks, nodules, planar)
    best = np.where(hit, scores[:, None], 0.0).max(0, initial=0.0)
    lesions = {f"lesion {i} of {name}": float(s) for i, s in enumerate(best, 1)}
    return Outcome(lesions, {name: tuple(float(s) for s in scores[~hit.any(1)])})
