"""The two threads of a worker."""

from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from threading import Event

import numpy as np
import pytest

from napari_lungmtl.training.cluster import worker
from napari_lungmtl.training.cluster.task import ALREADY, DONE, FAILED, Options, Study
from napari_lungmtl.training.findings import Findings, ImageReference
from napari_lungmtl.training.imaging import Image, write_volume
from napari_lungmtl.training.imaging.scan import list_series
from napari_lungmtl.training.inference import registry

pytest.importorskip("locket")


@pytest.fixture
def studies(tmp_path):
    for number in range(2):
        voxels = np.full((4, 5, 6), number, np.int16)
        write_volume(Image(voxels, "CT", (2.0, 1.0, 1.0), (0, 0, 0)), tmp_path / f"s{number}.mha")
    return [Study.of(series) for series in list_series(tmp_path)]


def test_the_next_study_is_read_while_the_network_runs_but_runs_after_it(studies, tmp_path, monkeypatch):
    read, inside, both_read = [], [], Event()

    def read_series(path, series, real=worker.read_series):
        image = real(path, series)
        read.append(path)
        if len(read) == 2:
            both_read.set()
        return image

    def run(image, _options):
        inside.append(image)
        assert both_read.wait(30), "the other study was not read meanwhile"
        assert len(inside) == 1, "two studies are in the networks"
        inside.remove(image)
        return Findings((), ImageReference.of(image))

    monkeypatch.setattr(worker, "read_series", read_series)
    monkeypatch.setattr(worker, "_run", run)
    options = Options(tmp_path / "out", (), version=version("napari-lungmtl"))
    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(lambda study: worker.predict_study(study, options), studies))
    assert [outcome.status for outcome in outcomes] == [DONE, DONE], outcomes
    assert len({outcome.file for outcome in outcomes}) == 2
    assert not list((tmp_path / "out").rglob("*.lock"))
    assert worker.predict_study(studies[0], options).status == ALREADY
    assert len(read) == 2


def test_another_version_and_a_full_disk_are_sentences(studies, tmp_path, monkeypatch):
    other = worker.predict_study(studies[0], Options(tmp_path, (), version="0"))
    assert other.status == FAILED
    assert "install the same" in other.sentence
    info = registry.info_of(registry.card("ag3d"))
    stale = Options(tmp_path, ((info, "00ff"),), version=version("napari-lungmtl"))
    changed = worker.predict_study(studies[0], stale)
    assert changed.status == FAILED
    assert "are not those that this run began with" in changed.sentence
    error = OSError("write failed")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert worker.disk_is_full(error)
    assert not worker.disk_is_full(OSError(errno.EACCES, "no"))


def test_a_study_that_is_written_to_while_it_is_read_is_no_result(studies, tmp_path, monkeypatch):
    """Its findings would be those of the bytes that were hashed before."""

    def read_series(path, series, real=worker.read_series):
        with series.files[0].open("ab") as file:
            file.write(b"more")
        return real(path, series)

    monkeypatch.setattr(worker, "read_series", read_series)
    monkeypatch.setattr(worker, "_run", lambda image, _: Findings((), ImageReference.of(image)))
    options = Options(tmp_path / "out", (), version=version("napari-lungmtl"))
    outcome = worker.predict_study(studies[0], options)
    assert outcome.status == FAILED
    assert "while it was read" in outcome.sentence
    assert not list((tmp_path / "out").rglob("*.json"))
