"""Small studies and a data folder of their own: no test may touch a person's saved findings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_lungmtl.session.session import Session
from napari_lungmtl.training.findings import Finding, Findings, Origin, Sphere
from napari_lungmtl.training.imaging.image import Image

MODEL = Origin("ag3d", "0.1")


@pytest.fixture(autouse=True)
def user_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for the folder in which a user's data are kept."""
    folder = tmp_path_factory.mktemp("user")
    monkeypatch.setattr("napari_lungmtl.session.sidecar.user_data_path", lambda *_, **__: folder)
    return folder


def ball(z: float, y: float = 20.0, x: float = 10.0, d: float = 8.0, score: float = 0.9, **fields) -> Finding:
    """A sphere that a model found."""
    return Finding(Sphere((z, y, x), d), score=score, **{"origin": MODEL, **fields})


def chest(source: Path | None = None, **fields) -> Image:
    """Something with the values of a CT, 20 × 40 × 50 voxels of 2.5 × 0.7 × 0.7 mm."""
    voxels = np.random.default_rng(0).integers(-1000, 400, (20, 40, 50)).astype(np.int16)
    given = {
        "modality": "CT",
        "spacing": (2.5, 0.7, 0.7),
        "origin": (-190.0, 5.0, -6.0),
        "series_uid": "1.2.3",
    }
    return Image(voxels, source=source, **{**given, **fields})


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
