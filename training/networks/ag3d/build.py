"""Builds the predictor from weights and their card."""

from __future__ import annotations

from pathlib import Path

import torch

from ...inference.registry import info_of
from ...inference.weights import ModelCard, load_network
from .config import Config
from .network import Ag3d
from .predictor import Ag3dPredictor


def build(weights: Path, card: ModelCard, device: str) -> Ag3dPredictor:
    """The predictor of a weights' file.

    Raises
    ------
    WeightsError
        The card's config or the tensors do not fit this version's network.
    """
    net = load_network(weights, card, lambda config: Ag3d(Config(**config)))
    return Ag3dPredictor(net, info_of(card), torch.device(device))
