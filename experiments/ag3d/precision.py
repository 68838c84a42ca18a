"""What bfloat16 costs the detector: the cube table of the fold left out, as the predictor computes on a CPU, at both precisions.

Run: ``python experiments/ag3d/precision.py --data ../shared/data/luna16_nodules``. Nodules, marks and threshold are those of
``lungmtl evaluate ag3d``, which computes in float32. Seconds are CPU time of one thread for the network on whole cubes and windows.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from napari_lungmtl.training.data.public.luna16_nodules import load_cubes
from napari_lungmtl.training.evaluation.cubes import table
from napari_lungmtl.training.inference.registry import load_predictor, weights_path
from napari_lungmtl.training.inference.weights import read_card
from napari_lungmtl.training.networks.ag3d.cpu.folded import FoldedAg3d
from napari_lungmtl.training.networks.ag3d.cpu.streamed import Streamed
from napari_lungmtl.training.networks.ag3d.detect import PaddedVolume, normalise, read_off
from napari_lungmtl.training.networks.ag3d.network import Ag3d

RATES = ("0.015625", "0.125", "0.5", "1", "4")
KINDS = ("whole", "centred", "shifted", "centred_in_context", "shifted_in_context")

Detect = Callable[[Sequence[np.ndarray]], list[tuple[np.ndarray, np.ndarray]]]


def detector(net: Ag3d, precision: torch.dtype) -> Detect:
    """Spheres and scores in volumes, by the network that the predictor runs on a CPU."""
    folded = FoldedAg3d(net, precision)

    @torch.inference_mode()
    def one(hu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        padded = PaddedVolume(hu)
        streamed = Streamed(folded, padded.shape)
        x = torch.from_numpy(padded.slab(0, padded.shape[0]))
        streamed.push(normalise(x, net.config).to(precision), last=True)
        (found,) = read_off(net, streamed.pyramid, streamed.rpn)
        found = found.moved(-padded.offset)
        return found.spheres, found.score

    return lambda volumes: [one(hu) for hu in volumes]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=weights_path("ag3d"))
    parser.add_argument("--folds", default="0")
    a = parser.parse_args()
    torch.set_num_threads(1)
    card = read_card(a.weights)
    cubes = load_cubes(a.data, folds=a.folds.split(","))
    net = load_predictor("ag3d", "cpu", a.weights).net
    print(
        f"{len(cubes)} cubes of fold {a.folds}, {card.name} {card.version}; sensitivity at false positives a cube"
    )
    print(f"{'':<32}" + "".join(f"{float(r):>9.3g}" for r in RATES) + f"{'default':>9}{'FP/l':>7}")
    for precision in (torch.float32, torch.bfloat16):
        began = time.process_time()
        figures = table(cubes, detector(net, precision), card.default_threshold, samples=10)
        for kind in KINDS:
            f = figures[kind]
            cells = [f["sensitivity_at"][r] for r in RATES] + [f["sensitivity_at_default"]]
            name = f"{str(precision).removeprefix('torch.')} {kind}"
            print(f"{name:<32}" + "".join(f"{c:>9.3f}" for c in cells) + f"{f['per_litre_at_default']:>7.2f}")
        print(
            f"corners: {figures['corners']['per_litre_at_default']:.2f}/l; {time.process_time() - began:.0f} CPU s",
            flush=True,
        )


if __name__ == "__main__":
    main()
