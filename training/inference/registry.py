"""The networks at hand. A new paper is a new folder in `networks` plus one line in `NETWORKS`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..extras import require_networks
from .device import choose_device
from .network_folder import NetworkFolder
from .others import kinds
from .predictor import ModelInfo
from .weights import ModelCard, WeightsError, read_card, read_own_card

NETWORKS = {
    "ag3d": "ag3d",
    "mtcnn_fpr": "mtcnn.reduction",
    "mtmr": "mtmr",
    "mtcnn": "mtcnn",
    "nodule_masks": "nodule_masks",
    "dhn": "dhn",
    "mosegnet": "mosegnet",
}
"""Folders below `networks` (dots between their levels) by the names of the weights in them, in the order of work.

A folder holds ``build.py``, ``training.py`` and ``evaluation.py`` with the functions of `Network`,
``weights/<name>.safetensors`` with its card, and perhaps ``inside.py``.
"""


FINDERS = ("detection", "reduction")
"""Tasks whose networks say where nodules are."""


def network(name: str) -> NetworkFolder:
    """The network that weights of this name belong to.

    Raises
    ------
    WeightsError
        There is no such model.
    """
    return _folder(name)


def _folder(name: str) -> NetworkFolder:
    if name not in NETWORKS:
        raise WeightsError(f"there is no model {name!r}; the models are: {', '.join(NETWORKS)}.")
    return NetworkFolder(f"{__package__.rpartition('.')[0]}.networks.{NETWORKS[name]}")


def weights_path(name: str) -> Path:
    """The shipped weights of a name.

    Raises
    ------
    WeightsError
        There is no such model.
    """
    return _folder(name).path / "weights" / f"{name}.safetensors"


@lru_cache
def card(name: str) -> ModelCard:
    """The card of shipped weights."""
    return read_card(weights_path(name))


def shown_card(name: str) -> ModelCard | None:
    """The card of a network that findings name, or None where it is none of those at hand."""
    try:
        return card(name)
    except WeightsError:
        return None


def info_of(card: ModelCard, weights: Path | None = None) -> ModelInfo:
    """What a person chooses between; `weights` is the file of weights other than the shipped ones."""
    return ModelInfo(
        card.name,
        card.title,
        card.purpose,
        card.modalities,
        card.version,
        card.default_threshold,
        card.task,
        card.heat_map,
        weights,
    )


_in_use: dict[str, tuple[Path, ModelCard]] = {}
"""A person's own weights by the names of their networks, which take the place of the shipped ones in this process; and networks
of other makes, which take the place of our detectors."""


def use_weights(name: str, weights: Path | None) -> ModelInfo:
    """Use other weights of a network wherever this process runs it, until others are chosen; None brings the shipped ones back.

    Parameters
    ----------
    name
        One of `NETWORKS`.
    weights
        A ``.safetensors`` file with its card beside it.

    Raises
    ------
    WeightsError
        There is no such network, or the file is none of its weights; those in use stay.

    Returns
    -------
    ModelInfo
        What runs from now on; its version names the weights.
    """
    _folder(name)
    if weights is None:
        _in_use.pop(name, None)
        return info_of(card(name))
    weights = weights.resolve()
    own = read_own_card(weights, name)
    _in_use[name] = weights, own
    return info_of(own, weights)


def use_file(file: Path) -> ModelInfo:
    """Use weights for the network that their card names, or a network of another make in the place of our detectors.

    Of another make one is in use at a time for each kind of image.

    Parameters
    ----------
    file
        A ``.safetensors`` file with its card, or what `others.kinds` reads: a MONAI bundle, an ONNX file or a container's card.

    Raises
    ------
    WeightsError
        The file is none of these; what is in use stays.
    """
    if not kinds.is_other(file):
        return use_weights(read_own_card(file).name, file)
    file = file.resolve()
    own = kinds.read_card(file)
    if own.name in NETWORKS:
        raise WeightsError(
            f"{file} calls itself {own.name}, as one of the networks here: give it another name in its card."
        )
    alike = [
        n for n, (_, c) in _in_use.items() if n not in NETWORKS and set(c.modalities) & set(own.modalities)
    ]
    for name in alike:
        give_back(name)
    _in_use[own.name] = file, own
    return info_of(own, file)


def give_back(name: str) -> None:
    """Use a network's shipped weights again; one of another make is used no more."""
    _in_use.pop(name, None)


@contextmanager
def using_weights(files: Iterable[Path]) -> Iterator[None]:
    """Use weights' files and networks of other makes while the context lasts; see `use_file`.

    Raises
    ------
    WeightsError
        As of `use_file`; or one of the files would take the place of another.
    """
    names: list[str] = []
    try:
        for file in files:
            names.append(use_file(file).name)
            if taken := [n for n in names[:-1] if n == names[-1] or n not in _in_use]:
                raise WeightsError(
                    f"{file} would take the place of {taken[0]}, which was given too: give one of them."
                )
        yield
    finally:
        for name in names:
            give_back(name)


def is_other(info: ModelInfo) -> bool:
    """Whether a model is of another make: a person's file, and none of `NETWORKS`."""
    return info.weights is not None and info.name not in NETWORKS


def running(infos: Iterable[ModelInfo]) -> tuple[ModelInfo, ...]:
    """Leave out our detectors, and reductions of what they find, where one of another make takes their place."""
    infos = tuple(infos)
    taken = {modality for info in infos if is_other(info) for modality in info.modalities}

    def stays(info: ModelInfo) -> bool:
        return is_other(info) or info.task not in FINDERS or not taken & set(info.modalities)

    return tuple(filter(stays, infos))


def own_weights(name: str) -> Path | None:
    """The file of a person's own weights of a network that are in use; None for the shipped ones."""
    return _in_use[name][0] if name in _in_use else None


def shipped(infos: Iterable[ModelInfo]) -> tuple[ModelInfo, ...]:
    """The same networks with their shipped weights; our detectors in the place of one of another make."""
    return tuple({ours.name: ours for info in infos for ours in _ours_for(info)}.values())


def _ours_for(info: ModelInfo) -> Iterable[ModelInfo]:
    if not is_other(info):
        return (info if info.weights is None else info_of(card(info.name)),)
    at_hand = (info_of(card(name)) for name in NETWORKS if weights_path(name).exists())
    return (i for i in at_hand if i.task == info.task and set(i.modalities) & set(info.modalities))


def card_of(info: ModelInfo) -> ModelCard:
    """The card of the weights that a model runs with.

    Raises
    ------
    WeightsError
        There is no such model, or its file is gone or was exchanged.
    """
    return card(info.name) if info.weights is None else _card_beside(info.name, info.weights)


def card_as_chosen(name: str) -> ModelCard:
    """The card of the weights that a run would begin with, as it was when they were chosen: their file is not looked at."""
    return _in_use[name][1] if name in _in_use else card(name)


def _card_beside(name: str, weights: Path) -> ModelCard:
    if not kinds.is_other(weights):
        return read_own_card(weights, name)
    own = kinds.read_card(weights)
    if own.name != name:
        raise WeightsError(f"{weights} is {own.name} now, no longer {name}: choose it again.")
    return own


def models() -> tuple[ModelInfo, ...]:
    """The models whose weights are at hand, with a person's own weights where they are in use; imports no torch.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> [model.name for model in lm.models() if "CT" in model.modalities and model.task == "detection"]
    ['ag3d']
    """
    own = dict(_in_use)
    at_hand = [name for name in NETWORKS if name in own or weights_path(name).exists()]
    at_hand += [name for name in own if name not in NETWORKS]
    return tuple(info_of(own[n][1], own[n][0]) if n in own else info_of(card(n)) for n in at_hand)


def characterisers() -> tuple[str, ...]:
    """Names of the networks that say how malignant nodules are, in the order of work; imports no torch."""
    return tuple(info.name for info in models() if info.task == "characterisation")


def load_predictor(name: str, device: str = "auto", weights: Path | None = None) -> Any:
    """A model ready to run (imports torch: seconds the first time, so not on a GUI thread).

    Parameters
    ----------
    name
        One of `NETWORKS`, or the name of another network whose file `weights` is.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"``, ``"mps"``, or one of `device.ENGINES`: ``"openvino"``, ``"bfloat16"``.
    weights
        Other weights than the shipped ones, with their card beside them; the version of the model's `info` then names them.

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
    own = card(name) if weights is None else _card_beside(name, path)
    if kinds.is_other(path):
        return kinds.build(path, own, info_of(own, path), choose_device(device))
    return network(name).build(path, own, choose_device(device))
