"""One model in memory for each network and device, whoever asks."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from napari_lungmtl.training.inference import model_store, registry
from napari_lungmtl.training.inference.model_store import ModelStore
from napari_lungmtl.training.inference.weights import WeightsError


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was read from the disk."""
    loads: list[tuple[Any, ...]] = []

    def load(name: str, device: str, weights: Path | None = None) -> object:
        loads.append((name, device, weights))
        time.sleep(0.02)
        return object()

    monkeypatch.setattr(registry, "load_predictor", load)
    monkeypatch.setattr("napari_lungmtl.training.inference.device.devices", lambda: ["cuda:0", "cpu"])
    return loads


def test_every_spelling_of_a_device_is_one_model(loads: list[Any]) -> None:
    store = ModelStore()
    first = store.get("dhn")
    assert all(store.get("dhn", device) is first for device in ("auto", "cuda", "cuda:0"))
    assert store.get("dhn", "cpu") is not first
    assert store.get("dhn", weights=Path("other.safetensors")) is not first
    assert [(name, device) for name, device, _ in loads] == [
        *(("dhn", "cuda:0"), ("dhn", "cpu")),
        ("dhn", "cuda:0"),
    ]


def test_two_threads_that_ask_at_once_load_once(loads: list[Any]) -> None:
    store = ModelStore()
    with ThreadPoolExecutor(8) as pool:
        models = set(pool.map(lambda _: store.get("dhn"), range(8)))
    assert len(models) == len(loads) == 1


def test_released_models_are_read_again(loads: list[Any]) -> None:
    store = ModelStore()
    dhn, mosegnet = store.get("dhn"), store.get("mosegnet")
    store.release("dhn")
    assert store.get("mosegnet") is mosegnet
    assert store.get("dhn") is not dhn
    store.release()
    assert len(store) == 0


def test_a_device_that_is_not_there_is_refused(loads: list[Any]) -> None:
    with pytest.raises(WeightsError, match="no device 'mps' here; choose from: auto, cuda:0, cpu"):
        model_store.ModelStore().get("dhn", "mps")
    assert loads == []
