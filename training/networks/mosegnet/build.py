"""Builds the predictor from weights and their card."""

from __future__ import annotations

from pathlib import Path

import torch

from ...inference.registry import info_of
from ...inference.weights import ModelCard, load_network
from .config import Config
from .network import MoSegNet
from .predictor import MosegnetPredictor


def build(weights: Path, card: ModelCard, device: str) -> MosegnetPredictor:
    """The predictor of a weights' file.

    Raises
    ------
    WeightsError
        The card's config or the tensors do not fit this version's network.
    """
    net = load_network(weights, card, lambda config: MoSegNet(Config(**config)))
    return MosegnetPredictor(net, info_of(card), torch.device(device))
