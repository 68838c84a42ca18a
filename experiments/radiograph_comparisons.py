"""The papers' comparisons for DHN and MO-SegNet on simulated radiographs: short trainings of every variant, paired over seeds.

    python experiments/radiograph_comparisons.py --prepared runs/prepared --out runs/comparisons --network dhn

Every variant is trained from scratch for the same number of steps on the same radiographs (half the size, so that it can be done
at all on two cores), with the same seeds, and evaluated on backgrounds and nodules of fold 0, which nothing is trained on.
Finished runs are kept: call it again to go on.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_lungmtl.training.data.public.radiographs import RadiographSample
from napari_lungmtl.training.data.simulation.difficulty import DIFFICULTY, PRACTICE, Difficulty
from napari_lungmtl.training.data.simulation.radiographs import DEV, TEST, SimulatedRadiographs
from napari_lungmtl.training.fitting.fit import fit
from napari_lungmtl.training.fitting.learner import Learner
from napari_lungmtl.training.metrics.intervals.paired import PairedDifference, paired_over_seeds
from napari_lungmtl.training.metrics.radiograph.statistics import (
    RadiographResult,
    groups_of,
    radiograph_statistics,
)
from napari_lungmtl.training.networks.dhn import config as dhn
from napari_lungmtl.training.networks.dhn.training import make_learner as dhn_learner
from napari_lungmtl.training.networks.mosegnet import config as mosegnet
from napari_lungmtl.training.networks.mosegnet.components import components
from napari_lungmtl.training.networks.mosegnet.maps import probability_maps
from napari_lungmtl.training.networks.mosegnet.training import make_learner as mosegnet_learner

SIDE = 256
SEEDS = (0, 1, 2)
PLAIN = dataclasses.replace(DIFFICULTY, mediastinum=(0.2, 0.35))
"""Nodules two to three times as plain as the frozen difficulty's: trained for so short, networks find few others."""
MILD = dataclasses.replace(
    mosegnet.SHIPPED_TRAINING.augmentation, gamma=0.25, window=0.1, veil=0.2, shade=0.3
)
"""Of MO-SegNet's radiographs: in 300 steps there is no time for more."""
SETS = {"frozen": DIFFICULTY, "plain": PLAIN}
LEARNT = dataclasses.replace(PRACTICE, mediastinum=(0.2, 0.5))
"""What is trained on: as plain as `PLAIN`, and a little less."""
DHN_BASE: dict[str, Any] = {
    "side": SIDE,
    "anchors": ((5.0, 7.0), (10.0, 14.0), (20.0, 28.0), (40.0, 56.0)),
}
"""Anchors of half the size on radiographs of half the size."""


@dataclass(frozen=True)
class Variant:
    """A network and its training: what differs from the shipped settings."""

    model: str
    network: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)


def _dha(to_global: str, to_local: str, **network: Any) -> Variant:
    return Variant("dhn", network, {"augment_global": to_global, "augment_local": to_local})


VARIANTS = {
    "dhn": _dha("bin", "uni"),
    "dhn global only": _dha("id", "id", heads="global"),
    "dhn local only": _dha("id", "id", heads="local"),
    "dhn id, id": _dha("id", "id"),
    "dhn bin, bin": _dha("bin", "bin"),
    "dhn uni, uni": _dha("uni", "uni"),
    "dhn uni, bin": _dha("uni", "bin"),
    "mosegnet": Variant("mosegnet"),
    "mosegnet nodule only": Variant("mosegnet", {"tasks": "nodule"}),
    "mosegnet u-net": Variant("mosegnet", {"network": "unet"}),
    "mosegnet group norm": Variant("mosegnet", {"norm": "group"}),
    "mosegnet λ 0.99": Variant("mosegnet", {}, {"balance": 0.99}),
}


@dataclass(frozen=True)
class Comparison:
    """`first` − `second`, and the difference that the paper printed for each measure."""

    first: str
    second: str
    where: str
    paper: dict[str, str]


DHN_MEASURES = ("roc_auc", "pr_auc", "froc_auc", "afroc_auc", "map")
COMPARISONS = (
    Comparison("dhn id, id", "dhn global only", "DHN Table 1", {"roc_auc": "+0.064", "pr_auc": "+0.130"}),
    Comparison(
        "dhn id, id",
        "dhn local only",
        "DHN Table 1",
        {"froc_auc": "+0.010", "afroc_auc": "+0.020", "map": "+0.004"},
    ),
    Comparison(
        "dhn",
        "dhn bin, bin",
        "DHN Table 3",
        dict(zip(DHN_MEASURES, ("+0.021", "+0.028", "+0.040", "-0.002", "+0.058"), strict=True)),
    ),
    Comparison(
        "dhn",
        "dhn uni, uni",
        "DHN Table 3",
        dict(zip(DHN_MEASURES, ("+0.022", "+0.027", "+0.044", "+0.003", "+0.086"), strict=True)),
    ),
    Comparison(
        "dhn",
        "dhn uni, bin",
        "DHN Table 3",
        dict(zip(DHN_MEASURES, ("+0.025", "+0.035", "+0.050", "+0.029", "+0.043"), strict=True)),
    ),
    Comparison(
        "dhn",
        "dhn id, id",
        "DHN Tables 2, 3",
        dict(zip(DHN_MEASURES, ("+0.030", "+0.048", "+0.080", "+0.079", "+0.057"), strict=True)),
    ),
    Comparison(
        "mosegnet",
        "mosegnet nodule only",
        "MO-SegNet Table 2",
        {"f1": "+0.193", "recall": "+0.188", "precision": "+0.198", "froc_auc": "-"},
    ),
    Comparison(
        "mosegnet",
        "mosegnet u-net",
        "MO-SegNet Table 2",
        {"f1": "+0.098", "recall": "+0.188", "precision": "-0.042", "froc_auc": "-"},
    ),
    Comparison(
        "mosegnet group norm",
        "mosegnet",
        "MO-SegNet Table 4",
        {"f1": "+0.019", "recall": "+0.019", "precision": "+0.018", "froc_auc": "-"},
    ),
    Comparison(
        "mosegnet λ 0.99",
        "mosegnet",
        "MO-SegNet Table 3 (0.99, 0.7)",
        {"f1": "+0.087", "recall": "+0.126", "precision": "+0.037", "froc_auc": "-"},
    ),
)


class Half:
    """A source of radiographs (`data.public.radiographs.RadiographSamples`) at half the size."""

    def __init__(self, radiographs: SimulatedRadiographs) -> None:
        self.radiographs, self.name, self.licence, self.cases = (
            radiographs,
            radiographs.name,
            radiographs.licence,
            radiographs.cases,
        )

    def draw(self, rng: np.random.Generator) -> RadiographSample:
        """One sample."""
        return half(self.radiographs.draw(rng))


def half(radiograph: RadiographSample) -> RadiographSample:
    """A radiograph of half the size: means of 2 × 2 pixels."""

    def mean(x: np.ndarray) -> np.ndarray:
        return x.reshape(*x.shape[:-2], SIDE, 2, SIDE, 2).mean((-3, -1), dtype=np.float32)

    return dataclasses.replace(
        radiograph,
        pixels=mean(radiograph.pixels),
        boxes=radiograph.boxes / 2,
        lungs=None if radiograph.lungs is None else mean(radiograph.lungs) >= 0.5,
        nodules=None if radiograph.nodules is None else mean(radiograph.nodules) >= 0.5,
        mm=None if radiograph.mm is None else radiograph.mm * 2,
    )


def draw_radiographs(
    prepared: Path, folds: tuple[str, ...], difficulty: Difficulty, each: int
) -> Iterator[RadiographSample]:
    """`each` radiographs from every background of some folds, always the same ones."""
    radiographs = SimulatedRadiographs(prepared, folds, phantoms=0.0, difficulty=difficulty)
    for background in radiographs.backgrounds:
        for repeat in range(each):
            rng = np.random.default_rng([77, int(background), repeat])
            yield half(radiographs.simulate(int(background), rng).radiograph)


@torch.inference_mode()
def predict(model: str, net: Any, radiograph: RadiographSample) -> RadiographResult:
    """What a network says of a radiograph, uncalibrated."""
    if model == "dhn":
        probability, detections = net(torch.from_numpy(radiograph.pixels)[None])
        boxes = detections[0].boxes.numpy() if detections is not None else np.zeros((0, 4))
        scores = detections[0].scores.numpy() if detections is not None else np.zeros(0)
        centers = (boxes[:, :2] + boxes[:, 2:]) / 2
        score = float(probability[0]) if probability is not None else float(scores.max(initial=0))
    else:
        marks = components(probability_maps(net, radiograph.pixels, torch.device("cpu")).lesions[0], 0.02)
        boxes = np.array([_box(m.top, m.left, m.mask.shape) for m in marks], float).reshape(-1, 4)
        scores = np.array([m.peak for m in marks])
        centers = np.array([m.center[::-1] for m in marks], float).reshape(-1, 2)
        score = float(scores.max(initial=0))
    return RadiographResult(
        name=radiograph.name,
        background=radiograph.name,
        score=score,
        boxes=boxes,
        scores=scores,
        centers=centers,
        positive=radiograph.positive,
        truth=radiograph.boxes,
        diameter_mm=radiograph.diameter_mm,
    )


def _box(top: int, left: int, size: tuple[int, ...]) -> tuple[int, int, int, int]:
    return left, top, left + size[1], top + size[0]


def with_threshold_at_half(
    results: list[RadiographResult], dev: list[RadiographResult]
) -> list[RadiographResult]:
    """Scores raised to the power that brings the threshold with the best F1 on `dev` to 0.5; their order stays."""
    grid = np.linspace(0.05, 0.95, 37)
    weights = np.ones(len(dev))
    best = max(grid, key=lambda t: np.nan_to_num(float(radiograph_statistics(dev, t)["f1"](weights))))
    power = math.log(0.5) / math.log(best)
    return [dataclasses.replace(r, scores=r.scores**power) for r in results]


def run(
    name: str, seed: int, prepared: Path, out: Path, steps: int, each: int
) -> dict[str, list[RadiographResult]]:
    """Train a variant and evaluate it, or read the results of an earlier call."""
    path = out / f"{name.replace(' ', '_').replace(',', '')}_{seed}.json"
    if not path.exists():
        begun = time.monotonic()
        variant = VARIANTS[name]
        radiographs = Half(SimulatedRadiographs(prepared, difficulty=LEARNT))
        net = train_variant(variant, radiographs, out, steps, seed)
        trained = time.monotonic() - begun
        dev = [
            predict(variant.model, net, f)
            for f in draw_radiographs(prepared, DEV, DIFFICULTY, max(1, each // 2))
        ]
        results = {
            s: [predict(variant.model, net, f) for f in draw_radiographs(prepared, TEST, d, each)]
            for s, d in SETS.items()
        }
        if variant.model == "mosegnet":
            results = {s: with_threshold_at_half(r, dev) for s, r in results.items()}
        path.write_text(json.dumps({s: [_plain(r) for r in rs] for s, rs in results.items()}))
        print(f"{name}, seed {seed}: {steps} steps in {trained:.0f} s", file=sys.stderr, flush=True)
    kept = json.loads(path.read_text())
    return {s: [_result(r) for r in rs] for s, rs in kept.items()}


def train_variant(variant: Variant, radiographs: Half, out: Path, steps: int, seed: int) -> Any:
    """A variant's network after `steps`."""
    learner: Learner
    if variant.model == "dhn":
        few = {"anchors_per_radiograph": 64, "rois_per_radiograph": 32}
        learner, loader = dhn_learner(
            radiographs,
            dataclasses.replace(dhn.SHIPPED, **{**DHN_BASE, **variant.network}),
            dataclasses.replace(
                dhn.SHIPPED_TRAINING, **{"steps": steps, "seed": seed, **few, **variant.training}
            ),
        )
    else:
        whole = {"stages": ((0, 1),), "augmentation": MILD}
        learner, loader = mosegnet_learner(
            radiographs,
            dataclasses.replace(mosegnet.SHIPPED, side=SIDE, mirror=False, **variant.network),
            dataclasses.replace(
                mosegnet.SHIPPED_TRAINING, **{"steps": steps, "seed": seed, **whole, **variant.training}
            ),
        )
    return fit(learner, loader, out, learner.config)[0]


def _plain(result: RadiographResult) -> dict[str, Any]:
    kept = ("name", "score", "boxes", "scores", "centers", "positive", "truth", "diameter_mm")
    values = {k: getattr(result, k) for k in kept}
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in values.items()}


def _result(values: dict[str, Any]) -> RadiographResult:
    shapes = {"boxes": (-1, 4), "truth": (-1, 4), "centers": (-1, 2), "scores": (-1,), "diameter_mm": (-1,)}
    arrays = {k: np.array(values[k], float).reshape(shape) for k, shape in shapes.items()}
    return RadiographResult(**{**values, **arrays, "background": values["name"]})


def compare(
    comparison: Comparison, results: dict[tuple[str, int], dict[str, list[RadiographResult]]], which: str
) -> dict[str, PairedDifference]:
    """The paired differences of one comparison on one set of radiographs."""
    seeds = sorted({s for _, s in results})
    first, second = ([results[v, s][which] for s in seeds] for v in (comparison.first, comparison.second))
    groups = groups_of(first[0])
    return {
        measure: paired_over_seeds(
            [radiograph_statistics(r, 0.5)[measure] for r in first],
            [radiograph_statistics(r, 0.5)[measure] for r in second],
            groups,
        )
        for measure in comparison.paper
    }


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prepared", type=Path, required=True, help="folder of 'lungmtl simulate prepare'")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--network", choices=("dhn", "mosegnet"), required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--each", type=int, default=8, help="test radiographs from each background")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    names = [n for n, v in VARIANTS.items() if v.model == args.network]
    results = {
        (name, seed): run(name, seed, args.prepared, args.out, args.steps, args.each)
        for seed in args.seeds
        for name in names
    }
    rows = []
    for comparison in COMPARISONS:
        if VARIANTS[comparison.first].model != args.network:
            continue
        for which in SETS:
            for measure, d in compare(comparison, results, which).items():
                row = {"comparison": [comparison.first, comparison.second], "where": comparison.where}
                row |= {"set": which, "measure": measure, "paper": comparison.paper[measure]}
                rows.append({**row, **d.to_json()})
                print(
                    f"{comparison.first} - {comparison.second} | {which} | {measure} | {d.first:.3f} - {d.second:.3f} = "
                    f"{d.difference.value:+.3f} ({d.difference.lower:+.3f} to {d.difference.upper:+.3f}); seeds "
                    + " ".join(f"{v:+.3f}" for v in d.by_seed)
                    + f" | paper {comparison.paper[measure]} | {'resolved' if d.resolved else 'not resolved'}",
                    flush=True,
                )
    (args.out / f"{args.network}.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
