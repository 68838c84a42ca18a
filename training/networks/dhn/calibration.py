"""What a score means: 0.5 is the operating point, on radiographs that training did not see."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torchvision.ops import box_iou

from ...data.public.radiographs import RadiographSamples
from ...metrics.calibration import calibrate_detector, platt
from ...ops.logits import log_odds
from .config import Config
from .network import Dhn

RATE_AT_DEFAULT = 0.2
"""False positives per radiograph at the default threshold of 0.5."""
IOU = 0.4
"""From which a box is a hit (§4, footnote 2)."""
LOWEST = 0.05
"""Raw score under which no operating point lies, however few the false positives are."""
SEED = 20260101
"""Of the radiographs that are drawn: not the training's random numbers."""


@dataclass(frozen=True)
class HeldOutScores:
    """Uncalibrated scores on held-out radiographs.

    Parameters
    ----------
    hits, false
        Scores of boxes that hit a nodule (the best box of each), and of those that hit none.
    positive, probability
        For each radiograph: whether a nodule is on it, and what the global head says.
    """

    hits: np.ndarray
    false: np.ndarray
    nodules: int
    positive: np.ndarray
    probability: np.ndarray


@torch.inference_mode()
def score_held_out(net: Dhn, radiographs: RadiographSamples, count: int, seed: int = SEED) -> HeldOutScores:
    """Score radiographs drawn from a source that training did not see, uncalibrated."""
    rng = np.random.default_rng(seed)
    hits: list[float] = []
    false: list[float] = []
    positive, probability, nodules = [], [], 0
    for _ in range(count):
        radiograph = radiographs.draw(rng)
        if not radiograph.nodule_known:
            continue
        p, found = net(torch.from_numpy(radiograph.pixels)[None])
        positive.append(radiograph.positive)
        probability.append(float(p[0]) if p is not None else np.nan)
        nodules += len(radiograph.boxes)
        if found is None:
            continue
        boxes, scores = found[0].boxes, found[0].scores
        close = box_iou(torch.from_numpy(radiograph.boxes).float().reshape(-1, 4), boxes) >= IOU
        false += scores[~close.any(0)].tolist()
        hits += [float(scores[row].max()) for row in close if row.any()]
    return HeldOutScores(np.array(hits), np.array(false), nodules, np.array(positive), np.array(probability))


def operating_point(false: np.ndarray, radiographs: int, rate: float = RATE_AT_DEFAULT) -> float:
    """Find the lowest score, but not under `LOWEST`, above which at most `rate` false positives fall on a radiograph."""
    allowed = int(rate * radiographs)
    if len(false) <= allowed:
        return LOWEST
    return float(np.clip(np.sort(false)[::-1][allowed], LOWEST, 0.99))


def calibrate(net: Dhn, radiographs: RadiographSamples, count: int) -> tuple[Config, dict[str, Any]]:
    """Calibrate both heads: the config with the calibrations, and the figures that the card shows.

    Local head: 0.5 is the score with `RATE_AT_DEFAULT` false positives per radiograph. Global head: Platt.
    """
    held_out = score_held_out(net, radiographs, count)
    config, n = net.config, len(held_out.positive)
    figures: dict[str, Any] = {"radiographs": n, "source": radiographs.name}
    if net.local_head is not None and len(held_out.hits) and len(held_out.false):
        raw = operating_point(held_out.false, n)
        config = dataclasses.replace(
            config, calibration=calibrate_detector(held_out.hits, held_out.false, raw)
        )
        figures["sensitivity_at_default"] = round(
            float((held_out.hits > raw).sum() / max(held_out.nodules, 1)), 4
        )
        figures["false_positives_at_default"] = round(float((held_out.false > raw).sum() / n), 4)
    if net.global_head is not None:
        whole = platt(log_odds(held_out.probability), held_out.positive)
        config = dataclasses.replace(config, global_calibration=whole)
    return config, figures
