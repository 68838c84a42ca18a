"""How a nodule's diameter enters a network beside its pixels."""

from __future__ import annotations

from torch import Tensor


def standard_size(diameter: Tensor) -> Tensor:
    """Scale the logarithm of diameters in mm: around the mean of the LUNA16 nodules (8.3 mm) in units of 0.5."""
    return (diameter.log() - 2.116) / 0.5
