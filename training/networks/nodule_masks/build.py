"""Builds the predictor from weights and their card."""

from __future__ import annotations

from pathlib import Path

import torch

from ...inference.registry import info_of
from ...inference.weights import ModelCard, load_network
from .config import Config
from .network import MaskNet
from .predictor import Interval, MaskPredictor


def build(weights: Path, card: ModelCard, device: str) -> MaskPredictor:
    """The predictor of a weights' file.

    Raises
    ------
    WeightsError
        The card's config or the tensors do not fit this version's network.
    """
    net = load_network(
        weights, card, lambda config: MaskNet(Config(**{k: v for k, v in config.items() if k != "interval"}))
    )
    return MaskPredictor(
        net, Interval(**card.config.get("interval", {})), info_of(card), torch.device(device)
    )
