"""Whether a radiograph lies on its side, upside down, mirrored or inverted: told from the picture alone, in milliseconds.

A picture is described by how much of which edge is where (histograms of gradients, of polarity too) and by its coarse brightness.
All sixteen ways to turn, mirror and invert it rearrange that description, and a linear score says how much each looks
like an upright frontal chest. Its weights were fitted by a conditional logit over the sixteen, so that how the file happens to be
stored makes no difference. ``experiments/radiographs/turned.py`` fits them, and measures out of fold.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from ..image import Image
from .exposed_area import exposed_area
from .network_input import stretched
from .orientation import ORIENTATIONS, Orientation, turn

SURE = 0.99
"""Probability of a quarter or half turn, or of a negative, from which a radiograph is turned or inverted without asking."""
NEGATIVE = 0.9
"""Probability from which it is said that a radiograph seems to be a negative still."""
SUSPECTED = 0.98
"""Probability from which it is said that a radiograph seems to be mirrored."""
_SIDE, _CELL, _BINS, _COARSE = 96, 12, 8, 16
_WEIGHTS = Path(__file__).with_name("upright.json")


@dataclass(frozen=True)
class Uprightness:
    """How probable each of the sixteen `ORIENTATIONS` is the one that makes a radiograph upright; (16,), sums to 1."""

    probabilities: tuple[float, ...]

    def turn(self) -> tuple[int, float]:
        """The likeliest quarter turns anticlockwise and their probability, whether or not the picture is mirrored or inverted."""
        return _best({q: self._sum(lambda o, q=q: _turn_alone(o) == q) for q in range(4)})

    @property
    def mirrored(self) -> float:
        """Probability that left and right are exchanged."""
        return self._sum(lambda o: o.mirrored)

    @property
    def inverted(self) -> float:
        """Probability that bright and dark are exchanged."""
        return self._sum(lambda o: o.inverted)

    def _sum(self, which) -> float:
        return float(sum(p for o, p in zip(ORIENTATIONS, self.probabilities, strict=True) if which(o)))


def _best(probabilities: dict[int, float]) -> tuple[int, float]:
    quarters = max(probabilities, key=lambda q: probabilities[q])
    return quarters, probabilities[quarters]


def _turn_alone(orientation: Orientation) -> int:
    """The turn that leaves of an orientation only a mirroring left to right."""
    return (-orientation.quarters if orientation.mirrored else orientation.quarters) % 4


def uprightness(voxels: np.ndarray) -> Uprightness:
    """Judge a stored radiograph (h, w).

    A picture of one grey value gives equal probabilities.
    """
    return probabilities_of(describe(voxels) @ _weights())


def probabilities_of(scores: np.ndarray) -> Uprightness:
    """Probabilities of the sixteen from their scores (16,)."""
    odds = np.exp(scores - scores.max())
    return Uprightness(tuple(float(p) for p in odds / odds.sum()))


def right_turn(image: Image) -> Orientation:
    """How to turn and invert a stored radiograph so that it is upright with dark air, where that is nearly certain.

    It is never mirrored: a heart on the right may be the patient's own, and is for a person to say.
    """
    found = uprightness(image.voxels)
    quarters, probability = found.turn()
    return Orientation(quarters if probability >= SURE else 0, inverted=found.inverted >= SURE)


def with_dark_air(image: Image, orientation: Orientation) -> Orientation:
    """An orientation for networks: a person may invert a radiograph to see it better, but air is dark where that is certain."""
    negative = uprightness(image.voxels).inverted
    if 1 - SURE < negative < SURE:
        return orientation
    return replace(orientation, inverted=negative >= SURE)


@dataclass(frozen=True)
class Suspicion:
    """What a radiograph seems to be, as the end of a sentence; `voids` says that nothing said of it counts then."""

    words: str
    voids: bool


def suspicion(image: Image, orientation: Orientation) -> Suspicion | None:
    """Why a radiograph, turned, mirrored and inverted like that, still does not look like an upright frontal chest; or None."""
    seen = uprightness(turn(image, orientation).voxels)
    quarters, probability = seen.turn()
    if quarters and probability >= 0.5:
        how = Orientation(quarters).words
        return Suspicion(f"seems to lie: {how} it looks upright. Turn it and run again.", voids=True)
    if seen.inverted >= NEGATIVE:
        return Suspicion("seems to be a negative, with bright air: invert it and run again.", voids=True)
    if seen.mirrored >= SUSPECTED:
        return Suspicion(
            "seems to be mirrored, or the heart is on the right: look at the side marker, and mirror it if need be.",
            voids=False,
        )
    return None


def describe(voxels: np.ndarray) -> np.ndarray:
    """Describe a radiograph (h, w) in each of the sixteen `ORIENTATIONS`: float32 (16, features)."""
    from scipy.ndimage import gaussian_filter

    y0, x0, y1, x1 = exposed_area(voxels)
    exposed = Picture.fromarray(np.asarray(voxels[y0:y1, x0:x1], np.float32))
    # To a square whatever its sides are: a turn is then a turn of the description.
    small = stretched(np.asarray(exposed.resize((_SIDE, _SIDE), Picture.Resampling.BILINEAR)))
    mean = gaussian_filter(small, 10)
    local = (small - mean) / (np.sqrt(gaussian_filter((small - mean) ** 2, 10)) + 0.03)
    gradients = _gradients(gaussian_filter(local, 1.0))
    step = _SIDE // _COARSE
    coarse = small.reshape(_COARSE, step, _COARSE, step).mean((1, 3))
    coarse = (coarse - coarse.mean()) / (coarse.std() + 1e-3)
    return np.stack([_rearranged(gradients, coarse, o) for o in ORIENTATIONS])


def _gradients(picture: np.ndarray) -> np.ndarray:
    """Square roots of how much gradient points where: (bins, cells, cells); bin 0 points right, the next ones down."""
    dy, dx = np.gradient(picture)
    strength = np.hypot(dy, dx)
    place = (np.arctan2(dy, dx) / (2 * np.pi)) % 1 * _BINS
    first = np.floor(place).astype(int)
    upper = place - first
    bins = np.zeros((_BINS, *picture.shape), np.float32)
    rows, columns = np.indices(picture.shape)
    bins[first % _BINS, rows, columns] = strength * (1 - upper)
    bins[(first + 1) % _BINS, rows, columns] += strength * upper
    cells = _SIDE // _CELL
    histogram = np.sqrt(bins.reshape(_BINS, cells, _CELL, cells, _CELL).mean((2, 4)))
    return histogram / (np.sqrt((histogram**2).mean()) + 1e-6)


def _rearranged(gradients: np.ndarray, coarse: np.ndarray, orientation: Orientation) -> np.ndarray:
    """The description of the picture after it has been mirrored, turned and inverted."""
    if orientation.mirrored:
        gradients, coarse = gradients[:, :, ::-1], coarse[:, ::-1]
        gradients = gradients[(_BINS // 2 - np.arange(_BINS)) % _BINS]
    # Anticlockwise on the screen: what pointed down points right.
    gradients = np.rot90(gradients, orientation.quarters, axes=(1, 2))
    gradients = np.roll(gradients, -orientation.quarters * _BINS // 4, axis=0)
    coarse = np.rot90(coarse, orientation.quarters)
    if orientation.inverted:
        gradients, coarse = np.roll(gradients, _BINS // 2, axis=0), -coarse
    return np.concatenate([gradients.ravel(), coarse.ravel()]).astype(np.float32)


@cache
def _weights() -> np.ndarray:
    return np.array(json.loads(_WEIGHTS.read_text(encoding="utf-8"))["weights"], np.float32)
