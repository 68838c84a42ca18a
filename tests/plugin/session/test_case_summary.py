"""What a list says of a case: from its findings, from its file, and from nothing of another case."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_lungmtl.session.case_summary import CaseSummary, recounted, stored_summary, summary_of
from napari_lungmtl.session.review import merge_run
from napari_lungmtl.session.same_findings import partners
from napari_lungmtl.session.session import Session
from napari_lungmtl.session.sidecar import Sidecar
from napari_lungmtl.session.thresholds import Promised, open_with
from napari_lungmtl.training.findings import Finding, Findings, ImageScore, Mask, Provenance, Sphere
from napari_lungmtl.training.imaging.find import find_series
from napari_lungmtl.training.imaging.read import read_series
from napari_lungmtl.training.operating_point.reviewed import weights_of

from ...stand_ins import reviewed_radiographs
from ...stand_ins.square_finder import radiograph, save

MODELS = ({"name": "fake", "version": "1.0"},)


def found(score: float, id: str, **fields: object) -> Finding:
    return Finding(
        Sphere((float(len(id)), 0.0, 10.0 * ord(id[-1])), 8.0),
        score,
        id=id,
        provenance=Provenance("fake", "1.0"),
        **fields,
    )


def test_what_networks_alone_said_is_unread():
    findings = Findings((found(0.9, "a"), found(0.6, "b"), found(0.3, "c")), models=MODELS)
    assert summary_of(findings) == CaseSummary("unread", 2, 0.9, None, frozenset({("fake", "1.0")}))
    assert summary_of(Findings()) == CaseSummary()
    scored = Findings(image_scores=(ImageScore("fake", "1.0", 0.7, 0.5),), models=MODELS)
    assert (summary_of(scored).findings, summary_of(scored).probability) == (0, 0.7)


def test_a_person_takes_it_into_work_and_says_when_it_is_done():
    findings = Findings((found(0.9, "a", status="rejected"), found(0.6, "b")), models=MODELS)
    assert summary_of(findings) == CaseSummary("in work", 1, 0.6, None, frozenset({("fake", "1.0")}))
    drawn = Findings((Finding(Sphere((0.0, 0.0, 0.0), 5.0)),))
    assert (summary_of(drawn).state, summary_of(drawn).findings, summary_of(drawn).score) == (
        "in work",
        1,
        None,
    )
    done = summary_of(replace(Findings(), done_by="Berta"))
    assert (done.state, done.done_by) == ("done", "Berta")


def test_what_both_networks_mark_is_one_lesion_as_in_the_table():
    both = reviewed_radiographs.by_both(reviewed_radiographs.radiograph())
    pair = next((f.id, other) for f in both if (other := partners(both, {f.id for f in both}).get(f.id)))
    alone = both.with_items(tuple(f for f in both if f.id != pair[1]))
    assert summary_of(both).findings == summary_of(alone).findings
    apart = both.with_items(tuple(f.with_(status="accepted") if f.id == pair[0] else f for f in both))
    assert summary_of(apart).findings == summary_of(both).findings + 1


def test_a_run_that_brings_something_new_makes_it_unread_again():
    present = Findings((found(0.9, "a"),), models=MODELS, done_by="Berta")
    same = Findings((found(0.9, "a"),), models=MODELS)
    news = Findings((found(0.9, "a"), found(0.8, "b")), models=MODELS)
    assert merge_run(present, same).done_by == "Berta"
    assert merge_run(present, news).done_by == ""


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Two patients' films, both called frontal.png."""
    for patient, nodules in (("p1", [(15, 30, 10)]), ("p2", [])):
        (tmp_path / "films" / patient).mkdir(parents=True)
        save(radiograph(nodules), tmp_path / "films" / patient / "frontal.png")
    return tmp_path / "films"


def series_of(folder: Path):
    return [series for series in find_series(folder) if series is not None]


@pytest.mark.parametrize("writable", [True, False])
def test_what_is_saved_of_one_is_not_the_others(films, writable, monkeypatch):
    """Also where nobody may write beside the image, and all findings lie in one folder of the user."""
    if not writable:
        monkeypatch.setattr("napari_lungmtl.session.sidecar._is_writable", lambda folder: False)
    first, second = series_of(films)
    session = Session()
    session.open(read_series(first.path, first))
    session.set_done(True)
    assert session.undo_words == "marked the case as done"
    session.close()
    assert stored_summary(first).state == "done"
    assert stored_summary(second) == CaseSummary()
    assert Sidecar.of_series(first).path == Sidecar(read_series(first.path, first)).path
    assert len(series_of(films)) == 2  # findings beside the films are none


def test_a_damaged_file_is_said_and_stays(films):
    first, _ = series_of(films)
    path = Sidecar.of_series(first).path
    path.write_text("{")
    assert "frontal.lungmtl.json" in stored_summary(first).problem
    assert path.read_text() == "{"


def test_findings_of_the_users_folder_from_before_are_found_by_their_own_image_only(films, monkeypatch):
    monkeypatch.setattr("napari_lungmtl.session.sidecar._is_writable", lambda folder: False)
    first, second = series_of(films)
    session = Session()
    session.open(read_series(first.path, first))
    session.set_done(True)
    session.close()
    path = Sidecar.of_series(first).path
    path.rename(path.with_name("frontal.lungmtl.json"))  # as it was called
    assert stored_summary(first).state == "done"
    assert stored_summary(second) == CaseSummary()


@pytest.fixture
def promised():
    yield open_with
    for radiographs in (False, True):
        open_with(radiographs, None)


def test_a_case_that_is_not_open_is_counted_again_as_from_its_findings(promised):
    """What a summary keeps of findings is enough: pairs of two networks, masks, thresholds of either kind."""
    mask = Mask.from_array(np.ones((6, 6, 6), bool), (1.0, 1.0, 1.0), (300.0, 0.0, 0.0))
    scan = Findings(
        (found(0.9, "a"), found(0.6, "b"), found(0.7, "c", status="rejected"), Finding(mask, 0.55, id="m")),
        models=MODELS,
    )
    film = reviewed_radiographs.by_both(reviewed_radiographs.radiograph())
    before = [summary_of(scan), summary_of(film)]
    assert before[0].findings == 3
    for score in (0.05, 0.65, 0.95):
        promised(False, Promised(score, weights_of(scan.models)))
        promised(True, Promised(score, weights_of(film.models)))
        assert [recounted(one) for one in before] == [summary_of(scan), summary_of(film)]
    assert recounted(before[0]).findings == 1, "what a person drew is shown at any score"
    promised(False, Promised(0.95, ("other weights",)))
    assert recounted(before[0]) == before[0]
    assert recounted(CaseSummary(findings=4)) == CaseSummary(findings=4), "from a list, without its findings"
