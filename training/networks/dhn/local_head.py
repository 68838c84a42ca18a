"""The local head: torchvision's RPN, RoIAlign and RoI head, with the gIoU loss for both box regressions (§2, §3.1)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler, BoxCoder, Matcher
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead, concat_box_prediction_layers
from torchvision.ops import MultiScaleRoIAlign, box_iou, clip_boxes_to_image, nms, remove_small_boxes

from ...explain.answer import LIMIT, OVERLAP, SMALL
from .config import Config
from .loss import box_loss, classification_loss

SMALLEST = 2.0
"""Pixels: narrower boxes are no nodules."""


@dataclass(frozen=True)
class Found:
    """What the local head found on one radiograph, by descending score.

    Parameters
    ----------
    boxes
        (K, 4): x0, y0, x1, y1 in radiograph pixels, edge coordinates.
    scores, objectness
        (K,): probabilities of the RoI head, and of the RPN for the proposal behind the box; uncalibrated.
    looks
        All that was looked at.
    """

    boxes: Tensor
    scores: Tensor
    objectness: Tensor
    looks: Looks | None = None


@dataclass(frozen=True, eq=False)
class Looks:
    """What the local head looked at on one radiograph, P proposals of A anchors.

    Parameters
    ----------
    boxes, scores, objectness
        (P, 4) corrected boxes, (P,) scores of the RoI head and of the RPN, uncalibrated.
    keep
        (K,) which of them became `Found`.
    all_boxes, all_objectness
        (A, 4) and (A,): what the RPN had to choose from.
    features
        Maps (1, C, h, w) of the radiograph, as `LocalHead.judge` takes them.
    """

    boxes: Tensor
    scores: Tensor
    objectness: Tensor
    keep: Tensor
    all_boxes: Tensor
    all_objectness: Tensor
    features: list[Tensor]

    def on_cpu(self) -> Looks:
        """The same, where the network that made it need not be."""
        return Looks(
            self.boxes.cpu(),
            self.scores.cpu(),
            self.objectness.cpu(),
            self.keep.cpu(),
            self.all_boxes.cpu(),
            self.all_objectness.cpu(),
            [m.cpu() for m in self.features],
        )


def chosen_boxes(
    boxes: Tensor, scores: Tensor, config: Config, spared: int = -1, off: Collection[str] = ()
) -> Tensor:
    """Choose boxes: those of some size, the surest of those that overlap, the surest of all; indices (K,) by descending score.

    Parameters
    ----------
    boxes, scores
        (P, 4) and (P,).
    spared, off
        One box for which some of `explain.answer`'s words do not count, to see whether it is then chosen.
    """
    big = remove_small_boxes(boxes, SMALLEST)
    keep = big[nms(boxes[big], scores[big], config.nms_iou)]
    if spared < 0 or ({SMALL, OVERLAP} & set(off) == set() and not (keep == spared).any()):
        return keep[: config.boxes]
    others = keep[keep != spared]
    place = int((scores[others] >= scores[spared]).sum())
    keep = torch.cat([others[:place], keep.new_tensor([spared]), others[place:]])
    chosen = keep[: config.boxes]
    return (
        torch.cat([chosen, keep.new_tensor([spared])]) if place >= config.boxes and LIMIT in off else chosen
    )


class Rpn(RegionProposalNetwork):
    """torchvision's RPN; only its box loss differs, which needs decoded boxes."""

    def propose(
        self, features: Sequence[Tensor], side: int
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor], Tensor, Tensor]:
        """Proposals and their objectness for each radiograph; and anchors, logits (all anchors, 1) and decoded boxes behind
        them."""
        maps = list(features)
        logits, deltas = self.head(maps)
        images = ImageList(maps[0].new_empty((len(maps[0]), 1, side, side)), [(side, side)] * len(maps[0]))
        anchors = self.anchor_generator(images, maps)
        per_level = [level[0].numel() for level in logits]
        flat_logits, flat_deltas = concat_box_prediction_layers(logits, deltas)
        boxes = self.box_coder.decode(flat_deltas, anchors).view(len(anchors), -1, 4)
        proposals, scores = self.filter_proposals(
            boxes.detach(), flat_logits.detach(), images.image_sizes, per_level
        )
        return proposals, scores, anchors, flat_logits, boxes

    def losses(
        self, anchors: list[Tensor], logits: Tensor, boxes: Tensor, truth: list[Tensor]
    ) -> dict[str, Tensor]:
        """ℓ_obj and ℓ_reg of eq. 1."""
        labels, matched = self.assign_targets_to_anchors(anchors, [{"boxes": t} for t in truth])
        positive, negative = (torch.cat(m).bool() for m in self.fg_bg_sampler(labels))
        sampled = positive | negative
        flat = torch.cat(labels)
        return {
            "objectness": classification_loss(logits.flatten()[sampled], flat[sampled]),
            "rpn_box": box_loss(
                boxes.flatten(0, 1)[positive], torch.cat(matched)[positive], int(sampled.sum())
            ),
        }


class LocalHead(nn.Module):
    """RPN, RoIAlign over the pyramid, and two layers that score each proposal and correct its box."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        channels, hidden = config.pyramid_channels, config.roi_hidden
        generator = AnchorGenerator(config.anchors, ((1.0,),) * len(config.anchors))
        count = {"training": config.proposals, "testing": config.proposals}
        self.rpn = Rpn(
            generator,
            RPNHead(channels, generator.num_anchors_per_location()[0]),
            fg_iou_thresh=0.5,
            bg_iou_thresh=0.3,
            batch_size_per_image=256,
            positive_fraction=0.5,
            pre_nms_top_n=count,
            post_nms_top_n=count,
            nms_thresh=0.7,
        )
        names = [str(level) for level in config.levels]
        self.align = MultiScaleRoIAlign(
            names, config.roi_size, sampling_ratio=2, canonical_scale=56, canonical_level=4
        )
        self.layers = TwoMLPHead(channels * config.roi_size**2, hidden)
        self.score = nn.Linear(hidden, 1)
        self.delta = nn.Linear(hidden, 4)
        self.coder = BoxCoder((10.0, 10.0, 5.0, 5.0))
        self.matcher = Matcher(0.5, 0.5, allow_low_quality_matches=False)
        self.sampler = BalancedPositiveNegativeSampler(64, 0.25)

    def learn_from(self, anchors_per_radiograph: int, rois_per_radiograph: int) -> None:
        """How many anchors and proposals the losses look at."""
        self.rpn.fg_bg_sampler = BalancedPositiveNegativeSampler(anchors_per_radiograph, 0.5)
        self.sampler = BalancedPositiveNegativeSampler(rois_per_radiograph, 0.25)

    def judge(self, features: Sequence[Tensor], proposals: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (P,) and corrected boxes (P, 4) of the proposals of all radiographs, one radiograph after the other."""
        hidden = self.hidden(features, proposals)
        boxes = self.coder.decode(self.delta(hidden), proposals)
        return self.score(hidden)[:, 0], boxes.reshape(-1, 4)

    def hidden(self, features: Sequence[Tensor], proposals: list[Tensor]) -> Tensor:
        """What the last layers are given of the proposals of all radiographs (P, `Config.roi_hidden`)."""
        named = OrderedDict((str(n), m) for n, m in zip(self.config.levels, features, strict=True))
        side = self.side_of(features)
        return self.layers(self.align(named, proposals, [(side, side)] * len(proposals)))

    def losses(self, features: Sequence[Tensor], truth: list[Tensor]) -> dict[str, Tensor]:
        """The four terms of eq. 1.

        Parameters
        ----------
        truth
            Boxes (n, 4) of each radiograph, x0, y0, x1, y1 in edge coordinates.
        """
        features = self.chosen(features)
        proposals, _, anchors, logits, boxes = self.rpn.propose(features, self.side_of(features))
        terms = self.rpn.losses(anchors, logits, boxes, truth)
        chosen, labels, matched = self.sample(proposals, truth)
        scores, corrected = self.judge(features, chosen)
        positive = labels > 0
        terms["classification"] = classification_loss(scores, labels)
        terms["box"] = box_loss(corrected[positive], matched[positive], len(labels))
        return terms

    def sample(self, proposals: list[Tensor], truth: list[Tensor]) -> tuple[list[Tensor], Tensor, Tensor]:
        """Proposals that the RoI head learns from (the truth among them, a quarter positive at most), labels, matched truth."""
        chosen, labels, matched = [], [], []
        for boxes, true in zip(proposals, truth, strict=True):
            boxes = torch.cat([boxes, true])
            if len(true):
                index = self.matcher(box_iou(true, boxes))
                label, match = (index >= 0).to(boxes), true[index.clamp(min=0)]
            else:
                label, match = boxes.new_zeros(len(boxes)), boxes
            positive, negative = self.sampler([label])
            keep = torch.where(positive[0].bool() | negative[0].bool())[0]
            chosen.append(boxes[keep])
            labels.append(label[keep])
            matched.append(match[keep])
        return chosen, torch.cat(labels), torch.cat(matched)

    def detect(self, features: Sequence[Tensor]) -> list[Found]:
        """What is found on each radiograph, after non-maximum suppression."""
        features = self.chosen(features)
        side = self.side_of(features)
        proposals, objectness, _, anchor_logits, decoded = self.rpn.propose(features, side)
        logits, boxes = self.judge(features, proposals)
        counts = [len(p) for p in proposals]
        all_objectness = torch.sigmoid(anchor_logits.reshape(len(proposals), -1))
        scores = torch.sigmoid(logits).split(counts)
        found: list[Found] = []
        for i, (score, box, first) in enumerate(zip(scores, boxes.split(counts), objectness, strict=True)):
            box = clip_boxes_to_image(box, (side, side))
            keep = chosen_boxes(box, score, self.config)
            own = [m[i : i + 1] for m in features]
            looks = Looks(box, score, first, keep, decoded[i], all_objectness[i], own)
            found.append(Found(box[keep], score[keep], first[keep], looks))
        return found

    def objectness(self, features: Sequence[Tensor]) -> Tensor:
        """Objectness (N, side, side): the best anchor of all levels over each pixel, probabilities."""
        side = self.config.side
        grown = []
        for level in self.rpn.head(self.chosen(features))[0]:
            best = torch.sigmoid(level).amax(1, keepdim=True)
            # Cell i sits on pixel i × stride (padding 1 at every halving), not in the middle of the pixels that it replaces.
            padded = F.pad(best, (0, 1, 0, 1), mode="replicate")
            grown.append(
                F.interpolate(padded, (side + 1, side + 1), mode="bilinear", align_corners=True)[
                    ..., :-1, :-1
                ]
            )
        return torch.cat(grown, 1).amax(1)

    def side_of(self, features: Sequence[Tensor]) -> int:
        """Pixels along a side of the radiographs, or of the windows of them, that the maps belong to."""
        return int(features[0].shape[-1]) << min(self.config.levels)

    def chosen(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The maps of the levels that the local head looks at."""
        return list(features[: len(self.config.levels)])
