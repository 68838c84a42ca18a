"""Builds the predictor from weights and their card."""

from __future__ import annotations

from pathlib import Path

import torch

from ...inference.device import BFLOAT16, OPENVINO
from ...inference.registry import info_of
from ...inference.weights import ModelCard, load_network
from .config import Config
from .cpu.precision import bfloat16_or_float32
from .network import Ag3d
from .predictor import Ag3dPredictor

ENGINES = (OPENVINO, BFLOAT16)
"""Other ways than PyTorch in float32 that can run it."""


def build(weights: Path, card: ModelCard, device: str) -> Ag3dPredictor:
    """The predictor of a weights' file.

    Raises
    ------
    WeightsError
        The card's config or the tensors do not fit this version's network.
    """
    net = load_network(weights, card, lambda config: Ag3d(Config(**config)))
    info, cpu = info_of(card), torch.device("cpu")
    if device == OPENVINO:
        from .cpu.openvino_engine import OpenVinoAg3d

        return Ag3dPredictor(net, info, cpu, engine=OpenVinoAg3d(net.eval()))
    if device == BFLOAT16:
        precision, note = bfloat16_or_float32(net.eval(), info)
        return Ag3dPredictor(net, info, cpu, precision, note=note)
    return Ag3dPredictor(net, info, torch.device(device))
