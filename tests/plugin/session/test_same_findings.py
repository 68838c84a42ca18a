"""Numbers and ids that last, several findings judged at once, and an undo that says what it undid."""

from __future__ import annotations

import pytest

from napari_lungmtl.session.same_findings import keep_ids, partners
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.findings import Box, Finding, Findings, Provenance

from ...stand_ins.chests import ball, chest


@pytest.fixture
def session(tmp_path, monkeypatch) -> Session:
    """Three findings of a run, numbered 1 to 3 by score."""
    monkeypatch.setattr("napari_lungmtl.session.sidecar.user_data_path", lambda *args, **kwargs: tmp_path)
    session = Session()
    session.open(chest())
    session.replace_findings(run((-180, 0.9), (-170, 0.8), (-160, 0.7)))
    return session


def run(*places: tuple[float, float]) -> Findings:
    """What a run finds at these heights, with these scores, under ids of its own."""
    items = tuple(ball(z, score=score) for z, score in places)
    return Findings(items, models=({"name": "ag3d", "version": "0.1"},))


def numbers(session: Session) -> dict[float, int]:
    """Numbers by height, rounded to the centimetre."""
    return {round(f.center[0], -1): f.number for f in session.findings}


def test_numbers_stay_when_networks_run_again_and_scores_change(session):
    ids = {f.number: f.id for f in session.findings}
    session.select(ids[2])
    session.replace_findings(run((-161, 0.95), (-171, 0.85), (-181, 0.6), (-140, 0.5)))
    assert numbers(session) == {-180: 1, -170: 2, -160: 3, -140: 4}
    assert session.selected == ids[2]
    assert [f.number for f in session.findings] == [3, 2, 1, 4]  # the surer ones are listed first


def test_a_number_is_not_given_again(session):
    mine = ball(-140, provenance=Provenance(person="me"))
    session.add(mine)
    session.remove(mine.id)
    session.add(ball(-130, provenance=Provenance(person="me")))
    assert numbers(session)[-130] == 5


def test_numbers_are_in_the_file(session):
    session.replace_findings(run((-160, 0.95)))
    assert session.save()
    again = Session()
    again.open(chest())
    assert numbers(again) == {-160: 3}


def test_two_new_findings_never_take_one_old_id():
    old = (ball(-180, d=20, id="old"),)
    kept = keep_ids(old, Findings((ball(-181, id="a"), ball(-178, id="b"))))
    assert [f.id for f in kept] == ["old", "b"]
    assert [f.id for f in keep_ids(old, Findings((ball(-100, id="old"), ball(-180, id="b"))))] == ["old", "b"]


def test_several_are_judged_in_one_step_and_undo_says_so(session):
    told: list[str] = []
    session.events.undone.connect(told.append)
    first, second, third = (f.id for f in session.findings)
    session.select_all([first, second])
    session.reject(*session.selection)
    assert [f.status for f in session.findings] == ["rejected", "rejected", "unreviewed"]
    session.select(third)
    assert session.undo_words == "rejected 1 and 2"
    session.undo()
    assert [f.status for f in session.findings] == ["unreviewed"] * 3
    assert session.selection == (first, second)
    session.redo()
    assert told == ["Undone: rejected 1 and 2", "Done again: rejected 1 and 2"]


def test_undo_names_every_kind_of_command(session):
    first = session.findings[0]
    mine = ball(-140, provenance=Provenance(person="me"))
    for command, words in (
        (lambda: session.add(mine), "drew 4"),
        (lambda: session.change(mine.id, geometry=ball(-141).geometry), "moved 4"),
        (lambda: session.change(mine.id, geometry=ball(-141, d=9).geometry), "resized 4"),
        (lambda: session.remove(mine.id), "deleted 4"),
        (lambda: session.accept(first.id), "accepted 1"),
        (lambda: session.change(first.id, note="?"), "noted on 1"),
        (lambda: session.edit(add=[ball(-130)]), "added 5"),  # another set's, found by the same network
        (lambda: session.replace_findings(run((-150, 0.9))), "run: 2 findings"),
    ):
        command()
        assert session.undo_words == words


def test_undo_of_a_deletion_selects_what_came_back(session):
    mine = ball(-140, provenance=Provenance(person="me"))
    session.add(mine)
    session.remove(mine.id)
    assert session.selected is None
    session.undo()
    assert session.selected == mine.id


def test_both_networks_boxes_of_a_lesion_stay_partners_when_they_are_rejected():
    def box(model: str, low: float, **fields) -> Finding:
        return Finding(
            Box((low, low), (low + 20, low + 20)), 0.9, provenance=Provenance(model, "1"), **fields
        )

    pair = (box("dhn", 10, id="d"), box("mosegnet", 12, id="m"), box("dhn", 200, id="alone"))
    assert partners(Findings(pair), {"d", "m", "alone"}) == {"d": "m", "m": "d"}
    rejected = [f.with_(status="rejected") for f in pair[:2]]
    assert partners(Findings(tuple(rejected)), {"d", "m"}) == {"d": "m", "m": "d"}
    assert partners(Findings((rejected[0], pair[1])), {"d", "m"}) == {}
