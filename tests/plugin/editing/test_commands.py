"""Commands of editing: each is one step of the history, and says who did it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lungmtl.editing import commands
from napari_lungmtl.session.review import name_reviewer
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.findings import Finding, Mask, Measurement, Provenance, Sphere
from napari_lungmtl.training.findings.history import moved_by


@pytest.fixture(autouse=True)
def ann():
    """Who sits at the keyboard."""
    name_reviewer("ann")
    yield
    name_reviewer("")


def test_reshaping_names_the_author_and_keeps_who_found_it(session: Session) -> None:
    found = session.findings[0]
    z, y, x = found.center
    commands.reshape(session, found.id, Sphere((z, y, x + 3), found.diameter + 2))
    moved = session.findings[0]
    assert (moved.provenance.model, moved.provenance.person, moved_by(moved)) == ("ag3d", "ann", "ann")
    assert [(c.what, c.by) for c in moved.history] == [
        ("found", "ag3d 0.1"),
        ("place", "ann"),
        ("diameter", "ann"),
    ]
    session.undo()
    assert session.findings[0] == found
    assert not moved_by(session.findings[0])
    commands.reshape(session, found.id, found.geometry)
    assert not session.can_undo or session.redo_words  # the same shape is no command


@pytest.mark.parametrize(("diameter", "kept"), [(0.2, 1.0), (500.0, 150.0), (12.0, 12.0)])
def test_spheres_stay_within_what_can_be_drawn(diameter, kept) -> None:
    assert commands.resized(Sphere((1, 2, 3), 8), diameter) == Sphere((1, 2, 3), kept)


def test_a_copied_mask_stays_on_its_grid(session: Session) -> None:
    mask = Mask.from_array(np.ones((2, 3, 5), bool), (2.5, 0.7, 0.7), (-180.0, 12.0, 3.0))
    drawn = commands.draw(session, mask)
    (id,) = commands.duplicate(session, 2)
    copy = session.findings[id].geometry
    steps = np.subtract(copy.origin, mask.origin) / mask.spacing
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)
    assert steps[2] >= 1
    assert copy.runs == mask.runs
    assert session.selection == (id,)
    session.undo()
    assert session.selection == (drawn.id,)


def test_a_reason_goes_when_the_finding_is_accepted(session: Session) -> None:
    first, second = session.findings[0].id, session.findings[1].id
    commands.judge(session, [first, second], "rejected", "scar")
    assert {session.findings[id].reason for id in (first, second)} == {"scar"}
    commands.judge(session, [first], "accepted", "scar")
    assert session.findings[first].reason == ""
    session.accept(second)
    assert session.findings[second].reason == ""
    session.undo()
    assert (session.findings[second].status, session.findings[second].reason) == ("rejected", "scar")


def test_what_a_person_said_stays_when_all_are_judged(session: Session) -> None:
    session.set_thresholds(score=0.5)
    first = session.findings[0]
    session.reject(first.id)
    session.add(Finding(Sphere((-175.0, 15.0, 5.0), 5.0), id="mine", provenance=Provenance(person="bob")))
    session.select(None)
    shown = {f.id for f in session.visible} - {first.id}
    hidden = {f.id for f in session.findings} - shown - {first.id}
    assert commands.judge_all(session) == (len(shown), len(hidden))
    assert hidden
    for finding in session.findings:
        assert finding.status == ("accepted" if finding.id in shown else "rejected")
    session.undo()
    assert [f.status for f in session.findings].count("unreviewed") == len(shown | hidden)


def test_masks_of_a_network_leave_what_was_done_while_they_were_drawn(session: Session) -> None:
    first, second, third, _ = session.findings
    asked = session.findings.with_items((first, second, third))
    cube = Mask.from_array(np.ones((2, 3, 3), bool), (2.5, 0.7, 0.7), first.center)
    ends = ((-180.0, 20.0, 8.0), (-180.0, 20.0, 12.0))
    axes = [
        Measurement("axes", (*ends, *ends), 0, {}, finding=f.id, number=n) for n, f in enumerate(asked, 1)
    ]
    outlined = replace(asked.with_items(f.with_(geometry=cube) for f in asked), measurements=tuple(axes))
    session.reject(first.id)
    session.change(second.id, geometry=Sphere((-171.0, 20.0, 10.0), 8.0))
    session.remove(third.id)
    session.measure([Measurement("line", ends, 0, {"length": 4.0}, person="ann", number=1)])
    before = session.findings
    assert commands.outline(session, asked, outlined) == 1
    found = session.findings
    assert [f.kind for f in found] == ["mask", "sphere", "sphere"]
    assert (found[first.id].status, found[first.id].geometry) == ("rejected", cube)
    assert [(m.kind, m.number, m.finding) for m in found.measurements] == [
        ("line", 1, ""),
        ("axes", 2, first.id),
    ]
    assert found[first.id].history[-1].by == "a network", "nobody says which"
    session.undo()
    assert session.findings == before
