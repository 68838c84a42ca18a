"""Small studies and a data folder of their own: no test may touch a person's saved findings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from napari.components import ViewerModel

from napari_lungmtl.session.session import Session
from napari_lungmtl.training.findings import Findings

from ..stand_ins.chests import ball, chest


@pytest.fixture(autouse=True)
def user_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for the folder in which a user's data are kept."""
    folder = tmp_path_factory.mktemp("user")
    monkeypatch.setattr("napari_lungmtl.session.sidecar.user_data_path", lambda *_, **__: folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the image of a test lies."""
    (tmp_path / "scan").mkdir()
    return tmp_path / "scan"


@pytest.fixture
def session(folder: Path) -> Iterator[Session]:
    """A session on a CT with four findings of a model: scores 0.9, 0.6, 0.4 and 0.7 (2 mm)."""
    session = Session()
    session.open(chest(folder))
    session.replace_findings(
        Findings((ball(-180), ball(-170, score=0.6), ball(-160, score=0.4), ball(-150, d=2.0, score=0.7)))
    )
    yield session
    session.close()


@pytest.fixture
def viewer() -> ViewerModel:
    """A viewer without a window."""
    return ViewerModel()
