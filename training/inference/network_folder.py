"""What the folder of a network offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from .device import known_or_cpu
from .weights import ModelCard, WeightsError


class Network(Protocol):
    """Build, train and evaluate a network: what its folder offers. Each function is imported when it is called."""

    def build(self, weights: Path, card: ModelCard, device: str) -> Any:
        """Build a `Predictor` or `Characteriser`, by the card's task, from a weights' file.

        `device` is one of PyTorch's, or of the engines that ``ENGINES`` of ``build.py`` lists (some of `device.ENGINES`).

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
        """See `Network.build`; a device that is an engine which the network does not know is the CPU."""
        module = import_module(f"{self.package}.build")
        return module.build(weights, card, known_or_cpu(device, getattr(module, "ENGINES", ())))

    def train(self, run: Any) -> Path:
        """See `Network.train`."""
        return import_module(f"{self.package}.training").train(run)

    def evaluate(self, predictor: Any, data: Path, weights: Path, **options: Any) -> dict[str, Any]:
        """See `Network.evaluate`."""
        return import_module(f"{self.package}.evaluation").evaluate(predictor, data, weights, **options)

    @property
    def shows_inside(self) -> bool:
        """Whether the folder has ``inside.py``, or a folder of that name; imports none of it."""
        return _has(self.package, "inside")

    def look_inside(self, predictor: Any, image: Any, place: Sequence[float], size: float) -> Any:
        """See `Network.look_inside`."""
        return import_module(f"{self.package}.inside").look_inside(predictor, image, place, size)

    @property
    def learns(self) -> bool:
        """Whether the folder has ``learning.py``, or a folder of that name: its network learns from reviews; imports none of it."""
        return _has(self.package, "learning")

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
        return _path_of(self.package)


@lru_cache
def _path_of(package: str) -> Path:
    """The folder of a package; a window asks for all of them with each image, and to search for one reads the disk."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(f"there is no folder {package}: correct NETWORKS in the registry.")
    return Path(next(iter(spec.submodule_search_locations)))


@lru_cache
def _has(package: str, module: str) -> bool:
    """Whether a package has a module of that name; imports none of it."""
    return find_spec(f"{package}.{module}") is not None
