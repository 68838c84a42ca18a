"""The networks at hand. A new paper is a new folder in `networks` plus one line in `NETWORKS`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from ..extras import require_networks
from .device import choose_device
from .predictor import ModelInfo
from .weights import ModelCard, WeightsError, read_card

NETWORKS = {
    "ag3d": "ag3d",
    "mtcnn_fpr": "mtcnn.reduction",
    "mtmr": "mtmr",
    "mtcnn": "mtcnn",
    "dhn": "dhn",
    "mosegnet": "mosegnet",
}
"""Folders below `networks` (dots between their levels) by the names of the weights in them, in the order of work.

A folder holds ``build.py``, ``training.py`` and ``evaluation.py`` with the functions of `Network`, and
``weights/<name>.safetensors`` with its card.
"""


class Network(Protocol):
    """Build, train and evaluate a network: what its folder offers. Each function is imported when it is called."""

    def build(self, weights: Path, card: ModelCard, device: str) -> Any:
        """Build a `Predictor` or `Characteriser`, by the card's task, from a weights' file.

        Raises
        ------
        WeightsError
            The card's config or the tensors do not fit this version's network.
        """
        ...

    def train(self, run: Any) -> Path:
        """Train as a `fitting.training_run.TrainingRun` says, and return the weights' file, its card beside it."""
        ...

    def evaluate(self, predictor: Any, data: Path, weights: Path, **options: Any) -> dict[str, Any]:
        """Compute a predictor's figures on a folder of data; options and result as in `evaluation.evaluate`."""
        ...


@dataclass(frozen=True)
class NetworkFolder:
    """A `Network` in a folder of `networks`."""

    package: str

    def build(self, weights: Path, card: ModelCard, device: str) -> Any:
        """See `Network.build`."""
        return import_module(f"{self.package}.build").build(weights, card, device)

    def train(self, run: Any) -> Path:
        """See `Network.train`."""
        return import_module(f"{self.package}.training").train(run)

    def evaluate(self, predictor: Any, data: Path, weights: Path, **options: Any) -> dict[str, Any]:
        """See `Network.evaluate`."""
        return import_module(f"{self.package}.evaluation").evaluate(predictor, data, weights, **options)

    @property
    def path(self) -> Path:
        """The folder itself.

        Raises
        ------
        WeightsError
            There is no such folder.
        """
        spec = find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise WeightsError(f"there is no folder {self.package}: correct NETWORKS in {__name__}.")
        return Path(next(iter(spec.submodule_search_locations)))


def network(name: str) -> Network:
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


def info_of(card: ModelCard) -> ModelInfo:
    """What a person chooses between."""
    return ModelInfo(
        card.name,
        card.title,
        card.purpose,
        card.modalities,
        card.version,
        card.default_threshold,
        card.task,
        card.heat_map,
    )


def models() -> tuple[ModelInfo, ...]:
    """The models whose weights are at hand; imports no torch.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> [model.name for model in lm.models() if "CT" in model.modalities and model.task == "detection"]
    ['ag3d']
    """
    return tuple(info_of(card(name)) for name in NETWORKS if weights_path(name).exists())


def characterisers() -> tuple[str, ...]:
    """Names of the networks that say how malignant nodules are, in the order of work; imports no torch."""
    return tuple(info.name for info in models() if info.task == "characterisation")


def load_predictor(name: str, device: str = "auto", weights: Path | None = None) -> Any:
    """A model ready to run (imports torch: seconds the first time, so not on a GUI thread).

    Parameters
    ----------
    name
        One of `NETWORKS`.
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
    own = card(name) if weights is None else read_card(path)
    if own.name != name:
        raise WeightsError(f"{path} holds weights of {own.name}, not of {name}.")
    return network(name).build(path, own, choose_device(device))
