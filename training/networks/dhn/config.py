"""The network's settings: the paper's values, and the ones that the shipped weights were trained with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...fitting.ranges import Count, Decay, Fraction, Natural, NotNegative, Positive

Heads = Literal["both", "global", "local"]
Augmentation = Literal["bin", "uni", "id"]


@dataclass(frozen=True)
class Config:
    """Architecture and inference of DHN (stored in the weights' card). The defaults are the paper's where it gives any.

    Parameters
    ----------
    side
        Pixels along both sides of a radiograph (§3.1: 512).
    heads
        ``"both"``, or one head alone (Table 1, "Global Head only", "Local Head only").
    width
        Channels of the first stage; 64 is ResNet-18, the following stages double it.
    deformable
        Stages (2–5) whose 3×3 convolutions are deformable; §3.1 has the final three.
    pyramid_channels
        Width of the FPN; 256 in torchvision's Faster R-CNN.
    levels
        FPN levels that the local head looks at (level n has stride 2ⁿ).
    global_level
        FPN level that the global head looks at; the paper's is 5, the coarsest.
    anchors
        Sides (pixels) of the square anchors on each level. Nodules of 8–60 mm are about 10–80 pixels of a radiograph.
    roi_size, roi_hidden
        Cells along a side of a RoI, and width of the two layers behind it; 7 and 1024 in torchvision.
    proposals
        How many the RPN hands over, at most.
    nms_iou, boxes
        IoU from which the lower of two boxes falls, and how many stay at most.
    local_contrast
        Whether the radiograph's local contrast is a second channel (`ops.local_contrast`); the paper has the radiograph alone.
    calibration, global_calibration
        Slope and intercept on the log odds of the local and of the global head's probability (1, 0: as they are).
    """

    side: Count = 512
    heads: Heads = "both"
    width: Count = 64
    deformable: tuple[int, ...] = (3, 4, 5)
    pyramid_channels: Count = 256
    levels: tuple[int, ...] = (2, 3, 4, 5)
    global_level: int = 5
    anchors: tuple[tuple[float, ...], ...] = ((10.0, 14.0), (20.0, 28.0), (40.0, 56.0), (80.0, 112.0))
    roi_size: Count = 7
    roi_hidden: Count = 1024
    proposals: Count = 300
    nms_iou: Fraction = 0.3
    boxes: Count = 100
    local_contrast: bool = False
    calibration: tuple[float, float] = (1.0, 0.0)
    global_calibration: tuple[float, float] = (1.0, 0.0)

    def __post_init__(self) -> None:
        # JSON gives lists; the card must compare equal to the code.
        object.__setattr__(self, "deformable", tuple(self.deformable))
        object.__setattr__(self, "levels", tuple(self.levels))
        object.__setattr__(self, "anchors", tuple(tuple(float(s) for s in level) for level in self.anchors))
        for name in ("calibration", "global_calibration"):
            object.__setattr__(self, name, tuple(float(c) for c in getattr(self, name)))
        if self.heads not in ("both", "global", "local"):
            raise ValueError(f"heads is both, global or local, not {self.heads!r}")
        if len(self.anchors) != len(self.levels) or len({len(level) for level in self.anchors}) != 1:
            raise ValueError(f"each of the levels {self.levels} needs as many anchors: {self.anchors}")
        if self.levels not in [tuple(range(a, b + 1)) for a in range(2, 6) for b in range(a, 6)]:
            raise ValueError(
                f"levels are neighbours among 2, 3, 4 and 5, the finest first, not {self.levels}"
            )
        if not min(self.levels) <= self.global_level <= 5:
            raise ValueError(
                f"the global head looks at a level from {min(self.levels)} to 5, not {self.global_level}"
            )
        if set(self.deformable) - {2, 3, 4, 5}:
            raise ValueError(f"deformable stages are some of 2, 3, 4 and 5, not {self.deformable}")
        if self.side % 32:
            raise ValueError(f"the side of a radiograph is a multiple of 32, not {self.side}")


PAPER = Config()
SHIPPED = Config(
    width=32,
    deformable=(),
    pyramid_channels=64,
    roi_hidden=256,
    proposals=100,
    local_contrast=True,
    global_level=3,
)
"""Level 3 for the global head: trained from scratch on level 5, whose cells are as large as the largest nodules, it had learnt
nothing (AUC 0.50 on its own training radiographs after 2,000 steps)."""


@dataclass(frozen=True)
class TrainingConfig:
    """How the weights are trained.

    Parameters
    ----------
    minutes
        Length of the whole schedule on the clock; the learning rate follows it, so that a run fits the time at hand.
    steps
        When positive, so many steps instead of minutes: comparisons of variants at equal work.
    batch
        Radiographs of a step; with both heads each is augmented twice (Fig. 3).
    optimizer, learning_rate, momentum, weight_decay
        ``"sgd"`` (the paper's: 5e-5, 0.975) or ``"adamw"``. `momentum` is SGD's.
    schedule
        ``"constant"`` (the paper names none), or ``"cosine"``: warm-up over 3 %, then a cosine to 1 %.
    alpha
        α₁ (radiographs with nodules) and α₂ (without) of eq. 2. Printed as 0.69 and 1.76, which weighs the rarer class down and is
        probably swapped.
    loss_weights
        λ₁ (global) and λ₂ (local) of eq. 3.
    augment_global, augment_local
        φ of each head: ``"bin"``, ``"uni"``, ``"id"`` (§3.2). The best pair of Table 3 is bin, uni.
    one_view
        Whether the local head learns from the view of the global head, φ_g(x), too, instead of from one of its own: twice the
        radiographs in the same time, without the paper's two ways to augment.
    crop
        Side of the windows that are trained on, a multiple of 32, around a nodule where there is one; 0 for whole radiographs.
        A quarter of the area is four times as many nodules in the same time; heads that look for maxima do not mind.
    probability
        p of φ_bin; the paper leaves it to its supplement.
    anchors_per_radiograph, rois_per_radiograph
        Anchors and proposals that the losses look at; 256 and 512 in torchvision.
    ema
        Decay of the moving average of the weights that is released; 0 releases the weights themselves.
    bfloat16
        Convolutions in bfloat16 where the processor has it (`ops.bfloat16`): twice as fast. RPN, RoI head and losses stay
        in float32.
    pasted
        Of prepared real radiographs: the share of pairs whose nodules are put in; the others hold real ones.
    dev_radiographs
        How many radiographs are drawn to calibrate the scores on.
    seed, workers
        Random numbers, and processes that draw radiographs beside the one that trains.
    """

    minutes: Positive = 80.0
    steps: Natural = 0
    batch: Count = 4
    optimizer: Literal["sgd", "adamw"] = "adamw"
    learning_rate: NotNegative = 1e-3
    momentum: float = 0.975
    weight_decay: NotNegative = 1e-2
    schedule: Literal["constant", "cosine"] = "cosine"
    alpha: tuple[float, float] = (1.76, 0.69)
    loss_weights: tuple[float, float] = (0.35, 2.5)
    augment_global: Augmentation = "bin"
    augment_local: Augmentation = "uni"
    one_view: bool = False
    crop: Natural = 0
    probability: Fraction = 0.3
    anchors_per_radiograph: Count = 256
    rois_per_radiograph: Count = 64
    ema: Decay = 0.0
    bfloat16: bool = True
    pasted: Fraction = 0.5
    dev_radiographs: Count = 400
    seed: Natural = 0
    workers: Natural = 0

    def __post_init__(self) -> None:
        for name in ("alpha", "loss_weights"):
            object.__setattr__(self, name, tuple(float(v) for v in getattr(self, name)))
        if self.optimizer not in ("sgd", "adamw") or self.schedule not in ("constant", "cosine"):
            raise ValueError(f"unknown optimizer {self.optimizer!r} or schedule {self.schedule!r}")
        if self.crop % 32 or self.crop < 0:
            raise ValueError(f"the side of windows is a multiple of 32, or 0, not {self.crop}")
        if {self.augment_global, self.augment_local} - {"bin", "uni", "id"}:
            raise ValueError("augment_global and augment_local are bin, uni or id")


SHIPPED_TRAINING = TrainingConfig(
    minutes=68.0,
    learning_rate=1.5e-3,
    loss_weights=(1.0, 2.0),
    augment_local="bin",
    anchors_per_radiograph=64,
    rois_per_radiograph=32,
)
"""From scratch and in little time the printed λ starve the global head: on toy radiographs it had learnt nothing after 120 steps,
and everything with equal weights. φ_bin for the local head too: with φ_uni it found 0.47 of its training radiographs' nodules at
one false positive per radiograph, and 0.32 of other radiographs'."""
PAPER_TRAINING = TrainingConfig(
    batch=2,
    optimizer="sgd",
    learning_rate=5e-5,
    weight_decay=0.0,
    schedule="constant",
    rois_per_radiograph=512,
    bfloat16=False,
)
"""§4, but for its 70 epochs of about 17 000 radiographs. `alpha` is swapped here too: (0.69, 1.76) is what the paper prints."""
