"""Two workers against one on the same studies: how many studies a second, when all networks are loaded.

Run: ``python experiments/cluster/throughput.py`` (``--studies 6 --model ag3d --workers 1 2``; needs two idle cores). The studies
are the sample CT with other noise, as files. Each count of workers has its own results, and the first two studies warm it up.
Seconds by stage are medians of what the index tells. On a busy machine the rates say little; CPU seconds for a study, of all the
workers' threads, say whether two get in each other's way.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np

from napari_lungmtl.training.cluster.columns import SECONDS
from napari_lungmtl.training.cluster.connect import local_workers
from napari_lungmtl.training.cluster.find import Finder
from napari_lungmtl.training.cluster.run import ClusterRun
from napari_lungmtl.training.cluster.task import Options, Outcome
from napari_lungmtl.training.imaging import read_image, write_volume
from napari_lungmtl.training.inference import registry

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "ct"


def make_studies(folder: Path, count: int) -> None:
    """Write the sample CT so many times, each with noise of its own (5 HU)."""
    image = read_image(SAMPLE)
    rng = np.random.default_rng(7)
    for number in range(count):
        noise = np.rint(rng.normal(0, 5, image.voxels.shape)).astype(np.int16)
        write_volume(replace(image, voxels=image.voxels + noise), folder / f"ct{number:03}.mha")


def measure(
    folder: Path, out: Path, workers: int, model: str, warm: int
) -> tuple[float, float, list[Outcome]]:
    """Predict all studies; give studies a second and CPU seconds for a study after the first `warm`, and their outcomes."""
    networks = tuple((i, registry.card_of(i).sha256) for i in registry.models() if i.name == model)
    options = Options(out, networks, (model,), device="cpu", version=version("napari-lungmtl"))
    came: list[tuple[float, float, Outcome]] = []
    with local_workers(workers) as client:

        def take(outcome: Outcome) -> None:
            used = sum(client.run(time.process_time).values()) if len(came) in (warm - 1, last) else 0.0
            came.append((time.perf_counter(), used, outcome))

        last = len(list(folder.iterdir())) - 1
        run = ClusterRun(client, options, take)
        run.predict(Finder([folder], {"CT"}, out))
    if bad := [outcome.sentence for _, _, outcome in came if outcome.status != "done"]:
        raise SystemExit(bad[0])
    (begun, used, _), (ended, in_all, _) = came[warm - 1], came[-1]
    count = len(came) - warm
    return count / (ended - begun), (in_all - used) / count, [outcome for _, _, outcome in came[warm:]]


def main() -> None:
    """Print the rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=6, help="beside those that warm up")
    parser.add_argument("--model", default="ag3d")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="counts, one after the other")
    options = parser.parse_args()
    rates = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "studies"
        folder.mkdir()
        make_studies(folder, options.studies + 2)
        for workers in options.workers:
            rate, cpu, outcomes = measure(folder, Path(name) / f"out{workers}", workers, options.model, 2)
            rates.append(rate)
            stages = ", ".join(f"{s} {median(o.row[s] for o in outcomes):.2f}" for s in SECONDS)
            load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
            print(
                f"{workers} worker(s): {rate:.3f} studies/s, {cpu:.1f} CPU s a study; {stages}; {load}",
                flush=True,
            )
    if len(rates) > 1:
        print(f"ratio {rates[-1] / rates[0]:.2f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
