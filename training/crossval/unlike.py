"""Fits and releases the regression that tells places that are no nodule.

``python -m napari_lungmtl.training.crossval.unlike --nodules luna16_nodules --scans ct/whole --out runs/unlike --train A,B`` draws
bright places of the nodule cubes and of the scans named (never of others), measures them and the nodules, thin and blurred to thick
slices, at their place and moved as detectors do, and writes ``unlike.safetensors`` with a card. What it measured is kept in
``places.npz``: with it there the rest takes seconds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import uniform_filter1d

from ..data.arrays import open_arrays
from ..data.bright_places import of_cube, of_scan
from ..data.public.luna16_nodules import NoduleCube, load_cubes, to_hu
from ..data.public.whole_scans import WholeScan, load_whole_scans
from ..imaging import read_image
from ..inference.unlike.head import UnlikeHead, head_of, terms
from ..inference.weights import ModelCard, save_weights
from ..metrics.characterisation.classification import roc_auc
from ..ops.surroundings import NAMES, surroundings
from .folds import FOLDS
from .nodule_cubes import MIDDLE, nodule_cube

SLICES_MM = (2.5, 3.0, 5.0)
"""Half of what is measured is blurred to slices so thick: whole scans have such, cubes do not."""
C = 0.1
"""Strength of the regression, as scikit-learn counts it, on terms of unit deviation."""
NODULE, OF_CUBE, OF_SCAN = "nodule", "place in a cube", "place in a scan"
THRESHOLDS = (0.5, 0.8)


@dataclass(frozen=True, eq=False)
class Measured:
    """n places.

    Parameters
    ----------
    values
        (n, 18) `surroundings`.
    kind
        (n,) `NODULE`, `OF_CUBE` or `OF_SCAN`.
    series, fold
        (n,) the scan, and the fold whose regression does not see it.
    diameter
        (n,) mm.
    """

    values: np.ndarray
    kind: np.ndarray
    series: np.ndarray
    fold: np.ndarray
    diameter: np.ndarray


_Row = tuple[np.ndarray, str, str, str, float]


def thick(hu: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur a cube to thick slices, or leave it, as often."""
    if rng.random() < 0.5:
        return hu
    return uniform_filter1d(hu, round(float(rng.choice(SLICES_MM))), axis=0, mode="nearest")


def of_cubes(cubes: Sequence[NoduleCube], rng: np.random.Generator) -> Iterator[_Row]:
    """Measure the nodules in the middle of cubes, as annotated and as marked by a detector, and bright places beside."""
    for cube in cubes:
        row, flip = cube.row, float(cube.row["direction_xy"])
        index = np.array([(float(row[f"coord{a}"]) - float(row[f"origin{a}"])) for a in "ZYX"])
        center, diameter = index * np.array([1.0, flip, flip]), float(row["diameter_mm"])
        hu = to_hu(cube.voxels)
        moved = center + rng.normal(0, 0.06, 3) * min(diameter, 12.0)
        resized = diameter * float(np.exp(rng.normal(0, 0.15)))
        for voxels, place, size in ((hu, center, diameter), (thick(hu, rng), moved, resized)):
            yield surroundings(voxels, place, size), NODULE, cube.series, cube.fold, size
        voxels = thick(hu, rng)
        for place, size in of_cube(cube, voxels, rng):
            yield surroundings(voxels, place, size), OF_CUBE, cube.series, cube.fold, size


def of_scans(scans: Sequence[WholeScan], rng: np.random.Generator, folds: Sequence[str]) -> Iterator[_Row]:
    """Measure bright places of whole scans away from their known lesions; the first scan is of the first fold, and so on."""
    for fold, scan in zip(folds, scans, strict=True):
        image = read_image(scan.path)
        for place, size in of_scan(image, np.concatenate([scan.nodules, scan.excluded]), rng):
            cube, _ = nodule_cube(image, tuple(place))
            yield surroundings(cube, np.full(3, MIDDLE), size), OF_SCAN, scan.name, fold, size


def measured(rows: Sequence[_Row]) -> Measured:
    """Gather rows."""
    values, kind, series, fold, diameter = zip(*rows, strict=True)
    return Measured(*(np.array(part) for part in (values, kind, series, fold, diameter)))


def fit(places: Measured) -> dict[str, np.ndarray]:
    """Fit ``fold<k>`` (terms + 1,) on what is of other folds; nodules weigh as much as cubes' places and scans' together."""
    from sklearn.linear_model import LogisticRegression

    tensors = {}
    rows = terms(places.values)
    mean, scale = rows.mean(0), rows.std(0) + 1e-6
    for k in FOLDS:
        own = np.isin(places.fold, [f for f in FOLDS if f != k])
        kind = places.kind[own]
        share = {NODULE: 0.5, OF_CUBE: 0.25, OF_SCAN: 0.25}
        weight = np.array([share[a] / max((kind == a).sum(), 1) for a in kind]) * len(kind)
        model = LogisticRegression(C=C, max_iter=5000)
        model.fit((rows[own] - mean) / scale, kind != NODULE, sample_weight=weight)
        slope = model.coef_[0] / scale
        tensors[f"fold{k}"] = np.append(slope, model.intercept_[0] - slope @ mean)
    return tensors


def figures(places: Measured, head: UnlikeHead) -> dict[str, Any]:
    """What is called no nodule, out of fold: fractions from `THRESHOLDS` on by kind, and by scan; AUC against each kind."""
    told = out_of_fold(places, head)
    nodule = places.kind == NODULE
    result: dict[str, Any] = {
        "places": {k: int((places.kind == k).sum()) for k in (NODULE, OF_CUBE, OF_SCAN)}
    }
    for kind in (OF_CUBE, OF_SCAN):
        both = nodule | (places.kind == kind)
        result[f"auc, {kind}"] = round(float(roc_auc((~nodule)[both].astype(int), told[both])), 4)
    for threshold in THRESHOLDS:
        over = told >= threshold
        result[f"unlike from {threshold:g} on"] = {
            **{k: round(float(over[places.kind == k].mean()), 4) for k in (NODULE, OF_CUBE, OF_SCAN)},
            **{
                str(s): round(float(over[places.series == s].mean()), 4)
                for s in np.unique(places.series[places.kind == OF_SCAN])
            },
        }
    return result


def out_of_fold(places: Measured, head: UnlikeHead) -> np.ndarray:
    """Tell (n,) each place by the regression that never saw its scan."""
    by_fold = UnlikeHead(head.tensors, {f: f for f in FOLDS})
    return by_fold.of(places.values, [str(f) for f in places.fold])


def card_of(places: Measured, scans: Sequence[str]) -> ModelCard:
    """Make the card without figures."""
    cubes = places.kind != OF_SCAN
    folds = {str(s): str(f) for s, f in zip(places.series[cubes], places.fold[cubes], strict=True)}
    return ModelCard(
        name="unlike",
        version="0.1",
        title="Unlike a nodule",
        purpose="Tells places on a CT that are no nodule (vessels, bone, hilum, chest wall) by what lies in and around them.",
        modalities=("CT",),
        config={"measures": list(NAMES)},
        input={"voxels_mm": 1.0, "field": "sphere and 8 mm around it", "axes": "z, y, x (LPS)"},
        training={
            "data": [
                "LUNA16 nodule cubes, 1 mm, 50³ (CC BY 4.0, from LIDC-IDRI, CC BY 3.0): nodules, and bright places beside them",
                f"bright places of whole CTs away from known lesions: {', '.join(scans)} (QIN LUNG CT, CC BY 3.0; Lung-PET-CT-Dx, "
                "CC BY 4.0)",
            ],
            "config": {"C": C, "slices_mm": list(SLICES_MM)},
            "models": list(FOLDS),
            "folds": dict(sorted(folds.items())),
            "note": "Five regressions; each left one fold of folds.csv, and one whole scan, out of everything. A series named "
            "under folds is judged only by the one that left it out, any other by the mean of all five.",
        },
        limits=(
            "Whole scans may hold small nodules that nobody marked: a few places that count as none may be some.",
            "Detectors mark what looks like a nodule: of such marks it rejects far fewer than of bright places.",
        ),
        task="unlike",
    )


def release(places: Measured, scans: Sequence[str], out: Path) -> Path:
    """Fit, measure and write; gives the weights' path."""
    card, tensors = card_of(places, scans), fit(places)
    how = "5-fold cross-validation: cubes by folds.csv, whole scans one a fold"
    metrics = {"how": how, **figures(places, head_of(card, tensors))}
    state = {name: torch.from_numpy(table) for name, table in tensors.items()}
    return save_weights(state, replace(card, metrics=metrics), out)


def main() -> None:
    """What ``python -m`` runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodules", type=Path, required=True, help="folder of nodule cubes with folds.csv")
    parser.add_argument("--scans", type=Path, required=True, help="folder of whole scans")
    parser.add_argument(
        "--train", required=True, help="names of the scans to draw places of, at most five, with commas"
    )
    parser.add_argument("--out", type=Path, required=True)
    a = parser.parse_args()
    names, kept = a.train.split(","), a.out / "places.npz"
    a.out.mkdir(parents=True, exist_ok=True)
    if kept.exists():
        with open_arrays(kept) as stored:
            places = Measured(**dict(stored))
    else:
        rng = np.random.default_rng(0)
        rows = [*of_cubes(load_cubes(a.nodules, folds=FOLDS), rng)]
        rows += of_scans(load_whole_scans(a.scans, names=names), rng, FOLDS[: len(names)])
        places = measured(rows)
        np.savez_compressed(kept, **vars(places))
    print(release(places, names, a.out))


if __name__ == "__main__":
    main()
