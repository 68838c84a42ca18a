"""A store of loaded models of a test's own: what another test had loaded is not met, and nothing is left behind."""

from __future__ import annotations

import pytest

from napari_lungmtl.training.inference import model_store


def fresh_model_store(monkeypatch: pytest.MonkeyPatch) -> model_store.ModelStore:
    """An empty store in place of the process's, until the test ends."""
    store = model_store.ModelStore()
    monkeypatch.setattr(model_store, "store", store)
    return store
