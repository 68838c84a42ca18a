"""Detectors of ONNX files as predictors: spheres in CT, boxes on radiographs, in world coordinates."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ....findings import Box, Finding, Findings, ImageReference, Provenance, Sphere
from ....imaging.image import Image
from ....imaging.radiograph.network_input import make_radiograph_input
from ....imaging.values import window_to_unit
from ....ops.spheres import nms_spheres
from ...predictor import SCORE_FLOOR, ModelInfo, Progress
from ...suitability import check_ct, check_radiograph
from ...weights import ModelCard
from ..oriented import oriented
from ..sliding import require_size, windows
from .card import RadiographSettings, VolumeSettings, read_onnx
from .session import Session


def build(path: Path, card: ModelCard, info: ModelInfo, device: str) -> OnnxVolume | OnnxRadiograph:
    """The predictor of an ONNX file.

    Raises
    ------
    WeightsError
        The file was exchanged, or is not what its card says.
    """
    _, settings = read_onnx(path)
    places = settings.spheres if isinstance(settings, VolumeSettings) else settings.boxes
    session = Session(path, card, settings.input, (places, settings.scores), device)
    if isinstance(settings, VolumeSettings):
        return OnnxVolume(session, settings, info, card)
    return OnnxRadiograph(session, settings, info, card)


class OnnxVolume:
    """A detector on CT as a `Predictor`; where its windows overlap, of spheres on one nodule the surest stays."""

    def __init__(self, session: Session, settings: VolumeSettings, info: ModelInfo, card: ModelCard) -> None:
        self.info = info
        self._session, self._settings, self._card = session, settings, card

    def run(self, image: Image) -> Generator[Progress, None, Findings]:
        """Yield progress; return spheres by descending score, all from `SCORE_FLOOR` on.

        Raises
        ------
        PredictorError
            The image is no CT volume, or the network gave something else than its card says.
        """
        check_ct(image, self.info.title, "detects")
        yield Progress(0.0, "resampling")
        settings = self._settings
        volume = oriented(image, settings.codes, settings.spacing_mm)
        low, high = settings.window_to
        x = window_to_unit(volume.voxels.astype(np.float32), *settings.window_hu) * (high - low) + low
        x = _padded(x, settings, low)
        patch = settings.window or x.shape
        places = windows(x.shape, patch, settings.overlap, settings.multiple_of)
        yield Progress(0.05, "detecting")
        found, scores = [np.zeros((0, 4))], [np.zeros(0)]
        for n, where in enumerate(places):
            spheres, sure = self._session(x[where][None, None])
            keep = (sure > SCORE_FLOOR) & (spheres[:, 3] > 0)
            start = np.array([w.start for w in where])
            centers = volume.to_world(spheres[keep, :3] + start)
            found.append(np.concatenate([centers, spheres[keep, 3:]], 1))
            scores.append(sure[keep])
            yield Progress(0.05 + 0.95 * (n + 1) / len(places), "detecting")
        marks, sure = np.concatenate(found), np.concatenate(scores)
        marks, sure = (a[image.contains(marks[:, :3])] for a in (marks, sure))
        order = nms_spheres(marks, sure) if len(places) > 1 else np.argsort(-sure, kind="stable")
        provenance = Provenance(self.info.name, self.info.version)
        items = tuple(
            Finding(Sphere((z, y, x), diameter), score=score, provenance=provenance)
            for (z, y, x, diameter), score in zip(marks[order].tolist(), sure[order].tolist(), strict=True)
        )
        return Findings(items, ImageReference.of(image), (_model(self.info, self._card),))


def _padded(x: np.ndarray, settings: VolumeSettings, fill: float) -> np.ndarray:
    """A volume with `fill` (air) behind it up to a window, and to multiples of what the card says."""
    least = settings.window or (1, 1, 1)
    sides = [-(-max(n, w) // m) * m for n, w, m in zip(x.shape, least, settings.multiple_of, strict=True)]
    require_size(sides)
    return np.pad(x, [(0, side - n) for side, n in zip(sides, x.shape, strict=True)], constant_values=fill)


class OnnxRadiograph:
    """A detector on radiographs as a `Predictor`."""

    def __init__(
        self, session: Session, settings: RadiographSettings, info: ModelInfo, card: ModelCard
    ) -> None:
        self.info = info
        self._session, self._settings, self._card = session, settings, card

    def run(self, image: Image) -> Generator[Progress, None, Findings]:
        """Yield progress; return boxes by descending score, all from `SCORE_FLOOR` on, cut at the rim of the picture.

        Raises
        ------
        PredictorError
            The image is no radiograph, or the network gave something else than its card says.
        """
        check_radiograph(image, self.info.title)
        yield Progress(0.0, "preparing the radiograph")
        radiograph = make_radiograph_input(image, self._settings.side)
        low, high = self._settings.to
        x = np.repeat((radiograph.pixels * (high - low) + low)[None], self._settings.channels, 0)
        yield Progress(0.1, "looking for nodules")
        boxes, scores = self._session(x[None])
        first, last = radiograph.rim
        corners = np.clip(boxes.reshape(-1, 2, 2)[..., ::-1], first, last)  # (N, low and high, y and x)
        keep = (scores > SCORE_FLOOR) & (corners[:, 0] < corners[:, 1]).all(1)
        corners, scores = corners[keep], scores[keep]
        provenance = Provenance(self.info.name, self.info.version)
        items = tuple(
            Finding(
                Box(*map(tuple, radiograph.to_world(corners[i]))),
                score=float(scores[i]),
                provenance=provenance,
            )
            for i in np.argsort(-scores, kind="stable")
        )
        findings = Findings(items, ImageReference.of(image), (_model(self.info, self._card),))
        yield Progress(1.0, "looking for nodules", findings)
        return findings


def _model(info: ModelInfo, card: ModelCard) -> Mapping[str, Any]:
    """What findings say of the file that they come from."""
    file = info.weights.name if info.weights is not None else ""
    return {
        "name": info.name,
        "version": info.version,
        "sha256": card.sha256,
        "title": info.title,
        "file": file,
    }
