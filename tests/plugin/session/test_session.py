"""The session: what is visible, what is selected, what can be undone, what a rerun keeps."""

from __future__ import annotations

import pytest

from napari_lungmtl.session.session import Session, Thresholds
from napari_lungmtl.training.findings import Findings, Sphere

from ...stand_ins.chests import ball, chest


def _scores(session: Session) -> list[float]:
    return [f.score for f in session.visible]


def test_thresholds_hide_by_score_and_diameter(session: Session) -> None:
    assert _scores(session) == [0.9, 0.6]  # sorted by score; 0.7 is 2 mm small
    session.set_thresholds(diameter=1.0)
    assert _scores(session) == [0.9, 0.7, 0.6]
    session.set_thresholds(score=0.65)
    assert session.thresholds == Thresholds(0.65, 1.0)
    assert _scores(session) == [0.9, 0.7]
    assert (len(session.visible), len(session.findings)) == (2, 4)


def test_a_malignancy_threshold_hides_only_what_was_judged(session: Session) -> None:
    first, second = session.visible
    session.change(first.id, malignancy=0.3)
    session.set_thresholds(malignancy=0.3)
    assert _scores(session) == [0.9, 0.6]
    session.set_thresholds(malignancy=0.31)
    assert _scores(session) == [0.6]
    session.change(second.id, malignancy=1.0)
    session.set_thresholds(malignancy=1.0)
    assert _scores(session) == [0.6]
    session.accept(first.id)
    assert _scores(session) == [0.9, 0.6]


def test_a_finding_counts_for_the_first_threshold_that_it_does_not_reach() -> None:
    thresholds = Thresholds(0.5, 5.0, 0.4)
    assert thresholds.hides(ball(0, score=0.4, d=4.0, malignancy=0.1)) == "score"
    assert thresholds.hides(ball(0, d=4.0, malignancy=0.1)) == "diameter"
    assert thresholds.hides(ball(0, malignancy=0.1)) == "malignancy"
    assert thresholds.hides(ball(0)) == ""
    assert thresholds.hides(ball(0, malignancy=0.4)) == ""


def test_a_threshold_is_inclusive_and_silent_when_unchanged(session: Session) -> None:
    heard = []
    session.events.thresholds.connect(heard.append)
    session.set_thresholds(score=0.6)
    session.set_thresholds(score=0.6)
    assert _scores(session) == [0.9, 0.6]
    assert heard == [Thresholds(0.6, 3.0)]


def test_what_a_person_drew_edited_or_accepted_is_always_visible(session: Session) -> None:
    weak = session.findings[3]
    assert weak.score == 0.4
    session.set_thresholds(score=1.0)
    assert not session.visible
    session.accept(weak.id)
    session.change(session.findings[1].id, geometry=Sphere((0, 0, 0), 1.0))
    drawn = ball(-100, score=0.1, d=1.0, provenance=type(weak.provenance)(person="ann"))
    session.add(drawn)
    assert [f.score for f in session.visible] == [0.7, 0.4, 0.1]
    assert session.selected == drawn.id


def test_a_rejected_finding_stays_visible_where_it_passes(session: Session) -> None:
    first = session.findings[0]
    session.reject(first.id)
    assert session.visible[0].status == "rejected"


def test_every_edit_can_be_undone_and_redone(session: Session) -> None:
    states = [session.findings]
    first, second = session.findings[0].id, session.findings[1].id
    for command in (
        lambda: session.accept(first),
        lambda: session.reject(second),
        lambda: session.change(first, note="spiculated"),
        lambda: session.change(first, geometry=Sphere((-181, 20, 10), 9)),
        lambda: session.add(ball(-120)),
        lambda: session.remove(second),
        lambda: session.replace_findings(Findings((ball(-110),))),
    ):
        command()
        states.append(session.findings)
    for state in reversed(states[:-1]):
        session.undo()
        assert session.findings == state
    for state in states[1:]:
        session.redo()
        assert session.findings == state
    assert session.can_undo
    assert not session.can_redo


def test_a_new_edit_ends_what_could_be_redone(session: Session) -> None:
    first = session.findings[0].id
    session.accept(first)
    session.undo()
    session.reject(first)
    assert not session.can_redo
    session.redo()
    assert session.findings[first].status == "rejected"


def test_ways_of_looking_are_not_undone(session: Session) -> None:
    session.set_thresholds(score=0.2)
    session.select(session.findings[0].id)
    session.show_overlays(False)
    session.undo()  # the run of the fixture
    assert len(session.findings) == 0
    assert session.thresholds.score == 0.2
    assert not session.overlays_shown


def test_an_edit_without_effect_is_no_step(session: Session) -> None:
    first = session.findings[0].id
    session.accept(first)
    session.accept(first)
    session.undo()
    assert session.findings[first].status == "unreviewed"


def test_undo_on_an_untouched_study_does_nothing(folder) -> None:
    session = Session()
    session.open(chest(folder))
    session.undo()
    session.redo()
    assert len(session.findings) == 0


def test_a_selected_finding_that_goes_is_no_longer_selected(session: Session) -> None:
    drawn = ball(-100)
    session.add(drawn)
    heard = []
    session.events.selected.connect(heard.append)
    session.undo()
    assert session.selected is None
    assert heard == [None]


def test_a_rerun_keeps_what_a_person_did_and_drops_its_duplicates(session: Session) -> None:
    accepted, noted, moved, untouched = session.findings
    session.accept(accepted.id)
    session.change(noted.id, note="follow up")
    session.change(moved.id, geometry=Sphere((-130.0, 20.0, 10.0), 6.0))
    inside = ball(accepted.center[0] + 3.9)
    beside = ball(accepted.center[0] + 4.1)
    session.replace_findings(Findings((inside, beside)))
    ids = {f.id for f in session.findings}
    assert ids == {accepted.id, noted.id, moved.id, beside.id}
    assert untouched.id not in ids
    assert session.findings[moved.id].provenance.person
    assert session.findings[moved.id].provenance.model == "ag3d"


def test_a_rerun_does_not_bring_a_rejected_finding_back(session: Session) -> None:
    first = session.findings[0]
    session.reject(first.id)
    session.replace_findings(Findings((ball(first.center[0] + 1),)))
    assert [f.status for f in session.findings] == ["rejected"]


def test_several_edits_are_one_step(session: Session) -> None:
    a, b, c, d = session.findings
    session.edit(add=[ball(-1)], change=[a.with_(note="x")], remove=[b.id, c.id])
    assert [f.note for f in session.findings] == ["x", "", ""]
    session.undo()
    assert list(session.findings) == [a, b, c, d]


def test_an_unknown_id_is_an_error_and_changes_nothing(session: Session) -> None:
    before = session.findings
    for command in (session.accept, session.remove, session.select):
        with pytest.raises(KeyError):
            command("nobody")
    assert session.findings is before


def test_findings_name_their_image(session: Session) -> None:
    assert session.findings.image.series_uid == "1.2.3"
    assert session.findings.image.spacing == (2.5, 0.7, 0.7)


def test_opening_another_image_starts_afresh(session: Session, tmp_path) -> None:
    session.select(session.findings[0].id)
    session.open(chest(tmp_path, series_uid="other"))
    assert len(session.findings) == 0
    assert session.selected is None
    assert not session.can_undo


def test_findings_from_a_file_join_what_was_saved(session: Session, folder) -> None:
    session.accept(session.findings[0].id)
    assert session.save()
    again = Session()
    again.open(chest(folder), Findings((ball(-100), ball(-181))))
    assert [f.center[0] for f in again.findings] == [-180, -100]
    again.undo()
    assert again.findings == session.findings
    again.close()


def test_what_a_redone_run_selects_is_seen(session: Session) -> None:
    """A run's weakest findings are hidden: none of them comes forward by itself."""
    session.replace_findings(Findings((ball(-165, score=0.2, id="weak"),)))
    session.undo()
    session.redo()
    assert session.selected is None or session.selected in {f.id for f in session.visible}
    session.add(ball(-165, 30, 10, id="drawn"))
    session.undo()
    session.redo()
    assert session.selected == "drawn"
