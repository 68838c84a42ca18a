"""Settings of the nodule masks' network, and of its training."""

from __future__ import annotations

from dataclasses import dataclass

from ...fitting.ranges import Count, Decay, FoldName, Fraction, Natural, NotNegative, Positive


@dataclass(frozen=True)
class Config:
    """Field and architecture (stored in the weights' card).

    Parameters
    ----------
    points
        Points along each side of the grid that the network sees; even.
    field_factor, field_margin, field_range
        Side of the field in mm: `field_factor` times the marked diameter and `field_margin`, within `field_range`.
    hu_range
        HU mapped to 0…1; values outside are clipped.
    channels
        At a half, a quarter and an eighth of the grid's resolution.
    views
        Mirror images that are averaged in use, 1 to 8.
    level
        Log odds from which a point is held to be nodule; of a faint nodule fewer suffice (`outline.drawn`). The masks that are
        learnt from hold what any reader outlined; with 0 so does the network, and above it what most of them would.
    """

    points: Count = 32
    field_factor: Positive = 1.9
    field_margin: float = 8.0
    field_range: tuple[float, float] = (16.0, 50.0)
    hu_range: tuple[float, float] = (-1000.0, 300.0)
    channels: tuple[int, ...] = (24, 48, 96)
    views: int = 4
    level: float = 0.0

    def __post_init__(self) -> None:
        # JSON gives lists; the card must compare equal to the code.
        for name in ("field_range", "hu_range"):
            low, high = getattr(self, name)
            object.__setattr__(self, name, (float(low), float(high)))
        object.__setattr__(self, "channels", tuple(int(c) for c in self.channels))
        if self.points % 2 ** len(self.channels):
            raise ValueError(f"{self.points} points cannot be halved {len(self.channels)} times")
        if not 1 <= self.views <= 8:
            raise ValueError(f"a volume has 1 to 8 mirror images, not {self.views}")

    def side(self, diameter: float) -> float:
        """Side of the field in mm around a sphere of this diameter in mm."""
        low, high = self.field_range
        return min(max(self.field_factor * diameter + self.field_margin, low), high)


@dataclass(frozen=True)
class TrainingConfig:
    """How the weights were trained.

    Parameters
    ----------
    steps, batch
        Optimiser steps, and nodules in each.
    learning_rate, weight_decay, ema
        AdamW with warm-up and a cosine, and the decay of the moving average of the weights that is kept.
    shift, shift_mm
        A detector's error of place: standard deviation along each axis as a part of the nodule's diameter, and a part in mm.
    size
        Mean and standard deviation of the logarithm of marked by true diameter. That of 3D-AG on fold 0 was 0.85 to 0.98 in
        median by size band, a tenth of the marks below 0.73; a person's is larger.
    turn
        Part of the nodules that are turned by any angle in space; all are mirrored, and x and y swapped, at random.
    noise_hu, offset_hu
        White noise of up to that standard deviation, and a shift of all values.
    bfloat16
        Convolutions in bfloat16, where the processor has it (`ops.bfloat16`).
    held_out
        The fold that nothing is trained on.
    seed
        Of weights and samples.
    """

    steps: Count = 4500
    batch: Count = 12
    learning_rate: NotNegative = 3e-3
    weight_decay: NotNegative = 1e-3
    ema: Decay = 0.99
    shift: float = 0.06
    shift_mm: NotNegative = 0.3
    size: tuple[float, float] = (-0.12, 0.18)
    turn: Fraction = 0.1
    noise_hu: NotNegative = 25.0
    offset_hu: NotNegative = 15.0
    bfloat16: bool = True
    held_out: FoldName = "0"
    seed: Natural = 0

    minutes = 0.0
    """By steps only."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", tuple(float(s) for s in self.size))


SHIPPED = Config()
SHIPPED_TRAINING = TrainingConfig()
