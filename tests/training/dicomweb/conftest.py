"""One Orthanc for all tests of the folder, and nobody's own keyring or environment."""

from __future__ import annotations

import pytest

from napari_lungmtl.training.dicomweb.credentials import PASSWORD, TOKEN, USER
from napari_lungmtl.training.dicomweb.server import CA, URL
from tests.stand_ins import orthanc as real
from tests.stand_ins.memory_keyring import memory_keyring


@pytest.fixture(scope="package")
def orthanc(tmp_path_factory):
    """A real server, with a password and TLS."""
    with real.running_orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        yield running


@pytest.fixture(autouse=True)
def keyring(monkeypatch):
    """An empty keyring, and no variable that names a server or a proxy."""
    for name in (
        URL,
        CA,
        USER,
        PASSWORD,
        TOKEN,
        "REQUESTS_CA_BUNDLE",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    with memory_keyring() as ring:
        yield ring


@pytest.fixture
def signed_in(orthanc, monkeypatch):
    """The environment of somebody who may ask that server."""
    monkeypatch.setenv(URL, orthanc.url)
    monkeypatch.setenv(CA, str(orthanc.certificates.ca))
    monkeypatch.setenv(USER, real.USER)
    monkeypatch.setenv(PASSWORD, real.PASSWORD)
    return orthanc
