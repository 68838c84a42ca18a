"""DHN on a radiograph: one radiograph, a probability for the whole, boxes in world coordinates."""

from __future__ import annotations

import copy
from collections.abc import Generator

import numpy as np
import torch

from ...findings import Box, Finding, Findings, ImageReference, ImageScore, Provenance
from ...imaging.image import Image
from ...imaging.radiograph.network_input import RadiographInput, make_radiograph_input
from ...inference.predictor import SCORE_FLOOR, HeatMap, PredictorError, Progress
from ...inference.radiograph_predictor import RadiographPredictor
from ...inference.suitability import check_radiograph
from ...ops.logits import calibrated
from .local_head import Found
from .network import Dhn
from .trace import DhnTrace, on_picture

TINY = 64
"""Image pixels: a picture with a shorter side under this shows no nodule."""


class DhnPredictor(RadiographPredictor[Dhn]):
    """The network as a `Predictor`."""

    def run(self, image: Image) -> Generator[Progress, None, Findings]:
        """Yield progress; return boxes by descending score, all above `SCORE_FLOOR`, and the image's probability.

        A tiny or blank picture has neither, and a note says so.

        Raises
        ------
        PredictorError
            The image is no radiograph.
        """
        check_radiograph(image, "DHN")
        yield Progress(0.0, "preparing the radiograph")
        radiograph = make_radiograph_input(image, self.net.config.side)
        models = ({"name": self.info.name, "version": self.info.version},)
        nothing = Findings((), ImageReference.of(image), models)
        if why := unusable(image, radiograph):
            yield Progress(1.0, "looking for nodules", note=why)
            return nothing
        yield Progress(0.1, "looking for nodules")
        (probability, found), note = self.run_with_cpu_fallback(
            lambda device: self.net(torch.from_numpy(radiograph.pixels)[None].to(device))
        )
        items: tuple[Finding, ...] = ()
        trace = None
        if found is not None:
            items = self._findings(found[0], radiograph)
            if (looks := found[0].looks) is not None:
                head = copy.deepcopy(
                    self.net.local_head
                )  # the network may go to another device, or from memory
                assert head is not None
                trace = DhnTrace(self.info, head.cpu(), looks.on_cpu(), radiograph)
        scores: tuple[ImageScore, ...] = ()
        if probability is not None:
            whole = calibrated(probability.cpu().numpy(), self.net.config.global_calibration)
            scores = (
                ImageScore(self.info.name, self.info.version, float(whole[0]), self.info.default_threshold),
            )
        findings = Findings(items, ImageReference.of(image), models, scores)
        yield Progress(1.0, "looking for nodules", findings, note, trace)
        return findings

    def heat_map(self, image: Image) -> HeatMap:
        """Where the RPN sees something like a nodule: its objectness (0–1), before the RoI head looks at it.

        Raises
        ------
        PredictorError
            The image is no radiograph, or these weights have no local head.
        """
        check_radiograph(image, "DHN")
        head = self.net.local_head
        if head is None:
            raise PredictorError(
                "These weights of DHN have no local head, so there is no map of what it went by."
            )
        radiograph = make_radiograph_input(image, self.net.config.side)
        values, _ = self.run_with_cpu_fallback(
            lambda device: head.objectness(
                self.net.features(torch.from_numpy(radiograph.pixels)[None].to(device))
            )
        )
        shown = np.where(radiograph.inside, values[0].cpu().numpy(), 0).astype(np.float32)
        return HeatMap(shown, radiograph.pixel, radiograph.corner, "DHN objectness")

    def _findings(self, found: Found, radiograph: RadiographInput) -> tuple[Finding, ...]:
        """Boxes in world coordinates, cut at the rim of the picture; those beside it are left out."""
        corners, there = on_picture(found.boxes, radiograph)
        scores = calibrated(found.scores.cpu().numpy(), self.net.config.calibration)
        keep = (scores >= SCORE_FLOOR) & there
        provenance = Provenance(self.info.name, self.info.version)
        return tuple(
            Finding(
                Box(*map(tuple, radiograph.to_world(pair))),
                score=float(score),
                scores={"rpn": float(objectness)},
                provenance=provenance,
            )
            for pair, score, objectness in zip(
                corners[keep], scores[keep], found.objectness.cpu().numpy()[keep], strict=True
            )
        )


def unusable(image: Image, radiograph: RadiographInput) -> str:
    """Why there is nothing to look at, or nothing."""
    name = image.source or image.series_uid or "The image"
    if min(image.shape) < TINY:
        return (
            f"{name} has only {image.shape[1]} × {image.shape[0]} pixels: DHN did not look at it. "
            "Open the original radiograph."
        )
    if not radiograph.pixels.any():
        return f"{name} is blank: DHN did not look at it. Check the file in another viewer."
    return ""
