"""Banner and marks never contradict each other, whatever networks say and a person decides; the chance follows the prevalence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.components import ViewerModel

from napari_lungmtl.canvas.cine import Cine
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.panel.preferences import Preferences
from napari_lungmtl.panel.show.prevalence import STEPS
from napari_lungmtl.panel.show.section import ShowSection
from napari_lungmtl.panel.show.verdict import Doubt, State, Verdict, percent, verdicts
from napari_lungmtl.reviewed_images import ReviewedImage
from napari_lungmtl.session.session import Session
from napari_lungmtl.training.findings import Findings, ImageScore
from napari_lungmtl.training.inference.radiograph_answer import (
    ANSWER,
    with_prevalence,
    without_prevalence,
)
from napari_lungmtl.views.linked import LinkedViews

from ..stand_ins.reviewed_radiographs import by_both, radiograph

unit = st.floats(0, 1)
doubts = st.none() | st.builds(Doubt, st.just("it is turned"), st.booleans())
found = st.builds(
    Verdict,
    st.builds(ImageScore, st.sampled_from(["dhn", ANSWER]), st.just("dhn 0.1"), unit),
    unit,
    doubts,
    st.booleans(),
    st.integers(0, 3),
    st.none() | st.floats(0.001, 0.5),
)
CLEAR = "no nodule suspected"


@given(found)
def test_the_banner_is_clear_only_where_nothing_is_suspected_marked_or_doubted(verdict):
    quiet = not verdict.above and not verdict.marks and verdict.doubt is None and not verdict.open
    assert (verdict.state is State.CLEAR) == quiet == (CLEAR in verdict.words)


@given(found)
def test_a_suspicion_and_marks_speak_of_each_other(verdict):
    if verdict.doubt is not None and verdict.doubt.voids:
        assert verdict.headline == "No verdict on this radiograph"
    elif verdict.above:
        assert "nodule suspected" in verdict.words
        assert ("none marked" in verdict.words) == (not verdict.marks)
    elif verdict.marks:
        assert f"{verdict.marks} mark" in verdict.words


@given(found)
def test_the_prevalence_moves_the_chance_and_not_what_is_suspected(verdict):
    assert (verdict.chance >= verdict.limit) == verdict.above or abs(verdict.chance - verdict.limit) < 1e-9
    if verdict.prevalence is not None:
        assert verdict.chance <= verdict.score.probability + 1e-5


def test_bayes_rule():
    """A likelihood ratio of 4 at 10 %: 0.4 / (0.4 + 0.9)."""
    assert with_prevalence(0.8, 0.1) == pytest.approx(0.4 / 1.3)
    assert without_prevalence(0.4 / 1.3, 0.1) == pytest.approx(0.8)
    assert [percent(p) for p in (0.834, 0.1, 0.0123, 0.004, 0.0)] == ["83 %", "10 %", "1.2 %", "0.4 %", "0 %"]


@given(score=st.floats(0.06, 0.99), rejected=st.sets(st.sampled_from(["d1", "d2", "d3", "m1", "m2"])))
def test_marks_that_are_shown_count_and_rejected_ones_do_not(score, rejected):
    image, session = radiograph(), Session()
    items = tuple(f.with_(status="rejected" if f.id in rejected else "unreviewed") for f in by_both(image))
    session._image = image  # without a sidecar: nothing of this is saved
    session._findings = Findings(items, image_scores=(ImageScore(ANSWER, "dhn 0.1", 0.02, 0.5),))
    session.set_thresholds(score=score)
    (verdict,) = verdicts(session)
    shown = [f for f in session.visible if f.status != "rejected"]
    assert verdict.marks == len(shown)
    assert (verdict.state is State.CLEAR) == (not shown)
    session.close()


def test_the_one_answer_speaks_where_there_is_one():
    image, session = radiograph(), Session()
    session._image = image
    scores = (ImageScore(ANSWER, "dhn 0.1 + mosegnet 0.1", 0.9, 0.6), ImageScore("dhn", "0.1", 0.1, 0.5))
    session._findings = Findings(image_scores=scores)
    (verdict,) = verdicts(session)
    assert verdict.network == "DHN 0.1 + MO-SegNet 0.1"
    assert verdict.condition == "at prevalence 10 %"
    assert verdict.headline == "Nodule on this radiograph: 50 %"
    session._findings = Findings(image_scores=scores[1:])
    (verdict,) = verdicts(session)
    assert (verdict.network, verdict.condition) == ("DHN 0.1", "")
    session.close()


def test_the_slider_sets_the_prevalence_of_this_film_and_the_next(qtbot):
    viewer = ViewerModel()
    section = ShowSection(viewer, LinkedViews(viewer), Cine(viewer), Preferences())
    qtbot.addWidget(section)
    sessions = []
    for uid in ("one", "two"):
        session = Session()
        session._image = radiograph(series_uid=uid)
        session._findings = Findings(image_scores=(ImageScore(ANSWER, "dhn 0.1", 0.8, 0.5),))
        layer = add_image_layer(ViewerModel(), session._image)
        section.set_reviewed(ReviewedImage(layer, session, None, None, None, None))
        sessions.append(session)
        if uid == "one":
            section.prevalence.slider.setValue(STEPS.index(0.01))
    assert [s.thresholds.prevalence for s in sessions] == [0.01, 0.01]
    assert "Prevalence 1 %" in section.prevalence._caption.text()
    (verdict,) = verdicts(sessions[1])
    assert verdict.headline == "Nodule on this radiograph: 3.9 %"
    section.radiograph.slider.setValue(2)
    assert sessions[1].thresholds.image == pytest.approx(without_prevalence(0.02, 0.01))
    section.release()
