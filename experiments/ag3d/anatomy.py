"""What 3D-AG's rule about air around a mark does: false marks of whole scans at equal sensitivity, cross-validated by scan.

Run: ``python experiments/ag3d/anatomy.py --nodules luna16_nodules --marks marks.npz --candidates fold0.csv``, after
``lungmtl candidates --folds 0 --floor 0.00001 --out fold0.csv`` and ``python -m napari_lungmtl.training.networks.ag3d.sets.marks``.
Nodules are looked at with thin slices and blurred to 2.5, 3 and 5 mm, for the whole scans have such: a rule that tells slices apart
must not look like one that tells nodules.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from napari_lungmtl.training.data.mark_cubes import load_mark_cubes
from napari_lungmtl.training.data.public.luna16_nodules import load_cubes, to_hu
from napari_lungmtl.training.evaluation.candidates import read_candidates
from napari_lungmtl.training.networks.ag3d.anatomy import ENOUGH, PENALTY, air_around
from napari_lungmtl.training.networks.ag3d.patches import thick_slices
from napari_lungmtl.training.ops.logits import log_odds

SENSITIVITIES = (0.9, 0.95, 0.98, 0.99)
CHOICES = tuple(product((0.5, 0.55, 0.6, 0.65), (10.0, 20.0, 40.0)))
"""Where the loss begins (share of directions), and log odds lost for each unit of share below."""
SLICES_MM = (2.5, 3.0, 5.0)
INSIDE = (8.0, 42.0)
"""Annotated nodules whose centre lies so in their cube have something around them to look at."""


def blurred(hu: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The cube as thick slices would show it."""
    thickness = float(rng.choice(SLICES_MM))
    return thick_slices(hu, thickness, rng.uniform(0, thickness))


def lowered(score: np.ndarray, share: np.ndarray, choice: tuple[float, float]) -> np.ndarray:
    """Log odds of scores after the rule."""
    enough, penalty = choice
    return log_odds(score) - penalty * np.maximum(enough - share, 0)


def threshold(nodules: np.ndarray, sensitivity: float) -> float:
    """The score from which that fraction of the nodules is found."""
    return float(np.sort(nodules)[::-1][int(np.ceil(sensitivity * len(nodules))) - 1])


def cross_validated(
    hits: Sequence[np.ndarray], false: Sequence[np.ndarray], of_hit: np.ndarray, of_false: np.ndarray
) -> list[list[str]]:
    """Rows for `SENSITIVITIES`: false marks of left-out scans, at thresholds and with the choice of the other scans and nodules.

    Parameters
    ----------
    hits, false
        Scores and shares of the nodules' marks, and of the false marks.
    of_hit, of_false
        The part that each belongs to.
    """
    parts = np.unique(of_false)
    counts = {s: np.zeros(2, int) for s in SENSITIVITIES}
    found = {s: np.zeros(2) for s in SENSITIVITIES}
    chosen = []
    for part in parts:
        a, b = of_hit == part, of_false == part

        def cost(choice: tuple[float, float], a: np.ndarray = a, b: np.ndarray = b) -> float:
            nodules = lowered(hits[0][~a], hits[1][~a], choice)
            wrong = lowered(false[0][~b], false[1][~b], choice)
            return sum(np.log1p((wrong >= threshold(nodules, s)).sum()) for s in SENSITIVITIES)

        best = min(CHOICES, key=cost)
        chosen.append(best)
        for i, choice in enumerate(((0.0, 0.0), best)):
            nodules = lowered(hits[0], hits[1], choice)
            for s in SENSITIVITIES:
                at = threshold(nodules[~a], s)
                counts[s][i] += int((lowered(false[0][b], false[1][b], choice) >= at).sum())
                found[s][i] += int((nodules[a] >= at).sum())
    rows = [["nodules kept", "others before", "after", "nodules found before", "after"]]
    rows += [
        [f"{s:g}", *map(str, counts[s]), *(f"{v / len(of_hit):.3f}" for v in found[s])] for s in SENSITIVITIES
    ]
    return [*rows, ["chosen", ", ".join(f"{a:g}/{b:g}" for a, b in chosen), "", "", ""]]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("nodules", "marks", "candidates"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    a = parser.parse_args()
    rng = np.random.default_rng(0)
    cubes = load_cubes(a.nodules)
    spheres = [(c, s) for c in cubes for s in c.truth if ((s[:3] >= INSIDE[0]) & (s[:3] <= INSIDE[1])).all()]
    shares = {
        "thin": [air_around(to_hu(c.voxels), s) for c, s in spheres],
        "thick": [air_around(blurred(to_hu(c.voxels), rng), s) for c, s in spheres],
    }
    print(f"{len(spheres)} annotated nodules, share of directions with air:")
    for name, values in shares.items():
        quantiles = np.quantile(values, (0.01, 0.05, 0.5))
        below = np.mean(np.array(values) < ENOUGH)
        print(
            f"{name}: 1 % {quantiles[0]:.2f}, 5 % {quantiles[1]:.2f}, median {quantiles[2]:.2f}; below {ENOUGH:g}: {below:.1%}"
        )
    marks = load_mark_cubes(a.marks)
    marks = marks.take(marks.kind == "mark")
    wrong = [
        air_around(to_hu(v), np.array([*c, d]))
        for v, c, d in zip(marks.voxels, marks.center, marks.diameter, strict=True)
    ]
    found = read_candidates([a.candidates])
    found = found.take(found.nodule == 1)
    voxels = {int(c.row["index"]): to_hu(c.voxels) for c in cubes}
    names = np.unique(found.series)
    part = np.searchsorted(names, found.series) % 5
    for name in ("thin", "thick"):
        hit = [
            air_around(voxels[int(i)] if name == "thin" else blurred(voxels[int(i)], rng), np.array([*c, d]))
            for i, c, d in zip(found.index, found.center, found.diameter, strict=True)
        ]
        print(
            f"\n{len(marks)} false marks of {len(np.unique(marks.series))} scans, {len(hit)} nodules, {name}:"
        )
        both = (found.probability, np.array(hit)), (marks.score, np.array(wrong))
        for row in cross_validated(*both, part, marks.fold.astype(int)):
            print(" | ".join(row))
        fixed = [lowered(*one, (ENOUGH, PENALTY)) for one in both]
        bare = [log_odds(one[0]) for one in both]
        counts = [[int((f >= threshold(h, s)).sum()) for s in SENSITIVITIES] for h, f in (bare, fixed)]
        print(
            f"as shipped ({ENOUGH:g}/{PENALTY:g}), others at the same sensitivities: {counts[0]} -> {counts[1]}"
        )


if __name__ == "__main__":
    main()
