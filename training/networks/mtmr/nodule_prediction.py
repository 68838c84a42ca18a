"""One model's prediction of nodules: slice scores averaged (§III-B 2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import expit

from ...data.public.luna16_nodules import to_hu
from ...data.public.rated_nodules import RatedNodules
from ...findings import ATTRIBUTES
from ...findings.lidc_scales import SCALE_MAX
from ...imaging.values import window_to_unit
from ...ops.logits import OPINION_EPS, log_odds
from ...ops.nodule_size import standard_size
from .network import Mtmr
from .patches import nodule_patches

SPAN = np.array([SCALE_MAX[a] - 1 for a in ATTRIBUTES])


@dataclass(frozen=True, eq=False)
class NodulePrediction:
    """What one model says of one nodule.

    Parameters
    ----------
    logit
        Log odds of the mean of the slices' probabilities, uncalibrated.
    slices
        (M,) log odds of each slice.
    attributes
        (M, 8) of each slice, on the LIDC scales.
    views
        Plane and offset in mm of each slice.
    """

    logit: float
    slices: np.ndarray
    attributes: np.ndarray
    views: list[tuple[str, float]]


@torch.inference_mode()
def predict_nodule(
    nets: list[Mtmr], cube: np.ndarray, center: np.ndarray, diameter: float
) -> list[NodulePrediction]:
    """Characterise one nodule with several models on the same patches.

    Parameters
    ----------
    cube
        (D, H, W) HU, 1 mm, z, y, x.
    center
        (3,) in its voxel indices.
    """
    config, device = nets[0].config, next(nets[0].parameters()).device
    hu = torch.from_numpy(np.ascontiguousarray(cube, np.float32)).to(device)
    values = window_to_unit(hu, *config.hu_range)
    where = torch.as_tensor(center, dtype=torch.float32, device=device)
    patches, views = nodule_patches(values, where, float(diameter), config)
    patches = patches.contiguous(memory_format=torch.channels_last)
    size = standard_size(torch.full((len(patches),), float(diameter), device=device))
    predictions = []
    for net in nets:
        logit, attributes = net(patches, size)
        slices = logit.double().cpu().numpy()
        predictions.append(
            NodulePrediction(
                float(log_odds(expit(slices).mean(), OPINION_EPS)),
                slices,
                attributes.double().cpu().numpy() * SPAN + 1,
                views,
            )
        )
    return predictions


def predict_nodules(net: Mtmr, nodules: RatedNodules) -> dict[str, np.ndarray]:
    """Out-of-fold predictions of nodules in cubes: ``index``, ``logit``, ``parts`` (NaN-padded), ``attributes``."""
    predictions = [
        predict_nodule([net], to_hu(v), c, d)[0]
        for v, c, d in zip(nodules.voxels, nodules.center, nodules.diameter, strict=True)
    ]
    widest = max(len(p.slices) for p in predictions)
    parts = np.full((len(predictions), widest), np.nan)
    for row, p in zip(parts, predictions, strict=True):
        row[: len(p.slices)] = p.slices
    return {
        "index": nodules.index,
        "logit": np.array([p.logit for p in predictions]),
        "parts": parts,
        "attributes": np.array([p.attributes.mean(0) for p in predictions]),
    }
