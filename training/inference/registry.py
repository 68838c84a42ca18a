"""The networks at hand. A new paper is a new folder in `networks` plus one line in `NETWORKS`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from ..extras import require_networks
from .device import choose_device
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

    def look_inside(self, predictor: Any, image: Any, place: Sequence[float], size: float) -> Any:
        """Yield progress and return what the network saw and made of a place, an `inside.feature_maps.Inside`.

        Only a folder with ``inside.py`` offers it (`NetworkFolder.shows_inside`).
        """
        ...

    def candidates(self, predictor: Any, image: Any, drawn: Any) -> Any:
        """Return a `learning.candidates.Candidates` of an image as networks see it, with places (D, 4) that a person marked.

        Only a folder with ``learning.py`` offers it and the following (`NetworkFolder.learns`).
        """
        ...

    def head(self, predictor: Any) -> Any:
        """Return the last layer of the scoring head, a `learning.candidates.Head`."""
        ...

    def with_head(self, predictor: Any, head: Any) -> dict[str, Any]:
        """Return the tensors of the network with another last layer, by name."""
        ...

    def known_cases(self, data: Path, card: ModelCard) -> Sequence[Any]:
        """List what the weights were tuned on, `learning.known.KnownCase`, as far as it lies in a folder of data."""
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
    def shows_inside(self) -> bool:
        """Whether the folder has ``inside.py``, or a folder of that name; imports none of it."""
        return find_spec(f"{self.package}.inside") is not None

    def look_inside(self, predictor: Any, image: Any, place: Sequence[float], size: float) -> Any:
        """See `Network.look_inside`."""
        return import_module(f"{self.package}.inside").look_inside(predictor, image, place, size)

    @property
    def learns(self) -> bool:
        """Whether the folder has ``learning.py``, or a folder of that name: its network learns from reviews; imports none of it."""
        return find_spec(f"{self.package}.learning") is not None

    def candidates(self, predictor: Any, image: Any, drawn: Any) -> Any:
        """See `Network.candidates`."""
        return import_module(f"{self.package}.learning").candidates(predictor, image, drawn)

    def head(self, predictor: Any) -> Any:
        """See `Network.head`."""
        return import_module(f"{self.package}.learning").head(predictor)

    def with_head(self, predictor: Any, head: Any) -> dict[str, Any]:
        """See `Network.with_head`."""
        return import_module(f"{self.package}.learning").with_head(predictor, head)

    def known_cases(self, data: Path, card: ModelCard) -> Sequence[Any]:
        """See `Network.known_cases`."""
        return import_module(f"{self.package}.learning").known_cases(data, card)

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
"""A person's own weights by the names of their networks, which take the place of the shipped ones in this process."""


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


@contextmanager
def using_weights(files: Iterable[Path]) -> Iterator[None]:
    """Use weights' files, each for the network that its card names, while the context lasts; see `use_weights`."""
    names = []
    try:
        for file in files:
            names.append(use_weights(read_own_card(file).name, file).name)
        yield
    finally:
        for name in names:
            use_weights(name, None)


def own_weights(name: str) -> Path | None:
    """The file of a person's own weights of a network that are in use; None for the shipped ones."""
    return _in_use[name][0] if name in _in_use else None


def shipped(infos: Iterable[ModelInfo]) -> tuple[ModelInfo, ...]:
    """The same networks with their shipped weights."""
    return tuple(info if info.weights is None else info_of(card(info.name)) for info in infos)


def card_of(info: ModelInfo) -> ModelCard:
    """The card of the weights that a model runs with.

    Raises
    ------
    WeightsError
        There is no such model, or its file is gone or was exchanged.
    """
    return card(info.name) if info.weights is None else read_own_card(info.weights, info.name)


def models() -> tuple[ModelInfo, ...]:
    """The models whose weights are at hand, with a person's own weights where they are in use; imports no torch.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> [model.name for model in lm.models() if "CT" in model.modalities and model.task == "detection"]
    ['ag3d']
    """
    at_hand = (name for name in NETWORKS if name in _in_use or weights_path(name).exists())
    own = dict(_in_use)
    return tuple(info_of(own[n][1], own[n][0]) if n in own else info_of(card(n)) for n in at_hand)


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
    own = card(name) if weights is None else read_own_card(path, name)
    return network(name).build(path, own, choose_device(device))
