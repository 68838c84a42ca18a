"""Lung field of a 300³ volume: ours beside the usual scikit-image recipe, on the same phantom.

Run: ``python benchmarks/lung_field.py`` (``--size 300 --repeat 3``). The phantom's exact lungs give the Dice of both.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from skimage import measure, morphology, segmentation

from napari_lungmtl.training.data.phantoms import NoduleSpec, PhantomSpec, make_phantom
from napari_lungmtl.training.imaging.ct.lung_field import lung_field
from napari_lungmtl.training.imaging.image import Image


def recipe(image: Image) -> np.ndarray:
    """Threshold, clear the border slice by slice, keep the two largest pieces, close, fill: the tutorial's way."""
    air = image.voxels < -400
    for plane in air:
        plane[:] = segmentation.clear_border(plane)
    labels = measure.label(air)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    lungs = np.isin(labels, np.argsort(sizes)[-2:])
    ball = morphology.disk(10)
    for plane in lungs:
        plane[:] = morphology.isotropic_closing(plane, len(ball) // 2)
        plane[:] = measure.label(~plane, connectivity=1) != 1 if plane.any() else plane
    return lungs


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Overlap of two masks."""
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def best(
    function: Callable[[Image], np.ndarray], image: Image, repeat: int
) -> tuple[float, float, np.ndarray]:
    """Median wall time, median processor time (both s), and the result."""
    walls, cpus = [], []
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        result = function(image)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return float(np.median(walls)), float(np.median(cpus)), result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    n = options.size
    nodules = (NoduleSpec(20, place="juxtapleural"), NoduleSpec(30, place="juxtapleural"), NoduleSpec(8))
    spec = PhantomSpec(1, nodules, spacing=(300 / n,) * 3, field_of_view=(300.0, 300.0))
    phantom = make_phantom(replace(spec, z_range=(-180.0, 120.0)))
    print(f"{'':24}{'wall s':>8}{'cpu s':>8}{'Dice':>8}{'nodule voxels kept':>24}   {phantom.image.shape}")
    for name, function in (("lung_field", lung_field), ("scikit-image recipe", recipe)):
        wall, cpu, field = best(function, phantom.image, options.repeat)
        kept = ", ".join(f"{field[phantom.nodule_mask(i)].mean():.2f}" for i in range(len(nodules)))
        print(f"{name:24}{wall:8.2f}{cpu:8.2f}{dice(field, phantom.lung_mask):8.4f}{kept:>24}")


if __name__ == "__main__":
    main()
