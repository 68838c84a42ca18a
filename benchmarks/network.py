"""The detection network on 128³ voxels beside two peers (random weights: time, memory and energy alone are compared).

The peers are MONAI's RetinaNet as its LUNA16 bundle has it (`pip install monai`, else it is left out) and SCPM-Net. Each network
runs in a process of its own, at float32 and at bfloat16. Joules are those of all that ran, where the machine tells them.
Run: ``python benchmarks/network.py`` (``--threads 2 --rounds 5``).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from network_parts.energy import joules_of
from network_parts.scpmnet import ScpmNet
from network_parts.stages import TOTAL, Clock, by_stage

from napari_lungmtl.training.networks.ag3d.config import SHIPPED, Config
from napari_lungmtl.training.networks.ag3d.cpu.folded import FoldedAg3d
from napari_lungmtl.training.networks.ag3d.cpu.streamed import Streamed
from napari_lungmtl.training.networks.ag3d.detect import normalise, read_off
from napari_lungmtl.training.networks.ag3d.network import Ag3d

SIDE = 128
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
Run = tuple[Callable[[], object], Clock]


def ours(config: Config, precision: torch.dtype) -> Run:
    """Network as the predictor runs it on a CPU, both branches, suppression."""
    net, clock = Ag3d(config).eval(), Clock()
    folded = FoldedAg3d(net, precision)
    hu = torch.randint(-1000, 200, (SIDE, SIDE, SIDE)).float()

    @torch.inference_mode()
    def run() -> object:
        streamed = Streamed(folded, hu.shape)
        with clock.part("body, pyramid, first heads"):
            x = normalise(hu, config).to(precision)
            for z in range(0, SIDE, 32):
                streamed.push(x[z : z + 32], z + 32 == SIDE)
        with clock.part("second branch, suppression"):
            return read_off(net, streamed.pyramid, streamed.rpn)

    return run, clock


def retinanet(precision: torch.dtype) -> Run:
    """The detector of the bundle ``lung_nodule_ct_detection``: ResNet-50 FPN, two levels, three anchor shapes; no boxes."""
    from monai.apps.detection.networks.retinanet_network import RetinaNet, resnet_fpn_feature_extractor
    from monai.networks.nets import resnet50

    backbone = resnet50(spatial_dims=3, n_input_channels=1, conv1_t_stride=[2, 2, 1], conv1_t_size=[7, 7, 7])
    extractor = resnet_fpn_feature_extractor(
        backbone=backbone,
        spatial_dims=3,
        pretrained_backbone=False,
        trainable_backbone_layers=None,
        returned_layers=[1, 2],
    )
    net = RetinaNet(
        spatial_dims=3, num_classes=1, num_anchors=3, feature_extractor=extractor, size_divisible=[16, 16, 8]
    )
    parts = {"body, pyramid": net.feature_extractor, "classes": net.classification_head}
    return watched(net, {**parts, "boxes": net.regression_head}, precision)


def scpmnet(precision: torch.dtype) -> Run:
    """SCPM-Net, its two maps; no spheres."""
    net = ScpmNet()
    return watched(net, {"body": net.body, "pyramid, heads": net.heads}, precision)


def watched(net: torch.nn.Module, parts: dict[str, torch.nn.Module], precision: torch.dtype) -> Run:
    """A network on noise, its parts on the clock."""
    net, clock = net.eval().to(precision), Clock()
    clock.watch(parts)
    x = torch.randn(1, 1, SIDE, SIDE, SIDE, dtype=precision)

    def run() -> object:
        with torch.inference_mode():
            return net(x)

    return run, clock


NETWORKS: dict[str, Callable[[torch.dtype], Run]] = {
    "3D-AG as shipped": lambda precision: ours(SHIPPED, precision),
    "3D-AG as in the paper": lambda precision: ours(Config(), precision),
    "SCPM-Net": scpmnet,
    "MONAI's RetinaNet": retinanet,
}


def measured(name: str, precision: torch.dtype, rounds: int) -> dict[str, Any]:
    """Seconds by part, memory in GB beyond what the process had before, and joules of one run."""
    before = peak_gb()
    run, clock = NETWORKS[name](precision)
    seconds = by_stage(run, clock, rounds)
    return {"seconds": seconds, "gb": peak_gb() - before, "joules": joules_of(run)}


def peak_gb() -> float:
    """Most memory that the process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)


def processor() -> str:
    """Name of the processor, and whether it computes bfloat16 itself."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    values = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = values.get("flags", "").split()
    native = [name for name in ("amx_bf16", "avx512_bf16") if name in flags]
    name = values.get("model name") or platform.processor() or platform.machine()
    return f"{name} ({', '.join(native) or 'no bfloat16 instructions'})"


def in_own_process(name: str, precision: str, given: argparse.Namespace) -> dict[str, Any]:
    """What `measured` gives, from a fresh interpreter."""
    options = ["--one", name, precision, "--threads", str(given.threads), "--rounds", str(given.rounds)]
    done = subprocess.run([sys.executable, __file__, *options], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def line(who: str, result: dict[str, Any]) -> str:
    """A row for a person."""
    seconds = dict(result["seconds"])
    total = seconds.pop(TOTAL)
    joules = "" if result["joules"] is None else f", {result['joules']:.0f} J"
    parts = ", ".join(f"{part} {one:.2f}" for part, one in seconds.items())
    return f"{who:32s} {total:7.2f} s, {result['gb']:.2f} GB{joules}   ({parts})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", nargs=2, metavar=("NETWORK", "PRECISION"), help="one of them, as JSON")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.one:
        name, precision = given.one
        print(json.dumps(measured(name, PRECISIONS[precision], given.rounds)))
        return
    print(f"{SIDE}^3 voxels, {given.threads} threads, median of {given.rounds}, torch {torch.__version__}")
    print(processor())
    for precision in PRECISIONS:
        for name in NETWORKS:
            if "MONAI" in name and importlib.util.find_spec("monai") is None:
                print("MONAI is not installed: its RetinaNet is left out")
                continue
            print(line(f"{precision} {name}", in_own_process(name, precision, given)), flush=True)


if __name__ == "__main__":
    main()
