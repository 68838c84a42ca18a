"""What a network measured of a nodule goes with the nodule's shape, and yields to what a person measured."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from napari_lungmtl.editing import commands
from napari_lungmtl.session import measuring
from napari_lungmtl.session.session import Session
from napari_lungmtl.session.shared.joining import Change
from napari_lungmtl.training.case_report.lines import finding_line
from napari_lungmtl.training.case_report.words import Words
from napari_lungmtl.training.findings import Finding, Findings, Mask, Measurement, Provenance, Sphere
from napari_lungmtl.training.findings.formats.dicom.writing.sr import _measurements
from napari_lungmtl.training.findings.measurements.mask_values import mask_values
from napari_lungmtl.training.findings.measurements.of_nodules import axes_of, mask_measurement
from napari_lungmtl.training.guidelines.calculation import known
from napari_lungmtl.training.imaging.image import Image

SPHERE = Sphere((5.0, 5.0, 5.0), 6.0)


@pytest.fixture
def session(tmp_path, monkeypatch) -> Session:
    """A session on a small CT with one sphere of a network."""
    monkeypatch.setattr("napari_lungmtl.session.sidecar.user_data_path", lambda *args, **kwargs: tmp_path)
    voxels = np.arange(16**3, dtype=np.int16).reshape(16, 16, 16)
    session = Session()
    session.open(Image(voxels, "CT", (1.0, 1.0, 1.0), series_uid="1.2"))
    found = Finding(SPHERE, score=0.9, malignancy=0.5, provenance=Provenance("ag3d", "1"), id="a")
    session.replace_findings(Findings((found,), models=({"name": "ag3d"},)))
    yield session
    session.close()


def cube(side: int) -> Mask:
    return Mask.from_array(np.ones((side,) * 3, bool), (1.0,) * 3, (3.0,) * 3)


def outlined_by_network(session: Session, side: int = 4) -> None:
    """As Alt+X: the network's mask with its measurement."""
    asked = session.findings
    mask = cube(side)
    measured = mask_measurement("a", mask_values(mask, session.image), ["Volume 64 mm³, with a chance …"])
    answer = asked.with_items(tuple(f.with_(geometry=mask) for f in asked))
    news = replace(answer, measurements=(measured,), models=({"name": "nodule_masks", "version": "0.1"},))
    assert commands.outline(session, asked, news) == 1


def by_ann(number: float = 9.0) -> Measurement:
    ends = ((5.0, 5.0, 2.0), (5.0, 5.0, 8.0), (5.0, 3.0, 5.0), (5.0, 7.0, 5.0))
    return Measurement("axes", ends, 0, {"long": number, "short": 6.0}, finding="a", person="ann")


def test_a_repainted_mask_is_measured_again_and_undo_brings_the_old_one_back(session):
    outlined_by_network(session)
    (first,) = session.findings.measurements
    assert first.values["volume"] == 64
    session.edit(change=[session.findings["a"].with_(geometry=cube(6))])
    (again,) = session.findings.measurements
    assert (again.id, again.number, again.person) == (first.id, first.number, "")
    assert again.values["volume"] == 216
    assert again.values["mean"] != first.values["mean"]
    assert not any("chance" in note for note in again.notes), "the network's interval is of its own outline"
    said = known(session.findings, session.findings["a"])
    assert said["long_axis"].value == again.values["long"]
    assert "216" in " ".join(finding_line(session.findings["a"], session.findings, None, Words("en")).said)
    session.undo()
    assert session.findings.measurements == (first,)
    session.redo()
    assert session.findings.measurements == (again,)


@pytest.mark.parametrize("how", ["sphere", "removed", "another grid"])
def test_what_cannot_be_measured_again_goes_with_the_mask(session, how):
    outlined_by_network(session)
    before = session.findings.measurements
    if how == "sphere":
        commands.reshape(session, "a", SPHERE)
    elif how == "removed":
        session.remove("a")
    else:
        commands.reshape(session, "a", Mask.from_array(np.ones((2, 2, 2), bool), (2.0,) * 3, (0.5,) * 3))
    assert session.findings.measurements == ()
    session.undo()
    assert session.findings.measurements == before


def test_a_verdict_leaves_it_and_a_person_keeps_their_own(session):
    outlined_by_network(session)
    (measured,) = session.findings.measurements
    session.reject("a")
    assert session.findings.measurements == (measured,)
    mine = measuring.keep(session, measured)
    commands.reshape(session, "a", cube(6))
    assert session.findings.measurements == (mine,)


def test_a_run_that_finds_it_elsewhere_leaves_no_old_measurement(session):
    mask = cube(4)
    items = (session.findings["a"].with_(geometry=mask),)
    measured = mask_measurement("a", mask_values(mask, session.image))
    session.replace_findings(replace(session.findings.with_items(items), measurements=(measured,)))
    assert session.findings.measurements[0].values["volume"] == 64
    session.replace_findings(session.findings.with_items((session.findings["a"].with_(geometry=SPHERE),)))
    assert session.findings["a"].geometry == SPHERE
    assert session.findings.measurements == ()


def test_a_nodule_has_one_set_of_axes_and_a_persons_counts(session):
    mine = measuring.keep(session, by_ann())
    outlined_by_network(session)
    assert session.findings.measurements == (mine,)
    assert measuring.of_nodule(session, "a") == mine
    session.undo()
    measuring.remove(session, mine.id)
    outlined_by_network(session)
    assert [m.person for m in session.findings.measurements] == [""]
    measuring.keep(session, by_ann())
    assert [bool(m.person) for m in session.findings.measurements] == [True]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_sets_in_an_older_file_the_persons_counts(session, order):
    network = mask_measurement("a", mask_values(cube(4), session.image))
    both = (by_ann(), network)[::order]
    findings = replace(session.findings, measurements=both)
    assert axes_of(both, "a").person == "ann"
    assert known(findings, findings["a"])["long_axis"].value == 9.0
    line = finding_line(findings["a"], findings, None, Words("en"))
    assert any("9.0 × 6.0" in said for said in line.said)
    source = SimpleNamespace(image=session.image)
    in_report = [float(m.value) for m in _measurements(findings["a"], findings, source)]
    assert {9.0, 6.0} <= set(in_report)
    assert network.values["long"] not in in_report


@pytest.mark.parametrize("who", ["they", "we"])
def test_of_a_mask_that_one_window_repainted_and_another_noted_the_shown_shape_is_measured(session, who):
    outlined_by_network(session)
    before = session.findings
    session.edit(change=[session.findings["a"].with_(geometry=cube(6))])
    repainted = session.findings
    session.undo()
    session.change("a", note="seen")
    noted = session.findings
    ours, theirs = (noted, repainted) if who == "they" else (repainted, noted)
    session.go_to(ours, "12:04")
    session._join(Change(before, theirs))
    (measured,) = session.findings.measurements
    held = session.findings["a"].geometry.to_array().sum()
    assert measured.values["volume"] == held


def test_measurements_of_a_run_leave_a_persons_alone(session):
    mine = measuring.keep(session, by_ann())
    network = mask_measurement("a", mask_values(cube(4), session.image))
    session.replace_findings(replace(session.findings, measurements=(network,)))
    assert session.findings.measurements == (mine,)


def run_with_mask(session: Session, id: str, side: int, **fields) -> Findings:
    """A result of a network that finds and outlines at once."""
    found = Finding(cube(side), score=0.9, provenance=Provenance("ag3d", "2"), id=id)
    measured = mask_measurement(id, mask_values(cube(side), session.image)).with_(**fields)
    return Findings((found,), models=({"name": "ag3d", "version": "2"},), measurements=(measured,))


@pytest.mark.parametrize("id", ["m", "another id"])
@pytest.mark.parametrize("side", [4, 6])
def test_a_second_run_leaves_one_set_of_axes_on_the_finding(session, id, side):
    session.replace_findings(Findings())
    session.replace_findings(run_with_mask(session, "m", 4))
    session.replace_findings(run_with_mask(session, id, side))
    (measured,) = session.findings.measurements
    assert (measured.finding, measured.number) == (session.findings.items[0].id, 1)
    assert measured.values["volume"] == side**3
    session.undo()
    assert [m.values["volume"] for m in session.findings.measurements] == [64]


def test_what_a_run_measured_of_a_shape_that_is_not_shown_is_left_out(session):
    session.accept("a")
    session.replace_findings(run_with_mask(session, "new", 4))
    assert [f.id for f in session.findings] == ["a"]
    assert session.findings.measurements == ()
    session.replace_findings(run_with_mask(session, "a", 4))
    assert session.findings["a"].geometry == SPHERE
    assert session.findings.measurements == ()
    session.replace_findings(run_with_mask(session, "new", 4, person="bob"))
    assert [(m.finding, m.person) for m in session.findings.measurements] == [("a", "bob")]


def test_a_second_file_does_not_give_a_number_twice(session):
    session.replace_findings(Findings())
    measuring.draw(session, "line", [(0.0, 1.0, 1.0), (0.0, 4.0, 5.0)], 0)
    session.replace_findings(run_with_mask(session, "m", 4, number=1))
    assert [m.number for m in session.findings.measurements] == [1, 2]


def test_the_number_of_what_went_with_its_mask_is_not_given_again(session):
    outlined_by_network(session)
    assert [m.number for m in session.findings.measurements] == [1]
    commands.reshape(session, "a", SPHERE)
    assert measuring.draw(session, "line", [(0.0, 1.0, 1.0), (0.0, 4.0, 5.0)], 0).number == 2
    outlined_by_network(session)
    assert [m.number for m in session.findings.measurements] == [2, 3]
