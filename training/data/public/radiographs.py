"""Radiographs with truth, as the networks `dhn` and `mosegnet` train on them and are evaluated by them.

Every source (the simulation, NODE21, JSRT with SCR, NIH) yields the same two things: `RadiographSamples`, from which training draws
samples, and `RadiographCase`, one file of a test set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class RadiographSample:
    """One training sample, in the pixels that networks see (`imaging.radiograph`).

    Parameters
    ----------
    pixels
        float32 (side, side), 0–1, dark air.
    boxes
        float32 (n, 4): x0, y0, x1, y1 of each nodule in edge coordinates (pixel i covers i to i + 1).
    lungs
        bool (2, side, side), the patient's right and left lung; None where nobody outlined them. Where the sides are not told
        apart, both are in channel 0 and `sides` is False.
    nodules
        bool (side, side), the union of the nodules; None where only boxes are known.
    nodule_known
        False where it is not known whether there are nodules: neither boxes nor `nodules` may train anything.
    sides
        Whether `lungs` tells right from left.
    diameter_mm
        float32 (n,) of the nodules, NaN where unknown.
    mm
        Pixel size in mm, or None.
    name
        Of the picture underneath: simulated samples on one background share it.
    lesions
        bool (side, side) of further lesions by name (``"pleural effusion"``); one that is not listed is taken as absent.
    uncertain
        bool (side, side), where nobody can say whether the nodule reaches there (the rim of a generous box): these pixels train no
        outline. None where everything is certain.
    """

    pixels: np.ndarray
    boxes: np.ndarray
    lungs: np.ndarray | None = None
    nodules: np.ndarray | None = None
    nodule_known: bool = True
    sides: bool = True
    diameter_mm: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    mm: float | None = None
    name: str = ""
    lesions: Mapping[str, np.ndarray] = field(default_factory=dict)
    uncertain: np.ndarray | None = None

    @property
    def positive(self) -> bool:
        """Whether a nodule is on it."""
        return len(self.boxes) > 0


class RadiographSamples(Protocol):
    """A source of training samples."""

    name: str
    licence: str
    cases: tuple[str, ...]
    """Names of the pictures that samples are made from: what a card lists as trained on."""

    def draw(self, rng: np.random.Generator) -> RadiographSample:
        """Draw one sample; the same generator state gives the same sample. About half of them show nodules."""
        ...


class PairedRadiographs(RadiographSamples, Protocol):
    """A source whose samples come two by two, because a network learns most from what little tells them apart."""

    def draw_pair(self, rng: np.random.Generator) -> tuple[RadiographSample, RadiographSample]:
        """Draw a radiograph with a nodule and one without that belong in one batch."""
        ...


def draw_together(source: RadiographSamples, rng: np.random.Generator) -> tuple[RadiographSample, ...]:
    """Draw what belongs in one batch: a pair where the source has pairs, else one sample."""
    pair = getattr(source, "draw_pair", None)
    return (source.draw(rng),) if pair is None else pair(rng)


@dataclass(frozen=True, eq=False)
class RadiographCase:
    """One file of a test set with its truth, in the pixels of the file.

    Parameters
    ----------
    path
        Image file.
    name
        Unique in the set.
    boxes
        float32 (n, 4): x0, y0, x1, y1 in pixels of the file, edge coordinates. None where boxes are unknown.
    positive
        Whether a nodule is on it, or None where unknown.
    background
        Group for the bootstrap: files made from one picture (or of one patient) share it.
    lungs
        File with the lung mask, or None; `lung_labels` are the values in it that are lung. `lung_masks.read_lungs` reads it.
    left_lung
        File with the left lung, where each lung has a file of its own: `lungs` is then the patient's right one.
    upright
        False where the picture is known to lie on its side, the head at the left; `radiograph_files.read_radiograph` turns it.
    truth_upright
        Whether the boxes of a picture that lies on its side belong to the upright one.
    diameter_mm
        float32 (n,), NaN where unknown.
    shams
        float32 (k, 4): places that were touched like a pasted nodule, without one.
    fold
        Of the set's own split, or ``""``.
    complete
        False where the boxes are some of the nodules and there may be more: a mark elsewhere is then neither hit nor false.
    generous
        Whether the boxes are drawn wider than the nodules.
    subtlety
        float32 (n,), 1 (extremely subtle) to 5 (obvious), NaN where unknown.
    mm
        Size of the file's pixels where the file itself does not say, or None.
    group
        How its truth is known, as the set names it (``"read"``, ``"no finding"``), or ``""``.
    """

    path: Path
    name: str
    boxes: np.ndarray | None = None
    positive: bool | None = None
    background: str = ""
    lungs: Path | None = None
    lung_labels: tuple[int, ...] = (1, 2, 255)
    left_lung: Path | None = None
    upright: bool = True
    truth_upright: bool = False
    diameter_mm: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    shams: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    fold: str = ""
    complete: bool = True
    generous: bool = False
    subtlety: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    mm: float | None = None
    group: str = ""
