"""Which kind of file a network of another make comes in: read its card (without torch), and build its predictor."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from ...error_boundary import as_sentences
from ...extras import require
from ...file_stamp import file_stamp
from ..device import known_or_cpu
from ..predictor import ModelInfo
from ..weights import ModelCard, WeightsError, card_path

ONNX, ZIP, CONTAINER = ".onnx", ".zip", ".container.json"


def is_other(path: Path) -> bool:
    """Whether a path is one of a network of another make: a folder or zip (a MONAI bundle), an ONNX file, a container's card."""
    return path.suffix.lower() in (ONNX, ZIP) or path.name.endswith(CONTAINER) or path.is_dir()


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that weights of any make consist of.

    Raises
    ------
    WeightsError
        A folder or zip is no bundle.
    """
    if not is_other(path) or path.suffix.lower() == ONNX:
        return tuple(file for file in (path, card_path(path)) if file.exists())
    if path.name.endswith(CONTAINER):
        return (path,)
    from .monai.files import BundleFiles

    with as_sentences(path, WeightsError):
        return BundleFiles(path).files()


def stamp(path: Path) -> object:
    """What tells weights from others, and from what is written in their place later."""
    return path.resolve(), tuple(file_stamp(file) for file in files_of(path))


def read_card(path: Path) -> ModelCard:
    """What a network of another make says of itself; its version names its weights.

    Raises
    ------
    WeightsError
        The file is none, or describes a network that cannot run here.
    """
    with as_sentences(path, WeightsError):
        return _card(path, stamp(path))


@lru_cache(maxsize=8)  # a large file is hashed once, not at every run
def _card(path: Path, _stamp: object) -> ModelCard:
    if path.suffix.lower() == ONNX:
        from .onnx.card import read_onnx

        return read_onnx(path)[0]
    if path.name.endswith(CONTAINER):
        from .container.card import read_container

        return read_container(path)[0]
    from .monai.bundle import read_bundle

    return read_bundle(path)[0]


def build(path: Path, card: ModelCard, info: ModelInfo, device: str) -> Any:
    """Build the predictor.

    Raises
    ------
    WeightsError
        The file was exchanged, or its tensors do not fit.
    MissingExtraError
        The engine that it needs is not installed.
    PredictorError
        A container's engine or image is not on this machine.
    """
    device = known_or_cpu(device)
    if path.suffix.lower() == ONNX:
        require("onnxruntime")
        from .onnx import predictor as onnx_predictor

        return onnx_predictor.build(path, card, info, device)
    if path.name.endswith(CONTAINER):
        from .container import predictor as container_predictor

        return container_predictor.build(path, card, info, device)
    require("monai")
    from .monai import predictor

    return predictor.build(path, card, info, device)
