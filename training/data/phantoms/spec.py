"""What a phantom is made of: the request (`PhantomSpec`, `NoduleSpec`) and the answer (`Phantom`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ...findings.finding import Findings
from ...imaging.image import Image

Texture = Literal["solid", "part-solid", "ground-glass"]
Calcification = Literal["absent", "popcorn", "laminated", "solid", "non-central", "central"]
Place = Literal["isolated", "juxtavascular", "juxtapleural"]

LIDC_TEXTURE: dict[str, int] = {"ground-glass": 1, "part-solid": 3, "solid": 5}
LIDC_CALCIFICATION: dict[str, int] = {
    "popcorn": 1,
    "laminated": 2,
    "solid": 3,
    "non-central": 4,
    "central": 5,
    "absent": 6,
}


@dataclass(frozen=True)
class NoduleSpec:
    """One nodule to be grown.

    Parameters
    ----------
    diameter
        Of the ball of equal volume, in mm. A juxtapleural nodule is cut by the chest wall and scaled until its visible
        part has this size.
    texture, calcification, place
        By name; see the literals above.
    lobulation, spiculation, margin, sphericity
        On the LIDC scales, 1–5 (1 = none, poorly defined, linear; 5 = marked, sharp, round).
    center
        Anatomical position (z, y, x) in mm (carina = 0, to the head, to the back, to the left), or None for a random
        position that fits `place`.
    """

    diameter: float
    texture: Texture = "solid"
    lobulation: float = 1.0
    spiculation: float = 1.0
    calcification: Calcification = "absent"
    margin: float = 5.0
    sphericity: float = 5.0
    place: Place = "isolated"
    center: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if not 1.0 <= self.diameter <= 60.0:
            raise ValueError(f"a nodule's diameter is 1 to 60 mm, not {self.diameter}")
        for name in ("lobulation", "spiculation", "margin", "sphericity"):
            if not 1.0 <= getattr(self, name) <= 5.0:
                raise ValueError(f"{name} lies on the LIDC scale 1 to 5, not {getattr(self, name)}")


@dataclass(frozen=True)
class Scanner:
    """How the anatomy is turned into voxels.

    Parameters
    ----------
    noise
        Standard deviation in HU within soft tissue (10 = full dose and a smooth kernel, 60 = low dose, sharp).
    sharpness
        0 (smooth body kernel) to 1 (lung kernel): width of the point spread and grain of the noise.
    slice_thickness
        In mm; None takes the slice spacing.
    bed_table
        Whether the patient's table is in the field of view.
    """

    noise: float = 25.0
    sharpness: float = 0.5
    slice_thickness: float | None = None
    bed_table: bool = True


@dataclass(frozen=True)
class PhantomSpec:
    """One thorax to be made; equal specs give equal phantoms, bit for bit.

    Parameters
    ----------
    seed
        Draws the anatomy, its world position, the noise and everything left open. The anatomy and the truth do not
        depend on spacing or extent, apart from nodules without a `center`, which are put inside `z_range`.
    nodules
        What to grow.
    spacing
        Voxel spacing (z, y, x) in mm.
    z_range
        Anatomical heights (mm above the carina) to be scanned; None scans both lungs whole.
    field_of_view
        Field of view (y, x) in mm around the body's middle; None takes the whole body with some air around.
    contrast
        Whether vessels carry contrast medium; None leaves it to the seed.
    scanner
        Noise, blur and slice thickness.
    """

    seed: int = 0
    nodules: tuple[NoduleSpec, ...] = ()
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    z_range: tuple[float, float] | None = None
    field_of_view: tuple[float, float] | None = None
    contrast: bool | None = None
    scanner: Scanner = field(default_factory=Scanner)

    def __post_init__(self) -> None:
        if len(self.spacing) != 3 or not all(0.2 <= s <= 10 for s in self.spacing):
            raise ValueError(f"spacing is three numbers between 0.2 and 10 mm, not {self.spacing}")
        if self.z_range is not None and not self.z_range[0] < self.z_range[1]:
            raise ValueError(f"z_range is (low, high), not {self.z_range}")


@dataclass(frozen=True, eq=False)
class Phantom:
    """A finished phantom.

    Parameters
    ----------
    image
        CT in HU (int16), LPS, with a nonzero origin.
    truth
        One finding for each nodule, in the order of the spec: sphere (centre of mass and diameter of the ball of equal
        volume, of the mask on a grid of 0.5 mm or finer) and the eight attributes.
    lung_mask
        Boolean, like the voxels: both lungs with vessels, segmental airways and nodules; trachea and main bronchi left out.
    labels
        uint8, like the voxels: n where nodule n (from 1, in the order of the truth) is.
    tubes
        float32, like the voxels: fraction of the voxel taken by vessels and airway walls within the lung, before blur.
    """

    image: Image
    truth: Findings
    lung_mask: np.ndarray
    labels: np.ndarray
    tubes: np.ndarray

    def nodule_mask(self, number: int) -> np.ndarray:
        """Boolean mask of nodule `number`, counted from 0 as in `truth`."""
        return self.labels == number + 1
