"""Builds the predictor from weights and their card: the characteriser ``mtcnn`` or its false-positive reduction ``mtcnn_fpr``."""

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
from .reduction.predictor import Combination, ReductionPredictor


def build(weights: Path, card: ModelCard, device: str) -> MtcnnPredictor | ReductionPredictor:
    """The predictor of a weights' file, by the card's task.

    Raises
    ------
    WeightsError
        The card's config or the tensors do not fit this version's network.
    """
    reduction = card.task == "reduction"
    try:
        values = dict(card.config)
        after = values.pop("combination" if reduction else "calibration")
        combinations = {k: Combination(*v) for k, v in after.items()} if reduction else {}
        calibration = {} if reduction else {k: (float(a), float(b)) for k, (a, b) in after.items()}
        config = Config(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"the card of {weights} has a configuration that this version does not know: {error}"
        ) from None
    models = {k: cast(MtCnn, m) for k, m in load_models(weights, card, lambda: MtCnn(config)).items()}
    folds, info = card.training.get("folds", {}), info_of(card)
    if reduction:
        return ReductionPredictor(models, combinations, folds, info, torch.device(device))
    return MtcnnPredictor(models, calibration, folds, info, torch.device(device))
