"""MT-CNN's settings: the paper's values, and the ones that the shipped weights were trained with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...fitting.ranges import Count, Decay, Fraction, Natural, NotNegative, Positive


@dataclass(frozen=True)
class Config:
    """Views and architecture (stored in the weights' card). The defaults are the paper's.

    Parameters
    ----------
    field_mm, pixels
        Side of a view in mm and in pixels; the paper has 64 and 64.
    hu_range
        HU mapped to 0…1; values outside are clipped (§III-A).
    layers
        Convolutional layers of ShareNet, 1–4 (Fig. 6); as many deconvolutional ones in ImgNet.
    alpha
        Weight of the reconstruction in the loss (eq. 1). 0 is the single-task variant (ST-CNN): it has no ImgNet at all.
    masks
        Whether ImgNet draws the nodule's mask beside the grey values, so that ShareNet has to keep its outline. The paper has grey
        values alone.
    shared_views
        One network for all nine views, the "interesting direction" of §V, instead of one for each.
    batch_norm
        Batch normalisation after each convolution; the paper has none.
    dropout
        On the first and second fully connected layer (§III-D).
    flips
        In use, average over the four mirror images of each view.
    size
        Whether the log diameter stands beside ClsNet's first features. The paper has the image alone.
    """

    field_mm: Positive = 64.0
    pixels: Count = 64
    hu_range: tuple[float, float] = (-1000.0, 400.0)
    layers: Count = 3
    alpha: float = 0.3
    masks: bool = False
    shared_views: bool = False
    batch_norm: bool = False
    dropout: Fraction = 0.5
    flips: bool = False
    size: bool = False

    filters = (24, 32, 64, 64)
    kernels = (5, 3, 3, 3)
    hidden = (256, 16)

    def __post_init__(self) -> None:
        # JSON gives lists; the card must compare equal to the code.
        object.__setattr__(self, "hu_range", tuple(float(h) for h in self.hu_range))
        if not 1 <= self.layers <= len(self.filters):
            raise ValueError(f"ShareNet has 1 to {len(self.filters)} convolutional layers, not {self.layers}")
        if self.pixels >> self.layers < 1:
            raise ValueError(f"{self.pixels} pixels cannot be halved {self.layers} times")
        if self.alpha < 0:
            raise ValueError(f"the weight of the reconstruction is not negative: {self.alpha}")
        if self.masks and not self.alpha:
            raise ValueError("masks are part of the reconstruction, whose weight (alpha) is 0")
        if not self.field_mm > 0:
            raise ValueError(f"a field has a size, not {self.field_mm} mm")


PAPER = Config()
SHIPPED = Config(
    field_mm=40.0,
    pixels=40,
    layers=4,
    shared_views=True,
    batch_norm=True,
    dropout=0.25,
    flips=True,
    size=True,
)


@dataclass(frozen=True)
class TrainingConfig:
    """How the weights were trained.

    Parameters
    ----------
    steps, batch
        Optimiser steps of each fold, and nodules in each. The paper: at most 150 epochs, 64 views of one network.
    views_per_step
        How many of the nine views of a nodule a step draws where one network serves all; separate networks get their own
        view in every step.
    learning_rate, schedule
        Adam. ``"paper"``: the rate, a tenth of it after half of the steps, a twentieth in the last quarter (§III-D: 1e-4,
        1e-5, 5e-6). ``"cosine"``: warm-up over 5 % of the steps, then a cosine to 1 %.
    weight_decay
        Decoupled, on weights only; the paper has none (Fig. 5).
    rule
        ``"median"`` (the paper) or ``"mean"`` of the readers' malignancies; above 3 is malignant, below benign, and exactly 3
        takes part in the reconstruction only.
    target
        What the class is trained on. ``"label"``: 0 and 1 by the rule (the paper). ``"grade"``: the mean of the readers'
        (malignancy − 1) / 4. ``"votes"``: the fraction of readers above 3, those at 3 counting half. With the last two every nodule
        has a target, and the rule decides only what is reported.
    ema
        Decay of the moving average of the weights, which is what is kept; 0 keeps the last weights.
    turn
        Augmentation beside mirroring: ``"quarter"`` turns of each view (the paper), any angle in its ``"plane"``, or, where one
        network serves all views, any plane in ``"space"``. The corners of turned views stay in the 50 mm cube up to a field of
        about 34 mm.
    shift_mm, zoom, noise_hu, offset_hu
        Further augmentation: each nodule's centre by up to `shift_mm` along z, y and x, field
        times 1 ± `zoom`, white noise of up to that standard deviation, and a shift of all values.
    balance
        Draw both classes equally often (hard labels only).
    bfloat16
        Convolutions in bfloat16, where the processor has it (`ops.bfloat16`).
    seed
        Of weights and samples.
    """

    steps: Count = 600
    batch: Count = 64
    views_per_step: Count = 9
    learning_rate: NotNegative = 1e-4
    schedule: Literal["paper", "cosine"] = "paper"
    weight_decay: NotNegative = 0.0
    rule: Literal["mean", "median"] = "median"
    target: Literal["label", "grade", "votes"] = "label"
    ema: Decay = 0.0
    turn: Literal["quarter", "plane", "space"] = "quarter"
    shift_mm: NotNegative = 2.0
    zoom: NotNegative = 0.0
    noise_hu: NotNegative = 0.0
    offset_hu: NotNegative = 0.0
    balance: bool = False
    bfloat16: bool = False
    seed: Natural = 0

    minutes = 0.0
    """By steps only."""


SHIPPED_TRAINING = TrainingConfig(
    steps=1800,
    batch=64,
    views_per_step=2,
    learning_rate=2e-3,
    schedule="cosine",
    weight_decay=1e-2,
    target="grade",
    ema=0.99,
    shift_mm=1.0,
    zoom=0.08,
    noise_hu=20.0,
    offset_hu=15.0,
    bfloat16=True,
)
