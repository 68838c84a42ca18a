"""Builds the predictor from weights and their card."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch

from ...crossval.folds import load_models, slope_and_intercept, split_config
from ...inference.registry import info_of
from ...inference.weights import ModelCard
from .config import Config
from .network import MtCnn
from .predictor import MtcnnPredictor


def build(weights: Path, card: ModelCard, device: str) -> MtcnnPredictor:
    """The predictor of a weights' file.

    Raises
    ------
    WeightsError
        The card's config or the tensors do not fit this version's network.
    """
    config, calibration = split_config(weights, card, Config, "calibration", slope_and_intercept)
    models = {k: cast(MtCnn, m) for k, m in load_models(weights, card, lambda: MtCnn(config)).items()}
    return MtcnnPredictor(
        models, calibration, card.training.get("folds", {}), info_of(card), torch.device(device)
    )
