"""The part of a CT around a place, on the grid of a whole run, and the network's maps of it."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ....imaging.ct.lung_field import lung_field
from ....imaging.image import Image
from ....inference.device import run_with_cpu_fallback
from ....inference.predictor import PredictorError
from ....inference.suitability import check_ct
from ..cpu.folded import FoldedAg3d
from ..cpu.streamed import Streamed
from ..detect import GRID, PaddedVolume, normalise
from ..predictor import STREAMED, Ag3dPredictor, prepare

SIDE = 192
"""Voxels (mm) along a side: so much around a place that its maps are those of the whole volume, 32 mm to each side of it."""


@dataclass(frozen=True, eq=False)
class Window:
    """HU at 1 mm (D, H, W), sides multiples of 16, and the world position (z, y, x) of its first voxel's centre."""

    hu: np.ndarray
    origin: np.ndarray

    def to_voxel(self, world: Sequence[float]) -> np.ndarray:
        """Fractional voxel index of a world point."""
        return np.asarray(world, float) - self.origin

    def frame(self, stride: int) -> tuple[np.ndarray, np.ndarray]:
        """Origin and steps of the cells of a stride: a cell's centre is in the middle of its voxels."""
        return self.origin + 0.5 * stride - 0.5, np.eye(3) * stride


class _Prepared:
    """The volume of the image that was looked at last: finding the lungs takes longer than the network."""

    def __init__(self) -> None:
        self._last: tuple[weakref.ref[Image], Image] | None = None

    def of(self, image: Image) -> Image:
        last = self._last
        if last is not None and last[0]() is image:
            return last[1]
        volume, _ = prepare(image, lung_field(image))
        self._last = weakref.ref(image), volume
        return volume


_prepared = _Prepared()


def window_around(image: Image, place: Sequence[float]) -> Window:
    """The window of `SIDE` voxels around a place, as a run pads and resamples the volume.

    Raises
    ------
    PredictorError
        The image is no CT volume, or the place lies where the network does not look.
    NoLungFoundError
        There is no lung in it.
    """
    check_ct(image, "3D-AG", "detects")
    if len(place) != 3 or not bool(image.contains(place)):
        raise PredictorError("this place lies outside the scan, so 3D-AG has seen nothing there.")
    volume = _prepared.of(image)
    padded = PaddedVolume(volume.voxels)
    at = volume.to_index(place) + padded.offset
    if np.any(at < 0) or np.any(at > np.array(padded.shape) - 1):
        raise PredictorError(
            "3D-AG looks no further than 32 mm around the lungs: it has not seen this place."
        )
    low = np.round((at - SIDE / 2) / GRID).astype(int) * GRID
    low = np.clip(low, 0, np.maximum(np.array(padded.shape) - SIDE, 0))
    high = np.minimum(low + SIDE, padded.shape)
    hu = padded.slab(int(low[0]), int(high[0]))[:, low[1] : high[1], low[2] : high[2]]
    return Window(np.ascontiguousarray(hu), volume.to_world(low - padded.offset))


def maps_of(predictor: Ag3dPredictor, window: Window) -> tuple[list[Tensor], Tensor]:
    """Pyramid (1, 32, …) at strides 4, 8, 16 and RPN output (1, A, 5), computed as in a run on the predictor's device."""

    def on(device: torch.device) -> tuple[list[Tensor], Tensor]:
        predictor.net.to(device)
        hu = torch.from_numpy(window.hu).to(device)
        if device.type not in STREAMED:
            x = normalise(hu, predictor.net.config)[None, None]
            return predictor.net(x.contiguous(memory_format=torch.channels_last_3d))
        folded = FoldedAg3d(predictor.net, predictor.precision)
        streamed = Streamed(folded, window.hu.shape)
        streamed.push(normalise(hu, folded.config).to(folded.dtype), last=True)
        return streamed.pyramid, streamed.rpn

    return run_with_cpu_fallback(on, predictor.device)[0]
