"""Of several networks that outline nodules, the one that drew is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lungmtl.editing import commands, outlining
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.findings import Finding, Findings, Mask, Provenance, Sphere
from napari_lungmtl.training.findings.history import outlined_by
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference import model_store, registry
from napari_lungmtl.training.inference.predictor import ModelInfo, Progress

CUBE = Mask.from_array(np.ones((4, 4, 4), bool), (1.0,) * 3, (3.0,) * 3)
NAMES = ("first", "second", "third")


class DrawsFrom:
    """A network that outlines spheres whose diameter it can see."""

    def __init__(self, smallest: float) -> None:
        self.smallest = smallest

    def run(self, image, findings):
        yield Progress(1.0, "drawn")
        return findings.with_items(
            tuple(
                f.with_(geometry=CUBE) if f.kind == "sphere" and f.diameter >= self.smallest else f
                for f in findings
            )
        )


@pytest.fixture
def session(tmp_path, monkeypatch) -> Session:
    """Two spheres of a detector, and three networks: the first sees large ones, the second all, the third has nothing to draw."""
    monkeypatch.setattr("napari_lungmtl.session.sidecar.user_data_path", lambda *args, **kwargs: tmp_path)
    infos = [ModelInfo(name, name, "outlines", ("CT",), "0.1", task="segmentation") for name in NAMES]
    models = dict(zip(NAMES, (DrawsFrom(8.0), DrawsFrom(1.0), DrawsFrom(1.0)), strict=True))
    monkeypatch.setattr(registry, "models", lambda: infos)
    monkeypatch.setattr(model_store.store, "of", lambda info, device: models[info.name])
    session = Session()
    session.open(Image(np.zeros((16, 16, 16), np.int16), "CT", (1.0,) * 3, series_uid="1.2"))
    found = (
        Finding(Sphere((5.0, 5.0, 5.0), size), 0.9, provenance=Provenance("ag3d", "1"), id=id)
        for id, size in (("large", 9.0), ("small", 4.0))
    )
    session.replace_findings(Findings(tuple(found), models=({"name": "ag3d"},)))
    yield session
    session.close()


def ended(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_each_finding_names_the_network_that_drew_it(session):
    asked = session.findings
    outlined = ended(outlining._steps(session.image, asked, list(NAMES)))
    assert commands.outline(session, asked, outlined) == 2
    assert outlined_by(session.findings["large"]) == "first 0.1"
    assert outlined_by(session.findings["small"]) == "second 0.1"
    assert [c.what for c in session.findings["large"].history] == ["found", "outline"]
    assert {m["name"] for m in session.findings.models} == {"ag3d", *NAMES}
    session.undo()
    assert session.findings == asked


def test_where_no_history_says_it_the_one_new_network_is_named(session):
    asked = session.findings
    drawn = asked.with_items(tuple(f.with_(geometry=CUBE) for f in asked))
    news = replace(drawn, models=(*asked.models, {"name": "first", "version": "0.1"}))
    assert commands.outline(session, asked, news) == 2
    assert outlined_by(session.findings["large"]) == "first 0.1"
    session.undo()
    several = replace(news, models=(*news.models, {"name": "second", "version": "0.1"}))
    assert commands.outline(session, asked, several) == 2
    assert outlined_by(session.findings["large"]) == "a network"
