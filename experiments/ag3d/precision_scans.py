"""What bfloat16 changes on whole scans: the findings of each at both precisions, as the predictor computes on a CPU.

Run: ``python experiments/ag3d/precision_scans.py SCANS... --cubes ../shared/data/luna16_nodules`` (files or folders of CTs).
Findings are the same one where the centres lie within the radius of the float32 one. Seconds are CPU time of the network.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from napari_lungmtl.training.data.public.luna16_nodules import load_cubes, to_hu
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.ct.lung_field import lung_field
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.predictor import finish
from napari_lungmtl.training.inference.registry import load_predictor
from napari_lungmtl.training.networks.ag3d.detect import PaddedVolume
from napari_lungmtl.training.networks.ag3d.marking.marks import Lungs, select
from napari_lungmtl.training.networks.ag3d.predictor import Ag3dPredictor, prepare

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def findings(
    predictor: Ag3dPredictor, volume: Image, near: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Spheres (n, 4) in mm of the volume, scores (n,), and CPU seconds of the network."""
    padded, began = PaddedVolume(volume.voxels), time.process_time()
    seen = finish(predictor.detect_volume(padded))
    used = time.process_time() - began
    detections = seen.reading.detections.moved(-padded.offset)
    marks = select(detections, Lungs(volume.voxels, near), predictor.net.config).marks
    return marks.spheres, marks.score, used


def pairs(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of spheres (n, 4) and (m, 4) that are the same finding."""
    if not len(a) or not len(b):
        return np.zeros(0, int), np.zeros(0, int)
    far = np.linalg.norm(a[:, None, :3] - b[None, :, :3], axis=2)
    first, second = linear_sum_assignment(far)
    same = far[first, second] <= a[first, 3] / 2
    return first[same], second[same]


def compared(predictor: Ag3dPredictor, name: str, volume: Image, near: np.ndarray) -> dict[str, Any]:
    """What both precisions find in a volume at 1 mm, and how far apart it is."""
    found = {}
    for each, precision in PRECISIONS.items():
        predictor.precision = precision
        found[each] = findings(predictor, volume, near)
    (a, a_score, a_used), (b, b_score, b_used) = found.values()
    first, second = pairs(a, b)
    high = predictor.info.default_threshold
    moved = np.linalg.norm(a[first, :3] - b[second, :3], axis=1)
    apart, wider = np.abs(a_score[first] - b_score[second]), np.abs(a[first, 3] - b[second, 3])
    shown = np.maximum(a_score[first], b_score[second]) >= high
    lone_a, lone_b = (np.delete(s, i) for s, i in ((a_score, first), (b_score, second)))
    crossed = (a_score[first] >= high) != (b_score[second] >= high)
    return {
        "scan": name,
        "findings": [len(a), len(b)],
        "alone": [len(lone_a), len(lone_b)],
        "at_default": [int((a_score >= high).sum()), int((b_score >= high).sum())],
        "changed": [int(crossed.sum() + (lone_a >= high).sum() + (lone_b >= high).sum())],
        "score": [_most(apart), _most(apart[shown])],
        "mm": [_most(moved), _most(moved[shown])],
        "diameter": [_most(wider), _most(wider[shown])],
        "cpu_s": [a_used, b_used],
    }


def of_scan(predictor: Ag3dPredictor, path: Path) -> dict[str, Any]:
    """`compared` of a whole scan."""
    image = read_image(path)
    volume, near = prepare(image, lung_field(image))
    return compared(predictor, path.name.removesuffix(".nii.gz"), volume, near)


def of_cubes(predictor: Ag3dPredictor, data: Path, fold: str) -> dict[str, Any]:
    """`compared` of all nodule cubes of a fold: counts and seconds are sums, moves the largest."""
    rows = []
    for cube in load_cubes(data, folds=[fold]):
        volume = Image(to_hu(cube.voxels), "CT", (1.0, 1.0, 1.0))
        rows.append(compared(predictor, "", volume, np.ones(cube.voxels.shape, bool)))
    total: dict[str, Any] = {"scan": f"{len(rows)} cubes of fold {fold}"}
    for key in rows[0].keys() - {"scan"}:
        of_all = zip(*(r[key] for r in rows), strict=True)
        total[key] = [max(v) if key in ("score", "mm", "diameter") else sum(v) for v in of_all]
    return total


def _most(values: np.ndarray) -> float:
    return float(values.max(initial=0.0))


def row(r: dict[str, Any]) -> str:
    """What `compared` gives, for a person."""
    numbers, moves = ("findings", "alone", "at_default"), ("score", "mm", "diameter")
    parts = [f"{r[key][0]} / {r[key][1]}" for key in numbers] + [str(r["changed"][0])]
    parts += [f"{r[key][0]:.4f} / {r[key][1]:.4f}" for key in moves]
    parts.append(f"{r['cpu_s'][0]:.1f} / {r['cpu_s'][1]:.1f}")
    return f"{r['scan']:<20}" + "".join(f"{p:>18}" for p in parts)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scans", type=Path, nargs="*")
    parser.add_argument("--cubes", type=Path, help="folder of luna16_nodules: its cubes of one fold")
    parser.add_argument("--fold", default="0")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    predictor = load_predictor("ag3d", "cpu")
    print(
        "float32 / bfloat16; findings from 0.05, of them without a partner; at the default; of these, in one only"
    )
    print("largest change of score, place and diameter (mm): of all findings / of those at the default")
    titles = ("findings", "alone", "at default", "changed", "score", "mm", "diameter", "CPU s")
    print(f"{'':<20}" + "".join(f"{t:>18}" for t in titles))
    rows: list[dict[str, Any]] = []
    works = [partial(of_scan, predictor, path) for path in a.scans]
    works += [partial(of_cubes, predictor, a.cubes, a.fold)] if a.cubes else []
    for work in works:
        rows.append(work())
        print(row(rows[-1]), flush=True)
    if a.json:
        a.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
