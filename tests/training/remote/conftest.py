"""The toy is at hand here as on the server."""

import pytest

from ...stand_ins.remote_worker import put_toy_beside


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    put_toy_beside(monkeypatch.setattr)


@pytest.fixture
def server(remote_server):
    return remote_server
