"""How the engine loads this room."""

from __future__ import annotations

from pathlib import Path

import torch

from ..engine.registry import info_of
from ..engine.weights import ModelCard, WeightsError, load_state
from .config import Config
from .network import Dhn
from .predictor import DhnPredictor


def build(weights: Path, card: ModelCard, device: str) -> DhnPredictor:
    """The predictor of a weights' file.

    Raises
    ------
    WeightsError
        The card's config or the tensors do not fit this version's network.
    """
    try:
        net = Dhn(Config(**card.config))
    except (TypeError, ValueError) as error:
        raise WeightsError(
            f"the card of {weights} has a configuration that this version does not know: {error}"
        ) from None
    state = load_state(weights, card)
    own = net.state_dict()
    # BatchNorm's counters serve training only and are not kept.
    missing = {k for k in own if not k.endswith("num_batches_tracked")} - set(state)
    if missing or set(state) - set(own) or any(own[k].shape != t.shape for k, t in state.items()):
        raise WeightsError(f"the tensors of {weights} do not fit the network that its card describes.")
    net.load_state_dict(state, strict=False)
    return DhnPredictor(net, info_of(card), torch.device(device))
