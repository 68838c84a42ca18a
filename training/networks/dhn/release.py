"""From a finished training run to weights with an honest card."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ...fitting.presentation import presentation
from ...fitting.radiograph_sources import RadiographSources
from ...fitting.training_run import TrainingRun
from ...inference.weights import ModelCard, save_weights
from .calibration import IOU, RATE_AT_DEFAULT, calibrate
from .config import TrainingConfig
from .network import Dhn

LIMITS = (
    "Trained from scratch on few radiographs for a short time; where its radiographs are simulated (see training data), real "
    "nodules, and findings that look like nodules, are outside its experience.",
    "Frontal views only. Nodules under 8 mm, and masses over 60 mm, are outside its experience.",
    "Radiographs without pixel spacing are taken as they are: sizes are then in pixels.",
)


def release(
    net: Dhn, config: TrainingConfig, sources: RadiographSources, run: TrainingRun, log: dict[str, Any]
) -> Path:
    """Calibrate, and write ``dhn.safetensors`` with its card; gives the weights' path."""
    net.config, figures = calibrate(net, sources.dev, config.dev_radiographs)
    how = (
        f"radiographs drawn from {sources.dev.name}, {'none' if sources.held_out else 'some'} of them trained on; a hit has "
        f"IoU ≥ {IOU}; score 0.5 is set to {RATE_AT_DEFAULT} false positives per radiograph"
    )
    card = ModelCard(
        name="dhn",
        version=run.version,
        purpose="Says how likely a chest radiograph shows a nodule, and marks nodules as boxes.",
        modalities=("CR", "DX"),
        config=dataclasses.asdict(net.config),
        input={
            "radiograph": f"{net.config.side}² pixels, whole picture reduced by area means and padded",
            "grey": "0–1 between the 0.5 and 99.5 percentiles, dark air",
        },
        training={**sources.record(config, log), "weights": "without ImageNet"},
        metrics={"calibration": {"how": how, **figures}},
        default_threshold=0.5,
        limits=(sources.limit(LIMITS[0]), *LIMITS[1:]),
        **presentation("dhn"),
    )
    return save_weights(net.state_dict(), card, run.out)
