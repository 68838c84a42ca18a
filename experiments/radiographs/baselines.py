"""torchvision's networks for radiographs, trained on the same batches as DHN and MO-SegNet and asked by the same predictors.

RetinaNet and FCOS have DHN's body and pyramid (a ResNet-18 of half width), so that only what stands on them differs; DenseNet-121
(CheXNet's network) sees radiographs of half the size, as CheXNet did; DeepLabV3 has torchvision's MobileNetV3 below. All see the
radiograph and its local contrast.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import densenet121
from torchvision.models.detection import FCOS, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOSHead
from torchvision.models.detection.retinanet import RetinaNetHead
from torchvision.models.segmentation import deeplabv3_mobilenet_v3_large
from torchvision.ops import FeaturePyramidNetwork

from napari_lungmtl.training.data.public.radiographs import RadiographSamples
from napari_lungmtl.training.fitting.batches import endless_loader
from napari_lungmtl.training.fitting.learner import Learner
from napari_lungmtl.training.networks.dhn import config as dhn
from napari_lungmtl.training.networks.dhn.local_head import Found
from napari_lungmtl.training.networks.dhn.loss import global_loss
from napari_lungmtl.training.networks.dhn.network import Body
from napari_lungmtl.training.networks.dhn.training import Samples
from napari_lungmtl.training.networks.mosegnet import config as mosegnet
from napari_lungmtl.training.networks.mosegnet import samples as mosegnet_samples
from napari_lungmtl.training.networks.mosegnet.training import Training as MosegnetTraining
from napari_lungmtl.training.networks.mosegnet.training import moving_average
from napari_lungmtl.training.ops.bfloat16 import bfloat16_where_faster
from napari_lungmtl.training.ops.local_contrast import with_local_contrast

NODULE = 1
"""torchvision's label of the only class; 0 is its background."""
FEWEST = 0.003
"""Score under which torchvision's detectors drop a box."""


class Maps(nn.Module):
    """DHN's body and pyramid as torchvision's detectors take them: a dictionary of maps, the finest first."""

    def __init__(self, config: dhn.Config) -> None:
        super().__init__()
        self.body = Body(config.width, (), 2)
        self.pyramid = FeaturePyramidNetwork(self.body.channels, config.pyramid_channels)
        self.out_channels = config.pyramid_channels

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Maps of strides 4 to 32, float32, of (N, 2, h, w)."""
        with bfloat16_where_faster(x.device):
            x = x.contiguous(memory_format=torch.channels_last)
            maps = self.pyramid(OrderedDict((str(n), m) for n, m in enumerate(self.body(x))))
        return {name: m.float() for name, m in maps.items()}


class QuickRetinaNetHead(RetinaNetHead):
    """With convolutions in bfloat16 where that is faster, as in the other networks."""

    def forward(self, x: list[Tensor]) -> dict[str, Tensor]:
        """What torchvision's gives, float32."""
        with bfloat16_where_faster(x[0].device):
            return {name: value.float() for name, value in super().forward(x).items()}


class QuickFcosHead(FCOSHead):
    """With convolutions in bfloat16 where that is faster, as in the other networks."""

    def forward(self, x: list[Tensor]) -> dict[str, Tensor]:
        """What torchvision's gives, float32."""
        with bfloat16_where_faster(x[0].device):
            return {name: value.float() for name, value in super().forward(x).items()}


def detector(kind: str, config: dhn.Config) -> RetinaNet | FCOS:
    """RetinaNet with DHN's anchors, or FCOS; both keep the radiograph's size."""
    as_it_is: dict[str, Any] = {
        "min_size": config.side,
        "max_size": config.side,
        "image_mean": [0.0, 0.0],
        "image_std": [1.0, 1.0],
        "score_thresh": FEWEST,
        "nms_thresh": config.nms_iou,
        "detections_per_img": config.boxes,
    }
    maps = Maps(config)
    if kind == "fcos":
        # FCOS has a point where others have anchors; the sizes are those that its levels are for.
        anchors = AnchorGenerator(((8,), (16,), (32,), (64,)), ((1.0,),) * 4)
        head = QuickFcosHead(maps.out_channels, 1, 2)
        return FCOS(maps, 2, anchor_generator=anchors, head=head, **as_it_is)
    anchors = AnchorGenerator(config.anchors, ((1.0,),) * len(config.anchors))
    head = QuickRetinaNetHead(maps.out_channels, anchors.num_anchors_per_location()[0], 2)
    return RetinaNet(maps, 2, anchor_generator=anchors, head=head, **as_it_is)


class Detector(nn.Module):
    """A detector of torchvision that `DhnPredictor` can ask."""

    def __init__(self, kind: str, config: dhn.Config) -> None:
        super().__init__()
        self.config = config
        self.net = detector(kind, config)

    def forward(self, radiographs: Tensor) -> tuple[None, list[Found]]:
        """What is found on radiographs (N, side, side), 0–1."""
        found = self.net(list(with_local_contrast(radiographs)))
        return None, [Found(f["boxes"], f["scores"], f["scores"]) for f in found]

    def losses(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """torchvision's own terms of a batch of `dhn.training`."""
        truth = [
            {"boxes": boxes, "labels": torch.full((len(boxes),), NODULE, device=boxes.device)}
            for boxes in batch["boxes"]
        ]
        return self.net(list(with_local_contrast(batch["views"])), truth)


class Classifier(nn.Module):
    """DenseNet-121 on radiographs of half the size, that `DhnPredictor` can ask."""

    def __init__(self, config: dhn.Config) -> None:
        super().__init__()
        self.config = config
        self.net = densenet121(num_classes=2)
        first = self.net.features.conv0
        self.net.features.conv0 = nn.Conv2d(2, first.out_channels, 7, 2, 3, bias=False)

    def logits(self, radiographs: Tensor) -> Tensor:
        """(N, 2) of radiographs (N, side, side), 0–1."""
        x = functional.avg_pool2d(with_local_contrast(radiographs), 2)
        with bfloat16_where_faster(x.device):
            return self.net(x.contiguous(memory_format=torch.channels_last)).float()

    def forward(self, radiographs: Tensor) -> tuple[Tensor, None]:
        """P(nodule) (N,)."""
        return self.logits(radiographs).softmax(1)[:, 1], None

    def losses(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Cross entropy of a batch of `dhn.training`."""
        return {"global": global_loss(self.logits(batch["views"]), batch["positive"], (1.0, 1.0))}


class DeepLab(nn.Module):
    """DeepLabV3 that `MosegnetPredictor` can ask: nodules alone."""

    def __init__(self, config: mosegnet.Config) -> None:
        super().__init__()
        self.config = config
        self.net = deeplabv3_mobilenet_v3_large(
            weights_backbone=None, num_classes=config.lesion_classes, aux_loss=False
        )
        stem = self.net.backbone["0"]
        stem[0] = nn.Conv2d(2, stem[0].out_channels, 3, 2, 1, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """Logits (N, classes, h, w) of (N, 2, h, w)."""
        return self.net(x)["out"], None


class BoxTraining(Learner[Any]):
    """Of what has ``losses`` of DHN's batches."""

    def training_step(self, batch: dict[str, Any], _index: int) -> Tensor:
        """Sum of the terms."""
        losses = self.net.losses(batch)
        self.log_dict({k: v.detach() for k, v in losses.items()}, batch_size=len(batch["boxes"]))
        return torch.stack(list(losses.values())).sum()


class DeepLabTraining(MosegnetTraining):
    """MO-SegNet's training, of another network."""

    def __init__(
        self, network: mosegnet.Config, config: mosegnet.TrainingConfig, samples: mosegnet_samples.Samples
    ) -> None:
        net: Any = DeepLab(network).to(memory_format=torch.channels_last)
        Learner.__init__(self, net, config, moving_average)
        self.samples = samples


def make_box_learner(
    kind: str, radiographs: RadiographSamples, network: dhn.Config, config: dhn.TrainingConfig
) -> tuple[Learner[Any], Any]:
    """RetinaNet, FCOS or DenseNet-121 with its batches; ``one_view`` of `config` must be on."""
    torch.manual_seed(config.seed)
    net = Classifier(network) if kind == "densenet121" else Detector(kind, network)
    learner = BoxTraining(net.to(memory_format=torch.channels_last), config)
    return learner, endless_loader(Samples(radiographs, network, config), config.workers, config.seed)


def make_deeplab_learner(
    radiographs: RadiographSamples, network: mosegnet.Config, config: mosegnet.TrainingConfig
) -> tuple[Learner[Any], Any]:
    """DeepLabV3 with MO-SegNet's batches."""
    torch.manual_seed(config.seed)
    samples = mosegnet_samples.Samples(radiographs, network, config.augmentation, config.batch, config.crop)
    learner = DeepLabTraining(network, config, samples)
    samples.side.fill_(learner.side())
    return learner, endless_loader(samples, config.workers, config.seed)
