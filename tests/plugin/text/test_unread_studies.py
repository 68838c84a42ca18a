"""Nothing is new or gone beside a study that nobody has looked at."""

from unittest.mock import sentinel

from napari_lungmtl.prior.readings import is_read, told
from napari_lungmtl.text.growth import change_words, summary
from napari_lungmtl.training.findings import Finding, Findings, Sphere
from napari_lungmtl.training.growth.compare import Compared, Comparison
from napari_lungmtl.training.growth.matching import Match
from napari_lungmtl.training.growth.registration import Registration

MARK = Finding(Sphere((0.0, 0.0, 0.0), 8.0), number=3)
NODULES = (Compared(Match(MARK, None)), Compared(Match(None, MARK)), Compared(Match(MARK, MARK, 0.0)))
READ = Findings(models=({"name": "ag3d", "version": "0.3"},))


def said(present_read: bool, prior_read: bool) -> list[str]:
    read = (READ if each else Findings() for each in (present_read, prior_read))
    nodules = told(Comparison(sentinel.registration, NODULES), *read).nodules
    return [change_words(nodule) for nodule in nodules]


def test_only_a_study_that_was_read_or_searched_lacks_a_nodule():
    assert said(True, True) == ["new", "gone", "not measured"]
    assert said(True, False) == ["not known", "gone", "not measured"]
    assert said(False, True) == ["new", "not known", "not measured"]
    nodule = told(Comparison(sentinel.registration, NODULES), READ, Findings()).nodules[0]
    assert "neither searched nor read" in summary(nodule, None)


def test_a_run_a_mark_and_a_case_that_is_done_are_readings():
    assert not is_read(Findings())
    assert is_read(READ)
    assert is_read(Findings((MARK,)))
    assert is_read(Findings(done_by="Ann"))


HIDDEN = MARK.with_(id="hidden", geometry=Sphere((4.0, 0.0, 0.0), 6.0), score=0.2)
FAR = MARK.with_(id="far", geometry=Sphere((80.0, 0.0, 0.0), 6.0), score=0.2)


def words_beside(*others: Finding, gone: bool = False) -> tuple[str, str]:
    """What is said of a mark that has no partner beside these, of which none took part."""
    match = Match(None, MARK) if gone else Match(MARK, None)
    findings = [Findings((MARK,)), Findings(others)][:: -1 if gone else 1]
    (nodule,) = told(Comparison(Registration.by_position(), (Compared(match),)), *findings).nodules
    return change_words(nodule), summary(nodule, 90)


def test_a_mark_that_is_hidden_in_the_other_study_is_asked_about():
    assert words_beside(HIDDEN) == (
        *("new?", "The prior study has a mark here that is below the thresholds: look there."),
    )
    rejected = HIDDEN.with_(status="rejected", reason="vessel")
    assert "has a mark here that was rejected (vessel)" in words_beside(rejected)[1]
    assert words_beside(rejected, gone=True) == (
        *("gone?", "The present study has a mark here that was rejected (vessel): look there."),
    )
    assert "was rejected:" in words_beside(HIDDEN.with_(status="rejected"))[1]
    assert words_beside(FAR)[0] == "new"
    assert words_beside(FAR, gone=True)[0] == "gone"
    assert words_beside(HIDDEN, FAR)[0] == "new?"
