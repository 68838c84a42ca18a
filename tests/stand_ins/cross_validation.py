"""Small data and runs, made up, in the layouts that the report reads."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_lungmtl.training.crossval.out_of_fold_file import write_out_of_fold
from napari_lungmtl.training.data.public.rated_nodules import RatedNodules
from napari_lungmtl.training.metrics.characterisation.out_of_fold import OutOfFold
from napari_lungmtl.training.report.baselines import opinion

SIZE = 50


def write_data(folder: Path, n: int = 60, seed: int = 0, masks: bool = True) -> Path:
    """Balls of 6–20 mm whose malignancy grows with their size; two nodules in a scan, five folds, one scan in none."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    grid = np.indices((SIZE,) * 3) - (SIZE - 1) / 2
    distance = np.sqrt((grid**2).sum(0))
    diameter = rng.uniform(6, 20, n)
    inside = distance[None] <= diameter[:, None, None, None] / 2
    hu = np.where(inside, rng.normal(0, 40, (n, 1, 1, 1)), -850) + rng.normal(0, 20, (n, 1, 1, SIZE))
    voxels = np.clip((hu + 1024) / 8, 0, 255).astype(np.uint8)
    arrays = {"cubes_dz": np.diff(voxels.astype(np.int16), axis=1, prepend=0).astype(np.uint8)}
    if masks:
        arrays["masks"] = np.packbits(inside.reshape(n, -1), axis=1)
    np.savez_compressed(folder / "cubes.npz", **arrays)
    rows = []
    for i in range(n):
        severity = np.clip((diameter[i] - 13) / 4 + rng.normal(0, 0.8, 4), -2, 2)
        readers = [
            [int(np.clip(np.round(3 + s + rng.normal(0, 0.5)), 1, 4)) for _ in range(8)] + [round(3 + s)]
            for s in severity
        ]
        rows.append(
            {
                "index": i,
                "seriesuid": f"1.2.{i // 2}",
                **dict.fromkeys(("coordX", "coordY", "coordZ"), (SIZE - 1) / 2),
                "diameter_mm": diameter[i],
                **dict.fromkeys(("originX", "originY", "originZ"), 0.0),
                "direction_xy": 1,
                "readers": json.dumps(readers),
            }
        )
    with (folder / "nodules.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    scans = sorted({row["seriesuid"] for row in rows})
    lines = [f"{s},{'never' if k == 0 else k % 5}" for k, s in enumerate(scans)]
    (folder / "folds.csv").write_text("\n".join(["seriesuid,fold", *lines]) + "\n")
    return folder


def predictions(nodules: RatedNodules, noise: float, seed: int = 0, attributes: bool = True) -> OutOfFold:
    """What a network that sees the readers through noise would say."""
    rng = np.random.default_rng(seed)
    n = len(nodules)
    logit = 1.6 * (nodules.malignancy("mean") - 3) + rng.normal(0, noise, n)
    seen = np.clip(nodules.attributes + rng.normal(0, 0.3 * noise, (n, 8)), 1, 4)
    return replace(
        opinion(nodules),
        malignancy=1 / (1 + np.exp(-logit)),
        attributes=seen if attributes else np.full((n, 8), np.nan),
        logit=logit,
        spread=rng.uniform(0, 0.1, n),
    )


def write_runs(folder: Path, nodules: RatedNodules, variants: dict[str, float]) -> Path:
    """Variants and how noisy each is."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, noise) in enumerate(variants.items()):
        (folder / name).mkdir(parents=True)
        run = predictions(nodules, noise, seed, attributes=name.startswith("mtmr"))
        write_out_of_fold(folder / name / "oof.csv", run)
    return folder
