"""A detector of four kinds of spots that learns from reviews, and small scans with spots: everything follows from the voxels."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_lungmtl.training import networks
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.imaging.formats.write_volume import write_volume
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.weights import ModelCard, save_weights

NAME, TITLE = "spots", "Spots-Net"
NODULE, LOOK_ALIKE, OTHER = 1, 2, 3
"""Kinds of spots; the shipped layer takes all of them for nodules."""
BUILD = """
import numpy as np
import torch
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.inference.predictor import Progress
from napari_lungmtl.training.inference.registry import info_of
from napari_lungmtl.training.inference.weights import load_state
from napari_lungmtl.training.learning.candidates import Candidates, Head


class SpotsPredictor:
    def __init__(self, info, state):
        self.info, self.state = info, state

    def logits(self, kinds):
        features = np.eye(4)[kinds]
        return features, features @ self.state["weight"].double().numpy() + float(self.state["bias"])

    def run(self, image):
        yield Progress(0.5, "looking")
        at = np.argwhere(image.voxels > 0)
        _, logits = self.logits(image.voxels[tuple(at.T)].astype(int))
        by = Provenance(self.info.name, self.info.version)
        items = tuple(
            Finding(Sphere(image.to_world(p), 6.0), float(1 / (1 + np.exp(-z))), provenance=by)
            for p, z in zip(at, logits)
        )
        return Findings(items, ImageReference.of(image), ({"name": self.info.name, "version": self.info.version},))


def build(weights, card, device):
    return SpotsPredictor(info_of(card), load_state(weights, card))
"""
LEARNING = """
import numpy as np
import torch
from napari_lungmtl.training.learning.candidates import Candidates, Head
from napari_lungmtl.training.learning.known import KnownCase
from napari_lungmtl.training.learning.candidates import Outcome

LOOKED = []


def candidates(predictor, image, drawn):
    LOOKED.append(image.series_uid)
    at = np.argwhere(image.voxels > 0)
    features, logits = predictor.logits(image.voxels[tuple(at.T)].astype(int))
    places = np.array([(*image.to_world(p), 6.0) for p in at])
    return Candidates(places, features, logits, np.zeros(len(at), bool))


def head(predictor):
    return Head(predictor.state["weight"].double().numpy(), float(predictor.state["bias"]))


def with_head(predictor, head):
    return {"weight": torch.from_numpy(head.weight), "bias": torch.tensor(head.bias)}


def known_cases(data, card):
    kinds = [int(k) for k in (data / "kinds.txt").read_text().split()]
    def outcome(predictor):
        _, logits = predictor.logits(kinds)
        return Outcome({f"known {i}": float(1 / (1 + np.exp(-z))) for i, z in enumerate(logits)}, {"known": ()})
    return [KnownCase(f"known with {kinds}", outcome)]
"""
CARD = ModelCard(NAME, "0.1", TITLE, "Marks spots. Nothing else.", ("CT",), {})


@contextmanager
def learning_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the network beside the others; its dev set has a nodule and a spot of the third kind, in ``kinds.txt``."""
    place = folder / NAME
    place.mkdir(parents=True)
    for name, text in (("__init__", ""), ("build", BUILD), ("learning", LEARNING)):
        (place / f"{name}.py").write_text(text)
    save_weights({"weight": torch.full((4,), 1.0), "bias": torch.tensor(0.0)}, CARD, place / "weights")
    (folder / "kinds.txt").write_text(f"{NODULE}")
    monkeypatch.setenv("LUNGMTL_DATA", str(folder))
    monkeypatch.setattr(networks, "__path__", [*networks.__path__, str(folder)])
    monkeypatch.setitem(registry.NETWORKS, NAME, NAME)
    importlib.invalidate_caches()
    yield
    registry._in_use.pop(NAME, None)
    registry.card.cache_clear()
    for module in [m for m in sys.modules if m.startswith(f"{networks.__name__}.{NAME}")]:
        del sys.modules[module]


def scan_of(kinds: tuple[int, ...]) -> Image:
    """A scan with spots of some kinds in a row."""
    voxels = np.zeros((4, 8, 10 * len(kinds) + 10), np.int16)
    for i, kind in enumerate(kinds):
        voxels[2, 4, 10 * i + 5] = kind
    return Image(voxels, "CT", (1.0, 1.0, 1.0))


def reviewed_scan(
    folder: Path, name: str, kinds: tuple[int, ...] = (NODULE, LOOK_ALIKE), **verdicts: str
) -> Path:
    """Write a scan and what a person said of its spots: nodules accepted, look-alikes rejected, others nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    path = write_volume(scan_of(kinds), folder / f"{name}.nrrd")
    said = {NODULE: "accepted", LOOK_ALIKE: "rejected", OTHER: "unreviewed"}
    reference = ImageReference(name, str(path), "CT", scan_of(kinds).shape, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    items = tuple(
        Finding(
            Sphere((2.0, 4.0, 10.0 * i + 5), 6.0),
            0.73,
            status=said[kind],  # type: ignore[arg-type]
            provenance=Provenance(NAME, "0.1"),
        )
        for i, kind in enumerate(kinds)
    )
    write_findings(
        Findings(items, reference, ({"name": NAME, "version": "0.1"},)), folder / f"{name}.lungmtl.json"
    )
    return path
