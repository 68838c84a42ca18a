"""Model cards and weights: safetensors only, so that nothing that a person can load may execute code."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..error_boundary import reads, require_regular
from ..errors import LungmtlError
from ..findings.formats.atomic import write_atomically

if TYPE_CHECKING:
    from torch import nn

Net = TypeVar("Net", bound="nn.Module")


class WeightsError(LungmtlError):
    """Weights or their card are missing, damaged, or do not fit the code; the message names the file and a way out."""


@dataclass(frozen=True)
class ModelCard:
    """What the weights are, in plain JSON values beside them (``<name>.json`` beside ``<name>.safetensors``).

    Parameters
    ----------
    name, version, title, purpose
        ``ag3d``, ``0.1``, and what a person reads when choosing.
    modalities
        DICOM modalities it takes.
    config
        The network's configuration; it must equal the code's dataclass field for field.
    sha256
        Of the weights' file.
    input
        Geometry and intensity range that the network expects.
    training
        Data with licences, series by uid, schedule, and what was left out.
    metrics
        Figures with how they were measured.
    default_threshold
        Score at which the window starts.
    intended_use, limits
        For whom it is, and for what not.
    task
        ``"detection"`` (image in, findings out), ``"reduction"`` (false-positive reduction among them) or
        ``"characterisation"`` (says what nodules look like and whether they are malignant).
    color
        ``#rrggbb`` of what it marks on a radiograph; empty for the color of networks that have none of their own.
    heat_map
        What its heat map of a radiograph shows (``"objectness"``); empty where it has none.
    reconstructs
        Whether it shows views of a nodule as it kept them.
    fine_tunable
        Whether a training may start from them; networks that are trained once for each fold may not.
    fused
        Whether a characteriser's opinion takes part in the malignancy of a finding (`inference.fusion`).
    """

    name: str
    version: str
    title: str
    purpose: str
    modalities: tuple[str, ...]
    config: dict[str, Any]
    sha256: str = ""
    input: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    default_threshold: float = 0.5
    intended_use: str = "Research only: not a medical device, not for diagnosis."
    limits: tuple[str, ...] = ()
    task: str = "detection"
    color: str = ""
    heat_map: str = ""
    reconstructs: bool = False
    fine_tunable: bool = False
    fused: bool = True

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def card_path(weights: Path) -> Path:
    """The card beside a weights' file."""
    return weights.with_suffix(".json")


@reads(WeightsError)
def read_card(weights: Path) -> ModelCard:
    """The card of a weights' file.

    Raises
    ------
    WeightsError
        There is none, or it is not a card.
    """
    path = card_path(weights)
    require_regular(path, WeightsError)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WeightsError(f"{path} is missing: weights come with a card of the same name.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise WeightsError(f"{path} is no model card: {error}") from None
    try:
        card = ModelCard(**values)
        if not isinstance(card.config, dict):
            raise TypeError("its config is no table")
    except TypeError as error:
        raise WeightsError(f"{path} is no model card that this version can read: {error}") from None
    return ModelCard(**{**values, "modalities": tuple(card.modalities), "limits": tuple(card.limits)})


@reads(WeightsError)
def read_own_card(weights: Path, name: str = "") -> ModelCard:
    """The card of a person's own weights, after checking that the two files belong together.

    Its version says which weights they are, so that findings do: ``"0.1+run7.3fa2c1d"``, the card's version, and as in PEP 440's
    local versions the name of the file (of its folder where the file is named after the network) and the hash.

    Parameters
    ----------
    weights
        A ``.safetensors`` file with its card beside it.
    name
        The network that they are for; any where it is empty.

    Raises
    ------
    WeightsError
        The file is none, damaged, without a card, or of another network; the message says which, and what to do.
    """
    if weights.suffix != ".safetensors":
        raise WeightsError(f"{weights} holds no weights that can be read: choose a .safetensors file.")
    require_regular(weights, WeightsError)
    card = read_card(weights)
    if name and card.name != name:
        raise WeightsError(
            f"{weights} holds weights of {card.title} ({card.name}), not of {name}: choose other weights of {name}."
        )
    check_hash(weights, weights.read_bytes(), card)
    own = weights.stem if weights.stem != card.name else weights.resolve().parent.name
    own = re.sub(r"[^\w.-]+", "-", own)
    return replace(card, version=f"{card.version}+{own}.{card.sha256[:7]}")


def check_hash(weights: Path, data: bytes, card: ModelCard) -> None:
    """Refuse bytes that are not those of the file that a card describes."""
    if hashlib.sha256(data).hexdigest() != card.sha256:
        raise WeightsError(
            f"{weights} is not the file that {card_path(weights).name} describes (SHA-256 differs): "
            "it is damaged or was exchanged. Get both files again."
        )


@reads(WeightsError)
def load_state(weights: Path, card: ModelCard) -> dict[str, Any]:
    """The tensors of a weights' file as float32, after checking it against its card.

    Raises
    ------
    WeightsError
        The file is missing, damaged, or not the one that the card describes.
    """
    from safetensors.torch import load

    try:
        data = weights.read_bytes()
    except FileNotFoundError:
        raise WeightsError(
            f"{weights} is missing: install the package again, or name another file."
        ) from None
    check_hash(weights, data, card)
    return {k: t.float() if t.is_floating_point() else t for k, t in load(data).items()}


def load_network(weights: Path, card: ModelCard, make: Callable[[dict[str, Any]], Net]) -> Net:
    """The network of a weights' file.

    Parameters
    ----------
    make
        Builds it from the card's config.

    Raises
    ------
    WeightsError
        The card's config or the tensors do not fit this version's network.
    """
    try:
        net = make(card.config)
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
    return net


def start_from(net: Any, weights: Path) -> dict[str, Any]:
    """Give a network the tensors of a weights' file that fit it; gives what the new weights' card says of it.

    Raises
    ------
    WeightsError
        The file is missing or damaged, or nothing in it fits.
    """
    card = read_card(weights)
    state, own = load_state(weights, card), net.state_dict()
    fitting = {k: t for k, t in state.items() if k in own and own[k].shape == t.shape}
    if not fitting:
        raise WeightsError(f"nothing in {weights} fits this network: name weights of the same model.")
    net.load_state_dict(fitting, strict=False)
    return {
        "started_from": f"{card.name} {card.version}, SHA-256 {card.sha256}",
        "earlier_cases": sorted(seen_cases(card)),
    }


def seen_cases(card: ModelCard) -> set[str]:
    """All cases that weights, or the ones that they were started from, were trained or tuned on."""
    earlier = card.training.get("log", {}).get("earlier_cases", ())
    return {
        str(case)
        for names in (*(card.training.get(key, ()) for key in ("cases", "dev_cases", "series")), earlier)
        for case in names
    }


def save_weights(state: dict[str, Any], card: ModelCard, folder: Path) -> Path:
    """Write ``<name>.safetensors`` in half precision and ``<name>.json``, whole or not at all; gives the weights' path.

    Raises
    ------
    SaveError
        One of them could not be written.
    """
    import torch
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    half = {
        k: (t.detach().cpu().half() if t.is_floating_point() else t.detach().cpu()).contiguous().clone()
        for k, t in state.items()
        if t.dtype != torch.long  # BatchNorm's counters serve training only
    }
    path = folder / f"{card.name}.safetensors"
    data = save(half)
    write_atomically(path, data)
    values = {**card.to_json(), "sha256": hashlib.sha256(data).hexdigest()}
    text = json.dumps(values, indent=1, ensure_ascii=False)
    write_atomically(card_path(path), text.encode("utf-8", "backslashreplace") + b"\n")
    return path
