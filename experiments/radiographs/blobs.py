"""The trivial baseline on real radiographs: bright blobs in the lungs, judged as the networks are.

    python experiments/radiographs/blobs.py --data ../shared/data/cxr/jsrt ../shared/data/cxr/nih_boxed --folds 0

scikit-image's Laplacian of Gaussians on the local contrast of a radiograph, in the lungs that MO-SegNet outlines; nothing is
learnt. A blob's score goes up with its response, and a radiograph's is that of its surest blob. The figures are those of
``lungmtl evaluate dhn|mosegnet`` on the same radiographs.
"""

from __future__ import annotations

import argparse
from collections.abc import Generator
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy.ndimage import gaussian_filter, gaussian_laplace
from scipy.special import expit
from skimage.feature import blob_log

from napari_lungmtl.training.evaluation.radiographs import chosen_cases, predict_radiographs
from napari_lungmtl.training.findings import Box, Finding, Findings
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.radiograph.network_input import make_radiograph_input
from napari_lungmtl.training.inference.predictor import ModelInfo, Progress
from napari_lungmtl.training.inference.registry import load_predictor
from napari_lungmtl.training.metrics.radiograph.figures import radiograph_figures
from napari_lungmtl.training.networks.mosegnet.predictor import MosegnetPredictor

SIGMAS = (3.5, 14.0)
"""Pixels of the 512-pixel radiograph: nodules of about 10 to 40 pixels."""
SCALES = 5
MOST = 30
AROUND = 30.0
"""Standard deviation, in pixels, of the surroundings that a blob stands out from."""
SHOWN = (
    *("roc_auc", "sensitivity_at_0.25_center", "sensitivity_at_0.5_center", "sensitivity_at_1_center"),
    *("sensitivity_at_2_center", "sensitivity_at_1"),
)


class Blobs:
    """Bright blobs as a `Predictor`, so that the same code judges them."""

    info = ModelInfo(
        "blobs", "Bright blobs", "Marks what is brighter than around it.", ("CR", "DX"), "1", 0.5
    )

    def __init__(self, lungs: MosegnetPredictor) -> None:
        self.lungs = lungs

    def run(self, image: Image) -> Generator[Progress, None, Findings]:
        """Yield progress; return boxes by descending strength."""
        yield Progress(0.0, "looking for blobs")
        radiograph = make_radiograph_input(image, self.lungs.net.config.side)
        lungs = self.lungs.outline_lungs(radiograph.pixels)
        if lungs is None:
            return Findings()
        blobs = strongest_first(local_contrast(radiograph.pixels), lungs.any(0))
        items = []
        for row, column, radius, strength in blobs:
            corners = np.array([[row - radius, column - radius], [row + radius, column + radius]]) + 0.5
            items.append(Finding(Box(*map(tuple, radiograph.to_world(corners))), score=float(strength)))
        return Findings(tuple(items))


def local_contrast(pixels: np.ndarray) -> np.ndarray:
    """How far each pixel of a radiograph (h, w) stands out, in standard deviations of its surroundings."""
    mean = gaussian_filter(pixels, AROUND)
    spread = np.sqrt(np.maximum(gaussian_filter(pixels**2, AROUND) - mean**2, 1e-4))
    return (pixels - mean) / spread


def strongest_first(contrast: np.ndarray, lungs: np.ndarray) -> np.ndarray:
    """Find blobs in the lungs: (n, 4) row, column, radius (pixels) and strength, at most `MOST`."""
    found = blob_log(
        contrast, min_sigma=SIGMAS[0], max_sigma=SIGMAS[1], num_sigma=SCALES, threshold=0.05, overlap=0.3
    )
    rows, columns = found[:, :2].astype(int).T
    found = found[lungs[rows, columns]]
    response = np.zeros(len(found))
    for sigma in np.unique(found[:, 2]):
        own = found[:, 2] == sigma
        rows, columns = found[own, :2].astype(int).T
        response[own] = -(sigma**2) * gaussian_laplace(contrast, sigma)[rows, columns]
    order = np.argsort(-response)[:MOST]
    return np.column_stack([found[:, :2], found[:, 2] * 2**0.5, expit(response)])[order]


def main() -> None:
    """Print the figures of each set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--folds", nargs="+", help="by default all")
    args = parser.parse_args()
    torch.set_num_threads(1)
    lungs = load_predictor("mosegnet", "cpu")
    assert isinstance(lungs, MosegnetPredictor)
    table = Table(title="Bright blobs in the lungs")
    for column in ("set", "figure", "value", "95 % over backgrounds"):
        table.add_column(column)
    for folder in args.data:
        results, failed = predict_radiographs(
            Blobs(lungs), chosen_cases(folder, args.folds), 0.5, lungs=False
        )
        assert not failed, failed[0]
        figures = radiograph_figures(results, 0.5, lungs=False)
        for name in SHOWN:
            cell = figures["intervals"].get(name)
            if cell is not None:
                table.add_row(
                    folder.name, name, f"{cell['value']:.2f}", f"{cell['lower']:.2f}–{cell['upper']:.2f}"
                )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
