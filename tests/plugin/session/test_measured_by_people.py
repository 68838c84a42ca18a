"""What a person measured of a nodule belongs to the place: a mark that is moved away from there has it no more."""

from __future__ import annotations

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

import napari_lungmtl as lm
from napari_lungmtl.session import measuring
from napari_lungmtl.session.session import Session
from napari_lungmtl.session.shared.joining import Change
from napari_lungmtl.text.review import signed, story
from napari_lungmtl.training.case_report.lines import finding_line, other_measurements
from napari_lungmtl.training.case_report.words import Words
from napari_lungmtl.training.findings import Finding, Findings, Mask, Measurement, Provenance, Sphere
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.findings.history import recorded
from napari_lungmtl.training.findings.log.joining import join
from napari_lungmtl.training.findings.measurements.csv_file import write_measurements
from napari_lungmtl.training.findings.measurements.nodule import measure_nodule
from napari_lungmtl.training.guidelines.calculation import Source, known

SMALL, LARGE = (20.0, 20.0, 20.0), (60.0, 60.0, 60.0)
WORDS = Words("en")


@pytest.fixture
def session(tmp_path, monkeypatch) -> Session:
    """A file with a nodule of 11 mm and one of 25 mm; the first is found and measured to its edge."""
    monkeypatch.setattr("napari_lungmtl.session.sidecar.user_data_path", lambda *args, **kwargs: tmp_path)
    z, y, x = np.indices((80, 80, 80))
    voxels = np.full(z.shape, -850, np.int16)
    for center, radius in ((20, 5), (60, 12)):
        voxels[(z - center) ** 2 + (y - center) ** 2 + (x - center) ** 2 <= radius**2] = 50
    nib.save(nib.Nifti1Image(voxels.transpose(2, 1, 0), np.diag([-1, -1, 1, 1])), tmp_path / "c.nii.gz")
    session = Session()
    session.open(lm.read_image(tmp_path / "c.nii.gz"))
    session.add(Finding(Sphere(SMALL, 10.0), score=0.9, provenance=Provenance("ag3d", "1"), id="a"))
    measuring.keep(session, measure_nodule(session.image, SMALL, 10.0, "a"))
    yield session
    session.close()


def size(session: Session) -> tuple[float, str]:
    """The longest diameter that calculators take, and from where."""
    given = known(session.findings, session.findings["a"])["long_axis"]
    return round(given.value), given.source


def test_a_mark_that_is_moved_to_another_nodule_leaves_its_axes_behind(session, tmp_path):
    (axes,) = session.findings.measurements
    assert size(session) == (11, Source.MEASURED)
    session.change("a", geometry=Sphere(LARGE, 24.0))
    assert size(session) == (24, Source.MARK)
    assert measuring.of_nodule(session, "a") is None
    (left,) = session.findings.measurements
    assert (left.points, left.values, left.number, left.person) == (
        *(axes.points, axes.values, axes.number),
        axes.person,
    )
    assert "nodule 1" in left.notes[-1]
    line = finding_line(session.findings["a"], session.findings, session.image, WORDS)
    assert not any("Measured" in said for said in line.said)
    assert len(other_measurements(session.findings, WORDS)) == 1
    write_measurements([session.findings], tmp_path / "m.csv")
    assert ",a," not in (tmp_path / "m.csv").read_text()
    session.save()
    assert read_findings(session.sidecar).measurements == (left,)


def test_it_is_told_in_the_history_and_in_the_card_and_undo_brings_them_back(session):
    before = session.findings
    session.change("a", geometry=Sphere(LARGE, 24.0))
    assert session.undo_words == "moved 1, off its axes"
    finding, (axes,) = session.findings["a"], before.measurements
    size_ = f"{axes.values['long']:.1f} × {axes.values['short']:.1f}"
    assert f"moved off its measured axes, {size_} mm" in story(finding)[0]
    assert "moved off its measured axes" in signed(finding)
    session.undo()
    assert session.findings.measurements == before.measurements
    assert size(session) == (11, Source.MEASURED)
    session.redo()
    assert size(session) == (24, Source.MARK)


@pytest.mark.parametrize(
    ("center", "diameter"),
    [
        ((20.0, 22.0, 21.0), 10.0),
        (SMALL, 24.0),
        (SMALL, 4.0),
        ((24.0, 20.0, 20.0), 12.0),
        ((20, 23, 23), 3.0),
    ],
)
def test_a_small_correction_throws_nothing_away(session, center, diameter):
    session.change("a", geometry=Sphere(center, diameter))
    assert size(session) == (11, Source.MEASURED)
    assert "axes" not in session.undo_words


@pytest.mark.parametrize(
    ("center", "diameter"),
    [((20.0, 20.0, 30.0), 10.0), ((28.0, 20.0, 20.0), 4.0), ((20.0, 30.0, 20.0), 24.0)],
)
def test_a_neighbour_is_another_nodule(session, center, diameter):
    session.change("a", geometry=Sphere(center, diameter))
    assert size(session) == (round(diameter), Source.MARK)


def test_small_steps_that_lead_away_do_so_too(session):
    for x in range(21, 40):
        session.change("a", geometry=Sphere((20.0, 20.0, float(x)), 10.0))
    assert size(session) == (10, Source.MARK)
    assert sum("off its axes" in step.words for step in session.steps) == 1
    assert sum(c.what == "axes" for c in session.findings["a"].history) == 1


def test_what_is_measured_far_from_the_middle_stays_until_the_mark_is_really_moved(session):
    far = Measurement("axes", ((32, 20, 15), (32, 20, 25), (32, 16, 20), (32, 24, 20)), 0, {"long": 10.0})
    measuring.keep(session, far.with_(finding="a", values={"long": 10.0, "short": 8.0}))
    session.change("a", geometry=Sphere((19.5, 20.0, 20.0), 10.0))
    assert size(session) == (10, Source.MEASURED)
    session.change("a", geometry=Sphere(LARGE, 24.0))
    assert size(session) == (24, Source.MARK)


def test_a_mask_and_a_new_measurement(session):
    ball = np.ones((9, 9, 9), bool)
    session.change("a", geometry=Mask.from_array(ball, (1.0,) * 3, (16.0,) * 3))
    assert size(session) == (11, Source.MEASURED)
    session.change("a", geometry=Mask.from_array(ball, (1.0,) * 3, (56.0,) * 3))
    assert size(session)[1] == Source.MARK
    measuring.keep(session, measure_nodule(session.image, LARGE, 24.0, "a"))
    assert size(session) == (25, Source.MEASURED)
    assert [(m.finding, m.number) for m in session.findings.measurements] == [("", 1), ("a", 2)]


def test_axes_that_are_moved_to_another_nodule_are_no_more_of_theirs(session):
    (axes,) = session.findings.measurements
    shifted = tuple(tuple(np.add(p, (0, 1, 1))) for p in axes.points)
    assert measuring.change(session, axes.with_(points=shifted)).finding == "a"
    away = tuple(tuple(np.add(p, (40, 40, 40))) for p in axes.points)
    left = measuring.change(session, axes.with_(points=away))
    assert (left.finding, session.undo_words) == ("", "changed measurement 1, off its nodule")
    assert "nodule 1" in left.notes[-1]
    assert size(session) == (10, Source.MARK)
    session.undo()
    assert size(session) == (11, Source.MEASURED)


def test_a_verdict_a_note_and_a_deletion_leave_them(session):
    (axes,) = session.findings.measurements
    session.reject("a")
    session.change("a", note="seen")
    session.remove("a")
    assert session.findings.measurements == (axes,)


@pytest.mark.parametrize(("who", "diameter"), [("they", 10), ("we", 24)])
def test_a_mark_that_one_window_moved_and_another_noted_has_no_size_of_another_place(session, who, diameter):
    before = session.findings
    session.change("a", geometry=Sphere(LARGE, 24.0))
    moved = session.findings
    session.undo()
    session.change("a", note="seen")
    noted = session.findings
    ours, theirs = (noted, moved) if who == "they" else (moved, noted)
    session.go_to(ours, "12:04")
    session._join(Change(before, theirs))
    assert size(session) == (diameter, Source.MARK)


def test_one_window_measures_what_another_moves(session):
    (axes,) = session.findings.measurements
    bare = replace(session.findings, measurements=())
    session.go_to(bare, "12:04")
    session.change("a", geometry=Sphere(LARGE, 24.0))
    session._join(Change(bare, replace(bare, measurements=(axes,))))
    assert size(session) == (24, Source.MARK)
    assert session.findings.measurements[0].finding == ""


def test_what_a_file_measured_elsewhere_is_not_of_the_finding_that_stays(session):
    (mine,) = session.findings.measurements
    session.accept("a")
    theirs = session.findings["a"].with_(geometry=Sphere(LARGE, 24.0))
    axes = measure_nodule(session.image, LARGE, 24.0, "a").with_(person="bob")
    session.replace_findings(Findings((theirs,), session.findings.image, measurements=(axes,)))
    assert session.findings["a"].geometry == Sphere(SMALL, 10.0)
    assert [(m.finding, m.person) for m in session.findings.measurements] == [("a", mine.person), ("", "bob")]
    assert size(session) == (11, Source.MEASURED)
    near = theirs.with_(geometry=Sphere((20.0, 21.0, 20.0), 11.0))
    again = measure_nodule(session.image, near.center, 11.0, "a").with_(person="bob")
    session.replace_findings(Findings((near,), session.findings.image, measurements=(again,)))
    assert session.findings.measurements[-1].finding == "a"


@pytest.mark.parametrize("theirs_last", [True, False])
def test_of_a_finding_that_two_people_moved_the_axes_of_either_stay_with_it(session, theirs_last):
    base = replace(session.findings, measurements=())
    here, there = (
        recorded(
            base["a"], base["a"].with_(geometry=Sphere(place, 24.0)), who, f"2127-01-0{day}T08:00:00+00:00"
        )
        for place, who, day in (((40.0, 20.0, 60.0), "ann", 2), (LARGE, "bob", 3 if theirs_last else 1))
    )
    axes = measure_nodule(session.image, LARGE, 24.0, "a").with_(person="bob")
    ours, theirs = base.with_items((here,)), replace(base.with_items((there,)), measurements=(axes,))
    joined = join(base, ours, theirs).findings
    (measured,) = joined.measurements
    assert measured.finding == ("a" if theirs_last else "")
    given = known(joined, joined["a"])["long_axis"]
    assert given.source == (Source.MEASURED if theirs_last else Source.MARK)
