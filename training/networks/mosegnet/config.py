"""MO-SegNet's settings: the paper's values, and the ones that the shipped weights were trained with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ...fitting.ranges import Count, Decay, FoldName, Fraction, Natural, NotNegative, Positive
from .augmentation import Augmentation


@dataclass(frozen=True)
class Config:
    """Architecture and reading of MO-SegNet (stored in the weights' card). The defaults are the paper's.

    Parameters
    ----------
    network
        ``"mosegnet"`` (Table 1), or ``"unet"``: the same without atrous pyramid.
    tasks
        ``"both"``, or ``"nodule"`` for a network without the lung branch (single task).
    norm
        ``"paper"``: GroupNorm and BatchNorm as Table 1 lists them; ``"group"`` or ``"batch"`` everywhere (Table 4).
    stem
        ``"paper"``: Table 1 on the film's own pixels. ``"space_to_depth"``: the four pixels of each 2 × 2 block become
        channels, Table 1 works at half the resolution and its logits are doubled (bilinear); a quarter of the cost.
    widths
        Channels at the four resolutions of the encoder.
    rates
        Of the atrous convolutions.
    groups
        Of GroupNorm; the paper gives no number (32, its default, needs more channels than Table 1 has).
    lesions
        Classes of the lesion branch beside background; the first is the nodule. ``("nodule", "pleural effusion")`` adds §4.3's.
    lung_sides
        Whether right and left lung are two classes (the paper has one).
    side
        Pixels of the radiograph along its longer side. The paper scales the *shorter* side to 1024; JSRT's radiographs are square.
    local_contrast
        Whether the radiograph's local contrast is a second channel (`ops.local_contrast`); the paper has the radiograph alone.
    calibration
        Slope and intercept on the log odds of a component's peak (1, 0: as it is).
    mirror
        Whether a prediction is the mean over the radiograph and its mirror image.
    """

    network: Literal["mosegnet", "unet"] = "mosegnet"
    tasks: Literal["both", "nodule"] = "both"
    norm: Literal["paper", "group", "batch"] = "paper"
    stem: Literal["paper", "space_to_depth"] = "paper"
    widths: tuple[int, ...] = (16, 32, 64, 128)
    rates: tuple[int, ...] = (3, 5, 7, 9)
    groups: Count = 8
    lesions: tuple[str, ...] = ("nodule",)
    lung_sides: bool = False
    side: Count = 1024
    local_contrast: bool = False
    calibration: tuple[float, float] = (1.0, 0.0)
    mirror: bool = False

    def __post_init__(self) -> None:
        # JSON gives lists; the card must compare equal to the code.
        for name in ("widths", "rates", "lesions"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "calibration", tuple(float(c) for c in self.calibration))
        for name, values in CHOICES.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name} is one of {', '.join(values)}, not {getattr(self, name)!r}")
        if len(self.widths) != 4 or not self.rates or not self.lesions:
            raise ValueError("four widths, at least one rate and at least one lesion are needed")
        if any(w > self.groups and w % self.groups for w in self.widths):
            raise ValueError(f"widths {self.widths} do not divide into {self.groups} groups")
        if self.side % self.multiple:
            raise ValueError(f"side {self.side} is no multiple of {self.multiple}")

    @property
    def multiple(self) -> int:
        """What height and width of a radiograph must be a multiple of: four halvings, five with the stem."""
        return 16 if self.stem == "paper" else 32

    @property
    def lesion_classes(self) -> int:
        """Channels of the lesion branch."""
        return 1 + len(self.lesions)

    @property
    def lung_classes(self) -> int:
        """Channels of the lung branch."""
        return 3 if self.lung_sides else 2


CHOICES = {
    "network": ("mosegnet", "unet"),
    "tasks": ("both", "nodule"),
    "norm": ("paper", "group", "batch"),
    "stem": ("paper", "space_to_depth"),
}

PAPER = Config()
SHIPPED = Config(
    norm="batch",
    stem="space_to_depth",
    widths=(24, 48, 96, 128),
    lung_sides=True,
    side=512,
    mirror=True,
    local_contrast=True,
)
"""512 pixels, because most radiographs at hand exist at 512 only (the paper's stem at 1024 sees 75 % of its work done at
resolutions that these radiographs do not have); half-resolution work with wider maps, and BatchNorm, because from scratch on
one CPU core the number of radiographs seen decides."""


@dataclass(frozen=True)
class TrainingConfig:
    """How the weights are trained. The defaults are the ones of the shipped weights; `PAPER_TRAINING` has the paper's.

    Parameters
    ----------
    minutes, batch
        Length of the whole schedule on the clock, and radiographs in a step (the paper has 1).
    steps
        When positive, so many steps instead of minutes: comparisons of variants at equal work.
    learning_rate, weight_decay
        Adam's rate, with a warm-up and a cosine to 1 %, and decoupled weight decay. The paper has 1e-3 and no decay.
    stages
        From which fraction of the schedule on radiographs are reduced by which factor, the last one by 1. On small radiographs
        steps are cheap and lungs lie within reach of few layers: on one CPU core, radiographs of full size alone left the
        lungs' loss at 1.4 after 450 steps, small ones brought it to 0.4 within 200, in a hundredth of the time.
    crop
        Where it is positive, every other batch is of windows of that side, around a nodule where there is one: as many pixels, more
        nodules. They train lesions only, lungs are too large for them.
    balance
        λ of eq. 2: the lesions' weight. The paper's 0.99 belongs to its weights of classes, whose lesion loss is small.
    lesion_loss, lung_loss
        ``"cross_entropy"``: eq. 1. ``"focal_dice"`` (lesions): focal loss and Dice, which need no weights of classes and
        learn from radiographs without nodules. ``"dice"`` (lungs): cross entropy and Dice.
    weight_cap
        Largest weight of a class in eq. 1. The paper has no limit; a nodule of 10 mm would weigh 10⁴.
    alpha, gamma
        Of the focal loss.
    augmentation
        How far radiographs are varied.
    ema
        Of the moving average of the weights, which is what is kept.
    bfloat16
        Convolutions in bfloat16 where the processor has it (`ops.bfloat16`).
    pasted
        Of prepared real radiographs: the share of pairs whose nodules are put in; the others hold real ones.
    dev_radiographs, dev_folds
        Radiographs drawn to set `Config.calibration`, and the folds of a simulation that they come from.
    seed, workers
        Random numbers; processes that draw radiographs beside the one that trains.
    """

    minutes: Positive = 80.0
    batch: Count = 4
    steps: Natural = 0
    learning_rate: NotNegative = 2e-3
    weight_decay: NotNegative = 1e-4
    stages: tuple[tuple[float, float], ...] = ((0.0, 4), (0.2, 2), (0.5, 1))
    crop: Natural = 0
    balance: float = 0.7
    lesion_loss: Literal["cross_entropy", "focal_dice"] = "focal_dice"
    lung_loss: Literal["cross_entropy", "dice"] = "dice"
    weight_cap: float = 1e5
    alpha: float = 0.75
    gamma: NotNegative = 2.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    ema: Decay = 0.998
    bfloat16: bool = True
    pasted: Fraction = 0.5
    dev_radiographs: Count = 300
    dev_folds: tuple[FoldName, ...] = ("1",)
    seed: Natural = 0
    workers: Natural = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "dev_folds", tuple(str(f) for f in self.dev_folds))
        stages = tuple((float(begin), float(reduction)) for begin, reduction in self.stages)
        object.__setattr__(self, "stages", stages)
        if not stages or stages[0][0] != 0 or list(stages) != sorted(stages) or stages[-1][1] != 1:
            raise ValueError(f"stages begin at 0, follow each other and end with reduction 1, not {stages}")
        if isinstance(self.augmentation, Mapping):  # from a settings file
            object.__setattr__(self, "augmentation", Augmentation(**self.augmentation))
        if self.lesion_loss not in ("cross_entropy", "focal_dice"):
            raise ValueError(f"lesion_loss is cross_entropy or focal_dice, not {self.lesion_loss!r}")
        if self.lung_loss not in ("cross_entropy", "dice"):
            raise ValueError(f"lung_loss is cross_entropy or dice, not {self.lung_loss!r}")
        if self.crop % 32 or self.crop < 0:
            raise ValueError(f"the side of windows is a multiple of 32, or 0, not {self.crop}")
        if not 0 <= self.balance <= 1:
            raise ValueError(f"the balance lies between 0 and 1, not {self.balance}")


SHIPPED_TRAINING = TrainingConfig()
PAPER_TRAINING = TrainingConfig(
    batch=1,
    learning_rate=1e-3,
    weight_decay=0.0,
    stages=((0, 1),),
    balance=0.99,
    lesion_loss="cross_entropy",
    lung_loss="cross_entropy",
    augmentation=Augmentation(
        mirror=0, bend=0, gamma=0, veil=0, blur=0, sharpen=0, shade=0, frame=0, letters=0
    ),
)
