"""Measurements in a session: undone and done again, saved by themselves, kept by runs, and no findings."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lungmtl.session import measuring
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.findings import Finding, Findings, Measurement, Provenance, Sphere
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.imaging.image import Image

ENDS = [(0.0, 1.0, 1.0), (0.0, 4.0, 5.0)]


@pytest.fixture
def session(tmp_path, monkeypatch) -> Session:
    monkeypatch.setattr("napari_lungmtl.session.sidecar.user_data_path", lambda *args, **kwargs: tmp_path)
    session = Session()
    session.open(Image(np.zeros((4, 9, 9), np.int16), "CT", (1.0, 1.0, 1.0), series_uid="1.2"))
    yield session
    session.close()


def test_what_is_measured_is_saved_undone_and_done_again(session):
    line = measuring.draw(session, "line", ENDS, 0)
    assert (line.number, line.values) == (1, {"length": 5.0})
    assert line.person
    assert len(session.findings) == 0
    assert session.undo_words == "measured 1 (line)"
    longer = measuring.change(session, line.with_(points=((0, 0, 0), (0, 6, 8))))
    assert longer.values == {"length": 10.0}
    assert session.undo_words == "changed measurement 1"
    session.save()
    assert read_findings(session.sidecar).measurements == (longer,)
    session.undo()
    assert session.findings.measurements == (line,)
    session.undo()
    assert session.findings.measurements == ()
    session.redo()
    measuring.remove(session, line.id)
    assert session.findings.measurements == ()
    assert session.undo_words == "deleted measurement 1"
    session.undo()
    assert session.findings.measurements == (line,)


def test_a_run_keeps_them_and_a_file_adds_its_own(session):
    line = measuring.draw(session, "line", ENDS, 0)
    found = Finding(Sphere((1, 1, 1), 3), score=0.9, provenance=Provenance("fake", "1"))
    session.replace_findings(Findings((found,), models=({"name": "fake"},)))
    assert session.findings.measurements == (line,)
    other = Measurement("line", ((0.0, 0.0, 0.0), (0.0, 0.0, 3.0)), 0, {"length": 3.0})
    session.replace_findings(Findings(measurements=(line, other)))
    assert [m.number for m in session.findings.measurements] == [1, 2]


def test_axes_of_a_nodule_take_the_place_of_its_former_ones(session):
    axes = Measurement(
        "axes", ((0, 0, 0), (0, 0, 4), (0, 1, 2), (0, -1, 2)), 0, {"long": 4, "short": 2}, finding="f"
    )
    first = measuring.keep(session, axes)
    again = measuring.keep(session, axes.with_(values={"long": 5, "short": 2}, id="new"))
    assert (again.id, again.number) == (first.id, first.number)
    assert session.findings.measurements == (again,)
    measuring.keep(session, axes.with_(finding="g", id="other"))
    assert len(session.findings.measurements) == 2


def test_a_number_that_was_taken_out_is_not_given_again(session):
    first, second = (measuring.draw(session, "line", ENDS, 0) for _ in range(2))
    measuring.remove(session, second.id)
    assert measuring.draw(session, "line", ENDS, 0).number == 3
    session.undo()
    session.undo()
    assert [m.number for m in session.findings.measurements] == [1, 2]
    for measurement in (first, second):
        measuring.remove(session, measurement.id)
    assert measuring.draw(session, "angle", [*ENDS, (0.0, 2.0, 2.0)], 0).number == 3
    session.open(Image(np.zeros((4, 9, 9), np.int16), "CT", (1.0, 1.0, 1.0), series_uid="1.3"))
    assert measuring.draw(session, "line", ENDS, 0).number == 1
