"""A network that sees squares: what is bright is a nodule, what is dark and large is a lung."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from scipy.ndimage import find_objects, label

from napari_lungmtl.training.findings import (
    Box,
    Finding,
    Findings,
    ImageReference,
    ImageScore,
    Mask,
    Provenance,
    Region,
)
from napari_lungmtl.training.inference.predictor import ModelInfo, PredictorError, Progress

SHAPE = (120, 100)
NODULE, GREY, LUNG = 200, 100, 40


class SquareFinder:
    """Boxes (as DHN) or masks (as MO-SegNet) around bright squares; surer, the brighter they are."""

    def __init__(self, name="dhn", threshold=0.5):
        self.info = ModelInfo(name, name.upper(), "finds squares", ("CR", "DX"), "0.1", threshold)

    def run(self, image):
        yield Progress(0.0, "looking")
        if image.ndim != 2:
            raise PredictorError("no radiograph")
        provenance = Provenance(self.info.name, "0.1")
        found = []
        pieces, _ = label(image.voxels > 150)
        for part in find_objects(pieces):
            score = min(1.0, float(image.voxels[part].mean()) / 250)
            low, high = (image.to_world([getattr(s, end) - 0.5 for s in part]) for end in ("start", "stop"))
            geometry = Box(tuple(low), tuple(high))
            if self.info.name == "mosegnet":
                first = tuple(image.to_world([s.start for s in part]))
                geometry = Mask.from_array(image.voxels[part] > 150, image.scale, first)
            found.append(Finding(geometry, score, provenance=provenance))
        head = max((f.score for f in found), default=0.01)
        scores = (ImageScore("dhn", "0.1", head, 0.4),) if self.info.name == "dhn" else ()
        regions = self._lungs(image, provenance) if self.info.name == "mosegnet" else ()
        reference = ImageReference.of(image)
        models = ({"name": self.info.name, "version": "0.1"},)
        return Findings(tuple(found), reference, models, image_scores=scores, regions=regions)

    def _lungs(self, image, provenance):
        half = image.shape[1] // 2
        sides = {"right lung": slice(0, half), "left lung": slice(half, None)}
        found = []
        for name, columns in sides.items():
            mask = image.voxels[:, columns] < 60
            if mask.any():
                place = tuple(image.to_world([0, columns.start]))
                found.append(Region(name, Mask.from_array(mask, image.scale, place), provenance))
        return tuple(found)


def radiograph(nodules=(), lungs=True, gray=NODULE):
    """A picture with lungs and bright squares x, y, side."""
    pixels = np.full(SHAPE, GREY, np.int16)
    if lungs:
        pixels[20:100, 10:45] = pixels[20:100, 55:90] = LUNG
    for x, y, side in nodules:
        pixels[y : y + side, x : x + side] = gray
    # A radiograph has many grey values: with two it would be refused as a mask. Rows of even length keep every mean.
    return (pixels + np.resize([-9, 9, -5, 5, -2, 2, -12, 12, 0, 0], SHAPE)).astype(np.uint8)


def lung_labels():
    """The lungs of `radiograph`: 1 right, 2 left."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[20:100, 10:45], labels[20:100, 55:90] = 1, 2
    return labels


def save(pixels, path: Path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(pixels).save(path)


def write_simulated(folder: Path, n=8):
    """A set in NODE21's layout with the simulation's columns: half with a nodule of 10 pixels, every radiograph with a sham."""
    rows, shams = [], []
    for i in range(n):
        name, positive = f"f{i}.png", i % 2 == 0
        nodule = (15, 30 + i, 10)
        false = [(60, 80, 8)] if i == 1 else []
        save(radiograph([nodule, *false] if positive else false), folder / "images" / name)
        save(lung_labels(), folder / "masks" / name)
        x, y, w, h, diameter = (*nodule, 10, 9 + i) if positive else (0, 0, 0, 0, "")
        rows.append([name, *SHAPE, x, y, w, h, int(positive), f"b{i // 2}", diameter, name])
        shams.append([name, 58, 78, 12, 12])
    header = [
        "img_name",
        "height",
        "width",
        "x",
        "y",
        "width",
        "height",
        "label",
        "background",
        "diameter_mm",
        "lungs",
    ]
    for table, names, lines in (
        ("metadata.csv", ["img_name", *header[3:]], [[r[0], *r[3:]] for r in rows]),
        ("shams.csv", ["img_name", "x", "y", "width", "height"], shams),
    ):
        with (folder / table).open("w", newline="") as file:
            csv.writer(file).writerows([names, *lines])
    return folder
