"""How the engine loads this room: the characteriser ``mtcnn`` and the false-positive reduction ``mtcnn_fpr``."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch

from ..engine.folds import load_models
from ..engine.registry import info_of
from ..engine.weights import ModelCard, WeightsError
from .config import Config
from .network import MtCnn
from .predictor import MtcnnPredictor


def build(weights: Path, card: ModelCard, device: str) -> MtcnnPredictor:
    """The predictor of a weights' file.

    Raises
    ------
    WeightsError
        The card or the tensors do not fit this version's network.
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
    folds, info = card.training.get("folds", {}), info_of(card)
    return MtcnnPredictor(models, calibration, folds, info, torch.device(device))
