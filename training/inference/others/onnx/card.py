"""The card beside an ONNX file: what it takes, and what its outputs mean."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ....error_boundary import reads, require_regular
from ...suitability import RADIOGRAPHS
from ...weights import ModelCard, WeightsError, check_hash, read_card
from ..oriented import are_axes
from ..plain_values import Checks, check_detector, exact

MOST_SIDE = 4096


@dataclass(frozen=True)
class VolumeSettings:
    """A detector on CT.

    Parameters
    ----------
    input, spheres, scores
        Names of the input, float32 (1, 1, a, b, c), and of the outputs: (N, 4), each sphere's centre in voxels of the input and
        its diameter in mm, and (N,) scores 0–1.
    codes, spacing_mm
        Axes as of `oriented.OrientedVolume`, and voxel sizes along them.
    window_hu, window_to
        Hounsfield units (low, high), and the values that they become, clipped.
    window, overlap
        (3,) voxels of a sliding window, None for the whole scan; and the fraction that neighbours share.
    multiple_of
        (3,) what sides of the input are multiples of.
    """

    input: str
    spheres: str
    scores: str
    codes: str
    spacing_mm: tuple[float, ...]
    window_hu: tuple[float, float]
    window_to: tuple[float, float]
    window: tuple[int, ...] | None
    overlap: float
    multiple_of: tuple[int, ...]


@dataclass(frozen=True)
class RadiographSettings:
    """A detector on radiographs.

    Parameters
    ----------
    input, boxes, scores
        Names of the input, float32 (1, channels, side, side), and of the outputs: (N, 4), each box as x0, y0, x1, y1 in pixels of
        the input, and (N,) scores 0–1.
    side, channels
        Of the input: the whole radiograph in a square with black beside it, in equal channels.
    to
        The values of black and white.
    """

    input: str
    boxes: str
    scores: str
    side: int
    channels: int
    to: tuple[float, float]


Settings = VolumeSettings | RadiographSettings
OF_VOLUMES = {
    *("input", "spheres", "scores", "axes", "spacing_mm"),
    *("window_hu", "window_to", "window", "overlap", "multiple_of"),
}
OF_RADIOGRAPHS = {"input", "boxes", "scores", "side", "channels", "to"}


@reads(WeightsError)
def read_onnx(path: Path) -> tuple[ModelCard, Settings]:
    """The card of an ONNX file, and how to run it. Its version names file and config by a hash of both: ``"1.0+3fa2c1d"``.

    Raises
    ------
    WeightsError
        The card is missing, is of another file, or does not say what is needed.
    """
    require_regular(path, WeightsError)
    card = read_card(path)
    check_detector(card, f"the card of {path}")
    settings = _settings(card, f"the card of {path}")
    check_hash(path, path.read_bytes(), card)
    both = hashlib.sha256(f"{json.dumps(card.config, sort_keys=True)}{card.sha256}".encode()).hexdigest()
    return replace(card, version=f"{card.version}+{both[:7]}"), settings


def _settings(card: ModelCard, where: str) -> Settings:
    if card.modalities == ("CT",):
        return _of_volumes(exact(card.config, OF_VOLUMES, where), Checks(where))
    if card.modalities and set(card.modalities) <= RADIOGRAPHS:
        return _of_radiographs(exact(card.config, OF_RADIOGRAPHS, where), Checks(where))
    raise WeightsError(f"{where} has the modalities {', '.join(card.modalities)}: either CT, or CR and DX.")


def _of_volumes(config: Mapping[str, Any], check: Checks) -> VolumeSettings:
    codes, window = config["axes"], config["window"]
    if not are_axes(codes):
        raise WeightsError(
            f"{check.where}: axes is {str(codes)[:60]}: three of the letters R L A P I S, such as SPL."
        )
    multiple = check.whole("multiple_of", config["multiple_of"], 3, MOST_SIDE)
    size = None if window is None else check.whole("window", window, 3, MOST_SIDE)
    if size is not None and any(n % m for n, m in zip(size, multiple, strict=True)):
        raise WeightsError(f"{check.where}: window is no multiple of multiple_of.")
    hu = check.numbers("window_hu", config["window_hu"], 2, -1e5, 1e5)
    to = check.numbers("window_to", config["window_to"], 2, -1e5, 1e5)
    if hu[0] >= hu[1]:
        raise WeightsError(f"{check.where}: window_hu is empty.")
    return VolumeSettings(
        input=str(config["input"]),
        spheres=str(config["spheres"]),
        scores=str(config["scores"]),
        codes=codes,
        spacing_mm=check.numbers("spacing_mm", config["spacing_mm"], 3, 0.1, 20),
        window_hu=(hu[0], hu[1]),
        window_to=(to[0], to[1]),
        window=size,
        overlap=check.number("overlap", config["overlap"], 0, 0.95),
        multiple_of=multiple,
    )


def _of_radiographs(config: Mapping[str, Any], check: Checks) -> RadiographSettings:
    to = check.numbers("to", config["to"], 2, -1e5, 1e5)
    return RadiographSettings(
        input=str(config["input"]),
        boxes=str(config["boxes"]),
        scores=str(config["scores"]),
        side=check.whole("side", [config["side"]], 1, MOST_SIDE)[0],
        channels=check.whole("channels", [config["channels"]], 1, 3)[0],
        to=(to[0], to[1]),
    )
