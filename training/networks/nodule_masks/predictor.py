"""Spheres on a CT become masks on its voxels, each with its measurements."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np
import torch

from ...findings import Finding, Findings, Mask, Measurement, Sphere
from ...findings.measurements.mask_values import MaskValues, mask_values
from ...findings.measurements.measurement import numbered
from ...findings.measurements.of_nodules import mask_measurement
from ...imaging.image import Image
from ...imaging.resample import sample_grid
from ...inference.device import run_with_cpu_fallback
from ...inference.predictor import ModelInfo, Progress
from ...inference.suitability import check_ct
from .network import MaskNet
from .outline import Field, drawn, field_of, scale_of

VOXELS = 50
"""Along each side of the cube that a mark is looked at in: the cubes of the training data."""


@dataclass(frozen=True)
class Interval:
    """How far the volume may be off: the factor exp(±`width` · (`floor` + s)), s the spread of the views' log volumes.

    Meant are the means of the readers' volumes; how many of them lie within it stands in docs/networks/nodule-masks.md.
    """

    width: float = 1.0
    floor: float = 0.05

    def factor(self, spread: float) -> float:
        """What the volume is divided by and multiplied with at the ends of the interval."""
        return float(np.exp(self.width * (self.floor + spread)))


@dataclass(frozen=True)
class Outline:
    """A nodule's mask on its CT's voxels, and the ends of the interval of its volume in mm³."""

    mask: Mask
    low: float
    high: float


class MaskPredictor:
    """Outlines nodules that are marked: a link of a chain after those that look at spheres."""

    def __init__(self, net: MaskNet, interval: Interval, info: ModelInfo, device: torch.device) -> None:
        self.net = net.eval().to(memory_format=torch.channels_last_3d)
        self.interval, self.info, self.device = interval, info, device

    def run(self, image: Image, findings: Findings) -> Generator[Progress, None, Findings]:
        """Yield progress; return the findings with a mask in the place of each sphere, and its measurements.

        Parameters
        ----------
        image
            CT in HU.
        findings
            What is no sphere, lies outside the image or cannot be told from what lies around it stays, with a note.

        Raises
        ------
        PredictorError
            The image is no CT volume in Hounsfield units.
        """
        check_ct(image, self.info.title)
        items, measured = list(findings), {m.finding: m for m in findings.measurements if not m.person}
        for i, finding in enumerate(items):
            note = ""
            if isinstance(finding.geometry, Sphere):
                outlined = None
                if bool(image.contains(finding.center)):
                    outlined = self.outline(image, finding.geometry)
                if outlined is None:
                    at = ", ".join(f"{c:.0f}" for c in finding.center)
                    note = f"{self.info.title} found no edge around the sphere at z, y, x = {at} mm: it stays a sphere."
                else:
                    items[i] = finding.with_(geometry=outlined.mask)
                    measured[finding.id] = measurement(finding, outlined, mask_values(outlined.mask, image))
            stage = f"{self.info.title}: nodule {i + 1} of {len(items)}"
            yield Progress((i + 1) / len(items), stage, findings.with_items(tuple(items)), note)
        others = tuple(m for m in findings.measurements if m.person)
        return replace(findings, items=tuple(items), measurements=numbered((*others, *measured.values())))

    def outline(self, image: Image, sphere: Sphere) -> Outline | None:
        """Outline the nodule that a sphere marks; None where the network sees none there."""
        field = self._field(image, sphere)
        low, offsets = _voxels(image, sphere, field.side)
        level = self.net.config.level
        middle = (np.asarray(sphere.center) - image.origin) / image.scale - low
        inside = drawn(field.at(offsets), middle, level)
        if not inside.any():
            return None
        index = np.argwhere(inside)
        mask = Mask.from_voxels(index, image.scale, tuple(image.to_world(low)))
        counts = [drawn(view, middle, level).sum() + 1 for view in field.of_views_at(offsets)]
        volume = len(index) * float(np.prod(image.scale))
        factor = self.interval.factor(float(np.std(np.log(counts))))
        return Outline(mask, volume / factor, volume * factor)

    def _field(self, image: Image, sphere: Sphere) -> Field:
        spacing = scale_of(sphere.diameter)
        middle = np.full(3, (VOXELS - 1) / 2)
        origin = np.asarray(sphere.center) - middle * spacing
        cube = sample_grid(image, origin, (VOXELS,) * 3, spacing).voxels

        def work(device: torch.device) -> Field:
            return field_of(self.net.to(device), cube, middle, sphere.diameter, spacing)

        field, note = run_with_cpu_fallback(work, self.device)
        if note:
            self.device = torch.device("cpu")
        return field


def _voxels(image: Image, sphere: Sphere, side: float) -> tuple[np.ndarray, np.ndarray]:
    """The first voxel (3,) of the CT in a field, and the offsets (d, h, w, 3) in mm of those in it from the sphere's centre."""
    scale, center = np.asarray(image.scale), np.asarray(sphere.center)
    low = np.ceil((center - side / 2 - image.origin) / scale).astype(int).clip(0)
    high = np.minimum(np.floor((center + side / 2 - image.origin) / scale).astype(int) + 1, image.shape)
    along = [
        np.arange(a, b) * s + o - c
        for a, b, s, o, c in zip(low, high, scale, image.origin, center, strict=True)
    ]
    return low, np.stack(np.meshgrid(*along, indexing="ij"), -1)


def measurement(finding: Finding, outlined: Outline, values: MaskValues) -> Measurement:
    """What a mask measures, as the axes of a finding."""
    volume = (
        f"Volume {values.volume:.0f} mm³, with a chance of 70 to 80 % between {outlined.low:.0f} and {outlined.high:.0f} mm³ "
        "by what LIDC's readers outlined."
    )
    return mask_measurement(finding.id, values, [volume])
