"""The detection network on 128³ voxels beside MONAI's RetinaNet of its LUNA16 bundle (random weights: only time is compared).

Each at float32 and at bfloat16. MONAI is no dependency; without it (`pip install monai`) only our own lines are printed.
Run: ``python benchmarks/network.py`` (``--threads 2 --rounds 5``).
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from napari_lungmtl.training.networks.ag3d.config import SHIPPED, Config
from napari_lungmtl.training.networks.ag3d.cpu.folded import FoldedAg3d
from napari_lungmtl.training.networks.ag3d.cpu.streamed import Streamed
from napari_lungmtl.training.networks.ag3d.detect import normalise, read_off
from napari_lungmtl.training.networks.ag3d.network import Ag3d

SIDE = 128
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def ours(config: Config, precision: torch.dtype) -> Callable[[], object]:
    """Network as the predictor runs it on a CPU, both branches, suppression."""
    net = Ag3d(config).eval()
    folded = FoldedAg3d(net, precision)
    hu = torch.randint(-1000, 200, (SIDE, SIDE, SIDE)).float()

    @torch.inference_mode()
    def run() -> object:
        streamed = Streamed(folded, hu.shape)
        x = normalise(hu, config).to(precision)
        for z in range(0, SIDE, 32):
            streamed.push(x[z : z + 32], z + 32 == SIDE)
        return read_off(net, streamed.pyramid, streamed.rpn)

    return run


def retinanet(precision: torch.dtype) -> Callable[[], object] | None:
    """The detector of the bundle ``lung_nodule_ct_detection``: ResNet-50 FPN, two levels, three anchor shapes."""
    try:
        from monai.apps.detection.networks.retinanet_network import RetinaNet, resnet_fpn_feature_extractor
        from monai.networks.nets import resnet50
    except ImportError:
        return None
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
    ).eval()
    net, x = net.to(precision), torch.randn(1, 1, SIDE, SIDE, SIDE, dtype=precision)

    def run() -> object:
        with torch.inference_mode():
            return net(x)

    return run


def median(run: Callable[[], object], rounds: int) -> float:
    """Seconds, median of some rounds after one that warms up."""
    run()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def processor() -> str:
    """Name of the processor, and whether it computes bfloat16 itself."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    values = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = values.get("flags", "").split()
    native = [name for name in ("amx_bf16", "avx512_bf16") if name in flags]
    name = values.get("model name") or platform.processor() or platform.machine()
    return f"{name} ({', '.join(native) or 'no bfloat16 instructions'})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(f"{SIDE}^3 voxels, {given.threads} threads, median of {given.rounds}, torch {torch.__version__}")
    print(processor())
    for name, precision in PRECISIONS.items():
        seconds = {
            "ag3d as shipped": median(ours(SHIPPED, precision), given.rounds),
            "ag3d as in the paper": median(ours(Config(), precision), given.rounds),
        }
        peer = retinanet(precision)
        theirs = None if peer is None else median(peer, given.rounds)
        for who, one in seconds.items():
            factor = f"{theirs / one:6.1f} x faster" if theirs else ""
            print(f"{name:9s} {who:32s} {one:7.3f} s {factor}")
        print(
            f"{name:9s} MONAI RetinaNet, network alone   {theirs:7.3f} s"
            if theirs
            else "MONAI is not installed: no peer"
        )


if __name__ == "__main__":
    main()
