"""A MONAI bundle's detector as a predictor: resampled and turned as the bundle says, boxes as spheres in world coordinates."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np
import torch

from ....findings import Finding, Findings, ImageReference, Provenance, Sphere
from ....imaging.image import Image
from ....imaging.values import window_to_unit
from ...device import CPU_NOTE
from ...predictor import SCORE_FLOOR, ModelInfo, PredictorError, Progress
from ...suitability import check_ct
from ...weights import ModelCard
from ..oriented import OrientedVolume, oriented
from ..sliding import require_size, windows
from .bundle import read_bundle, read_tensors
from .network import RetinaNet, StitchedMaps, boxes_of, make_network, padded, patch_for, window_maps
from .settings import RetinaNetSettings

CPU_VOXELS = 4_000_000
"""Voxels of a window on a CPU, whatever the bundle says: its window for a GPU would take more memory than a desk's machine has."""


def build(path: Path, card: ModelCard, info: ModelInfo, device: str) -> RetinaNetPredictor:
    """The predictor of a bundle.

    Raises
    ------
    WeightsError
        The bundle was exchanged, or its tensors do not fit.
    """
    _, settings = read_bundle(path)
    net = make_network(settings, read_tensors(path, card.sha256), path)
    return RetinaNetPredictor(net, settings, info, card, torch.device(device))


class RetinaNetPredictor:
    """The detector as a `Predictor`.

    Parameters
    ----------
    net, settings
        The network with its weights, and the way to and from it.
    info, card
        What findings name.
    device
        Where to run; where a GPU's memory ends, all begins anew on the CPU.
    """

    def __init__(
        self,
        net: RetinaNet,
        settings: RetinaNetSettings,
        info: ModelInfo,
        card: ModelCard,
        device: torch.device,
    ) -> None:
        self.info = info
        self.net = net
        self._settings, self._card, self._device = settings, card, device

    def run(self, image: Image) -> Generator[Progress, None, Findings]:
        """Yield progress; return spheres by descending score, all from `SCORE_FLOOR` on that the bundle keeps.

        Raises
        ------
        PredictorError
            The image is no CT volume, or what the network gives is no numbers.
        """
        check_ct(image, self.info.title, "detects")
        yield Progress(0.0, "resampling")
        volume = oriented(image, self._settings.codes, self._settings.spacing_mm)
        low, high = self._settings.window_to
        values = (
            window_to_unit(volume.voxels.astype(np.float32), *self._settings.window_hu) * (high - low) + low
        )
        x = torch.from_numpy(np.ascontiguousarray(values))
        maps = yield from self._maps(x)
        yield Progress(0.95, "scoring")
        means = maps.mean()
        if not all(bool(torch.isfinite(each).all()) for level in means.values() for each in level):
            raise PredictorError(
                f"{self.info.title} gave values that are no numbers on {image.source or image.series_uid}."
            )
        lower, upper, scores = boxes_of(self._settings, x, means)
        return self._findings(volume, image, lower, upper, scores)

    def _maps(self, x: torch.Tensor) -> Generator[Progress, None, StitchedMaps]:
        try:
            return (yield from self._slide(x, self._device))
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
        yield Progress(0.1, "detecting", note=CPU_NOTE)
        return (yield from self._slide(x, torch.device("cpu")))

    def _slide(self, x: torch.Tensor, device: torch.device) -> Generator[Progress, None, StitchedMaps]:
        self.net.to(device)
        step = self._settings.size_divisible
        require_size([-(-n // s) * s for n, s in zip(x.shape, step, strict=True)])
        whole = padded(x, step)
        shape = tuple(whole.shape[2:])
        patch = patch_for(shape, self._settings, CPU_VOXELS if device.type == "cpu" else None)
        places = windows(shape, patch, self._settings.overlap, step)
        maps = StitchedMaps(shape)
        yield Progress(0.1, "detecting")
        for n, heads in enumerate(window_maps(self.net, whole, places)):
            maps.add(places[n], heads)
            yield Progress(0.1 + 0.85 * (n + 1) / len(places), "detecting")
        return maps

    def _findings(
        self, volume: OrientedVolume, image: Image, lower: np.ndarray, upper: np.ndarray, scores: np.ndarray
    ) -> Findings:
        # Box corners are in voxel indices, at whose whole numbers voxels have their centres: MONAI's boxes come from world
        # coordinates by the affine of voxel centres.
        centers = volume.to_world((lower + upper) / 2)
        sides = (upper - lower) * volume.spacing
        provenance = Provenance(self.info.name, self.info.version)
        items = tuple(
            Finding(
                Sphere((z, y, x), float(side.mean())),
                score=score,
                provenance=provenance,
            )
            for (z, y, x), side, score in zip(centers.tolist(), sides, scores.tolist(), strict=True)
            if score > SCORE_FLOOR and (side > 0).all()
        )
        models = (
            {
                "name": self.info.name,
                "version": self.info.version,
                "sha256": self._card.sha256,
                "title": self.info.title,
                "file": self.info.weights.name if self.info.weights is not None else "",
            },
        )
        return Findings(tuple(sorted(items, key=lambda f: -f.score)), ImageReference.of(image), models)
