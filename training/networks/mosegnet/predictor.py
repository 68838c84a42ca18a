"""MO-SegNet on a radiograph: nodule masks with scores, the lungs, and a heat map."""

from __future__ import annotations

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
from ...ops.logits import calibrated, uncalibrated
from .components import MOST, components
from .lungs import certainty, lung_masks, two_lungs
from .maps import Maps, probability_maps
from .network import MoSegNet, normalise

TURNS = {1: "90° anticlockwise", 2: "180°", 3: "90° clockwise"}
"""Quarter turns, and how to turn the picture to make it upright."""
SURER = 0.01
"""By how much the network must be surer of a turned picture's lungs to doubt one that shows two lungs as it is."""


class MosegnetPredictor(RadiographPredictor[MoSegNet]):
    """The network as a `Predictor`."""

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
        yield Progress(0.8, "outlining", note=note)
        inside = radiograph.inside
        lungs = {} if maps.lungs is None else lung_masks(within(maps.lungs, inside))
        said = {"name": self.info.name, "version": self.info.version}
        if maps.lungs is not None and maps.lungs.shape[0] == 3:
            yield Progress(0.9, "looking whether it is turned")
            if doubt := self._doubt(radiograph, image, certainty(maps.lungs) if two_lungs(lungs) else None):
                said[DOUBT] = doubt
                yield Progress(0.95, "looking whether it is turned", note=doubt)
        return Findings(
            self._nodules(maps.lesions[0] * inside, radiograph),
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
        radiograph = make_radiograph_input(image, self.net.config.side)
        maps, _ = self._maps(radiograph.pixels)
        return HeatMap(
            maps.lesions[0] * radiograph.inside,
            radiograph.pixel,
            radiograph.corner,
            "MO-SegNet nodule probability",
        )

    def outline_lungs(self, pixels: np.ndarray) -> np.ndarray | None:
        """Outline the lungs of a radiograph as networks see it: bool (2, h, w), right and left; None where there are no two.

        One pass without the mirror image, in bfloat16: quick, for many radiographs.
        """
        net = self.net
        x = normalise(torch.from_numpy(pixels)[None, None].to(self.device), net.config.local_contrast)
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16):
            lungs = net(x.contiguous(memory_format=torch.channels_last))[1]
        found = {} if lungs is None else lung_masks(lungs[0].float().softmax(0).cpu().numpy())
        if not two_lungs(found):
            return None
        return np.stack([found["right lung"], found["left lung"]])

    def _maps(self, pixels: np.ndarray) -> tuple[Maps, str]:
        """The maps, and a note where the device had to change."""
        return self.run_with_cpu_fallback(lambda device: probability_maps(self.net, pixels, device))

    def _nodules(self, probability: np.ndarray, radiograph: RadiographInput) -> tuple[Finding, ...]:
        calibration = self.net.config.calibration
        provenance = Provenance(self.info.name, self.info.version)
        found = components(probability, float(uncalibrated(SCORE_FLOOR, calibration)), MOST)
        return tuple(
            Finding(
                placed(part.mask, radiograph, (part.top, part.left)),
                score=float(calibrated(part.peak, calibration)),
                scores={"peak": part.peak},
                provenance=provenance,
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

    def _doubt(self, radiograph: RadiographInput, image: Image, upright: float | None) -> str:
        """What to tell a person of a radiograph that seems turned or shows no two lungs, or ``""``.

        Upside down a chest still shows two lungs, but the network is less sure of them than upright.

        Parameters
        ----------
        upright
            How sure the network is of two lungs in the picture as it is; None where it finds none.
        """
        name = image.source or image.series_uid or "the image"
        sure = {q: self._certainty_turned(radiograph.pixels, q) for q in (TURNS if upright is None else (2,))}
        quarters = max(sure, key=lambda q: sure[q])
        if sure[quarters] > (0.0 if upright is None else upright + SURER):
            return (
                f"{name} seems to be turned: turned by {TURNS[quarters]} it shows two lungs. "
                "Turn it upright and run again."
            )
        return "" if upright else f"No two lungs were found: is {name} a frontal chest radiograph, upright?"

    def _certainty_turned(self, pixels: np.ndarray, quarters: int) -> float:
        """How sure the network is of two lungs in the turned picture; 0 where it finds none."""
        lungs = self._maps(np.ascontiguousarray(np.rot90(pixels, quarters)))[0].lungs
        return certainty(lungs) if lungs is not None and two_lungs(lung_masks(lungs)) else 0.0


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
