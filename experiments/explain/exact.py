"""Is "why not here?" exact? Every hit must lead to its mark, and without the named causes every miss must have one.

    python experiments/explain/exact.py --cubes DATA/luna16_nodules --folds 0
    python experiments/explain/exact.py --scans DATA/ct/whole

For each true nodule, at thresholds of 0.5 (the default), 0.9 and 0.99: a hit (LUNA16's rule, `metrics.froc.matching`) is exact when
the answer is a shown mark that hits it. A miss is exact when everything after the convolutions, run again without the causes,
has a mark that hits the nodule with the score that the answer promised. Random points, each with and without a nodule around
it, are asked in the same way: most are misses.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from napari_lungmtl.training.data.public.luna16_nodules import load_cubes, to_hu
from napari_lungmtl.training.data.public.whole_scans import load_whole_scans
from napari_lungmtl.training.explain.answer import NOTHING, UNSEEN, Answer, Place, under_threshold
from napari_lungmtl.training.findings import Sphere
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.inference.registry import load_predictor
from napari_lungmtl.training.metrics.froc.matching import match_marks
from napari_lungmtl.training.networks.ag3d.marking.trace import Ag3dTrace
from napari_lungmtl.training.networks.ag3d.predictor import Ag3dPredictor

THRESHOLDS = (0.5, 0.9, 0.99)
TOLERANCE = 1e-5
"""Of scores: FPRN batches of other sizes round otherwise."""


class Count:
    """What was asked, and how it went."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.hits = self.exact_hits = self.misses = self.exact_misses = self.beyond = 0
        self.causes: Counter[str] = Counter()

    def show(self) -> None:
        """Print a line."""
        causes = ", ".join(f"{kind} {n}" for kind, n in self.causes.most_common())
        print(
            f"{self.name}: {self.exact_hits} of {self.hits} hits exact, {self.exact_misses} of {self.misses} misses exact"
            f" ({causes or 'none'}); {self.beyond} where the network can mark nothing or did not look",
            flush=True,
        )


def without_causes(trace: Ag3dTrace, answer: Answer) -> bool:
    """Whether the promised mark is there without the causes."""
    there = [score for sphere, score in trace.marks_without(answer) if trace.is_here(sphere, answer.place)]
    return answer.score is not None and any(abs(score - answer.score) < TOLERANCE for score in there)


def ask_nodules(trace: Ag3dTrace, nodules: np.ndarray, counts: dict[float, Count]) -> None:
    """Ask about true nodules (N, 4), world z, y, x, diameter."""
    marks = trace.marks_without(Answer("", "", Place((0.0, 0.0, 0.0))))  # no causes: the run as it was
    for threshold, count in counts.items():
        shown = [(s, score) for s, score in marks if score >= threshold]
        centers = np.array([s.center for s, _ in shown]).reshape(-1, 3)
        scores = np.array([score for _, score in shown])
        none = np.zeros((0, 3)), np.zeros(0)
        matching = match_marks(centers, scores, nodules[:, :3], nodules[:, 3], *none, max_marks=None)
        for row, hit in zip(nodules, matching.found, strict=True):
            place = Place(tuple(row[:3]), Sphere(tuple(row[:3]), row[3]))
            answer = under_threshold(trace.answer(place), threshold)
            if hit:
                count.hits += 1
                here = isinstance(answer.mark, Sphere) and trace.is_here(answer.mark, place)
                count.exact_hits += here and not answer.causes and any(s == answer.mark for s, _ in shown)
            else:
                ask_miss(trace, answer, count)


def ask_miss(trace: Ag3dTrace, answer: Answer, count: Count) -> None:
    """Count a miss, and whether its causes are exact."""
    if answer.causes and answer.causes[0].kind in (NOTHING, UNSEEN):
        count.beyond += 1
        return
    count.misses += 1
    count.causes["+".join(c.kind for c in answer.causes)] += 1
    exact = bool(answer.causes) and without_causes(trace, answer)
    count.exact_misses += exact
    if not exact:
        print("not exact:", answer)


def ask_points(trace: Ag3dTrace, points: np.ndarray, rng: np.random.Generator, count: Count) -> None:
    """Ask about points (N, 3) that need not be nodules, every second one with a sphere of 3 to 20 mm around it."""
    for k, point in enumerate(points):
        nodule = Sphere(tuple(point), float(rng.uniform(3, 20))) if k % 2 else None
        answer = under_threshold(trace.answer(Place(tuple(point), nodule)), THRESHOLDS[0])
        if answer.causes:
            ask_miss(trace, answer, count)
        else:
            count.hits += 1
            count.exact_hits += isinstance(answer.mark, Sphere) and trace.is_here(answer.mark, answer.place)


def cube_traces(
    predictor: Ag3dPredictor, data: Path, folds: list[str]
) -> Iterator[tuple[Ag3dTrace, np.ndarray, tuple[np.ndarray, np.ndarray]]]:
    """Trace, nodules and extent of each cube."""
    for cube in load_cubes(data, folds=folds):
        inside = np.all((cube.truth[:, :3] >= -0.5) & (cube.truth[:, :3] < 49.5), axis=1)
        low, high = np.zeros(3), np.array(cube.voxels.shape) - 1.0
        yield predictor.trace_cube(to_hu(cube.voxels)), cube.truth[inside], (low, high)


def scan_traces(
    predictor: Ag3dPredictor, data: Path
) -> Iterator[tuple[Ag3dTrace, np.ndarray, tuple[np.ndarray, np.ndarray]]]:
    """Trace, nodules and extent of each whole scan."""
    for scan in load_whole_scans(data):
        image = read_image(scan.path)
        steps = [s.trace for s in predictor.run(image) if s.trace is not None]
        yield steps[0], scan.nodules, tuple(np.array(e) for e in image.extent)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cubes", type=Path)
    parser.add_argument("--folds", default="0")
    parser.add_argument("--scans", type=Path)
    parser.add_argument(
        "--points", type=int, default=4, help="random points a cube; ten times as many a scan"
    )
    parser.add_argument("--device", default="cpu")
    a = parser.parse_args()
    torch.set_num_threads(1)
    predictor, rng = load_predictor("ag3d", a.device), np.random.default_rng(0)
    jobs = []
    if a.cubes:
        jobs.append(("cubes", cube_traces(predictor, a.cubes, a.folds.split(",")), a.points))
    if a.scans:
        jobs.append(("scans", scan_traces(predictor, a.scans), 10 * a.points))
    for name, traces, points in jobs:
        counts = {t: Count(f"{name}, nodules at {t:g}") for t in THRESHOLDS}
        random = Count(f"{name}, random points")
        for trace, nodules, (low, high) in traces:
            ask_nodules(trace, nodules, counts)
            ask_points(trace, rng.uniform(low, high, (points, 3)), rng, random)
        for count in (*counts.values(), random):
            count.show()


if __name__ == "__main__":
    main()
