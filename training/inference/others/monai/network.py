"""MONAI's RetinaNet of a bundle's settings, and its boxes from the maps of sliding windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
from monai.apps.detection.networks.retinanet_network import RetinaNet, resnet_fpn_feature_extractor
from monai.apps.detection.utils.anchor_utils import AnchorGeneratorWithAnchorShape
from monai.networks.nets import resnet
from torch import Tensor, nn

from ...weights import WeightsError
from .settings import RetinaNetSettings

HEADS = ("classification", "box_regression")


def make_network(settings: RetinaNetSettings, state: dict[str, Any], where: object) -> RetinaNet:
    """The network with the tensors of a bundle.

    Raises
    ------
    WeightsError
        They do not fit.
    """
    try:
        backbone = getattr(resnet, settings.resnet)(
            spatial_dims=3, n_input_channels=1, **settings.resnet_options
        )
        extractor = resnet_fpn_feature_extractor(backbone, 3, False, settings.returned_layers, None)
        net = RetinaNet(3, 1, len(settings.anchors), extractor, settings.size_divisible)
    except Exception as error:  # of MONAI, about options that do not go together
        raise WeightsError(
            f"MONAI cannot build the network that {where} describes: {' '.join(str(error).split())[:200]}"
        ) from error
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        first = " ".join(str(error).split())[:200]
        raise WeightsError(
            f"the tensors of {where} do not fit the network that it describes: {first}"
        ) from None
    return net.eval()


class StitchedMaps:
    """The heads' maps of a whole volume, averaged where windows overlap.

    Parameters
    ----------
    shape
        (3,) voxels of the volume.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        self._shape = shape
        self._sums: dict[str, list[Tensor]] = {}
        self._counts: list[Tensor] = []

    def add(self, where: Sequence[slice], heads: dict[str, list[Tensor]]) -> None:
        """Take the maps of a window.

        Raises
        ------
        WeightsError
            The window is no multiple of the maps' strides.
        """
        sizes = [w.stop - w.start for w in where]
        for level, one in enumerate(heads[HEADS[0]]):
            strides = [n // m for n, m in zip(sizes, one.shape[2:], strict=True)]
            if any(n % s or w.start % s for n, s, w in zip(self._shape, strides, where, strict=True)):
                raise WeightsError(
                    "The bundle's size_divisible does not fit its network: its maps cannot be put together."
                )
            part = tuple(slice(w.start // s, w.stop // s) for w, s in zip(where, strides, strict=True))
            if len(self._counts) <= level:
                whole = [n // s for n, s in zip(self._shape, strides, strict=True)]
                self._counts.append(torch.zeros(whole))
                for head in HEADS:
                    channels = heads[head][level].shape[1]
                    self._sums.setdefault(head, []).append(torch.zeros((1, channels, *whole)))
            self._counts[level][part] += 1
            for head in HEADS:
                self._sums[head][level][..., part[0], part[1], part[2]] += heads[head][level].float().cpu()

    def mean(self) -> dict[str, list[Tensor]]:
        """The maps."""
        return {
            head: [m / n for m, n in zip(maps, self._counts, strict=True)]
            for head, maps in self._sums.items()
        }


class _Replayed(nn.Module):
    """Stands in the detector for a network whose maps are known."""

    spatial_dims, num_classes, cls_key, box_reg_key = 3, 1, *HEADS

    def __init__(self, settings: RetinaNetSettings, maps: dict[str, list[Tensor]]) -> None:
        super().__init__()
        self.size_divisible, self.num_anchors = settings.size_divisible, len(settings.anchors)
        self._maps = maps

    def forward(self, _images: Tensor) -> dict[str, list[Tensor]]:
        return self._maps


def boxes_of(
    settings: RetinaNetSettings, volume: Tensor, maps: dict[str, list[Tensor]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower corners, upper corners (N, 3; voxel indices) and scores (N,) that MONAI's detector selects from maps.

    `volume` (a, b, c) is what they were made of, before padding.
    """
    shapes = [list(shape) for shape in settings.anchors]
    anchors = AnchorGeneratorWithAnchorShape(settings.anchor_scales, shapes)
    detector = RetinaNetDetector(_Replayed(settings, maps), anchors).eval()
    detector.set_target_keys("box", "label")
    detector.set_box_selector_parameters(settings.score, settings.top, settings.nms, settings.most)
    (found,) = detector([volume[None]])
    boxes = found["box"].float().numpy().astype(float)
    return boxes[:, :3], boxes[:, 3:], found["label_scores"].float().numpy().astype(float)


def padded(volume: Tensor, step: Sequence[int]) -> Tensor:
    """A volume (a, b, c) as (1, 1, …), with zeros behind it up to multiples of `step`."""
    widths = [-n % s for n, s in zip(volume.shape, step, strict=True)]
    return nn.functional.pad(volume[None, None], [n for width in reversed(widths) for n in (0, width)])


def patch_for(shape: Sequence[int], settings: RetinaNetSettings, most: int | None) -> tuple[int, ...]:
    """A window (3,) for a padded volume: all of it if it has no more voxels than the bundle's, which `most` may bound, else that.

    As MONAI's `RetinaNetInferer` decides; `most` halves the longest side until the window has so many voxels.
    """
    step, patch = settings.size_divisible, list(settings.patch)
    limit = int(np.prod(patch)) if most is None else min(int(np.prod(patch)), most)
    if int(np.prod(shape)) < limit:
        return tuple(shape)
    patch = [min(max(p // s, 1) * s, n) for p, s, n in zip(patch, step, shape, strict=True)]
    while int(np.prod(patch)) > limit and any(p > s for p, s in zip(patch, step, strict=True)):
        axis = max(range(3), key=lambda k: patch[k] / step[k])
        patch[axis] = max(patch[axis] // 2 // step[axis], 1) * step[axis]
    return tuple(patch)


@torch.inference_mode()
def window_maps(
    net: RetinaNet, x: Tensor, places: Sequence[Sequence[slice]]
) -> Iterator[dict[str, list[Tensor]]]:
    """The heads' maps of one window after the other."""
    device = next(net.parameters()).device
    for where in places:
        yield net(x[..., where[0], where[1], where[2]].to(device))
