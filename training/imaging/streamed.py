"""An image whose voxels are still coming."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .image import Image


class Filling(Protocol):
    """What fills an image's voxels."""

    @property
    def is_whole(self) -> bool:
        """Whether everything is read."""
        ...

    @property
    def fraction(self) -> float:
        """How much is read (0–1)."""
        ...

    def read(self) -> Iterator[float]:
        """Read the rest, a part at each step."""
        ...


@dataclass(frozen=True, eq=False)
class StreamedImage(Image):
    """An image whose voxels come from a server while it is looked at.

    The window, in the main thread, sees what has come so far; the rest is air. Every other thread that asks for voxels gets them
    when they are whole: no network, registration or measurement off the window ever works on a part. `warnings` are complete then,
    too.

    Parameters
    ----------
    stream
        What fills them.
    """

    stream: Filling | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "_made", True)  # until here voxels are only looked at

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return int(self.__dict__["_voxels"].ndim)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of `voxels`."""
        return tuple(self.__dict__["_voxels"].shape)


def _voxels(image: StreamedImage) -> np.ndarray:
    if "_made" in image.__dict__ and threading.current_thread() is not threading.main_thread():
        for _ in rest_of(image):
            pass
    return image.__dict__["_voxels"]


def _set_voxels(image: StreamedImage, voxels: np.ndarray) -> None:
    image.__dict__["_voxels"] = voxels


# A field of `Image` stays one; only how it is looked up changes.
StreamedImage.voxels = property(_voxels, _set_voxels)  # type: ignore[assignment]


def rest_of(image: Any) -> Iterator[float]:
    """Read what an image lacks; nothing where it is whole.

    Yields
    ------
    float
        How much is read (0–1); a point at which the caller may stop by closing.

    Raises
    ------
    LungmtlError
        The server does not answer.
    """
    stream = getattr(image, "stream", None)
    if stream is not None and not stream.is_whole:
        yield from stream.read()


def fraction_of(image: Any) -> float:
    """How much of an image's voxels is there (0–1)."""
    stream = getattr(image, "stream", None)
    return 1.0 if stream is None or stream.is_whole else min(stream.fraction, 0.99)
