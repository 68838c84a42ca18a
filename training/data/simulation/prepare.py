"""From public data to ``radiographs.npz``: upright radiographs with lung outlines, phantom radiographs, projected nodules."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from scipy import ndimage
from threadpoolctl import threadpool_limits

from ...findings.formats.tables import read_rows
from ...imaging import read_image
from ...imaging.radiograph.network_input import SIDE, make_radiograph_input
from ..errors import DatasetError
from .lung_atlas import Outline, outline, split_sides
from .nodule_views import load_views
from .paste import DETECTOR_MM
from .phantom_radiograph import PhantomRadiograph, make_phantom_radiograph
from .radiographs import ATLAS, PHANTOM, RadiographStore

ATLAS_MM = 350.0
"""The same for the four radiographs that came with masks: an assumption, nothing tells it."""
LESIONS = ("Nodule", "Mass")


def prepare(
    data: Path, out: Path, *, phantoms: int = 40, workers: int = 2, on_progress: Callable[[float, str], None]
) -> Path:
    """Write ``out/radiographs.npz``, what simulated radiographs are made from.

    Parameters
    ----------
    data
        A folder with ``cxr/nih``, ``cxr/lung_masks``, ``luna16_nodules``. ``cxr/lung_masks_100`` is never read.
    phantoms
        How many to project.
    on_progress
        Gets the fraction done and the stage.

    Raises
    ------
    DatasetError
        A folder is not there.
    """
    for folder in ("cxr/nih", "cxr/lung_masks", "luna16_nodules"):
        if not (data / folder).is_dir():
            raise DatasetError(
                f"{data / folder} is missing: --data must name a folder with cxr/nih, cxr/lung_masks and luna16_nodules."
            )
    on_progress(0.0, "reading radiographs")
    rows, radiographs = _nih(data / "cxr/nih")
    given, masks = _with_masks(data / "cxr/lung_masks")
    on_progress(0.05, "outlining lungs")
    outlines = outline(radiographs, given, masks, workers)
    on_progress(0.55, "projecting phantoms")
    with ProcessPoolExecutor(workers) as pool:
        projected = []
        for number, phantom in enumerate(pool.map(_phantom, range(phantoms)), 1):
            projected.append(phantom)
            on_progress(0.55 + 0.4 * number / phantoms, f"projecting phantoms ({number} of {phantoms})")
    on_progress(0.96, "projecting nodules")
    views = load_views(data / "luna16_nodules")

    believed = np.array([o.believed for o in outlines])
    lesion = np.array([any(name in row["finding_labels"] for name in LESIONS) for row in rows])
    fold = _folds([row["patient"] for row in rows], believed & ~lesion)
    boxes, box_radiograph, box_mm = [], [], []
    first = len(rows) + len(given)
    for number, phantom in enumerate(projected):
        for label, diameter in enumerate(phantom.diameters_mm, 1):
            ys, xs = np.nonzero(phantom.nodules == label)
            if len(ys):
                boxes.append((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1))
                box_radiograph.append(first + number)
                box_mm.append(diameter)
    n, k = len(rows), len(given)
    store = RadiographStore(
        pixels=_bytes(np.concatenate([radiographs, given, [p.radiograph.pixels for p in projected]])),
        lungs=np.concatenate([[_sides(o) for o in outlines], masks > 0, [p.lungs for p in projected]]),
        nodules=np.concatenate([np.zeros((n + k, SIDE, SIDE), bool), [p.nodules > 0 for p in projected]]),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        box_radiograph=np.array(box_radiograph, int),
        box_mm=np.array(box_mm, np.float32),
        name=np.array(
            [row["file"] for row in rows]
            + [f"lung_masks/{i + 1}.jpg" for i in range(k)]
            + [f"phantom-{i}" for i in range(phantoms)]
        ),
        source=np.array(["nih"] * n + [ATLAS] * k + [PHANTOM] * phantoms),
        # Phantoms and the radiographs with masks train; a tenth of the phantoms is held back.
        fold=np.array([*fold, *["2"] * k, *("1" if i % 10 == 0 else "2" for i in range(phantoms))]),
        mm=np.array([DETECTOR_MM / SIDE] * n + [ATLAS_MM / SIDE] * k + [p.mm for p in projected], np.float32),
        outlined=np.array([*believed, *[True] * (k + phantoms)]),
        clear=np.array([*(believed & ~lesion), *[False] * (k + phantoms)]),
        views=views,
    )
    return store.save(out)


def _phantom(seed: int) -> PhantomRadiograph:
    # Beside other processes, threads of matrix products wait for each other: a phantom took minutes instead of seconds.
    with threadpool_limits(1):
        return make_phantom_radiograph(seed)


def upright(row: dict[str, str], values: np.ndarray) -> np.ndarray:
    """NIH's picture with the head at the top: in those turned by 90° the head lies at the left."""
    return np.rot90(values, -1) if row["rotated_90"] == "1" else values


def _nih(folder: Path) -> tuple[list[dict[str, str]], np.ndarray]:
    from dataclasses import replace

    rows = [row for _, row in read_rows(folder / "labels.csv", ("file", "rotated_90"))]
    radiographs = []
    for row in rows:
        image = read_image(folder / row["file"])
        image = replace(image, voxels=np.ascontiguousarray(upright(row, image.voxels)))
        radiographs.append(make_radiograph_input(image).pixels)
    return rows, np.stack(radiographs)


def _with_masks(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Radiographs (k, side, side) and their lungs (k, 2, side, side)."""
    radiographs, masks = [], []
    for path in sorted(folder.glob("*-mask.png")):
        radiographs.append(
            make_radiograph_input(read_image(path.with_name(path.name.replace("-mask.png", ".jpg")))).pixels
        )
        mask = np.asarray(Picture.open(path).convert("L").resize((SIDE, SIDE), Picture.Resampling.NEAREST))
        masks.append(split_sides(mask > 127))
    return np.stack(radiographs), np.stack(masks)


def _sides(found: Outline) -> np.ndarray:
    """Masks (2, side, side) of an outline: the largest part of each side, its votes enlarged smoothly."""
    large = ndimage.zoom(found.lungs, (1, SIDE / found.lungs.shape[1], SIDE / found.lungs.shape[2]), order=1)
    sides = np.zeros(large.shape, bool)
    for channel, votes in enumerate(large):
        parts, count = ndimage.label(votes > 0.5)
        if count:
            sides[channel] = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    return sides


def _folds(patients: list[str], usable: np.ndarray) -> list[str]:
    """Fold 0–4 of each radiograph, all radiographs of a patient together; ``"never"`` for radiographs that cannot be a
    background."""
    order = sorted({p for p, u in zip(patients, usable, strict=True) if u}, key=int)
    fold = {patient: str(i % 5) for i, patient in enumerate(order)}
    return [fold[p] if u else "never" for p, u in zip(patients, usable, strict=True)]


def _bytes(radiographs: np.ndarray) -> np.ndarray:
    return np.rint(radiographs * 255).astype(np.uint8)
