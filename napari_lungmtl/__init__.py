"""Lung nodules on chest CT and radiographs: five multi-task networks in napari, on the command line and in Python.

Names are looked up when they are first used, so that ``import napari_lungmtl`` loads nothing heavy: napari imports this package at
start-up. Nothing here needs napari or Qt, and torch only where a network runs.

Examples
--------
>>> import napari_lungmtl as lm
>>> image = lm.read_image(lm.datasets.sample_ct())
>>> image.modality, image.voxels.shape
('CT', (80, 280, 320))
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .session.thresholds import Thresholds
    from .training.api import datasets, metrics
    from .training.api.analysis import analyse, characterise, detect, load, models, run
    from .training.errors import LungmtlError
    from .training.findings import Box, Finding, Findings, Mask, Sphere
    from .training.findings.formats.json_file import read_findings, write_findings
    from .training.imaging import Image, list_series, read_image

__all__ = [
    "Box",
    "Finding",
    "Findings",
    "Image",
    "LungmtlError",
    "Mask",
    "Sphere",
    "Thresholds",
    "analyse",
    "characterise",
    "datasets",
    "detect",
    "list_series",
    "load",
    "metrics",
    "models",
    "read_findings",
    "read_image",
    "run",
    "write_findings",
]

_HOMES = {
    **dict.fromkeys(("analyse", "characterise", "detect", "load", "models", "run"), ".training.api.analysis"),
    **dict.fromkeys(("Box", "Finding", "Findings", "Mask", "Sphere"), ".training.findings"),
    **dict.fromkeys(("read_findings", "write_findings"), ".training.findings.formats.json_file"),
    **dict.fromkeys(("Image", "list_series", "read_image"), ".training.imaging"),
    "LungmtlError": ".training.errors",
    "Thresholds": ".session.thresholds",
    "datasets": ".training.api.datasets",
    "metrics": ".training.api.metrics",
}


def __getattr__(name: str) -> object:
    """A public name, imported on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_HOMES[name], __name__)
    value = globals()[name] = getattr(module, name, module)  # datasets and metrics are modules themselves
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
