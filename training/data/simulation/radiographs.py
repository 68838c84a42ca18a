"""Simulated training samples: real nodules in real radiographs, drawn without end, and projected phantoms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from ..arrays import open_arrays
from ..errors import DatasetError
from ..public.radiographs import RadiographSample
from .difficulty import DIFFICULTY, PRACTICE, Difficulty
from .nodule_views import NoduleViews
from .paste import Pasted, Tone, between, draw_tone, paste
from .vary import vary

FILE = "radiographs.npz"
TRAIN, DEV, TEST = ("2", "3", "4"), ("1",), ("0",)
"""Folds, of radiographs and of nodules (``folds.csv``) alike."""
PHANTOM, ATLAS = "phantom", "lung_masks"
"""Sources that train lungs: projected phantoms, and the radiographs that came with masks."""
PLAIN = ("pixels", "boxes", "box_radiograph", "box_mm", "name", "source", "fold", "mm", "outlined", "clear")
"""Arrays that lie in the file as they are."""
BITS = ("lungs", "nodules")
"""Masks, packed eight pixels to a byte along the last axis."""


@dataclass(frozen=True, eq=False)
class RadiographStore:
    """What ``lungmtl simulate prepare`` writes.

    Parameters
    ----------
    pixels
        uint8 (n, side, side), upright, dark air, stretched as `imaging.radiograph` does.
    lungs
        bool (n, 2, side, side), the patient's right and left; empty where not known.
    nodules
        bool (n, side, side): of phantoms.
    boxes, box_radiograph, box_mm
        (m, 4), (m,) and (m,): boxes of the phantoms' nodules, the radiograph that each lies on, and its diameter.
    name, source, fold
        (n,) each; source is ``"nih"``, ``"lung_masks"`` or ``"phantom"``.
    mm
        (n,) pixel size.
    outlined
        (n,) whether `lungs` is known.
    clear
        (n,) whether nodules may be put there: no Nodule or Mass label, lungs outlined, an NIH radiograph.
    views
        Projected nodules.
    """

    pixels: np.ndarray
    lungs: np.ndarray
    nodules: np.ndarray
    boxes: np.ndarray
    box_radiograph: np.ndarray
    box_mm: np.ndarray
    name: np.ndarray
    source: np.ndarray
    fold: np.ndarray
    mm: np.ndarray
    outlined: np.ndarray
    clear: np.ndarray
    views: NoduleViews

    def save(self, folder: Path) -> Path:
        """Write ``radiographs.npz``; numbers and text only."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE
        views = self.views
        arrays: dict[str, Any] = {key: getattr(self, key) for key in PLAIN}
        arrays |= {key: np.packbits(getattr(self, key), axis=-1) for key in BITS}
        np.savez_compressed(
            path,
            **arrays,
            views=views.attenuation,
            view_mm=views.diameter_mm,
            view_fold=views.fold,
            view_series=views.series,
        )
        return path


def load_store(folder: Path) -> RadiographStore:
    """Read ``radiographs.npz``.

    Raises
    ------
    DatasetError
        It is not there.
    """
    path = folder / FILE if folder.is_dir() else folder
    if not path.exists():
        raise DatasetError(f"{path} is missing: make it with 'lungmtl simulate prepare'.")
    with open_arrays(path) as f:
        bits = {key: np.unpackbits(f[key], axis=-1).astype(bool) for key in BITS}
        views = NoduleViews(f["views"], f["view_mm"], f["view_fold"], f["view_series"])
        return RadiographStore(**{key: f[key] for key in PLAIN}, **bits, views=views)


@dataclass(frozen=True, eq=False)
class Simulated:
    """One simulated radiograph: the sample, and where shams are."""

    radiograph: RadiographSample
    shams: np.ndarray


class SimulatedRadiographs:
    """Training samples (`data.public.radiographs.RadiographSamples`) from some folds of a store.

    Parameters
    ----------
    folder
        Holds ``radiographs.npz``.
    folds
        Of radiographs and nodules: nothing of another fold is ever drawn.
    phantoms
        Share of the samples that are projected phantoms or radiographs that came with lung masks, as they are.
    difficulty
        By default `PRACTICE` for the training folds, whose backgrounds are varied, and the frozen `DIFFICULTY` for all others.
    """

    name = "simulated nodules in NIH radiographs"
    licence = (
        "NIH ChestX-ray14 (NIH Clinical Center; citation asked for), LUNA16 (CC BY 4.0) from LIDC-IDRI (CC BY 3.0), "
        "lung-segmentation-2d (MIT), phantoms of this project"
    )

    def __init__(
        self,
        folder: Path,
        folds: tuple[str, ...] = TRAIN,
        *,
        phantoms: float = 0.2,
        difficulty: Difficulty | None = None,
    ) -> None:
        self.store = load_store(Path(folder))
        self.difficulty = difficulty or (PRACTICE if tuple(folds) == TRAIN else DIFFICULTY)
        store = self.store
        self.views = store.views.of_folds(folds)
        self.varied = tuple(folds) == TRAIN
        own = np.isin(store.fold, folds)
        self.backgrounds = np.flatnonzero(own & store.clear)
        self.whole = np.flatnonzero(own & np.isin(store.source, (PHANTOM, ATLAS)))
        self.phantoms = phantoms if len(self.whole) else 0.0
        if not len(self.backgrounds) or not len(self.views.diameter_mm):
            raise DatasetError(f"{folder} holds no radiograph or no nodule of the folds {', '.join(folds)}.")
        self.cases = tuple(str(n) for n in store.name[np.sort([*self.backgrounds, *self.whole])])
        self.nodule_series = tuple(sorted(set(map(str, self.views.series))))

    def draw(self, rng: np.random.Generator) -> RadiographSample:
        """One sample."""
        if rng.random() < self.phantoms:
            # The few real radiographs with given masks as often as the many phantoms.
            source = rng.choice(np.unique(self.store.source[self.whole]))
            return self.as_it_is(int(rng.choice(self.whole[self.store.source[self.whole] == source])))
        return self.simulate(int(rng.choice(self.backgrounds)), rng, varied=self.varied).radiograph

    def as_it_is(self, radiograph: int) -> RadiographSample:
        """A radiograph of the store without anything pasted; what is known of NIH's is that nobody saw a nodule."""
        store = self.store
        own = store.box_radiograph == radiograph
        return RadiographSample(
            pixels=store.pixels[radiograph].astype(np.float32) / 255,
            boxes=store.boxes[own].astype(np.float32),
            lungs=store.lungs[radiograph] if store.outlined[radiograph] else None,
            nodules=store.nodules[radiograph],
            nodule_known=str(store.source[radiograph]) != ATLAS,
            diameter_mm=store.box_mm[own].astype(np.float32),
            mm=float(store.mm[radiograph]),
            name=str(store.name[radiograph]),
        )

    def simulate(self, radiograph: int, rng: np.random.Generator, *, varied: bool = False) -> Simulated:
        """A radiograph with drawn nodules and shams; the background as it is, or varied."""
        store, difficulty = self.store, self.difficulty
        pixels, lungs, mm = self._background(radiograph)
        if varied:
            other, others_lungs, _ = self._background(int(rng.choice(self.backgrounds)))
            pixels, lungs, zoom = vary(pixels, lungs, (other, others_lungs), rng)
            mm /= zoom
        tone = draw_tone(pixels, lungs, difficulty, rng)
        clear = RadiographSample(
            pixels, np.zeros((0, 4), np.float32), lungs, mm=mm, name=str(store.name[radiograph])
        )
        return put_nodules(clear, self.views, tone, difficulty, rng)

    def _background(self, radiograph: int) -> tuple[np.ndarray, np.ndarray, float]:
        store = self.store
        return (
            store.pixels[radiograph].astype(np.float32) / 255,
            store.lungs[radiograph],
            float(store.mm[radiograph]),
        )


def put_nodules(
    clear: RadiographSample,
    views: NoduleViews,
    tone: Tone,
    difficulty: Difficulty,
    rng: np.random.Generator,
    *,
    shams_only: bool = False,
) -> Simulated:
    """Put drawn nodules and shams into a radiograph with known lungs and pixel size; its pixels are changed in place.

    Parameters
    ----------
    shams_only
        Leaves shams where the same random numbers put nodules and shams otherwise.
    """
    pixels, lungs, mm = clear.pixels, clear.lungs, clear.mm
    assert lungs is not None
    assert mm is not None
    nodules, shams = (int(rng.choice(len(p), p=p)) for p in (difficulty.nodules, difficulty.shams))
    done: list[tuple[Pasted, bool, float]] = []
    for sham in [shams_only] * nodules + [True] * shams:
        for _ in range(20):  # until it fits
            which = int(rng.integers(len(views.diameter_mm)))
            view = views.attenuation[which, rng.integers(views.attenuation.shape[1])]
            view = _turned(view.astype(np.float32), rng)
            # No number is drawn where nothing is magnified: what was simulated before comes out as before.
            scale = rng.uniform(*difficulty.magnify) if difficulty.magnify != (1.0, 1.0) else 1.0
            diameter = scale * float(views.diameter_mm[which])
            center = _place(lungs, diameter / mm, difficulty.hidden, rng)
            if any(_near(center, p.box, diameter / mm) for p, _, _ in done):
                continue
            pasted = paste(pixels, scale * view, center, mm / scale, tone, difficulty, rng, sham=sham)
            if pasted is not None:
                done.append((pasted, sham, diameter))
                break
    mask = np.zeros(pixels.shape, bool)
    for pasted, _, _ in done:
        mask[pasted.where] |= pasted.mask
    real = [(p.box, d) for p, sham, d in done if not sham]
    sample = replace(
        clear,
        boxes=np.array([b for b, _ in real], np.float32).reshape(-1, 4),
        nodules=mask,
        diameter_mm=np.array([d for _, d in real], np.float32),
    )
    return Simulated(sample, np.array([p.box for p, s, _ in done if s], np.float32).reshape(-1, 4))


def _place(lungs: np.ndarray, size: float, hidden: float, rng: np.random.Generator) -> tuple[float, float]:
    """A nodule's middle: in the open lung, a part of it may lie beneath the edge; or hidden behind the heart."""
    if rng.random() < hidden:
        beside = ndimage.binary_dilation(lungs.any(0), iterations=round(1.2 * size) + 12)
        region = np.asarray(between(lungs) & beside)
    else:
        # A coarse erosion by about a third of the nodule is enough and quick.
        region = np.asarray(lungs.any(0))
        inner = np.asarray(ndimage.binary_erosion(region[::2, ::2], iterations=max(1, round(size / 6))))
        if inner.any():
            y, x = np.argwhere(inner)[rng.integers(np.count_nonzero(inner))]
            return float(2 * y + 2 * rng.random()), float(2 * x + 2 * rng.random())
    if not region.any():
        region = np.asarray(lungs.any(0))
    y, x = np.argwhere(region)[rng.integers(np.count_nonzero(region))]
    return float(y + rng.random()), float(x + rng.random())


def _turned(view: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A view turned by a multiple of 90° and perhaps mirrored: nodules have no upright."""
    view = np.rot90(view, int(rng.integers(4)))
    return view[:, ::-1] if rng.random() < 0.5 else view


def _near(center: tuple[float, float], box: np.ndarray, size: float) -> bool:
    """Whether a place lies so close to a box that two nodules would melt into one."""
    y, x = center
    x0, y0, x1, y1 = box
    reach = size / 2 + 4
    return bool(x0 - reach < x < x1 + reach and y0 - reach < y < y1 + reach)
