"""npe2 sample data: a synthetic chest CT (``phantoms.make_samples``) and radiograph (``simulation.make_sample``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..layers.image import image_layer_data
from ..training.imaging import read_image

SAMPLES = Path(__file__).parent.parent / "sample_data"


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


def sample_radiograph() -> Path:
    """The synthetic radiograph's file."""
    return SAMPLES / "radiograph.dcm"


def open_sample_radiograph() -> list[tuple[Any, ...]]:
    """The synthetic radiograph as a layer, for File → Open Sample.

    Raises
    ------
    ImageError
        The installation lacks it.
    """
    return [image_layer_data(read_image(sample_radiograph()))]
