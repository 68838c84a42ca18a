"""Configuration of MTMR-Net and of its training."""

from __future__ import annotations

from dataclasses import dataclass

from ...fitting.ranges import Count, Decay, Fraction, Natural, NotNegative, Positive

BACKBONES: dict[str, tuple[str, tuple[int, ...]]] = {
    "resnet10": ("basic", (1, 1, 1, 1)),
    "resnet18": ("basic", (2, 2, 2, 2)),
    "resnet50": ("bottleneck", (3, 4, 6, 3)),
    "resnet152": ("bottleneck", (3, 8, 36, 3)),
}
"""Kind of block and blocks of each stage. Table I of the paper is ``resnet50``; its text says 152 layers."""
PLANES = ("axial", "coronal", "sagittal")


@dataclass(frozen=True)
class Config:
    """The network and what it sees. The defaults are the paper's (Table I, §III-A).

    Parameters
    ----------
    backbone, width
        One of `BACKBONES`, and the channels of its first stage (64 in every published ResNet).
    pixels
        Side of a patch. The paper resizes to 256 and crops 224 at random; a random zoom does the same here.
    channels
        Slices side by side in one patch: 1, or 3 for a slice and its neighbours an eighth of the diameter (at least 1 mm) away.
    crop_factor, crop_margin
        Side of the square that is cut out, in mm: factor × diameter + margin ("an adaptive patch region", no numbers given).
    crop_max
        Largest side in mm: what a 50 mm cube holds.
    planes
        In which planes slices are taken; the paper has axial ones.
    max_slices
        At most so many slices of each plane, evenly spread over the nodule (the paper takes every one, 3–30).
    size
        Whether the log diameter stands beside the features: the adaptive crop throws the size away, the strongest single
        predictor of malignancy.
    hidden
        Width of the attribute features (256).
    hu_range
        Maps to 0–1.
    """

    backbone: str = "resnet50"
    width: Count = 64
    pixels: Count = 224
    channels: Count = 1
    crop_factor: Positive = 2.0
    crop_margin: NotNegative = 0.0
    crop_max: Positive = 48.0
    planes: tuple[str, ...] = ("axial",)
    max_slices: Count = 30
    size: bool = False
    hidden: Count = 256
    hu_range: tuple[float, float] = (-1000.0, 400.0)

    def __post_init__(self) -> None:
        # JSON gives lists; the card must compare equal to the code.
        object.__setattr__(self, "planes", tuple(self.planes))
        object.__setattr__(self, "hu_range", tuple(float(h) for h in self.hu_range))
        if self.backbone not in BACKBONES:
            raise ValueError(f"unknown backbone {self.backbone!r}; choose from {', '.join(BACKBONES)}")
        if not self.planes or set(self.planes) - set(PLANES):
            raise ValueError(f"planes are some of {', '.join(PLANES)}, not {self.planes}")
        if self.channels % 2 == 0:
            raise ValueError(f"the middle slice needs an odd number of channels, not {self.channels}")


SHIPPED = Config("resnet10", 32, 64, 3, 2.0, 4.0, planes=PLANES, max_slices=5, size=True)


@dataclass(frozen=True)
class TrainingConfig:
    """How a fold's model is trained. Weights of the losses are the paper's (§III-B).

    Parameters
    ----------
    steps, batch
        Optimisation steps and nodules in each.
    learning_rate
        For the whole network, cosine to zero. The paper has 3e-3 for the backbone and 3e-5 for the heads, for fine-tuning from
        ImageNet (probably swapped); from scratch one rate serves.
    regression, ranking, l2
        λ, β, η of eq. 5. L2 acts as decoupled weight decay of ten times η, which is what suits Adam (AdamW).
    margin
        γ of eq. 3.
    attribute_loss
        ``"mse"`` (eq. 2), or ``"smooth_l1"``, nearer to the absolute error that is reported.
    soft_labels
        Cross entropy against the readers' mean malignancy on 0–1 instead of its two sides; nodules of exactly 3 then count too.
    classification
        Weight of the cross entropy; 0 leaves the attributes alone (single task).
    jitter, zoom
        Standard deviation of the centre (fraction of the diameter, at most of 12 mm) and of log diameter and log side;
        the diameter moves by at most 15 %.
    ema, dropout, seed
        Moving average of the weights, dropout of the features, random numbers.
    """

    steps: Count = 1200
    batch: Count = 64
    learning_rate: NotNegative = 3e-3
    regression: NotNegative = 1.0
    ranking: NotNegative = 0.5
    l2: NotNegative = 1e-3
    margin: NotNegative = 0.1
    attribute_loss: str = "smooth_l1"
    soft_labels: bool = True
    classification: NotNegative = 1.0
    jitter: NotNegative = 0.06
    zoom: NotNegative = 0.08
    ema: Decay = 0.99
    dropout: Fraction = 0.3
    seed: Natural = 0

    minutes = 0.0
    """By steps only."""

    @property
    def weight_decay(self) -> float:
        """AdamW's."""
        return 10 * self.l2

    def __post_init__(self) -> None:
        if self.attribute_loss not in ("mse", "smooth_l1"):
            raise ValueError(f"attribute_loss is mse or smooth_l1, not {self.attribute_loss!r}")


PAPER_TRAINING = TrainingConfig(attribute_loss="mse", soft_labels=False, batch=32, dropout=0.0)
