"""Training samples from real radiographs: those with boxes, those without, and nodules put into those without."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from ...findings.formats.tables import number, read_rows
from ...ops.masks import ellipses
from ..errors import DatasetError
from ..public import jsrt, nih
from ..public.radiograph_files import first_file
from ..public.radiographs import RadiographSample
from .difficulty import REAL
from .paste import draw_tone
from .radiographs import Simulated, put_nodules
from .real_store import folds_of, load_real_store

DEV_PER_CENT = 10
"""Of the patients of the folds that are trained on: their radiographs set the operating point instead."""
CORE, RIM = 0.62, 1.1
"""Of a generous box: the ellipse that is surely nodule, and up to where it may reach, as parts of the box's sides."""
HARD = "hard.csv"
HARD_COLUMNS = ("img_name", "score")
"""Beside the store, if it is there: ``img_name,score``, how sure a network was of its surest false mark on a clear radiograph
(pacemakers, tubes, nipples); what is not listed has 0."""
EASY = 0.15
"""Weight of a clear radiograph without false marks, where one with a mark of score 1 has 1 more."""
Part = Literal["train", "dev"]


class RealRadiographs:
    """Training samples (`data.public.radiographs.PairedRadiographs`) from a store of real radiographs.

    A pair is a radiograph with nodules and one without of the same source, or one radiograph with and without nodules put in, with
    the same shams. Dev parts draw real radiographs only, alone.

    Parameters
    ----------
    folder
        Holds ``real_radiographs.npz``.
    held_out
        Folds that are never drawn, neither to train on nor to calibrate on.
    pasted
        Share of the pairs that are one radiograph with and without nodules.

    Raises
    ------
    DatasetError
        There is no such fold, or nothing is left to draw.
    """

    name = "real radiographs of JSRT and NIH, and LUNA16's nodules put into those without"
    licence = f"{jsrt.LICENCE}; {nih.LICENCE}; LUNA16 (CC BY 4.0) from LIDC-IDRI (CC BY 3.0)"

    limit = (
        "Trained on radiographs of JSRT and NIH ChestX-ray14, with real nodules and with nodules of CT put into them: for research "
        "only, by JSRT's terms too. Radiographs of other hospitals and machines were not tried."
    )

    def __init__(
        self, folder: Path, held_out: Sequence[str] = (), part: Part = "train", *, pasted: float = 0.5
    ) -> None:
        self.store = store = load_real_store(Path(folder))
        dev = np.array([is_dev(str(p)) for p in store.patient])
        own = folds_of(store, held_out) & (dev == (part == "dev"))
        site = np.where(store.source == "jsrt", "jsrt", "nih")
        self.with_nodules = _by_site(own & store.positive, site)
        self.clear = _by_site(own & ~store.positive, site)
        self.backgrounds = np.flatnonzero(own & ~store.positive & store.placeable)
        self.weight = EASY + _hard(Path(folder), store.name)
        self.part, self.pasted = part, pasted if part == "train" and len(self.backgrounds) else 0.0
        self.sites = sorted(set(self.with_nodules) & set(self.clear))
        if not self.sites:
            raise DatasetError(
                f"{folder} holds no radiographs with and without nodules of one source in the part {part}."
            )
        drawn = [*self.with_nodules.values(), *self.clear.values()]
        self.cases = tuple(str(n) for n in store.name[np.sort(np.concatenate(drawn))])

    def draw(self, rng: np.random.Generator) -> RadiographSample:
        """Draw one sample of a pair."""
        return self.draw_pair(rng)[rng.integers(2)]

    def draw_pair(self, rng: np.random.Generator) -> tuple[RadiographSample, RadiographSample]:
        """Draw one radiograph with nodules and one without."""
        if rng.random() < self.pasted:
            return self.with_and_without(self._one_of(self.backgrounds, rng), rng)
        # Both sites alike to train on; the operating point is that of clear radiographs as they come.
        clear = np.array([len(self.clear[s]) if self.part == "dev" else 1 for s in self.sites], float)
        site = self.sites[int(rng.choice(len(clear), p=clear / clear.sum()))]
        positive = int(rng.choice(self.with_nodules[site]))
        return self.as_it_is(positive), self.as_it_is(self._one_of(self.clear[site], rng))

    def _one_of(self, radiographs: np.ndarray, rng: np.random.Generator) -> int:
        """Draw a clear radiograph, those with false marks more often."""
        weight = self.weight[radiographs] if self.part == "train" else np.ones(len(radiographs))
        return int(rng.choice(radiographs, p=weight / weight.sum()))

    def as_it_is(self, radiograph: int) -> RadiographSample:
        """Make a sample of a radiograph without anything put in."""
        store = self.store
        own = store.box_radiograph == radiograph
        boxes = store.boxes[own].copy()
        shape = store.pixels[radiograph].shape
        core, rim = ellipses(boxes, shape), None
        if store.generous[radiograph] and len(boxes):
            core = ellipses(resized(boxes, CORE), shape)
            rim = _filled(resized(boxes, RIM), shape) & ~core
        return RadiographSample(
            pixels=store.pixels[radiograph].astype(np.float32) / 255,
            boxes=boxes,
            lungs=store.lungs_of(radiograph) if store.placeable[radiograph] else None,
            nodules=core,
            diameter_mm=store.box_mm[own].astype(np.float32),
            mm=float(store.mm[radiograph]),
            name=str(store.name[radiograph]),
            uncertain=rim,
        )

    def with_and_without(
        self, radiograph: int, rng: np.random.Generator
    ) -> tuple[RadiographSample, RadiographSample]:
        """Make a pair of one clear radiograph: with nodules and shams, and with the shams and nothing but shams at the nodules."""
        plain = self.as_it_is(radiograph)
        assert plain.lungs is not None
        tone = draw_tone(plain.pixels, plain.lungs, REAL, rng)
        state = rng.bit_generator.state
        pair: list[Simulated] = []
        for empty in (False, True):
            # The same numbers again: the same places, the same blur and noise.
            again = np.random.default_rng()
            again.bit_generator.state = state
            pixels = plain.pixels.copy()
            pair.append(
                put_nodules(
                    replace(plain, pixels=pixels), self.store.views, tone, REAL, again, shams_only=empty
                )
            )
        rng.bit_generator.state = again.bit_generator.state
        for simulated in pair:
            pixels = simulated.radiograph.pixels
            np.clip(pixels, 0, 1, out=pixels)  # the noise of shams reaches a little beyond
        return pair[0].radiograph, pair[1].radiograph


def is_dev(patient: str) -> bool:
    """Tell whether a patient's radiographs set the operating point: the same in every run."""
    return int(hashlib.sha256(f"dev {patient}".encode()).hexdigest(), 16) % 100 < DEV_PER_CENT


def resized(boxes: np.ndarray, factor: float) -> np.ndarray:
    """Scale boxes (n, 4) about their middles."""
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    return np.concatenate([middle - factor * half, middle + factor * half], 1)


def _hard(folder: Path, names: np.ndarray) -> np.ndarray:
    path = first_file(folder, HARD)
    if path is None:
        return np.zeros(len(names))
    scores = {
        row["img_name"]: number(path, line, row, "score") for line, row in read_rows(path, HARD_COLUMNS)
    }
    return np.array([scores.get(str(name), 0.0) for name in names]).clip(0, 1)


def _filled(boxes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    for x0, y0, x1, y1 in np.rint(boxes).astype(int).clip(0):
        mask[y0:y1, x0:x1] = True
    return mask


def _by_site(chosen: np.ndarray, site: np.ndarray) -> dict[str, np.ndarray]:
    groups = {str(name): np.flatnonzero(chosen & (site == name)) for name in np.unique(site)}
    return {name: group for name, group in groups.items() if len(group)}
