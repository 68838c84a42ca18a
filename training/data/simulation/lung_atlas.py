"""Lung outlines of real radiographs from a few given ones, by multi-atlas registration.

Candemir et al., doi:10.1109/TMI.2013.2290491.

Each radiograph with known lungs is registered to the radiograph in question (affine, then B-spline, by correlation of the locally
equalised pictures); its outlines come along, and those of the radiographs that fit best are averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from PIL import Image as Picture
from skimage.exposure import equalize_adapthist

from ...ops.masks import dice

SIDE = 160
"""Pixels along a side during registration."""
MARGIN = 0.1
"""Atlases whose correlation is this much below the best one's have no say."""
CORRELATION, AGREEMENT = 0.85, 0.9
"""From which on an outline is believed: where one of the 75 radiographs was outlined wrongly, one of them was lower."""
NEIGHBOURS = 5
"""Believed radiographs that serve as atlases for another one in the second round."""


@dataclass(frozen=True, eq=False)
class Outline:
    """Lungs of one radiograph.

    Parameters
    ----------
    lungs
        float32 (2, `SIDE`, `SIDE`): fraction of the atlases' votes for the patient's right and left lung.
    correlation
        Of the best registered atlas, 0–1.
    agreement
        Mean Dice of the single atlases with what was made of them.
    """

    lungs: np.ndarray
    correlation: float
    agreement: float

    @property
    def believed(self) -> bool:
        """Whether the atlases fit, and tell the same."""
        return self.correlation >= CORRELATION and self.agreement >= AGREEMENT


def equalised(pixels: np.ndarray) -> np.ndarray:
    """A radiograph (side, side), 0–1, at `SIDE` with its contrast made locally equal: lungs look alike in all radiographs."""
    return equalize_adapthist(_resized(pixels), kernel_size=SIDE // 3, clip_limit=0.03).astype(np.float32)


def _resized(picture: np.ndarray, side: int = SIDE) -> np.ndarray:
    image = Picture.fromarray(np.asarray(picture, np.float32))
    return np.asarray(image.resize((side, side), Picture.Resampling.BILINEAR))


def split_sides(lungs: np.ndarray) -> np.ndarray:
    """One mask (h, w) of both lungs as (2, h, w): the patient's right lung is on the left of a frontal radiograph."""
    from skimage.measure import label, regionprops

    parts = label(lungs)
    sides = np.zeros((2, *lungs.shape), bool)
    regions = sorted(regionprops(parts), key=lambda r: -r.area)[:2]
    for channel, region in enumerate(sorted(regions, key=lambda r: r.centroid[1])):
        sides[channel] = parts == region.label
    return sides


def register(fixed: np.ndarray, moving: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """Bring `labels` (c, h, w), 0–1, of a `moving` picture onto a `fixed` one; gives them and the correlation."""
    target, source = sitk.GetImageFromArray(fixed), sitk.GetImageFromArray(moving)
    affine = sitk.CenteredTransformInitializer(
        target, source, sitk.AffineTransform(2), sitk.CenteredTransformInitializerFilter.GEOMETRY
    )
    method = _method([4, 2], [3.0, 1.5])
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-3, 80)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(affine, inPlace=True)
    spline = sitk.BSplineTransformInitializer(target, [5, 5])
    try:
        method.Execute(target, source)
        method = _method([2, 1], [2.0, 1.0])
        method.SetOptimizerAsLBFGS2(numberOfIterations=30)
        method.SetMovingInitialTransform(affine)
        method.SetInitialTransformAsBSpline(spline, inPlace=True, scaleFactors=[1, 2])
        method.Execute(target, source)
    except RuntimeError:  # the pictures no longer overlap
        return np.zeros_like(labels, np.float32), 0.0
    both = sitk.CompositeTransform([affine, spline])
    moved = [
        sitk.GetArrayFromImage(
            sitk.Resample(
                sitk.GetImageFromArray(np.asarray(c, np.float32)), target, both, sitk.sitkLinear, 0.0
            )
        )
        for c in labels
    ]
    return np.stack(moved), -float(method.GetMetricValue())


def _method(shrink: list[int], smooth: list[float]) -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel(shrink)
    method.SetSmoothingSigmasPerLevel(smooth)
    return method


def fused(votes: Sequence[tuple[np.ndarray, float]]) -> Outline:
    """Average the registered outlines, weighted by how far their correlation lies above best minus `MARGIN`."""
    correlation = np.array([c for _, c in votes])
    weight = np.clip(correlation - (correlation.max() - MARGIN), 0, None)
    lungs = np.tensordot(weight / weight.sum(), np.stack([v for v, _ in votes]), 1)
    agreement = [dice(v > 0.5, lungs > 0.5) for v, _ in votes]
    return Outline(
        lungs.astype(np.float32), float(correlation.max()), float(np.average(agreement, weights=weight))
    )


def outline(radiographs: np.ndarray, given: np.ndarray, lungs: np.ndarray, workers: int = 2) -> list[Outline]:
    """Lungs of radiographs.

    Parameters
    ----------
    radiographs
        (n, side, side), 0–1.
    given, lungs
        (k, side, side) radiographs whose lungs (k, 2, side, side) are known.
    workers
        Processes.

    Returns
    -------
    list of Outline
        In a second round, what is not believed yet is registered to its likest believed radiographs too.
    """
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    pictures = [equalised(f) for f in radiographs]
    atlases = [
        (equalised(f), np.stack([_resized(side) for side in sides]))
        for f, sides in zip(given, lungs, strict=True)
    ]
    with ProcessPoolExecutor(workers) as pool:
        votes = list(pool.map(_votes, pictures, [atlases] * len(pictures)))
        first = [fused(v) for v in votes]
        doubtful = [i for i, o in enumerate(first) if not o.believed]
        more = [
            [(pictures[j], (first[j].lungs > 0.5).astype(np.float32)) for j in _likest(pictures, first, i)]
            for i in doubtful
        ]
        again = pool.map(_votes, [pictures[i] for i in doubtful], more)
        for i, extra in zip(doubtful, again, strict=True):
            if extra:
                first[i] = max(first[i], fused(extra), key=lambda o: o.correlation)
    return first


def _votes(
    picture: np.ndarray, atlases: Sequence[tuple[np.ndarray, np.ndarray]]
) -> list[tuple[np.ndarray, float]]:
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    return [register(picture, atlas, labels) for atlas, labels in atlases]


def _likest(pictures: list[np.ndarray], outlines: list[Outline], radiograph: int) -> list[int]:
    """The believed radiographs whose coarse picture correlates best with a radiograph's."""
    believed = [j for j, o in enumerate(outlines) if o.believed and j != radiograph]
    coarse = {
        j: np.asarray(Picture.fromarray(pictures[j]).resize((20, 20), Picture.Resampling.BOX)).ravel()
        for j in [*believed, radiograph]
    }
    return sorted(believed, key=lambda j: -np.corrcoef(coarse[j], coarse[radiograph])[0, 1])[:NEIGHBOURS]
