"""Cards of containers, and the engine that stands in for docker and podman on the search path."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_lungmtl.training.imaging.image import Image

from .mhub_images import GRT123

DIGEST = "1f" * 32
MHUB = {
    "engine": "docker",
    "image": f"mhubai/gc_grt123_lung_cancer@sha256:{DIGEST}",
    "pinned": True,
    "workflow": "default",
    "findings": f"*/{GRT123}",
    "segments": [],
}
BALLS = ((np.array([-290.0, -48.0, 41.5]), 9.0), (np.array([-276.0, -66.0, 60.0]), 6.0))
"""World mm (z, y, x), and diameters in mm."""


def with_balls(origin=(-310.0, -90.0, 20.0), spacing=(2.5, 0.8, 0.7), shape=(20, 70, 80)) -> Image:
    """A CT of unequal voxels: two balls of soft tissue in air."""
    voxels = np.full(shape, -1000.0)
    for place, diameter in BALLS:
        steps = [np.arange(n) * s + o - m for n, s, o, m in zip(shape, spacing, origin, place, strict=True)]
        far = np.sqrt(sum(np.square(one) for one in np.meshgrid(*steps, indexing="ij", sparse=True)))
        voxels = np.maximum(voxels, -1000 + 1040 * np.clip((diameter / 2 - far) / 0.7 + 0.5, 0, 1))
    names = {"patient_id": "Secret", "series_description": "Secret chest"}
    return Image(voxels.astype(np.int16), "CT", spacing, origin, "1.2.3", metadata=names)


def write_card(path: Path, card: dict[str, Any] | None = None, **config: Any) -> Path:
    """Write a card."""
    values = {
        "name": "grt123",
        "version": "2.0.0",
        "title": "CT lung cancer risk",
        "purpose": "Finds nodules.",
        "modalities": ["CT"],
        "config": {**MHUB, **config},
    }
    path.write_text(json.dumps({**values, **(card or {})}))
    return path


class Engine:
    """A stand-in engine on the search path, which has one image.

    Parameters
    ----------
    program
        What is in it: the name of a function of `mhub_images`.
    """

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, program: str, image: str = MHUB["image"]
    ) -> None:
        self.folder = folder / "engine"
        identifier = f"sha256:{hashlib.sha256(program.encode()).hexdigest()}"
        for kind, name in (("images", re.sub(r"\W", "_", image)), ("programs", program)):
            (self.folder / kind).mkdir(parents=True)
            (self.folder / kind / name).write_text(identifier)
        self.identifier = identifier
        code = Path(__file__).with_name("container_engine.py")
        for name in ("docker", "podman"):
            script = self.folder / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{code}" "{self.folder}" "$@"\n')
            script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{self.folder}:/usr/bin:/bin")

    @property
    def running(self) -> list[str]:
        """Names of its containers."""
        return [file.name for file in self.folder.glob("lungmtl-*")]
