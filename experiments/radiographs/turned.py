"""Which way up is a radiograph? Fits the weights of `imaging.radiograph.upright`, and measures them out of fold.

    python experiments/radiographs/turned.py --data jsrt nih_boxed nih_clear --unseen nih lung_masks_100 --out DIR

Each film, reduced to 256² pixels, is turned by 0°, 90°, 180° and 270°, as it is and mirrored, and decided anew, by weights that
its fold had no part in; the films of ``--unseen`` (other hospitals, and films stored lying on their side) by weights fitted on
all of ``--data``, which are those that are written to ``upright.json``. Without ``--out`` nothing is written.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from scipy.optimize import minimize
from scipy.special import logsumexp

from napari_lungmtl.training.data.public.open_radiographs import open_radiograph_cases
from napari_lungmtl.training.data.public.radiograph_files import read_radiograph
from napari_lungmtl.training.imaging.radiograph.orientation import Orientation
from napari_lungmtl.training.imaging.radiograph.upright import (
    SURE,
    SUSPECTED,
    describe,
    probabilities_of,
)

PENALTY = 10.0
"""Of the squared weights. 0.3, 3 and 30 gave the same two errors of turn in 923 films, in folds."""
STORED_WRONG = ("00003490_011",)
"""Films of the sets that lie upside down in their files, as anyone sees: they teach nothing, and are not counted."""
FOUND = ("stays", "90° left", "180°", "90° right", "turn not sure")


@dataclass(frozen=True)
class Film:
    """One film: its set, file stem and fold, and its description (16, features) in each stored position (8)."""

    folder: str
    name: str
    fold: str
    positions: np.ndarray


def films(folders: list[Path]) -> Iterator[Film]:
    """Describe every film, upright, in the eight positions in which a file might hold it."""
    seen = set(STORED_WRONG)
    for folder in folders:
        for case in open_radiograph_cases(folder):
            if case.path.stem in seen:  # NIH's sets share some
                continue
            seen.add(case.path.stem)
            voxels = np.asarray(read_radiograph(case).voxels, np.float32)
            voxels = np.asarray(Picture.fromarray(voxels).resize((256, 256), Picture.Resampling.BILINEAR))
            positions = [
                describe(Orientation(quarters, mirrored).apply(voxels))
                for mirrored in (False, True)
                for quarters in range(4)
            ]
            yield Film(folder.name, case.path.stem, case.fold, np.stack(positions))


def fit(described: np.ndarray) -> np.ndarray:
    """Weights (features,) of a conditional logit over the sixteen (films, 16, features), of which the first is right."""

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = described @ weights.astype(np.float32)
        total = logsumexp(scores, axis=1)
        excess = np.exp(scores - total[:, None])
        excess[:, 0] -= 1
        slope = np.einsum("ng,ngd->d", excess, described) + PENALTY * weights
        return float((total - scores[:, 0]).sum() + PENALTY * weights @ weights / 2), slope.astype(float)

    start = np.zeros(described.shape[2])
    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x


def upright(some: list[Film]) -> np.ndarray:
    """Descriptions (films, 16, features) of films as they are upright."""
    return np.stack([film.positions[0] for film in some])


def show(title: str, some: list[Film], weights: dict[str, np.ndarray]) -> None:
    """Print what is found of each position, and which upright films would be turned."""
    counts = np.zeros((8, len(FOUND)), int)
    mirrored, inverted, wrong = np.zeros(8, int), np.zeros(2, int), []
    for film in some:
        for position, described in enumerate(film.positions):
            found = probabilities_of(described @ weights[film.fold])
            quarters, probability = found.turn()
            counts[position, quarters if probability >= SURE else 4] += 1
            mirrored[position] += found.mirrored >= SUSPECTED
            if position == 0:
                inverted[0] += found.inverted >= SURE
                # A negative's sixteen descriptions are the film's own, in another order.
                inverted[1] += found.inverted <= 1 - SURE
                if quarters and probability >= SURE:
                    wrong.append(f"{film.folder}/{film.name} {FOUND[quarters]} {probability:.4f}")
    print(f"\n{title}: {len(some)} films; turned from {SURE} on")
    print(f"{'stored':22}" + "".join(f"{name:>15}" for name in FOUND) + f"{'said mirrored':>16}")
    for position, row in enumerate(counts):
        name = f"{90 * (position % 4)}° left" + (" of its mirror" if position >= 4 else "")
        print(f"{name:22}" + "".join(f"{n:15}" for n in row) + f"{mirrored[position]:16}")
    print(
        f"taken for negatives: {inverted[0]} of {len(some)} as they are, {inverted[1]} of {len(some)} inverted"
    )
    print("upright films that would be turned:", "; ".join(wrong) or "none")


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of films with folds")
    parser.add_argument("--unseen", type=Path, nargs="*", default=[], help="folders to measure on only")
    parser.add_argument("--out", type=Path, help="folder for upright.json")
    args = parser.parse_args()
    known = list(films(args.data))
    folds = sorted({film.fold for film in known})
    apart = {fold: fit(upright([f for f in known if f.fold != fold])) for fold in folds}
    everything = fit(upright(known))
    for folder in args.data:
        show(folder.name, [f for f in known if f.folder == folder.name], apart)
    show("all, out of fold", known, apart)
    names = {film.name for film in known}
    for folder in args.unseen:
        others = [f for f in films([folder]) if f.name not in names]
        show(f"{folder.name}, unseen", others, {f.fold: everything for f in others})
    if args.out is not None:
        content = {
            "what": "weights of imaging.radiograph.upright, fitted by experiments/radiographs/turned.py",
            "films": {folder.name: sum(f.folder == folder.name for f in known) for folder in args.data},
            "weights": [round(float(w), 5) for w in everything],
        }
        (args.out / "upright.json").write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
