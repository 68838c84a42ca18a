"""Grafts in a CT, and the detector around each: a part of the scan is enough for a network that sees a few centimetres."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from ..imaging.ct.lung_field import lung_field
from ..imaging.image import Image
from ..imaging.resample import sample_grid
from ..inference import chain, model_store
from ..inference.predictor import SCORE_FLOOR, PredictorError, finish
from .at_hand import bank_at_hand
from .bank import Nodule, of_kind
from .graft import SIDE, Grafted, graft, turned
from .kinds import Kind
from .lattice import coarse_to_fine
from .steps import Step
from .trials import Grid, Trial, best_within

GRID_MM = 3.0
"""Voxels of the map are about so wide, a whole number of the scan's."""
SHIFT_MM = 8.0
"""A graft lies up to so far beside the middle of what the detector sees: detectors trained on nodules in the middle of cubes may
favour it."""
OPEN_HU = -600.0
"""Mean of the lung where the middle of a graft may lie."""

Detect = Callable[[Image], tuple[np.ndarray, np.ndarray]]
"""A part of a scan (HU, 1 mm, sides of `SIDE`) -> world centres (n, 3) z, y, x in mm and scores (n,) of marks."""


@dataclass(frozen=True, eq=False)
class Scan:
    """A CT with its lungs.

    Parameters
    ----------
    image
        CT in HU (z, y, x).
    grid
        The lungs, in voxels of about `GRID_MM`.
    open
        bool, of the grid's shape: aerated lung.
    """

    image: Image
    grid: Grid
    open: np.ndarray


def prepare_scan(image: Image) -> Scan:
    """Find a CT's lungs.

    Raises
    ------
    NoLungFoundError
        There are none.
    """
    lungs = lung_field(image)
    step = np.maximum(np.round(GRID_MM / np.asarray(image.scale)).astype(int), 1)
    step = np.minimum(step, image.shape)
    count = np.asarray(image.shape) // step
    pick = tuple(
        slice(int(s) // 2, int(s) // 2 + int(n * s), int(s)) for s, n in zip(step, count, strict=True)
    )
    inside = lungs[pick]
    hu = gaussian_filter(image.voxels[pick].astype(np.float32), 0.7)
    grid = Grid(
        inside,
        tuple(map(float, np.asarray(image.scale) * step)),
        tuple(map(float, image.to_world((step - 1) / 2))),
    )
    return Scan(image, grid, inside & (hu < OPEN_HU))


def detector_of(model: Any) -> Detect:
    """A detector as it is asked about a part of a scan: by its own ``detect_part`` where it has one, else by a whole run."""
    if hasattr(model, "detect_part"):

        def by_part(image: Image) -> tuple[np.ndarray, np.ndarray]:
            spheres, scores = model.detect_part(image.voxels)
            return image.to_world(spheres[:, :3]), scores

        return by_part

    def by_run(image: Image) -> tuple[np.ndarray, np.ndarray]:
        found = [f for f in finish(model.run(image)) if f.kind == "sphere"]
        centers = np.array([f.center for f in found], float).reshape(-1, 3)
        return centers, np.array([f.score for f in found], float)

    return by_run


def load_detector(image: Image, device: str = "auto") -> tuple[str, Detect]:
    """Load the first detector that suits a CT: its title, and itself.

    Raises
    ------
    PredictorError, WeightsError
        There is none, or it cannot be loaded.
    """
    detectors = chain.choose(image, device=device).detectors
    if not detectors:
        raise PredictorError("No detector for CT is at hand: 'lungmtl models' lists the models that are.")
    return detectors[0].title, detector_of(model_store.store.get(detectors[0].name, device))


def part_around(image: Image, center: np.ndarray, reach: float = SIDE) -> Image:
    """Cut out the part of a CT that lies within `reach` mm of a world place along each axis."""
    low = np.clip(np.floor(image.to_index(np.asarray(center) - reach)).astype(int), 0, image.shape)
    high = np.clip(np.ceil(image.to_index(np.asarray(center) + reach)).astype(int) + 1, 0, image.shape)
    part = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return replace(image, voxels=image.voxels[part], origin=tuple(image.to_world(low)))


def ask(detect: Detect, image: Image, center: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Let a detector look at `SIDE` mm of a CT, or of a part of one; `center` is their middle in the world."""
    origin = np.asarray(center, float) - (SIDE - 1) / 2
    return detect(sample_grid(image, origin, (SIDE,) * 3))


def try_graft(
    detect: Detect,
    image: Image,
    nodule: Nodule,
    center: np.ndarray,
    rng: np.random.Generator,
    strength: float = 1.0,
) -> tuple[Trial, Grafted]:
    """Graft a nodule into a CT and let a detector look at the place, with it and, where that brought a mark, without it.

    Parameters
    ----------
    center
        World mm (z, y, x).
    strength
        As for `graft`.
    """
    part = part_around(image, np.asarray(center, float), SIDE / 2 + 4 + SHIFT_MM)
    grafted = graft(part, nodule, np.asarray(center, float), rng, strength)
    place, diameter = grafted.center, grafted.diameter
    aim = place + rng.uniform(-SHIFT_MM, SHIFT_MM, 3)
    score = best_within(*ask(detect, grafted.image, aim), place, diameter)
    before = 0.0
    if score >= SCORE_FLOOR:
        before = best_within(*ask(detect, part, aim), place, diameter)
    middle = tuple(float(c) for c in place)
    return Trial(middle, diameter, score, before), grafted


def look_in_scan(
    image: Image, kind: Kind, device: str = "auto", seed: int = 0, scan: Scan | None = None
) -> Generator[Step, None, tuple[Trial, ...]]:
    """Graft nodules of a kind all over the lungs of a CT; see `look`.

    Yields
    ------
    Step
        Before the lungs are looked for, and after each graft.
    """
    rng = np.random.default_rng(seed)
    nodules = of_kind(bank_at_hand().nodules, kind.size, kind.texture, image.series_uid)
    if scan is None:
        yield Step(0.0, "finding the lungs")
        scan = prepare_scan(image)
    yield Step(0.0, "loading the detector", scan.grid)
    _, detect = load_detector(image, device)
    trials: list[Trial] = []
    for place, number, count in coarse_to_fine(scan.grid, scan.open, rng):
        nodule = turned(nodules[int(rng.integers(len(nodules)))], rng)
        trials.append(try_graft(detect, image, nodule, place, rng)[0])
        stage = f"graft {number + 1} of {count}"
        yield Step((number + 1) / count, stage, scan.grid, tuple(trials))
    return tuple(trials)
