"""Training samples from a folder of real radiographs, split by patient."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ...imaging.image import Image
from ...imaging.radiograph.network_input import RadiographInput, make_radiograph_input
from ...ops.masks import ellipses
from ..errors import DatasetError
from .lung_masks import BOTH, LEFT, RIGHT, read_lungs
from .radiograph_files import read_radiograph
from .radiographs import RadiographCase, RadiographSample

Part = Literal["all", "train", "held-out"]
HELD_OUT = 20
"""Per cent of the patients that training never sees."""
KEPT = 8000
"""Radiographs that are kept in memory once read, a quarter of a megabyte each (three quarters with lungs)."""


def is_held_out(patient: str) -> bool:
    """Tell whether a patient's radiographs are kept for testing: the same in every run, on every machine and for every set."""
    return int(hashlib.sha256(patient.encode()).hexdigest(), 16) % 100 < HELD_OUT


def part_of(cases: Sequence[RadiographCase], part: Part) -> list[RadiographCase]:
    """Select the radiographs of a part; `RadiographCase.background`, which radiographs of one patient share, decides."""
    if part == "all":
        return list(cases)
    return [case for case in cases if is_held_out(case.background) == (part == "held-out")]


@dataclass(frozen=True, eq=False)
class ReadRadiograph:
    """A radiograph as it is kept: pixels as bytes, everything else as in `RadiographSample`."""

    pixels: np.ndarray
    sample: RadiographSample


class FolderRadiographs:
    """Radiographs of a folder as training samples (`data.public.radiographs.RadiographSamples`): one with nodules and one without,
    about half each.

    A radiograph can train what is known of it: nodules where boxes are known (or none is there), lungs where they are outlined.
    Where only boxes are known, a nodule's region is the ellipse in its box. Radiographs that lie on their side are turned; those
    whose nodules are unknown are left out, unless the set has nothing else to teach than lungs. A radiograph is read when it is
    first drawn and kept as bytes.

    Raises
    ------
    DatasetError
        No radiograph can train anything.
    """

    def __init__(self, cases: Sequence[RadiographCase], name: str, licence: str) -> None:
        self.name, self.licence = name, licence
        with_nodules = [c for c in cases if c.boxes is not None and len(c.boxes)]
        without = [c for c in cases if c.positive is False]
        outlined = [c for c in cases if c.lungs is not None]
        groups = (
            [with_nodules, without] if with_nodules else [[c for c in outlined if c.positive is not True]]
        )
        self.groups = [group for group in groups if group]
        if not self.groups:
            raise DatasetError(
                f"none of the {len(cases)} radiographs of {name} that are for training has boxes around nodules or outlined lungs: "
                "there is nothing to train on. Complete the set, or train on another one."
            )
        self.cases = tuple(case.name for group in self.groups for case in group)
        self._kept: dict[str, ReadRadiograph] = {}

    def draw(self, rng: np.random.Generator) -> RadiographSample:
        """Draw one sample; the same generator state gives the same sample.

        Raises
        ------
        ImageError, DatasetError
            The radiograph or its mask cannot be read.
        """
        group = self.groups[rng.integers(len(self.groups))]
        case = group[rng.integers(len(group))]
        read = self._kept.get(case.name)
        if read is None:
            read = read_case(case)
            if len(self._kept) < KEPT:
                self._kept[case.name] = read
        boxes = read.sample.boxes.copy()
        return replace(
            read.sample,
            pixels=read.pixels.astype(np.float32) / 255,
            boxes=boxes,
            nodules=ellipses(boxes, read.pixels.shape) if read.sample.nodule_known else None,
        )


def read_case(case: RadiographCase) -> ReadRadiograph:
    """Read a radiograph with its truth, in the pixels that networks see.

    Raises
    ------
    ImageError, DatasetError
        It or its mask cannot be read.
    """
    image = read_radiograph(case)
    radiograph = make_radiograph_input(image)
    labels = read_lungs(case)
    lungs = None if labels is None else _lungs(labels, radiograph)
    known = case.boxes is not None
    sample = RadiographSample(
        pixels=np.zeros((0, 0), np.float32),
        boxes=on_radiograph(case.boxes, image, radiograph)
        if case.boxes is not None
        else np.zeros((0, 4), np.float32),
        lungs=lungs,
        nodule_known=known,
        sides=labels is None or not (labels == BOTH).any(),
        diameter_mm=case.diameter_mm,
        mm=radiograph.pixel[0] if image.spacing is not None else case.mm and case.mm / radiograph.scale[0],
        name=case.name,
    )
    return ReadRadiograph(np.rint(radiograph.pixels * 255).astype(np.uint8), sample)


def on_radiograph(boxes: np.ndarray, image: Image, radiograph: RadiographInput) -> np.ndarray:
    """Bring boxes (n, 4) x0, y0, x1, y1 from pixels of the file to a radiograph's pixels; edge coordinates both."""
    points = boxes.reshape(-1, 2, 2)[..., ::-1].astype(float) - 0.5  # corners as indices (y, x)
    return radiograph.from_world(image.to_world(points))[..., ::-1].reshape(-1, 4).astype(np.float32)


def _lungs(labels: np.ndarray, radiograph: RadiographInput) -> np.ndarray:
    """Lung labels as bool (2, side, side) on a radiograph: right and left, or both in the first."""
    on = labels_on(labels, radiograph)
    first = BOTH if (labels == BOTH).any() else RIGHT
    return np.stack([on == first, on == LEFT])


def labels_on(labels: np.ndarray, radiograph: RadiographInput) -> np.ndarray:
    """Sample a label image (h, w) of the radiograph's picture at the middle of each radiograph pixel; 0 beside the picture."""
    indices, valid = [], []
    for axis, side in enumerate(radiograph.pixels.shape):
        # 0 to 1 along the picture, so that the labels may be coarser than it.
        along = (np.arange(side) + 0.5 - radiograph.offset[axis]) / (
            radiograph.scale[axis] * radiograph.shape[axis]
        )
        valid.append((along >= 0) & (along < 1))
        indices.append(np.clip((along * labels.shape[axis]).astype(int), 0, labels.shape[axis] - 1))
    return np.where(np.outer(*valid), labels[np.ix_(*indices)], 0)
