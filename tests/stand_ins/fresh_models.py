"""A store of loaded models of a test's own: what another test had loaded is not met, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from napari_lungmtl.training.inference import model_store, registry


def fresh_model_store(monkeypatch: pytest.MonkeyPatch) -> model_store.ModelStore:
    """An empty store in place of the process's, until the test ends."""
    store = model_store.ModelStore()
    monkeypatch.setattr(model_store, "store", store)
    return store


def shipped_networks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For a fixture: an empty store; afterwards no other weights and no other network is in use."""
    fresh_model_store(monkeypatch)
    yield
    for info in registry.models():
        registry.give_back(info.name)
