"""The networks at hand. A new paper is a new room plus one line in `ROOMS`."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from ..extras import require_networks
from .predictor import ModelInfo
from .weights import ModelCard, WeightsError, read_card

ROOMS = {
    "ag3d": "ag3d",
    "mtcnn_fpr": "mtcnn.reduction",
    "mtmr": "mtmr",
    "mtcnn": "mtcnn",
    "dhn": "dhn",
    "mosegnet": "mosegnet",
}
"""Weights by name, in the order of work, and the package below `networks` that they belong to: each has
``build(weights, card, device)`` in ``room.py`` and ``weights/<name>.safetensors``."""

_TRAINING = Path(__file__).resolve().parent.parent


def weights_path(name: str) -> Path:
    """The shipped weights of a room.

    Raises
    ------
    WeightsError
        There is no such model.
    """
    if name not in ROOMS:
        raise WeightsError(f"there is no model {name!r}; the models are: {', '.join(ROOMS)}.")
    return _TRAINING.joinpath("networks", *ROOMS[name].split("."), "weights", f"{name}.safetensors")


@lru_cache
def card(name: str) -> ModelCard:
    """The card of a room's shipped weights."""
    return read_card(weights_path(name))


def info_of(card: ModelCard) -> ModelInfo:
    """What a person chooses between."""
    return ModelInfo(
        card.name, card.title, card.purpose, card.modalities, card.version, card.default_threshold, card.task
    )


def models() -> tuple[ModelInfo, ...]:
    """The models whose weights are at hand; imports no torch.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> [model.name for model in lm.models() if "CT" in model.modalities and model.task == "detection"]
    ['ag3d']
    """
    return tuple(info_of(card(name)) for name in ROOMS if weights_path(name).exists())


def load_predictor(name: str, device: str = "auto", weights: Path | None = None) -> Any:
    """A model ready to run (imports torch: seconds the first time, so not on a GUI thread).

    Parameters
    ----------
    name
        One of `ROOMS`.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.
    weights
        Other weights than the shipped ones, with their card beside them.

    Raises
    ------
    WeightsError
        Weights, card or device do not fit.
    MissingExtraError
        torch is not installed.

    Returns
    -------
    Predictor or Characteriser
        By the card's `task`.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> lm.load("dhn", device="cpu").info.task
    'detection'
    """
    require_networks()
    path = weights or weights_path(name)
    found = card(name) if weights is None else read_card(path)
    if found.name != name:
        raise WeightsError(f"{path} holds weights of {found.name}, not of {name}.")
    room = import_module(f"..networks.{ROOMS[name]}.room", __package__)
    return room.build(path, found, choose_device(device))


def devices() -> list[str]:
    """Devices by preference, the CPU last."""
    import torch

    found = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def choose_device(wanted: str) -> str:
    """A device by name, ``"auto"`` the best there is.

    Raises
    ------
    WeightsError
        There is no such device.
    """
    at_hand = devices()
    if wanted == "auto":
        return at_hand[0]
    if wanted == "cuda" and at_hand[0].startswith("cuda"):
        return at_hand[0]
    if wanted not in at_hand:
        raise WeightsError(f"there is no device {wanted!r} here; choose from: auto, {', '.join(at_hand)}.")
    return wanted
