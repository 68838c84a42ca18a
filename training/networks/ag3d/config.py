"""The detector's settings: the paper's values, and the ones that the shipped weights were trained with."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

from ...fitting.ranges import Count, Decay, FoldNumber, Fraction, Natural, NotNegative, Positive


@dataclass(frozen=True)
class Config:
    """Architecture and inference of 3D-AG (stored in the weights' card).

    Parameters
    ----------
    stem
        ``"paper"``: two 3³ convolutions at full resolution and max pooling (Table I, PreBlock). ``"space_to_depth"``: the
        eight voxels of each 2³ block become channels, then the same two convolutions at half resolution; it loses no voxel
        and is cheaper (``benchmarks/network.py``).
    stem_channels, growth, bottleneck, pyramid_channels
        Widths; Table I fixes growth 16 and 32 channels in the pyramid, DenseNet a 1³ bottleneck of 4 × growth.
    anchors
        Diameters (mm) at strides 4, 8 and 16, the paper's "anchor1" (§IV-B). Its others: ``((5, 10), (15, 20), (25, 35))``
        ("anchor2"); ``((4, 6, 8, 12, 16, 24), (), ())``, a single scale: a level without anchors has no head;
        ``((3, 5, 7), (10, 13, 17), (22, 30, 40))`` for DeepLesion. A further 32 at stride 16 serves lesions up to 60 mm.
    magnify
        Local Magnification (§III-D): crops of the maps are magnified before RoIAlign. The paper's best single model is without.
    align_diameter
        Diameter Alignment (§III-C); off takes the same size in mm on every level.
    hu_range
        HU mapped to [−1, 1]; values outside are clipped.
    rpn_weight
        Weight of the RPN in the combined score; the paper averages.
    calibration
        Slope and intercept on the log odds of the combined score (1, 0: as it is).
    proposals, rpn_floor, nms_iou
        Proposals per 96³ voxels, the lowest RPN score of one, and the IoU from which the lower of two falls.
    """

    stem: Literal["paper", "space_to_depth"] = "paper"
    stem_channels: Count = 32
    growth: Count = 16
    bottleneck: Count = 4
    pyramid_channels: Count = 32
    anchors: tuple[tuple[float, ...], ...] = ((4, 6), (8, 12), (16, 24))
    magnify: bool = False
    align_diameter: bool = True
    hu_range: tuple[float, float] = (-1000.0, 600.0)
    rpn_weight: Fraction = 0.5
    calibration: tuple[float, float] = (1.0, 0.0)
    proposals: Count = 64
    rpn_floor: Fraction = 0.02
    nms_iou: Fraction = 0.05

    strides = (4, 8, 16)

    def __post_init__(self) -> None:
        # JSON gives lists; the card must compare equal to the code.
        object.__setattr__(self, "anchors", tuple(tuple(float(d) for d in level) for level in self.anchors))
        object.__setattr__(self, "calibration", tuple(float(c) for c in self.calibration))
        object.__setattr__(self, "hu_range", tuple(float(h) for h in self.hu_range))
        if len(self.anchors) != len(self.strides):
            raise ValueError(f"anchors for {len(self.strides)} strides are needed, not {len(self.anchors)}")
        if not any(self.anchors):
            raise ValueError("there is no anchor at any stride: give at least one diameter in mm")

    @property
    def levels(self) -> tuple[int, ...]:
        """The pyramid's levels that have anchors, and so a head."""
        return tuple(level for level, diameters in enumerate(self.anchors) if diameters)


CAVITY_MM = 6.0
"""Diameter from which a nodule can be hollowed out in training."""

SHIPPED = Config(stem="space_to_depth", bottleneck=2)


@dataclass(frozen=True)
class TrainingConfig:
    """How the weights were trained.

    Parameters
    ----------
    minutes
        Length of the whole schedule on the clock; learning rate and stages follow it, so that a run fits the time at hand
        on any machine.
    joint_from
        Fraction of the schedule after which the FPRN branch joins (§III-E: RPN first, then both). Above 1: never, the paper's
        baseline RPN.
    alternate
        When positive, the two branches take turns of so many steps once both are there, instead of training jointly (§III-E).
    iou_positive, iou_negative
        Anchors' thresholds; §IV-B has 0.5 and 0.02. The nearest anchor of a nodule is positive in any case.
    alpha, gamma
        Focal loss of the negatives; §IV-B has 0.8 and 5.
    hard_negatives
        When positive, OHEM instead of the focal loss (§IV-B): so many negatives a patch, the highest scored ones, have a loss.
        DeepLung, which the paper compares with, takes 2.
    iou_weight
        Weight of a term of 1 − IoU of the spheres beside Smooth L1 (`loss.overlap_loss`); not in the paper.
    t_first, t_last
        T of eq. 3, growing linearly over the schedule. The paper gives no values.
    steps
        When positive, so many steps instead of minutes.
    batch, patch
        Patches of a step, and the voxels along a side of one.
    phantoms, phantom_fraction
        Folder written by `phantoms.make_training`, and the fraction of patches drawn from it.
    thoraxes, thorax_fraction
        Folder of whole scans written by `mining.mine`, and the fraction of patches drawn from it.
    cavity_fraction
        Fraction of the solid nodules of at least `CAVITY_MM`, in cubes and pasted into scans, that are hollowed out
        (`data.cavities`): cubes hold hardly a cavity. Needs the nodules' masks.
    stored
        When positive, so many patches are drawn once and pass the network's first part, which then stays as it is
        (`stored.patches`): fine-tuning in a third of the time. Needs weights to start from.
    scan_crops
        Fraction of the stored patches of a step that are cut out of the stored maps of `thoraxes` and their mirror images instead:
        at every step others, on false marks (`stored.scans`).
    keep
        What is taken from the weights that training starts from: ``"all"`` that fits, or only the network's ``"first"`` part
        (`Backbone.first`), so that variants of what lies behind it start alike.
    sampling
        Which patches are drawn more often (anchor-based sampling, §IV-C): ``"running"``, the hard cubes by what the detector
        gets wrong while training; ``"once"``, as the paper has it, the hard ones of one pass over everything after `boost_from`
        of the schedule; ``"uniform"``, none. Stored patches are drawn evenly unless it is ``"once"``.
    boost_from
        Fraction of the schedule before the pass of ``"once"``.
    test_folds, dev_every
        The folds left out of everything, and every how many-th of the other scans is kept for tuning the threshold.
    """

    minutes: Positive = 60.0
    steps: Natural = 0
    batch: Count = 4
    patch: Count = 64
    learning_rate: NotNegative = 2e-3
    weight_decay: NotNegative = 1e-4
    joint_from: NotNegative = 0.35
    alternate: Natural = 0
    iou_positive: Fraction = 0.5
    iou_negative: Fraction = 0.02
    alpha: float = 0.8
    gamma: NotNegative = 5.0
    hard_negatives: Natural = 0
    iou_weight: NotNegative = 0.0
    t_first: float = 5.0
    t_last: float = 50.0
    ema: Decay = 0.998
    phantom_fraction: Fraction = 0.15
    phantoms: str = ""
    thoraxes: str = ""
    thorax_fraction: Fraction = 0.0
    cavity_fraction: Fraction = 0.0
    stored: Natural = 0
    scan_crops: Fraction = 0.0
    keep: Literal["all", "first"] = "all"
    sampling: Literal["running", "once", "uniform"] = "running"
    boost_from: Fraction = 0.5
    test_folds: tuple[FoldNumber, ...] = (0,)
    dev_every: Count = 12
    seed: Natural = 0
    workers: Natural = 0


SHIPPED_TRAINING = TrainingConfig(gamma=2.0, iou_positive=0.35)


def is_dev(series: str, config: TrainingConfig) -> bool:
    """Whether a training scan is kept for tuning the threshold: a fixed choice by the identifier alone."""
    return zlib.crc32(series.encode()) % config.dev_every == 0
