"""Builds the predictor from weights and their card."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch

from ....crossval.folds import load_models, split_config
from ....inference.registry import info_of
from ....inference.weights import ModelCard
from ..config import Config
from ..network import MtCnn
from .predictor import Combination, ReductionPredictor


def build(weights: Path, card: ModelCard, device: str) -> ReductionPredictor:
    """The predictor of a weights' file.

    Raises
    ------
    WeightsError
        The card's config or the tensors do not fit this version's network.
    """
    config, combinations = split_config(weights, card, Config, "combination", lambda v: Combination(*v))
    models = {k: cast(MtCnn, m) for k, m in load_models(weights, card, lambda: MtCnn(config)).items()}
    return ReductionPredictor(
        models, combinations, card.training.get("folds", {}), info_of(card), torch.device(device)
    )
