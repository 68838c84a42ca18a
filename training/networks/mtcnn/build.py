"""How the registry loads this room."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch

from ...crossval.folds import load_models
from ...inference.registry import info_of
from ...inference.weights import ModelCard, WeightsError
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
    try:
        values = dict(card.config)
        calibration = {k: (float(a), float(b)) for k, (a, b) in values.pop("calibration").items()}
        config = Config(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"the card of {weights} has a configuration that this version does not know: {error}"
        ) from None
    models = {k: cast(MtCnn, m) for k, m in load_models(weights, card, lambda: MtCnn(config)).items()}
    return MtcnnPredictor(
        models, calibration, card.training.get("folds", {}), info_of(card), torch.device(device)
    )
