"""Does the chance that grafts predict hold for real nodules? Fold 0, which neither the detector nor the grafts come from.

    python -m experiments.blind.real shared/data/luna16_nodules --out runs/blind/real.csv
    python -m experiments.blind.real shared/data/luna16_nodules --phantoms --out runs/blind/phantoms.csv

What is grafted is all real nodules of the other folds that can be cut out, or the project's own that ship.

Cubes centre their nodule, and a detector does better in the middle. So both are looked at in windows of 32 mm whose middle lies up
to 8 mm beside: the cube's own nodule, and then, one by one, nodules of other patients of like diameter and texture that are grafted
around it, away from all that is annotated. The chance is the share of those that are found at a threshold, with one graft of the
share of all grafts. Beside it stand the diameter, and the share of grafts of that size anywhere. At the shipped threshold few
nodules are missed: higher ones are shown as well. Intervals by bootstrap over scans, of shares by Clopper and Pearson.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from experiments.blind.common import as_image, like, places
from napari_lungmtl.training.blind.at_hand import SHIPPED
from napari_lungmtl.training.blind.bank import SIZES, Nodule, load_bank, texture_of
from napari_lungmtl.training.blind.graft import graft, turned
from napari_lungmtl.training.blind.make_bank import nodules_of
from napari_lungmtl.training.blind.trials import PRIOR, Trial, best_within, interval, share
from napari_lungmtl.training.data.public.luna16_nodules import NoduleCube, load_cubes
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import SCORE_FLOOR
from napari_lungmtl.training.metrics.intervals.bootstrap import bootstrap_weights
from napari_lungmtl.training.metrics.intervals.bootstrap import interval as bounds

NAME = "ag3d"
BINS = (0.0, 0.25, 0.5, 0.75, 0.9, 1.01)
THRESHOLDS = (0.5, 0.8, 0.95)
WINDOW, SHIFT, LARGEST_MM = 32, 8.0, 20.0
Detect = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def own_sphere(cube: NoduleCube) -> np.ndarray:
    """The annotated nodule in the middle of a cube (4,)."""
    middle = (np.array(cube.voxels.shape) - 1) / 2
    return cube.truth[np.linalg.norm(cube.truth[:, :3] - middle, axis=1).argmin()]


def window(center: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[slice, ...]:
    """A window of `WINDOW` voxels within a cube, its middle up to `SHIFT` beside a place along each axis."""
    low = np.round(center + rng.uniform(-SHIFT, SHIFT, 3) - (WINDOW - 1) / 2).astype(int)
    return tuple(slice(int(a), int(a) + WINDOW) for a in np.clip(low, 0, np.array(shape) - WINDOW))


def one(
    cube: NoduleCube, nodules: list[Nodule], detect: Detect, rng: np.random.Generator, count: int
) -> tuple[Trial, list[Trial]]:
    """The real nodule of a cube, and grafts like it around it."""
    image, sphere = as_image(cube), own_sphere(cube)
    diameter = float(sphere[3])

    def score(voxels: np.ndarray, part: tuple[slice, ...], center: np.ndarray, size: float) -> float:
        spheres, scores = detect(np.ascontiguousarray(voxels[part]))
        low = np.array([p.start for p in part])
        return best_within(spheres[:, :3] + low, scores, center, size)

    part = window(sphere[:3], image.shape, rng)
    real = Trial(tuple(sphere[:3]), diameter, score(image.voxels, part, sphere[:3], diameter))
    texture = texture_of(float(cube.row.get("texture") or 5.0))
    trials = []
    for place in places(cube, diameter, rng, count, 4.0):
        done = graft(image, turned(like(nodules, diameter, texture, rng), rng), place, rng)
        part = window(done.center, image.shape, rng)
        with_it = score(done.image.voxels, part, done.center, done.diameter)
        before = score(image.voxels, part, done.center, done.diameter) if with_it >= SCORE_FLOOR else 0.0
        trials.append(Trial(tuple(done.center), done.diameter, with_it, before))
    return real, trials


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cubes", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/blind/real.csv"))
    parser.add_argument("--phantoms", action="store_true", help="graft the project's own nodules")
    parser.add_argument("--grafts", type=int, default=5, help="around each nodule")
    parser.add_argument("--most", type=int, default=10**6, help="cubes, by chance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", action="store_true", help="only print the tables of what --out holds")
    options = parser.parse_args()
    if options.report:
        for threshold in THRESHOLDS:
            report(options.out, threshold)
        return
    torch.set_num_threads(1)
    rng = np.random.default_rng(options.seed)
    detect = registry.load_predictor(NAME, "cpu").detect_part
    nodules = list(load_bank(SHIPPED)) if options.phantoms else nodules_of(options.cubes)
    cubes = [c for c in load_cubes(options.cubes, folds=["0"]) if own_sphere(c)[3] < LARGEST_MM]
    cubes = [cubes[i] for i in rng.permutation(len(cubes))[: options.most]]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["seriesuid", "diameter_mm", "score", "grafts"])
        for number, cube in enumerate(cubes):
            real, trials = one(cube, nodules, detect, rng, options.grafts)
            grafts = " ".join(f"{t.score:.4f}/{t.before:.4f}" for t in trials)
            writer.writerow([cube.series, f"{real.diameter:.2f}", f"{real.score:.4f}", grafts])
            file.flush()
            if number % 20 == 0:
                print(f"{number} of {len(cubes)} cubes", flush=True)
    for threshold in THRESHOLDS:
        report(options.out, threshold)


def report(path: Path, threshold: float) -> None:
    """Print the table of what was written, at a threshold."""
    with path.open() as file:
        rows = [row for row in csv.DictReader(file) if row["grafts"]]
    diameter = np.array([float(row["diameter_mm"]) for row in rows])
    found = np.array([float(row["score"]) >= threshold for row in rows], float)
    trials = [[Trial((), 0.0, *map(float, g.split("/"))) for g in row["grafts"].split()] for row in rows]
    hits, tried = np.array([share(each, threshold) for each in trials], float).T
    every = hits.sum() / tried.sum()
    chance = (hits + PRIOR * every) / (tried + PRIOR)
    size = np.digitize(diameter, [low for low, _ in SIZES.values()])
    by_size = np.array([hits[size == s].sum() / tried[size == s].sum() for s in size])
    weights = bootstrap_weights([row["seriesuid"] for row in rows])
    print(
        f"\n{len(rows)} real nodules of fold 0, {int(found.sum())} found at {threshold:g} ({found.mean():.3f});"
    )
    print(f"{int(tried.sum())} grafts around them, {int(hits.sum())} found ({every:.3f})")
    predictors = {
        "chance of grafts around it": chance,
        "share of grafts of its size": by_size,
        "diameter": diameter,
    }
    for name, values in predictors.items():

        def auc(weight: np.ndarray, values: np.ndarray = values) -> np.ndarray:
            return np.array([_auc(found, values, w) for w in np.atleast_2d(weight)])

        print(f"AUC of hits against misses by {name}: {bounds(auc, weights)}")
    print("predicted chance | nodules | mean predicted | found [95 %]")
    for low, high in pairwise(BINS):
        here = (chance >= low) & (chance < high)
        if here.any():
            a, b = interval(int(found[here].sum()), int(here.sum()))
            line = f"{low:.2f}–{min(high, 1):.2f} | {here.sum()} | {chance[here].mean():.3f} | {found[here].mean():.3f}"
            print(f"{line} [{a:.2f}, {b:.2f}]")


def _auc(found: np.ndarray, values: np.ndarray, weight: np.ndarray) -> float:
    if not (weight[found > 0].sum() and weight[found == 0].sum()):
        return float("nan")
    return float(roc_auc_score(found, values, sample_weight=weight))


if __name__ == "__main__":
    main()
