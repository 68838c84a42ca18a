"""Real radiographs made ready for training, read once: boxes, lungs, folds, and projected nodules to put into the clear ones."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from ..errors import DatasetError
from ..public.folder_radiographs import ReadRadiograph, read_case
from ..public.open_radiographs import layout_of
from ..public.radiographs import RadiographCase
from .nodule_views import NoduleViews, load_views
from .paste import DETECTOR_MM

FILE = "real_radiographs.npz"
SETS = ("jsrt", "nih_boxed", "nih_clear")
"""Folders that are looked for."""
QUALITY = 92
"""Of the JPEG that boxed radiographs go through at the size that networks see: NIH's come in another size than those without
nodules, and the traces of compression must not tell them apart."""
PLAIN = (
    *(
        "pixels",
        "lungs",
        "outlined",
        "placeable",
        "boxes",
        "box_radiograph",
        "box_mm",
        "generous",
        "complete",
    ),
    *("name", "patient", "source", "fold", "mm"),
)
Outline = Callable[[np.ndarray], np.ndarray | None]
"""From a radiograph's pixels to bool (2, side, side), the patient's right and left lung, or None where there are no two lungs."""


@dataclass(frozen=True, eq=False)
class RealStore:
    """What ``lungmtl simulate real`` writes.

    Parameters
    ----------
    pixels
        uint8 (n, side, side), upright, dark air, stretched as `imaging.radiograph` does.
    lungs
        uint8 (n, 2, side, side / 8), the patient's right and left, packed eight pixels to a byte; empty where unknown.
    outlined, placeable
        (n,) whether people outlined the lungs, and whether `lungs` holds two.
    boxes, box_radiograph, box_mm
        (m, 4), (m,) and (m,): boxes of nodules, the radiograph that each lies on, its diameter or NaN.
    generous, complete
        (n,) whether boxes are wider than nodules, and whether all nodules have one.
    name, patient, source, fold
        (n,) each; source is one of `SETS`.
    mm
        (n,) pixel size.
    views
        Projected nodules.
    """

    pixels: np.ndarray
    lungs: np.ndarray
    outlined: np.ndarray
    placeable: np.ndarray
    boxes: np.ndarray
    box_radiograph: np.ndarray
    box_mm: np.ndarray
    generous: np.ndarray
    complete: np.ndarray
    name: np.ndarray
    patient: np.ndarray
    source: np.ndarray
    fold: np.ndarray
    mm: np.ndarray
    views: NoduleViews

    @property
    def positive(self) -> np.ndarray:
        """(n,) whether a box is on it."""
        return np.isin(np.arange(len(self.name)), self.box_radiograph)

    def lungs_of(self, radiograph: int) -> np.ndarray:
        """Unpack bool (2, side, side)."""
        return np.unpackbits(self.lungs[radiograph], axis=-1).astype(bool)

    def save(self, folder: Path) -> Path:
        """Write ``real_radiographs.npz``; numbers and text only."""
        folder.mkdir(parents=True, exist_ok=True)
        path, views = folder / FILE, self.views
        unfinished = folder / f"unfinished-{FILE}"
        np.savez(
            unfinished,
            **{key: getattr(self, key) for key in PLAIN},
            views=views.attenuation,
            view_mm=views.diameter_mm,
            view_fold=views.fold,
            view_series=views.series,
        )
        return unfinished.replace(path)


def load_real_store(folder: Path) -> RealStore:
    """Read ``real_radiographs.npz``.

    Raises
    ------
    DatasetError
        It is not there.
    """
    path = folder / FILE
    if not path.exists():
        raise DatasetError(f"{path} is missing: make it with 'lungmtl simulate real'.")
    with np.load(path, allow_pickle=False) as f:
        views = NoduleViews(f["views"], f["view_mm"], f["view_fold"], f["view_series"])
        return RealStore(**{key: f[key] for key in PLAIN}, views=views)


def prepare_real(
    data: Path, out: Path, outline: Outline, on_progress: Callable[[float, str], None] = lambda _f, _s: None
) -> Path:
    """Write ``out/real_radiographs.npz`` from sets of real radiographs with folds.

    Parameters
    ----------
    data
        A folder with some of ``cxr/jsrt``, ``cxr/nih_boxed``, ``cxr/nih_clear``, and ``luna16_nodules``.
    outline
        Outlines the lungs where nobody has: there nodules are put, and a network goes on learning them as they are.

    Raises
    ------
    ImageError, DatasetError, FindingsFileError
        None of the sets is there, or one is incomplete or damaged.
    """
    cases = real_cases(data)
    read, lungs, placeable = [], [], []
    for number, (source, case) in enumerate(cases):
        on_progress(0.95 * number / len(cases), case.name)
        one = read_case(case)
        one = ReadRadiograph(compressed(one.pixels) if source == "nih_boxed" else one.pixels, one.sample)
        known = one.sample.lungs
        found = known if known is not None else outline(one.pixels.astype(np.float32) / 255)
        read.append(one)
        lungs.append(np.packbits(np.zeros((2, *one.pixels.shape), bool) if found is None else found, axis=-1))
        placeable.append(found is not None)
    on_progress(0.95, "projecting nodules")
    counts = [len(r.sample.boxes) for r in read]
    store = RealStore(
        pixels=np.stack([r.pixels for r in read]),
        lungs=np.stack(lungs),
        outlined=np.array([r.sample.lungs is not None for r in read]),
        placeable=np.array(placeable),
        boxes=np.concatenate([r.sample.boxes for r in read]).astype(np.float32),
        box_radiograph=np.repeat(np.arange(len(read)), counts),
        box_mm=np.concatenate([r.sample.diameter_mm for r in read]).astype(np.float32),
        generous=np.array([case.generous for _, case in cases]),
        complete=np.array([case.complete for _, case in cases]),
        name=np.array([case.name for _, case in cases]),
        patient=np.array([case.background or case.name for _, case in cases]),
        source=np.array([source for source, _ in cases]),
        fold=np.array([case.fold for _, case in cases]),
        mm=np.array([r.sample.mm or DETECTOR_MM / r.pixels.shape[0] for r in read], np.float32),
        views=load_views(data / "luna16_nodules"),
    )
    return store.save(out)


def real_cases(data: Path) -> list[tuple[str, RadiographCase]]:
    """List the radiographs of all sets that are there with the set's name, each radiograph once.

    Raises
    ------
    DatasetError, FindingsFileError
        None is there, one is incomplete or damaged, or a radiograph has no fold.
    """
    found: dict[str, tuple[str, RadiographCase]] = {}
    for name in SETS:
        folder = data / "cxr" / name
        if folder.is_dir():
            for case in layout_of(folder).cases(folder):
                found[case.name] = (name, case)
    if not found:
        raise DatasetError(
            f"{data / 'cxr'} holds none of {', '.join(SETS)}: --data must name a folder with some."
        )
    if without := [case.path for _, case in found.values() if not case.fold]:
        raise DatasetError(f"{without[0]} has no fold in the table of its set: fill the column fold.")
    return list(found.values())


def compressed(pixels: np.ndarray, quality: int = QUALITY) -> np.ndarray:
    """Compress and decompress a picture uint8 (h, w) as JPEG."""
    buffer = io.BytesIO()
    Picture.fromarray(pixels).save(buffer, "jpeg", quality=quality)
    return np.asarray(Picture.open(buffer))


def folds_of(store: RealStore, held_out: Sequence[str]) -> np.ndarray:
    """Tell which radiographs (n,) lie in folds that are not held out.

    Raises
    ------
    DatasetError
        There is no such fold.
    """
    known = sorted(set(map(str, store.fold)))
    if strange := sorted(set(held_out) - set(known)):
        raise DatasetError(
            f"held_out names the fold {strange[0]}, but the radiographs have {', '.join(known)}."
        )
    return ~np.isin(store.fold, list(held_out))
