"""A session on a radiograph: agreement, the radiograph's threshold, regions, and results that come in parts."""

from __future__ import annotations

import pytest

from napari_lungmtl.panel.show.verdict import verdicts
from napari_lungmtl.session.review import merge_run
from napari_lungmtl.session.session import Session
from napari_lungmtl.text.boxes import found_by, legend, size, story
from napari_lungmtl.training.findings import Findings, ImageScore

from ...stand_ins.reviewed_radiographs import by_both, by_dhn, by_mosegnet, lungs, radiograph


@pytest.fixture
def session(user_folder) -> Session:
    session = Session()
    session.open(radiograph())
    yield session
    session.close()


def test_agreement_follows_what_is_visible(session) -> None:
    session.replace_findings(by_both(session.image))
    assert session.agreement["d1"].other == "m1"
    assert session.agreement["d2"].other is None
    session.set_thresholds(score=0.85)  # hides the mask
    assert session.agreement["d1"].other is None
    session.undo()
    assert session.agreement == {}


def test_words_say_who_found_what_and_how_large(session) -> None:
    session.replace_findings(by_both(session.image))
    told = {f.id: found_by(f, session.agreement) for f in session.findings}
    assert told == {"d1": "◆ DHN", "m1": "◆ MO-SegNet", "d2": "◇ DHN", "m2": "◇ MO-SegNet", "d3": "DHN"}
    assert "1 marked by both" in legend(session.agreement)
    assert "2 by one, thin" in legend(session.agreement)
    assert size(session.findings["d1"], session.image) == "14.4 × 15.0 mm"
    words = story(session.findings["d1"], session.findings, session.agreement, session.image)
    assert "DHN 0.90" in words
    assert "MO-SegNet 0.80" in words
    assert f"overlap {100 * session.agreement['d1'].iou:.0f}\u00a0%" in words


def test_the_radiographs_verdict_stands_against_the_networks_threshold_or_the_persons(session) -> None:
    assert verdicts(session) == ()
    session.replace_findings(by_both(session.image))
    (verdict,) = verdicts(session)
    assert verdict.headline == "Nodule on this radiograph: 83 %"
    assert verdict.words == "above the threshold 0.50: nodule suspected"
    session.set_thresholds(image=0.9)
    (verdict,) = verdicts(session)
    assert verdict.words == "below the threshold 0.90, but 4 marks shown"
    assert len(session.visible) == 4  # it hides no boxes


def test_parts_of_a_run_are_one_step(session) -> None:
    first = by_dhn(session.image)
    session.replace_findings(first, partial=True)
    assert [f.id for f in session.findings] == ["d1", "d2", "d3"]
    session.replace_findings(by_both(session.image))
    assert len(session.findings) == 5
    session.undo()
    assert len(session.findings) == 0
    assert not session.can_undo
    session.redo()
    assert len(session.findings) == 5


def test_what_a_person_did_between_two_parts_stays_a_step_of_its_own(session) -> None:
    session.replace_findings(by_dhn(session.image), partial=True)
    session.accept("d3")
    session.replace_findings(by_both(session.image))
    assert session.findings["d3"].status == "accepted"
    assert len(session.findings) == 5
    session.undo()
    assert [f.id for f in session.findings] == ["d1", "d2", "d3"]
    assert session.findings["d3"].status == "accepted"


def test_a_cancelled_run_takes_its_part_back_unless_it_was_edited(session) -> None:
    session.replace_findings(by_dhn(session.image), partial=True)
    assert session.drop_partial()
    assert len(session.findings) == 0
    session.replace_findings(by_dhn(session.image), partial=True)
    session.accept("d1")
    assert not session.drop_partial()
    assert len(session.findings) == 3
    assert session.drop_partial()  # nothing is left to take back
    assert len(session.findings) == 3


def test_another_networks_word_on_an_accepted_box_is_news(session) -> None:
    image = session.image
    session.replace_findings(by_both(image))
    session.accept("d1")
    again = by_both(image)
    session.replace_findings(again.with_items(tuple(f.with_(id=f"{f.id}+") for f in again)))
    assert {f.id for f in session.findings} == {"d1", "d2", "d3", "m1", "m2"}
    assert session.agreement["d1"].other == "m1"


def test_scores_and_regions_of_the_run_replace_the_former_ones() -> None:
    image = radiograph()
    present = Findings(image_scores=(ImageScore("dhn", "0.1", 0.2), ImageScore("other", "1", 0.4)))
    after = merge_run(present, by_both(image))
    assert {s.model: s.probability for s in after.image_scores} == {"dhn": 0.83, "other": 0.4}
    assert {r.name for r in after.regions} == {"right lung", "left lung"}
    assert merge_run(after, by_dhn(image)).regions == ()


def test_regions_are_a_command_and_saved(session) -> None:
    session.set_regions(lungs(session.image)[:1])
    assert [r.name for r in session.findings.regions] == ["right lung"]
    session.save()
    other = Session()
    other.open(session.image)
    assert other.findings.regions == session.findings.regions
    other.close()
    session.undo()
    assert session.findings.regions == ()


def test_two_networks_that_found_nothing_say_nothing_of_agreement(session) -> None:
    session.replace_findings(
        Findings(models=(*by_dhn(session.image).models, *by_mosegnet(session.image).models))
    )
    assert legend(session.agreement) == ""
