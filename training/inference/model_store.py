"""The models that this process holds: each is read once for a device, whoever asks and however the device is spelt."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable
from pathlib import Path
from threading import Lock
from typing import Any

from ..errors import LungmtlError
from . import registry
from .device import choose_device
from .others.kinds import stamp
from .predictor import ModelInfo
from .quiet_import import load_libraries, without_collections
from .triton_workaround import keep_triton_out


class ModelStore:
    """Models by name, weights' file (None for the shipped one) and resolved device.

    Several threads may ask at once: the first loads, the others wait and get the same model.
    """

    def __init__(self) -> None:
        self._models: dict[tuple[str, object, str], Any] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._models)

    def get(self, name: str, device: str = "auto", weights: Path | None = None) -> Any:
        """A model ready to run; arguments and errors as of `registry.load_predictor`."""
        keep_triton_out()
        load_libraries()
        with without_collections():
            key = (name, None if weights is None else stamp(weights), choose_device(device))
        if (model := self._models.get(key)) is not None:  # also while another one is loaded
            return model
        with self._lock, without_collections():
            if key not in self._models:
                own = {} if weights is None else {"weights": weights}
                self._models[key] = registry.load_predictor(name, device=key[2], **own)
            return self._models[key]

    def of(self, info: ModelInfo, device: str = "auto") -> Any:
        """A model as a person chose it, with its own weights or the shipped ones."""
        own = {} if info.weights is None else {"weights": info.weights}
        return self.get(info.name, device, **own)

    def in_use(self, name: str, device: str = "auto") -> Any:
        """A model by its name, with the weights that are in use (`registry.use_weights`)."""
        weights = registry.own_weights(name)
        return self.get(name, device) if weights is None else self.get(name, device, weights)

    def release(self, name: str | None = None) -> None:
        """Let go of a network's models, or of all, and of the GPU memory that nobody holds any more."""
        with self._lock:
            self._models = {k: m for k, m in self._models.items() if name is not None and k[0] != name}
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_initialized():
            torch.cuda.empty_cache()


def warm_up(infos: Iterable[ModelInfo], device: str = "auto") -> Generator[None, None, None]:
    """Load models into this process's store before anybody asks for them, in the order of work.

    What fails is left to the run, which tells the person.

    Yields
    ------
    None
        Before each model: a point at which the caller may stop.
    """
    for info in infos:
        yield
        try:
            store.of(info, device)
        except (LungmtlError, ImportError):
            return


store = ModelStore()
"""The one of this process."""
