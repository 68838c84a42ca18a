"""Reviewed scans that thresholds were tuned on, and what is promised by them, kept with the person's settings.

Each has one file for scans and one for radiographs.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from platformdirs import user_config_path

from ...training.errors import LungmtlError
from ...training.findings.formats.atomic import write_atomically
from ...training.findings.formats.json_values import checked, integer, texts
from ...training.operating_point.calibration import (
    Calibration,
    read_calibration,
    write_calibration,
)

log = logging.getLogger("napari_lungmtl")


@dataclass(frozen=True)
class Held:
    """A promise that a person wants: so many false marks a scan at most, by marks of these weights."""

    most: int
    weights: tuple[str, ...]


def path_of(radiographs: bool, what: str = "reviewed") -> Path:
    """Where they are kept."""
    name = "radiographs" if radiographs else "scans"
    return user_config_path("napari-lungmtl", appauthor=False) / f"{what}_{name}.json"


def load(radiographs: bool) -> tuple[Calibration | None, str]:
    """What is kept, and a sentence where it cannot be read."""
    path = path_of(radiographs)
    if not path.is_file():
        return None, ""
    try:
        return read_calibration(path), ""
    except LungmtlError as error:
        return None, str(error)


def keep(calibration: Calibration, radiographs: bool) -> str:
    """Keep it for the next window; a sentence where that is not possible."""
    path = path_of(radiographs)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_calibration(calibration, path)
    except (LungmtlError, OSError) as error:
        log.info("reviewed scans are not kept: %s", error)
        return f"It holds for this window only: {error}"
    return ""


def load_held(radiographs: bool) -> Held | None:
    """The promise that the last window held; None where it held none, or nobody can read which."""
    try:
        values = checked(json.loads(path_of(radiographs, "promise").read_text(encoding="utf-8")), dict)
        return Held(integer(values["most"]), texts(values["weights"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def keep_held(radiographs: bool, held: Held | None) -> None:
    """Keep a promise for the next window, or that there is none."""
    path = path_of(radiographs, "promise")
    try:
        if held is None:
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps(asdict(held), indent=1).encode() + b"\n")
    except (
        LungmtlError,
        OSError,
    ) as error:  # where the reviewed scans cannot be kept either, the section says so
        log.info("the promise is not kept: %s", error)
