"""The detection network on 128³ voxels beside MONAI's RetinaNet of its LUNA16 bundle (random weights: only time is compared).

MONAI is no dependency; without it (`pip install monai`) only our own lines are printed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from napari_lungmtl.training.networks.ag3d.config import SHIPPED, Config
from napari_lungmtl.training.networks.ag3d.detect import detect
from napari_lungmtl.training.networks.ag3d.network import Ag3d

SIDE, ROUNDS = 128, 5


def ours(config: Config) -> Callable[[], object]:
    """Network, both branches, suppression."""
    net = Ag3d(config).eval().to(memory_format=torch.channels_last_3d)
    hu = torch.randint(-1000, 200, (1, 1, SIDE, SIDE, SIDE)).float()
    return lambda: detect(net, hu)


def retinanet() -> Callable[[], object] | None:
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
    x = torch.randn(1, 1, SIDE, SIDE, SIDE)

    def run() -> object:
        with torch.inference_mode():
            return net(x)

    return run


def median(run: Callable[[], object]) -> float:
    """Seconds, median of `ROUNDS` after one that warms up."""
    run()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Print the table."""
    print(f"{SIDE}^3 voxels, float32, {torch.get_num_threads()} threads, median of {ROUNDS}")
    found = {"ag3d as shipped": median(ours(SHIPPED)), "ag3d as in the paper": median(ours(Config()))}
    peer = retinanet()
    if peer is None:
        print("MONAI is not installed: no peer")
    else:
        found["MONAI RetinaNet, network alone"] = median(peer)
    for name, seconds in found.items():
        factor = f"{found['MONAI RetinaNet, network alone'] / seconds:6.1f} x faster" if peer else ""
        print(f"{name:32s} {seconds:7.3f} s {factor}")


if __name__ == "__main__":
    main()
