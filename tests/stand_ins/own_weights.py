"""Weights as a person's own training leaves them: the shipped ones, calibrated otherwise."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.weights import card_path


def own_weights(folder: Path, name: str, **config: object) -> Path:
    """Copy a network's shipped weights into a folder of a run, with fields of its config changed; the weights' file."""
    folder.mkdir(parents=True, exist_ok=True)
    shipped = registry.weights_path(name)
    path = folder / shipped.name
    shutil.copy(shipped, path)
    card = json.loads(card_path(shipped).read_text())
    card["config"] |= config
    card_path(path).write_text(json.dumps(card))
    return path
