"""A sixth network as a person would add it: a folder beside the others and a line in the registry, nothing else."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from napari_lungmtl.training import networks
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.weights import ModelCard

NAME, TITLE = "toy", "Toy-Net"
BUILD = """
from napari_lungmtl.training.findings import Opinion
from napari_lungmtl.training.inference.predictor import Progress
from napari_lungmtl.training.inference.registry import info_of


class ToyPredictor:
    def __init__(self, info):
        self.info = info

    def run(self, image, findings):
        opinion = Opinion(self.info.name, self.info.version, 0.25, 0.125)
        items = tuple(f.with_(opinions=(*f.opinions, opinion)) for f in findings)
        yield Progress(1.0, "looking", findings.with_items(items))
        return findings.with_items(items)


def build(weights, card, device):
    return ToyPredictor(info_of(card))
"""
EVALUATION = """
def evaluate(predictor, data, weights, **options):
    return {"network": predictor.info.name, "data": str(data), "weights": weights.name, "cases": 1, "metrics": {}}
"""
TRAINING = """
def train(run):
    raise NotImplementedError
"""
CARD = ModelCard(
    *(NAME, "0.1", TITLE, "Says the same of every nodule.", ("CT",), {}), task="characterisation"
)


@contextmanager
def toy_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the network's folder into `folder`, `folder` beside the other networks, and its line into the registry."""
    weights = folder / NAME / "weights"
    weights.mkdir(parents=True)
    for name, text in (
        ("__init__", ""),
        ("build", BUILD),
        ("evaluation", EVALUATION),
        ("training", TRAINING),
    ):
        (folder / NAME / f"{name}.py").write_text(text)
    (weights / f"{NAME}.safetensors").write_bytes(b"")
    (weights / f"{NAME}.json").write_text(json.dumps(CARD.to_json()))
    monkeypatch.setattr(networks, "__path__", [*networks.__path__, str(folder)])
    monkeypatch.setitem(registry.NETWORKS, NAME, NAME)
    importlib.invalidate_caches()
    yield
    registry.card.cache_clear()
    for module in [m for m in sys.modules if m.startswith(f"{networks.__name__}.{NAME}")]:
        del sys.modules[module]
