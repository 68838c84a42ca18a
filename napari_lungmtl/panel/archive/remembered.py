"""The server that was asked last, remembered for the next window: its address and certificates, never who asks."""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from pathlib import Path

from platformdirs import user_config_path, user_data_path

from ...training.dicomweb.server import CA, URL

log = logging.getLogger("napari_lungmtl")


def remembered() -> tuple[str, str]:
    """Address and file of certificates: those asked last, else those of the environment."""
    stored: object = None
    with suppress(OSError, ValueError):
        stored = json.loads(_path().read_text(encoding="utf-8"))
    if isinstance(stored, dict) and stored.get("url"):
        return str(stored["url"]), str(stored.get("ca") or "")
    return os.environ.get(URL, ""), os.environ.get(CA, "")


def remember(url: str, ca: str) -> None:
    """Remember a server; where that cannot be written, the window works all the same."""
    try:
        _path().parent.mkdir(parents=True, exist_ok=True)
        _path().write_text(json.dumps({"url": url, "ca": ca}, indent=1), encoding="utf-8")
    except OSError as error:
        log.info("the archive's address is not remembered: %s", error)


def studies_folder() -> Path:
    """Where series of the archive are kept, so that one opened again has its findings."""
    return user_data_path("napari-lungmtl", appauthor=False) / "archive"


def _path() -> Path:
    return user_config_path("napari-lungmtl", appauthor=False) / "archive.json"
