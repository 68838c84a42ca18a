"""The detector of CTs by PyTorch and by OpenVINO: seconds of the network on a study, memory, and how far the findings differ.

Run: ``python benchmarks/engines.py`` (``--path STUDY --rounds 3 --threads 2``; needs ``pip install openvino``). Each engine runs in
a process of its own. CPU seconds are those of all threads, of the program and of the system: on a busy machine read these.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.ct.lung_field import lung_field
from napari_lungmtl.training.inference.predictor import finish
from napari_lungmtl.training.inference.registry import load_predictor
from napari_lungmtl.training.networks.ag3d.detect import PaddedVolume
from napari_lungmtl.training.networks.ag3d.predictor import prepare

SAMPLE = Path(__file__).resolve().parent.parent / "sample_data" / "ct"
ENGINES = ("cpu", "openvino")


def measured(engine: str, path: Path, rounds: int) -> dict[str, Any]:
    """Seconds of the first run and of the fastest one after it, peak memory in GB, and the findings."""
    image = read_image(path)
    predictor, *loaded = _timed(lambda: load_predictor("ag3d", engine))
    volume, _ = prepare(image, lung_field(image))
    padded = PaddedVolume(volume.voxels)
    times = [_timed(lambda: finish(predictor.detect_volume(padded)))[1:] for _ in range(rounds + 1)]
    findings = finish(predictor.run(image))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)
    found = [[*f.center, f.diameter, f.score] for f in findings]
    return {"loaded": loaded, "first": times[0], "best": min(times[1:]), "peak": peak, "found": found}


def _timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What work gives, and its seconds by the clock and of the processor."""
    start, used = time.perf_counter(), time.process_time()
    return work(), time.perf_counter() - start, time.process_time() - used


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--path", type=Path, default=SAMPLE)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--engine", choices=ENGINES, help="one of them, as JSON")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.engine:
        print(json.dumps(measured(given.engine, given.path, given.rounds)))
        return
    results = {}
    for engine in ENGINES:
        options = ["--engine", engine, "--path", str(given.path), "--rounds", str(given.rounds)]
        command = [sys.executable, __file__, *options, "--threads", str(given.threads)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        results[engine] = json.loads(done.stdout.splitlines()[-1])
    print(f"{given.path}, {given.threads} threads, torch {torch.__version__}; seconds: wall (CPU)")
    for engine, result in results.items():
        parts = ", ".join(
            f"{name} {result[name][0]:.1f} ({result[name][1]:.1f})" for name in ("loaded", "first", "best")
        )
        print(f"{engine:9} network: {parts}; peak {result['peak']:.2f} GB, {len(result['found'])} findings")
    ours, theirs = (np.array(sorted(results[engine]["found"])) for engine in ENGINES)
    if ours.shape == theirs.shape:
        print(f"largest difference in mm and score: {np.abs(ours - theirs).max():.1e}")
    else:
        print("the findings differ in number")


if __name__ == "__main__":
    main()
