"""npe2 sample data: a small synthetic chest CT (made by ``python -m napari_lungmtl.training.phantoms.make_samples``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .image_layer import image_layer_data
from .training.imaging import read_image

SAMPLES = Path(__file__).parent / "sample_data"


def sample_ct() -> Path:
    """The folder with the slices of the synthetic CT."""
    return SAMPLES / "ct"


def open_sample_ct() -> list[tuple[Any, ...]]:
    """The synthetic CT as a layer, for File → Open Sample.

    Raises
    ------
    ImageError
        The installation lacks it.
    """
    return [image_layer_data(read_image(sample_ct()))]
