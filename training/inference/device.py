"""Where networks run: the devices of this machine, and the CPU where a GPU's memory ends."""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from ..extras import require, require_networks
from .weights import WeightsError

if TYPE_CHECKING:
    import torch

Result = TypeVar("Result")
OPENVINO = "openvino"
"""The CPU with OpenVINO as the engine of the networks that know it, and PyTorch for the others; only where it is asked for."""
BFLOAT16 = "bfloat16"
"""The CPU with the networks that know it in bfloat16, where a timed probe finds that faster; only where it is asked for."""
ENGINES = (OPENVINO, BFLOAT16)
"""What may stand in the place of a device of PyTorch."""
CPU_NOTE = "The GPU's memory does not suffice: went on with the CPU."


def devices() -> list[str]:
    """Devices by preference, the CPU last but for engines on it.

    Raises
    ------
    MissingExtraError
        torch is not installed.
    """
    require_networks()
    import torch

    at_hand = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        at_hand.append("mps")
    return [*at_hand, "cpu", BFLOAT16, *([OPENVINO] if find_spec(OPENVINO) is not None else [])]


def choose_device(name: str) -> str:
    """A device by name, ``"auto"`` the best there is.

    Raises
    ------
    WeightsError
        There is no such device.
    MissingExtraError
        It is OpenVINO, which is not installed.
    """
    if name == OPENVINO:
        require(OPENVINO)
    at_hand = devices()
    if name == "auto":
        return at_hand[0]
    if name == "cuda" and at_hand[0].startswith("cuda"):
        return at_hand[0]
    if name not in at_hand:
        raise WeightsError(f"there is no device {name!r} here; choose from: auto, {', '.join(at_hand)}.")
    return name


def known_or_cpu(device: str, engines: Collection[str] = ()) -> str:
    """The device that a network runs on which knows these `ENGINES`: of others it is the CPU that is meant."""
    return "cpu" if device in ENGINES and device not in engines else device


def run_with_cpu_fallback(work: Callable[[torch.device], Result], device: torch.device) -> tuple[Result, str]:
    """Run on a device, and once more on the CPU where the GPU's memory ends.

    Parameters
    ----------
    work
        Takes the device, moves network and tensors there, and computes. It starts anew on the CPU.

    Returns
    -------
    result, note
        The note is a sentence for the person where the CPU took over, else empty.
    """
    import torch

    try:
        return work(device), ""
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
    return work(torch.device("cpu")), CPU_NOTE
