"""Which simulated nodules do the shipped networks find? Sensitivity by how far a nodule stands out from what lies around it.

    python experiments/visibility.py --prepared runs/prepared

The radiographs are those of ``lungmtl simulate radiographs --count 16`` (fold 0, seed 0). A nodule's contrast is what it adds to
the radiograph's grey values (mean over its outline) over the standard deviation of the radiograph without it in a square three
times as wide. A nodule counts as found where a mark's middle lies in its box, at the threshold that leaves one false mark per
radiograph. Beside the networks stand scikit-image's bright blobs in the true lungs, by the Laplacian of Gaussians.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy.ndimage import gaussian_laplace
from skimage.feature import blob_log

from napari_lungmtl.training.data.simulation.radiographs import TEST, SimulatedRadiographs
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import Predictor, finish

EDGES = (-np.inf, 0.5, 1.0, 1.5, np.inf)
LARGE_MM = 10.0


@dataclass(frozen=True)
class Nodule:
    """A simulated nodule: diameter, contrast, and the best score of a mark in its box by network."""

    mm: float
    contrast: float
    inside: bool
    score: dict[str, float]


def contrast(before: np.ndarray, after: np.ndarray, mask: np.ndarray, box: np.ndarray) -> float:
    """Mean rise over the outline, in standard deviations of the surroundings before."""
    x0, y0, x1, y1 = box.astype(int)
    y, x = slice(y0, y1), slice(x0, x1)
    rise = (after - before)[y, x][mask[y, x]].mean()
    high, wide = y1 - y0, x1 - x0
    around = before[max(y0 - high, 0) : y1 + high, max(x0 - wide, 0) : x1 + wide]
    return float(rise / max(around.std(), 1e-3))


def marks(predictor: Predictor, pixels: np.ndarray, mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Middles (n, 2) x, y in radiograph pixels, edge coordinates, and scores of what a network marks."""
    voxels = np.rint(pixels * 255).astype(np.int16)
    found = finish(predictor.run(Image(voxels, modality="DX", spacing=(mm, mm))))
    middles = [(f.center[1] / mm + 0.5, f.center[0] / mm + 0.5) for f in found]
    return np.array(middles).reshape(-1, 2), np.array([f.score for f in found])


def blobs(pixels: np.ndarray, lungs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The baseline: middles and responses of bright blobs of 10 to 40 pixels in the lungs."""
    found = blob_log(pixels, min_sigma=3.5, max_sigma=14, num_sigma=5, threshold=0.02, overlap=0.3)
    y, x = found[:, :2].astype(int).T
    inside = lungs[y, x]
    responses = [
        -(sigma**2)
        * gaussian_laplace(pixels[max(r - 60, 0) : r + 60, max(c - 60, 0) : c + 60], sigma)[
            min(r, 60), min(c, 60)
        ]
        for r, c, sigma in zip(y[inside], x[inside], found[inside, 2], strict=True)
    ]
    return np.column_stack([x, y])[inside] + 0.5, np.array(responses)


def judged(prepared: Path, count: int) -> Iterator[tuple[list[Nodule], dict[str, np.ndarray]]]:
    """For each radiograph its nodules, and the scores of every network's false marks."""
    radiographs = SimulatedRadiographs(prepared, TEST, phantoms=0.0)
    predictors = {name: registry.load_predictor(name, "cpu") for name in ("dhn", "mosegnet")}
    for background in radiographs.backgrounds:
        before = radiographs.store.pixels[background].astype(np.float32) / 255
        for repeat in range(count):
            radiograph = radiographs.simulate(
                int(background), np.random.default_rng([0, int(background), repeat])
            ).radiograph
            hits: list[dict[str, float]] = [{} for _ in radiograph.boxes]
            false = {}
            assert radiograph.nodules is not None
            assert radiograph.lungs is not None
            found = {n: marks(p, radiograph.pixels, float(radiograph.mm or 1)) for n, p in predictors.items()}
            found["blobs"] = blobs(radiograph.pixels, radiograph.lungs.any(0))
            for name, (middles, scores) in found.items():
                free = np.ones(len(scores), bool)
                for hit, (x0, y0, x1, y1) in zip(hits, radiograph.boxes, strict=True):
                    inside = ((middles > (x0, y0)) & (middles < (x1, y1))).all(1)
                    hit[name] = float(scores[inside].max(initial=0))
                    free &= ~inside
                false[name] = scores[free]
            nodules = []
            for box, mm, hit in zip(radiograph.boxes, radiograph.diameter_mm, hits, strict=True):
                x, y = ((box[:2] + box[2:]) / 2).astype(int)
                nodules.append(
                    Nodule(
                        float(mm),
                        contrast(before, radiograph.pixels, radiograph.nodules, box),
                        bool(radiograph.lungs[:, y, x].any()),
                        hit,
                    )
                )
            yield nodules, false


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prepared", type=Path, required=True, help="folder of 'lungmtl simulate prepare'")
    parser.add_argument("--count", type=int, default=16, help="radiographs from each background")
    args = parser.parse_args()
    torch.set_num_threads(1)
    radiographs = list(judged(args.prepared, args.count))
    nodules = [n for found, _ in radiographs for n in found if n.mm >= LARGE_MM]
    table = Table(
        title=f"Nodules of {LARGE_MM:.0f} mm and more found at one false mark per radiograph ({len(radiographs)} radiographs)"
    )
    for column in ("contrast", "nodules", "in the open lung", "DHN", "MO-SegNet", "bright blobs"):
        table.add_column(column, justify="right")
    threshold = {}
    for name in ("dhn", "mosegnet", "blobs"):
        false = np.sort(np.concatenate([f[name] for _, f in radiographs]))[::-1]
        threshold[name] = false[len(radiographs)] if len(false) > len(radiographs) else 0.0
    for low, high in [*pairwise(EDGES), (-np.inf, np.inf)]:
        some = [n for n in nodules if low <= n.contrast < high]
        if some:
            share = {
                name: f"{np.mean([n.score[name] > t for n in some]):.2f}" for name, t in threshold.items()
            }
            inside = f"{np.mean([n.inside for n in some]):.2f}"
            table.add_row(f"{low:.1f} to {high:.1f}", str(len(some)), inside, *share.values())
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
