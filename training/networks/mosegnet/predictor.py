"""MO-SegNet on a radiograph: nodule masks with scores, the lungs, and a heat map."""

from __future__ import annotations

import weakref
from collections.abc import Generator

import numpy as np
import torch

from ...findings import Finding, Findings, ImageReference, Mask, Provenance, Region
from ...findings.models import DOUBT
from ...imaging.image import Image
from ...imaging.radiograph.network_input import RadiographInput, make_radiograph_input
from ...inference.predictor import SCORE_FLOOR, HeatMap, PredictorError, Progress
from ...inference.radiograph_predictor import RadiographPredictor
from ...inference.suitability import check_radiograph
from ...ops.bfloat16 import bfloat16_where_faster
from ...ops.logits import calibrated, uncalibrated
from .components import MOST, Component, components
from .lungs import lung_masks, two_lungs
from .maps import Maps, probability_maps
from .network import MoSegNet, normalise
from .trace import MosegnetTrace


class MosegnetPredictor(RadiographPredictor[MoSegNet]):
    """The network as a `Predictor`."""

    _last: tuple[weakref.ref[Image], RadiographInput, Maps] | None = None
    """What the last run made of its image, so that a heat map of it need not be computed again."""

    def run(self, image: Image) -> Generator[Progress, None, Findings]:
        """Yield progress; return masks by descending score, all above `SCORE_FLOOR`, and the lungs as regions.

        Further lesions of the network (pleural effusion) are regions as well, at a probability of one half.

        Raises
        ------
        PredictorError
            The image is no radiograph.
        """
        check(image)
        yield Progress(0.0, "preparing the radiograph")
        radiograph = make_radiograph_input(image, self.net.config.side)
        yield Progress(0.2, "segmenting")
        maps, note = self._maps(radiograph.pixels)
        self._last = weakref.ref(image), radiograph, maps
        yield Progress(0.8, "outlining", note=note)
        inside = radiograph.inside
        lungs = {} if maps.lungs is None else lung_masks(within(maps.lungs, inside))
        said = {"name": self.info.name, "version": self.info.version}
        if maps.lungs is not None and maps.lungs.shape[0] == 3 and not two_lungs(lungs):
            name = image.source or image.series_uid or "the image"
            said[DOUBT] = f"No two lungs were found: is {name} a frontal chest radiograph, upright?"
            yield Progress(0.95, "outlining", note=said[DOUBT])
        probability = maps.lesions[0] * inside
        found = self._nodules(probability, radiograph)
        calibration = self.net.config.calibration
        trace = MosegnetTrace(self.info, probability, radiograph, found, calibration)
        yield Progress(1.0, "outlining", trace=trace)
        return Findings(
            tuple(finding for _, finding in found),
            ImageReference.of(image),
            (said,),
            regions=self._regions(lungs, maps.lesions * inside, radiograph),
        )

    def heat_map(self, image: Image) -> HeatMap:
        """The probability of a nodule at each radiograph pixel.

        Raises
        ------
        PredictorError
            The image is no radiograph.
        """
        check(image)
        radiograph, maps = self._radiograph_and_maps(image)
        return HeatMap(
            maps.lesions[0] * radiograph.inside,
            radiograph.pixel,
            radiograph.corner,
            "MO-SegNet nodule probability",
        )

    def outline_lungs(self, pixels: np.ndarray) -> np.ndarray | None:
        """Outline the lungs of a radiograph as networks see it: bool (2, h, w), right and left; None where there are no two.

        One pass without the mirror image, in bfloat16 where that is faster: quick, for many radiographs.
        """
        net = self.net
        x = normalise(torch.from_numpy(pixels)[None, None].to(self.device), net.config.local_contrast)
        with torch.inference_mode(), bfloat16_where_faster(self.device):
            lungs = net(x.contiguous(memory_format=torch.channels_last))[1]
        found = {} if lungs is None else lung_masks(lungs[0].float().softmax(0).cpu().numpy())
        if not two_lungs(found):
            return None
        return np.stack([found["right lung"], found["left lung"]])

    def _radiograph_and_maps(self, image: Image) -> tuple[RadiographInput, Maps]:
        """Those of the last run, if it was on this image."""
        if self._last is not None and self._last[0]() is image:
            return self._last[1], self._last[2]
        radiograph = make_radiograph_input(image, self.net.config.side)
        return radiograph, self._maps(radiograph.pixels)[0]

    def _maps(self, pixels: np.ndarray) -> tuple[Maps, str]:
        """The maps, and a note where the device had to change."""
        return self.run_with_cpu_fallback(lambda device: probability_maps(self.net, pixels, device))

    def _nodules(
        self, probability: np.ndarray, radiograph: RadiographInput
    ) -> tuple[tuple[Component, Finding], ...]:
        calibration = self.net.config.calibration
        provenance = Provenance(self.info.name, self.info.version)
        found = components(probability, float(uncalibrated(SCORE_FLOOR, calibration)), MOST)
        return tuple(
            (
                part,
                Finding(
                    placed(part.mask, radiograph, (part.top, part.left)),
                    score=float(calibrated(part.peak, calibration)),
                    scores={"peak": part.peak},
                    provenance=provenance,
                ),
            )
            for part in found
        )

    def _regions(
        self, lungs: dict[str, np.ndarray], lesions: np.ndarray, radiograph: RadiographInput
    ) -> tuple[Region, ...]:
        provenance = Provenance(self.info.name, self.info.version)
        further = zip(self.net.config.lesions[1:], lesions[1:] >= 0.5, strict=True)
        masks = {**lungs, **{name: mask for name, mask in further if mask.any()}}
        return tuple(Region(name, cropped(mask, radiograph), provenance) for name, mask in masks.items())


def within(lungs: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Probabilities (classes, h, w) with padding beside the picture as background."""
    background = (np.arange(len(lungs)) == 0).astype(lungs.dtype)[:, None, None]
    return np.where(inside, lungs, background)


def placed(mask: np.ndarray, radiograph: RadiographInput, first: tuple[int, int]) -> Mask:
    """A mask whose pixel [0, 0] is the radiograph pixel `first`, in world coordinates on the film's grid."""
    y, x = radiograph.to_world((first[0] + 0.5, first[1] + 0.5))
    return Mask.from_array(mask, radiograph.pixel, (float(y), float(x)))


def cropped(mask: np.ndarray, radiograph: RadiographInput) -> Mask:
    """A mask of the whole radiograph, cropped to what is in it."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    top, left = int(rows[0]), int(columns[0])
    return placed(mask[top : rows[-1] + 1, left : columns[-1] + 1], radiograph, (top, left))


def check(image: Image) -> None:
    """Refuse what is no radiograph, and what is blank."""
    check_radiograph(image, "MO-SegNet")
    if not np.ptp(image.voxels) > 0:
        name = image.source or image.series_uid or "the image"
        raise PredictorError(f"{name} has the same value everywhere: it shows nothing.")
