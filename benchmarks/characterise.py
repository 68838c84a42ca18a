"""Both characterisers on spheres of the sample CT: one nodule, and fifty, from the image in memory to fused opinions.

Run: ``python benchmarks/characterise.py`` (``--device cpu --repeat 5``).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from napari_lungmtl.training.findings import Finding, Findings, Sphere
from napari_lungmtl.training.imaging import Image, read_image
from napari_lungmtl.training.inference.chain import choose
from napari_lungmtl.training.inference.predictor import finish

SAMPLE = Path(__file__).resolve().parent.parent / "sample_data" / "ct"
STAGES = {"MTMR-Net": ["mtmr"], "MT-CNN": ["mtcnn"], "both, fused": ["mtmr", "mtcnn"]}
BUDGETS = {1: 0.5, 50: 10.0}
"""Seconds for both networks on two cores (issue 3)."""


def spheres(image: Image, count: int) -> Findings:
    """Spheres of 4–20 mm at random places of the image."""
    random = np.random.default_rng(0)
    low, high = image.extent
    places = low + (high - low) * random.uniform(0.2, 0.8, (count, 3))
    sizes = random.uniform(4, 20, count)
    return Findings(tuple(Finding(Sphere(tuple(p), d)) for p, d in zip(places, sizes, strict=True)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    image = read_image(SAMPLE)
    table = Table("networks", "nodules", "median s", "slowest s", "budget s")
    for name, models in STAGES.items():
        chain = choose(image, models, given.device)
        finish(chain.characterise(image, spheres(image, 1)))  # loads the weights
        for count, budget in BUDGETS.items():
            seconds = []
            for _ in range(given.repeat):
                start = time.perf_counter()
                finish(chain.characterise(image, spheres(image, count)))
                seconds.append(time.perf_counter() - start)
            both = f"{budget:g}" if len(models) == 2 else ""
            table.add_row(name, str(count), f"{median(seconds):.3f}", f"{max(seconds):.3f}", both)
    Console().print(table)


if __name__ == "__main__":
    main()
