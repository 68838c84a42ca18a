"""A whole run on the sample CT, voxels in memory to findings, split by the stages that the predictor reports.

Run: ``python benchmarks/whole_run.py`` (``--path STUDY --repeat 3 --device cpu --precision bfloat16 --threads 2``).
CPU seconds are those of all threads of the process: on a busy machine read these. ``--heights 150,300,450`` runs once on volumes of
so many mm (the study and its mirror images on top of each other), each in a process of its own, and prints their memory and time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from napari_lungmtl.training.findings import Findings
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.device import choose_device
from napari_lungmtl.training.inference.predictor import Predictor
from napari_lungmtl.training.inference.registry import load_predictor

CPU = "CPU"
SAMPLE = Path(__file__).resolve().parent.parent / "sample_data" / "ct"
BUDGETS = {"cpu": 15.0, "cuda": 1.0}
"""Seconds for a lung of 300 mm (shared/DESIGN.md): two cores, one data-centre GPU."""


def staged(predictor: Predictor, image: Image) -> tuple[dict[str, float], Findings]:
    """Seconds by stage, and the findings. A stage lasts from its report to the next report."""
    seconds: dict[str, float] = {}
    began = time.process_time()
    run = predictor.run(image)
    stage = next(run).stage
    while True:
        start = time.perf_counter()
        try:
            following = next(run).stage
        except StopIteration as stop:
            findings = stop.value
            break
        finally:
            seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - start
        stage = following
    seconds[CPU] = time.process_time() - began
    return seconds, findings


def peak_gb() -> float | None:
    """Most memory that the process has held, where the system tells."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def peak() -> str:
    """`peak_gb` for a person."""
    gb = peak_gb()
    return "unknown" if gb is None else f"{gb:.2f} GB"


def of_height(image: Image, mm: float) -> Image:
    """The volume and its mirror images on top of each other, as many slices as make up `mm`."""
    assert image.spacing is not None
    count = len(image.voxels)
    place = np.arange(round(mm / image.spacing[0])) % (2 * count)
    return replace(image, voxels=image.voxels[np.where(place < count, place, 2 * count - 1 - place)])


def one_height(image: Image, predictor: Predictor, mm: float) -> None:
    """Run once on a volume of a height and print a line of JSON with what it took."""
    tall = of_height(image, mm)
    before = peak_gb()
    seconds, findings = staged(predictor, tall)
    took = {
        "mm": mm,
        "voxels_gb": tall.voxels.nbytes / 1e9,
        "before_gb": before,
        "peak_gb": peak_gb(),
        "cpu_s": seconds.pop(CPU),
        "s": sum(seconds.values()),
        "findings": [[*f.geometry.center, f.geometry.diameter, f.score] for f in findings],
    }
    print(json.dumps(took))


def by_height(heights: str, options: argparse.Namespace) -> None:
    """Run each height in a process of its own and print the table."""
    table = Table(title=f"memory by height, {options.path.name}, {options.device}, {options.precision}")
    for name in ("height mm", "voxels GB", "before GB", "peak GB", "s", "CPU s", "findings"):
        table.add_column(name, justify="right")
    for height in heights.split(","):
        arguments = ["--path", options.path, "--device", options.device, "--precision", options.precision]
        arguments += ["--threads", options.threads] if options.threads else []
        command = [sys.executable, __file__, "--height", height, *map(str, arguments)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        took = json.loads(done.stdout.splitlines()[-1])
        sizes = [f"{took[name] or 0:.2f}" for name in ("voxels_gb", "before_gb", "peak_gb")]
        times = [f"{took[name]:.1f}" for name in ("s", "cpu_s")]
        table.add_row(height, *sizes, *times, str(len(took["findings"])))
    Console(width=120).print(table)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--path", type=Path, default=SAMPLE)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--heights", help="of volumes in mm, with commas")
    parser.add_argument("--height", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.heights:
        by_height(options.heights, options)
        return
    device = choose_device(options.device)

    start = time.perf_counter()
    image = read_image(options.path)
    reading = time.perf_counter() - start
    start = time.perf_counter()
    predictor = load_predictor("ag3d", device)
    loading = time.perf_counter() - start
    before = peak()
    import torch

    if options.threads:
        torch.set_num_threads(options.threads)
    predictor.precision = getattr(torch, options.precision)
    if options.height:
        one_height(image, predictor, options.height)
        return
    first, _ = staged(predictor, image)
    runs = [staged(predictor, image) for _ in range(options.repeat)]

    assert image.spacing is not None
    extent = " × ".join(f"{n * s:.0f}" for n, s in zip(image.shape, image.spacing, strict=True))
    shape = " × ".join(map(str, image.shape))
    table = Table(
        title=f"ag3d on {options.path.name}: {shape} voxels, {extent} mm, on {device}, "
        f"{options.precision}, {torch.get_num_threads()} threads",
        title_justify="left",
    )
    for name in ("stage", "first s", "median s", "budget s"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    table.add_row("read the study (once)", f"{reading:.2f}", "", "")
    table.add_row("import torch, load weights (once)", f"{loading:.2f}", "", "", end_section=True)
    used = [seconds.pop(CPU) for seconds in (first, *(s for s, _ in runs))]
    for stage in runs[0][0]:
        table.add_row(stage, f"{first[stage]:.2f}", f"{median(s[stage] for s, _ in runs):.2f}", "")
    total = median(sum(s.values()) for s, _ in runs)
    budget = BUDGETS.get(device.partition(":")[0])
    table.add_section()
    table.add_row(
        f"whole run, {len(runs[0][1])} findings",
        f"{sum(first.values()):.2f}",
        f"{total:.2f}",
        f"{budget:g} (300 mm lung)" if budget else "",
    )
    table.add_row("CPU seconds of it", f"{used[0]:.2f}", f"{median(used[1:]):.2f}", "")
    table.add_row("peak memory, before and after", before, peak(), "")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
