"""A MONAI bundle: what it says of itself, and its tensors. Nothing in it is run, and nothing but tensors is unpickled."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ....error_boundary import reads
from ...weights import ModelCard, WeightsError
from .files import INFERENCE, METADATA, MOST_TEXT, BundleFiles
from .plain import PlainConfig
from .settings import RetinaNetSettings, read_settings

THRESHOLD = 0.5


@reads(WeightsError)
def read_bundle(path: Path) -> tuple[ModelCard, RetinaNetSettings]:
    """What a bundle is, and how its detector works.

    The version names the bundle's own and seven digits of the hash of its configuration and weights: ``"0.6.8+3fa2c1d"``. `sha256`
    is the hash of the weights' file alone.

    Raises
    ------
    WeightsError
        It is none, of another kind of network, or damaged.
    """
    files = BundleFiles(path)
    metadata = files.json(METADATA)
    if not files.has(INFERENCE):
        raise WeightsError(
            f"{path} has no {INFERENCE}: a bundle whose configuration is YAML or Python cannot be read here."
        )
    settings = read_settings(PlainConfig(files.json(INFERENCE), f"{INFERENCE} of {path}"))
    name, data = files.tensors()
    sha = hashlib.sha256(data).hexdigest()
    both = hashlib.sha256(files.read(INFERENCE, MOST_TEXT) + sha.encode()).hexdigest()
    title = _text(metadata, "name") or path.stem
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "bundle"
    card = ModelCard(
        name=f"monai-{slug}",
        version=f"{_text(metadata, 'version') or '0'}+{both[:7]}",
        title=f"{title} (MONAI)",
        purpose=_text(metadata, "description") or "Finds nodules in CT.",
        modalities=("CT",),
        config=asdict(settings),
        sha256=sha,
        input={"weights": name},
        training={"data": [source]} if (source := _text(metadata, "data_source")) else {},
        metrics=metadata["eval_metrics"] if isinstance(metadata.get("eval_metrics"), dict) else {},
        default_threshold=THRESHOLD,
        intended_use=_text(metadata, "intended_use") or ModelCard.intended_use,
    )
    return card, settings


def _text(metadata: dict[str, Any], key: str) -> str:
    """A short text of the metadata on one line."""
    return " ".join(str(metadata.get(key, "")).split())[:200]


@reads(WeightsError)
def read_tensors(path: Path, sha256: str) -> dict[str, Any]:
    """The tensors of a bundle by their names, as float32 on the CPU.

    Raises
    ------
    WeightsError
        The file is not the one with this hash, or holds anything but tensors: code, other objects, values that are no numbers.
    """
    import torch

    name, data = BundleFiles(path).tensors()
    where = f"{name} of {path}"
    if hashlib.sha256(data).hexdigest() != sha256:
        raise WeightsError(f"{where} was exchanged since it was chosen: choose the bundle again.")
    state = _safetensors(data) if name.endswith(".safetensors") else _state_dict(data, where)
    plain = (
        isinstance(k, str) and isinstance(t, torch.Tensor) and t.layout == torch.strided
        for k, t in state.items()
    )
    if not state or not all(plain):
        raise WeightsError(f"{where} holds other things than tensors by name: it cannot be read here.")
    if not all(bool(torch.isfinite(t).all()) for t in state.values() if t.is_floating_point()):
        raise WeightsError(f"{where} holds values that are no numbers: it is damaged.")
    return {k: t.detach().float() if t.is_floating_point() else t for k, t in state.items()}


def _safetensors(data: bytes) -> dict[str, Any]:
    from safetensors.torch import load

    return load(data)


def _state_dict(data: bytes, where: str) -> dict[str, Any]:
    """Tensors of a file of ``torch.save``, by PyTorch's reader that makes nothing but tensors and plain containers."""
    import torch

    if tuple(int(n) for n in torch.__version__.split(".")[:2]) < (
        2,
        6,
    ):  # CVE-2025-32434: before, its reader ran code
        raise WeightsError(
            f"{where} is read by PyTorch 2.6 or newer, here is {torch.__version__}: update it."
        )
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if any(n.endswith("/constants.pkl") or "/code/" in n for n in archive.namelist()):
                raise WeightsError(
                    f"{where} is TorchScript, which is code and never run here: get the weights as tensors."
                )
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # of its reader: KeyError, RuntimeError, UnpicklingError and others
        raise WeightsError(
            f"{where} holds more than tensors, or is damaged, and is not read: "
            "get the bundle from its source, or its weights as safetensors."
        ) from error
    if isinstance(state, dict) and isinstance(state.get("model"), dict):  # as ignite's checkpoints name it
        state = state["model"]
    if not isinstance(state, dict):
        raise WeightsError(f"{where} holds other things than tensors by name: it cannot be read here.")
    return dict(state)
