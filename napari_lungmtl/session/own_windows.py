"""Windows that a person has named: kept in a file of the person's settings, offered beside the presets."""

from __future__ import annotations

import json
import logging
import math
import os
from pathlib import Path

from platformdirs import user_config_path

from ..training.errors import LungmtlError
from ..training.findings.formats.atomic import write_atomically
from ..training.imaging.image import Image

log = logging.getLogger("napari_lungmtl")

Windows = dict[str, tuple[float, float]]
"""Name to (level, width), in Hounsfield units or grey values."""


class OwnWindowError(LungmtlError):
    """A window cannot be kept; the message says why and what to do."""


def own_windows(image: Image) -> Windows:
    """The person's windows for images of this kind: those of scans are in HU, those of radiographs in grey values."""
    return _read().get(_kind(image), {})


def keep_window(image: Image, name: str, level: float, width: float) -> None:
    """Keep a window under a name, in place of one of that name.

    Raises
    ------
    OwnWindowError
        It has no name, or cannot be saved.
    """
    name = name.strip()
    if not name:
        raise OwnWindowError("A window needs a name: type one, and press Return.")
    windows = _read()
    kind = _kind(image)
    windows[kind] = windows.get(kind, {}) | {name: (level, width)}
    _write(windows)


def forget_window(image: Image, name: str) -> None:
    """Forget a window of the person's.

    Raises
    ------
    OwnWindowError
        It cannot be saved.
    """
    windows = _read()
    windows.get(_kind(image), {}).pop(name, None)
    _write(windows)


def _kind(image: Image) -> str:
    return "scan" if image.ndim == 3 else "radiograph"


def _path() -> Path:
    return user_config_path("napari-lungmtl", appauthor=False) / "windows.json"


def _read() -> dict[str, Windows]:
    """All windows by kind; what cannot be read counts as nothing, and is kept when others are saved."""
    try:
        stored = json.loads(_path().read_text(encoding="utf-8"))
        windows = {
            kind: {name: _window(value) for name, value in named.items()} for kind, named in stored.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning("%s cannot be read and is passed over: %s", _path(), error)
        return {}
    return windows


def _window(value: list[float]) -> tuple[float, float]:
    level, width = map(float, value)
    if not (math.isfinite(level) and math.isfinite(width) and width > 0):
        raise ValueError(f"no window has level {level} and width {width}")
    return level, width


def _write(windows: dict[str, Windows]) -> None:
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not _read():  # damaged: a person may mend it
            os.replace(path, path.with_name(path.name + ".broken"))
        write_atomically(path, json.dumps(windows, indent=1, ensure_ascii=False).encode() + b"\n")
    except (OSError, LungmtlError) as error:
        raise OwnWindowError(f"The window is not kept: {error}") from error
