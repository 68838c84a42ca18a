"""How the registry loads this network."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch

from ....crossval.folds import load_models
from ....inference.registry import info_of
from ....inference.weights import ModelCard, WeightsError
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
    try:
        values = dict(card.config)
        combinations = {k: Combination(*v) for k, v in values.pop("combination").items()}
        config = Config(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"the card of {weights} has a configuration that this version does not know: {error}"
        ) from None
    models = {k: cast(MtCnn, m) for k, m in load_models(weights, card, lambda: MtCnn(config)).items()}
    return ReductionPredictor(
        models, combinations, card.training.get("folds", {}), info_of(card), torch.device(device)
    )
