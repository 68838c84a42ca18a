"""Truth by napari's own ways (a drop onto the canvas, File → Open): laid over the image that is looked at."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from napari import current_viewer
from napari.layers import Layer

from ..layers.image import IMAGE
from ..layers.truth.layer import LOADED, outlines_layer, truth_layer
from ..training.findings.formats.errors import FindingsFileError
from ..training.findings.formats.lidc.readings import FLAT_ROOT, ROOT
from ..training.findings.formats.truth.load import load_truth
from ..training.imaging.dicom.header import is_part10, read_header
from ..training.imaging.image import Image

NAMES = (
    *(
        "annotations*.csv",
        "annotations*.csv.gz",
        "metadata.csv",
        "BBox_List*.csv",
        "DL_info*.csv",
        "findings*.csv",
    ),
    *("CLNDAT*.txt", "truth*.json", "*.coco.json", "nodules.json"),
)
"""Names of tables that hold truth, as the manifest has them; any other csv or json is left to napari."""
READERS = ("*.xml",)
"""Names of LIDC's files; what is in them decides."""


def is_truth_table(path: Path) -> bool:
    """Whether a file is a text of true nodules, by its name, and an XML by its beginning."""
    if not path.is_file():
        return False
    if path.suffix.lower() == ".xml":
        with path.open("rb") as file:
            start = file.read(1000)
        return any(root.encode() in start for root in (ROOT, FLAT_ROOT))
    return any(fnmatchcase(path.name, name) for name in NAMES)


def is_truth_dicom(path: Path) -> bool:
    """Whether a file is a DICOM segmentation or structured report."""
    if not path.is_file() or not is_part10(path):
        return False
    header = read_header(path)
    return header is not None and header.code("Modality") in ("SEG", "SR")


def truth_layers(path: Path) -> list[tuple[Any, ...]]:
    """Read a file as the truth of the image that is looked at, and draw it; a dock takes it over.

    Raises
    ------
    FindingsFileError
        No image is open, or the file says nothing about it.
    """
    image = _image_looked_at()
    if image is None:
        raise FindingsFileError(f"{path} is the truth of an image: open the image first.")
    truth = load_truth(path, image)
    layer, _ = truth_layer(truth)
    layer.metadata[LOADED] = truth
    outlines = outlines_layer(truth) if not _has_dock() else None
    return [each.as_layer_data_tuple() for each in (outlines, layer) if each is not None]


def _image_looked_at() -> Image | None:
    """The image of the active layer, or else of the topmost visible one that is medical."""
    viewer = current_viewer()
    layers: list[Layer] = [] if viewer is None else [viewer.layers.selection.active, *reversed(viewer.layers)]
    for layer in layers:
        image = layer.metadata.get(IMAGE) if layer is not None and layer.visible else None
        if isinstance(image, Image):
            return image
    return None


def _has_dock() -> bool:
    """Whether a dock is there that draws a truth itself."""
    viewer = current_viewer()
    docks = viewer.window.dock_widgets if viewer is not None else {}
    return any(name.startswith("Lung nodules") for name in docks)
