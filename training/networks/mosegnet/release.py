"""From a finished training run to weights with an honest card."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...data.public.radiographs import RadiographSamples
from ...fitting.presentation import presentation
from ...fitting.radiograph_sources import RadiographSources
from ...fitting.training_run import TrainingRun
from ...inference.weights import ModelCard, save_weights
from ...metrics.calibration import calibrate_detector
from .components import Component, components
from .config import Config, TrainingConfig
from .lungs import lung_masks
from .maps import probability_maps
from .network import MoSegNet
from .samples import varied

RATE_AT_DEFAULT = 0.2
"""False positives per radiograph on the dev radiographs at the default threshold."""
SIMULATED = (
    "Trained on radiographs into which nodules were simulated, and on projected phantoms: how it does on real nodules was not "
    "measured."
)
"""What a card says where the source of the radiographs says nothing itself."""
DEV_SEED = 2_020
"""Which dev radiographs are drawn: not the training's random numbers."""


@dataclasses.dataclass(frozen=True)
class DevMarks:
    """What the network marks on the dev radiographs.

    Parameters
    ----------
    hits, false
        Peaks of the best mark on each nodule found, and of marks that hit nothing.
    nodules, radiographs
        How many there were.
    lung_dice
        Of each radiograph with known lungs (both sides together).
    """

    hits: np.ndarray
    false: np.ndarray
    nodules: int
    radiographs: int
    lung_dice: np.ndarray

    def sensitivity(self, rate: float) -> float:
        """Fraction of nodules found where at most `rate` false positives fall on a radiograph."""
        return float((self.hits > self.threshold(rate)).sum() / max(self.nodules, 1))

    def threshold(self, rate: float) -> float:
        """A peak above which at most `rate` false positives fall on a radiograph: halfway to the next false positive."""
        allowed = int(rate * self.radiographs)
        if allowed >= len(self.false):
            return 1e-3
        highest = np.append(1.0, np.sort(self.false)[::-1])
        return float(highest[allowed : allowed + 2].mean())


def dev_marks(net: MoSegNet, radiographs: RadiographSamples, count: int, device: torch.device) -> DevMarks:
    """Run the network on radiographs drawn unvaried. A mark hits when its centre lies in a nodule's mask."""
    rng = np.random.default_rng(DEV_SEED)
    hits: list[float] = []
    false: list[float] = []
    dice: list[float] = []
    nodules = labelled = 0
    for _ in range(count):
        sample = varied(radiographs.draw(rng), net.config, None, rng)
        maps = probability_maps(net, sample["pixels"][0].numpy(), device)
        if sample["lungs_known"] and maps.lungs is not None:
            lungs = np.any([*lung_masks(maps.lungs).values(), np.zeros(maps.lungs.shape[1:], bool)], axis=0)
            truth = sample["lungs"].numpy() > 0
            dice.append(2 * (lungs & truth).sum() / max(lungs.sum() + truth.sum(), 1))
        if not sample["lesions_known"]:
            continue
        labelled += 1
        truths = components((sample["lesions"] == 1).float().numpy(), 0.5)
        nodules += len(truths)
        best = np.zeros(len(truths))
        for part in components(maps.lesions[0], 1e-3):
            y, x = (int(c) for c in part.center)
            hit = [_holds(t, y, x) for t in truths]
            if not any(hit):
                false.append(part.peak)
            best = np.maximum(best, np.array(hit, float) * part.peak)
        hits.extend(best[best > 0])
    return DevMarks(np.array(hits), np.array(false), nodules, labelled, np.array(dice))


def _holds(part: Component, y: int, x: int) -> bool:
    row, column = y - part.top, x - part.left
    return 0 <= row < part.mask.shape[0] and 0 <= column < part.mask.shape[1] and bool(part.mask[row, column])


def calibration(marks: DevMarks) -> tuple[float, float]:
    """Slope and intercept on the log odds of a peak that put the score 0.5 at the operating point.

    That is the peak at which `RATE_AT_DEFAULT` false positives fall on a radiograph.
    """
    raw = float(np.clip(marks.threshold(RATE_AT_DEFAULT), 1e-3, 1 - 1e-3))
    return calibrate_detector(marks.hits, marks.false, raw, least=0.3)


def release(
    net: MoSegNet, config: TrainingConfig, sources: RadiographSources, run: TrainingRun, log: dict[str, Any]
) -> Path:
    """Set the operating point, and write ``mosegnet.safetensors`` with its card; gives the weights' path."""
    device = next(net.parameters()).device
    marks = dev_marks(net, sources.dev, config.dev_radiographs, device)
    net.config = dataclasses.replace(net.config, calibration=calibration(marks))
    training = {**sources.record(config, log), "dev": dev_record(sources, config)}
    return save_weights(
        net.state_dict(), card_of(net.config, training, marks, run.version, sources.limit(SIMULATED)), run.out
    )


def dev_record(sources: RadiographSources, config: TrainingConfig) -> dict[str, Any]:
    """What the card says about the radiographs that set the operating point."""
    return {
        "radiographs": sources.dev.name,
        "drawn": config.dev_radiographs,
        "held_out": sources.held_out,
        "note": "set the calibration only"
        if sources.held_out
        else "the calibration was set on training pictures: its rate is optimistic",
    }


def card_of(
    network: Config, training: dict[str, Any], marks: DevMarks, version: str, limit: str = SIMULATED
) -> ModelCard:
    """What is to be known about the weights."""
    lungs = network.tasks == "both"
    return ModelCard(
        name="mosegnet",
        version=version,
        purpose="Outlines lung nodules and both lungs in a frontal chest radiograph."
        if lungs
        else "Outlines lung nodules in a frontal chest radiograph.",
        modalities=("CR", "DX"),
        config=dataclasses.asdict(network),
        input={
            "radiograph": f"{network.side} x {network.side}, the picture's longer side; percentiles 0.5 and 99.5 at 0 and 1",
            "polarity": "dark air",
            "view": "frontal, upright, the patient's right on the left",
        },
        training=training,
        metrics={
            "how": f"{marks.radiographs} radiographs drawn from {training['dev']['radiographs']}; a mark hits when its centre "
            "lies in a nodule; these radiographs set the default threshold",
            "dev": {
                "sensitivity_at": {str(r): round(marks.sensitivity(r), 3) for r in (0.125, 0.25, 0.5, 1)},
                "nodules": marks.nodules,
                "lung_dice": round(float(marks.lung_dice.mean()), 4) if len(marks.lung_dice) else None,
            },
        },
        default_threshold=0.5,
        limits=(
            limit,
            "Frontal chest radiographs only; a lateral view gives nonsense. Pictures that lie are turned before it sees them where "
            "that can be told.",
            "Nodules under 8 mm are outside its experience; masks end where the evidence falls to half its peak, "
            "so they are no measurement.",
        ),
        **presentation("mosegnet"),
    )
