"""What do MTMR-Net and MT-CNN lose at the places of a detector: is it the place, or the size?

    lungmtl candidates --data luna16_nodules --folds 0 --out marks0.csv     # keep the rows whose column `nodule` is 1
    python experiments/characterisation/places.py --data luna16_nodules --findings marks0.csv

Fold 0, which neither detector nor outlining network saw; every nodule is rated by the models that never saw its scan. Intervals
are over scans.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from common import print_aucs

from napari_lungmtl.training.crossval.nodule_cubes import at_findings
from napari_lungmtl.training.data.public.luna16_nodules import to_hu
from napari_lungmtl.training.data.public.rated_nodules import RatedNodules, load_rated_nodules
from napari_lungmtl.training.inference.fusion import fused_networks, mean_log_odds
from napari_lungmtl.training.inference.registry import load_predictor
from napari_lungmtl.training.networks.nodule_masks.outline import drawn, field_of

FOLD = "0"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--findings", type=Path, required=True)
    args = parser.parse_args()
    nodules = load_rated_nodules(args.data)
    nodules, center, diameter, missed = at_findings(nodules.take(nodules.fold == FOLD), args.findings)
    outlined, measured = by_outline(nodules, center, diameter)
    places = {
        "annotated place and diameter": (nodules.center, nodules.diameter),
        "annotated place, detected diameter": (nodules.center, diameter),
        "detected place, annotated diameter": (center, nodules.diameter),
        "detected place and diameter": (center, diameter),
        "of the network's outline there": (outlined, measured),
    }
    print(f"{len(nodules)} nodules of {len(np.unique(nodules.series))} scans, {missed} not detected")
    scores = {name: fused(nodules, *place) for name, place in places.items()}
    sizes = {
        "the annotated log diameter alone": np.log(nodules.diameter),
        "the detected log diameter alone": np.log(diameter),
    }
    print_aucs("fused", nodules, scores)
    print_aucs("alone", nodules, sizes)


def by_outline(
    nodules: RatedNodules, center: np.ndarray, diameter: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Middles (n, 3) of the outlines around marks and diameters (n,) of their balls; the marks themselves where there is none."""
    predictor = load_predictor("nodule_masks", "cpu")
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in nodules.voxels.shape[1:]], indexing="ij"), -1)
    middles, measured = center.copy(), diameter.copy()
    for i, voxels in enumerate(nodules.voxels):
        field = field_of(predictor.net, to_hu(voxels), center[i], float(diameter[i]))
        inside = drawn(field.at(grid - center[i]), center[i], predictor.net.config.level)
        if inside.any():
            middles[i], measured[i] = np.argwhere(inside).mean(0), (6 * inside.sum() / np.pi) ** (1 / 3)
    return middles, measured


def fused(nodules: RatedNodules, center: np.ndarray, diameter: np.ndarray) -> np.ndarray:
    """The fused malignancy (n,) at places in the nodules' cubes."""
    models = [load_predictor(name, "cpu") for name in fused_networks()]
    return np.array(
        [
            float(mean_log_odds(*(m.opinion(to_hu(v), c, float(d), str(s)).malignancy for m in models)))
            for v, c, d, s in zip(nodules.voxels, center, diameter, nodules.series, strict=True)
        ]
    )


if __name__ == "__main__":
    main()
