"""Reviewed scans that thresholds were tuned on, kept with the person's settings: one file for scans, one for radiographs."""

from __future__ import annotations

import logging
from pathlib import Path

from platformdirs import user_config_path

from ...training.errors import LungmtlError
from ...training.operating_point.calibration import (
    Calibration,
    read_calibration,
    write_calibration,
)

log = logging.getLogger("napari_lungmtl")


def path_of(radiographs: bool) -> Path:
    """Where they are kept."""
    name = "radiographs" if radiographs else "scans"
    return user_config_path("napari-lungmtl", appauthor=False) / f"reviewed_{name}.json"


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
