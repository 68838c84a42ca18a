"""Both characterisers and masks on spheres of the sample CT: one nodule, and fifty, from the image in memory to the findings.

Run: ``python benchmarks/characterise.py`` (``--device cpu --repeat 5 --threads 1``). CPU seconds are those of all threads: on
a busy machine read these.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from napari_lungmtl.training.findings import Finding, Findings, Sphere
from napari_lungmtl.training.imaging import Image, read_image
from napari_lungmtl.training.inference.chain import choose
from napari_lungmtl.training.inference.predictor import finish

SAMPLE = Path(__file__).resolve().parent.parent / "sample_data" / "ct"
ALL = ["mtmr", "mtcnn", "nodule_masks"]
STAGES = {"MTMR-Net": ALL[:1], "MT-CNN": ALL[1:2], "both, fused": ALL[:2], "both and masks": ALL}
BUDGETS = {1: 0.15, 50: 6.0}
"""Seconds for both networks and masks on two cores."""


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
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    image = read_image(SAMPLE)
    table = Table(
        "networks", "nodules", "median s", "slowest s", "CPU s", "budget s", title=f"{given.threads} threads"
    )
    for name, models in STAGES.items():
        chain = choose(image, models, given.device)
        finish(chain.characterise(image, spheres(image, 1)))  # loads the weights
        for count, budget in BUDGETS.items():
            seconds, used = [], []
            for _ in range(given.repeat):
                start, before = time.perf_counter(), time.process_time()
                finish(chain.characterise(image, spheres(image, count)))
                seconds.append(time.perf_counter() - start)
                used.append(time.process_time() - before)
            figures = (median(seconds), max(seconds), median(used))
            asked = f"{budget:g}" if models == ALL else ""
            table.add_row(name, str(count), *(f"{figure:.3f}" for figure in figures), asked)
    Console().print(table)


if __name__ == "__main__":
    main()
