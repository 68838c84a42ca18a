"""A study without its window: what may be seen when, what is logged, and where an unfinished one goes on."""

import pytest

from napari_lungmtl.panel.cases.case import Case, case_of
from napari_lungmtl.panel.reading.recorder import Recorder, bring_in_line
from napari_lungmtl.panel.reading.study import Plan, State, Study, past_of, study_key
from napari_lungmtl.panel.reading.suggestions import suggestions_of
from napari_lungmtl.session.session import Session
from napari_lungmtl.session.sidecar import Sidecar
from napari_lungmtl.training.findings import Finding, Findings, Provenance, Sphere
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.find import find_series
from napari_lungmtl.training.imaging.series import Series
from napari_lungmtl.training.reader_study.errors import ReaderStudyError
from napari_lungmtl.training.reader_study.events import What, mark_details
from napari_lungmtl.training.reader_study.log import read_log
from napari_lungmtl.training.reader_study.plan import Design, Mode

from ...stand_ins.case_folder import write_scan

BALL = Finding(Sphere((-90.0, 20.0, 0.0), 8.0), id="m", provenance=Provenance(person="me"))
BY_MODEL = Finding(Sphere((-80.0, 20.0, 0.0), 8.0), 0.9, id="n", provenance=Provenance("fake", "1"))


@pytest.fixture
def folder(tmp_path):
    for n in range(3):
        write_scan(tmp_path / "cases" / f"scan{n}.mha", 40 + n)
    return tmp_path / "cases"


@pytest.fixture
def cases(folder) -> list[Case]:
    return [case_of(found) for found in find_series(folder) if isinstance(found, Series)]


@pytest.fixture
def plan(folder, tmp_path):
    return Plan("Dr. A/../B", folder, Design.LOOK_FIRST, 0, tmp_path / "log")


@pytest.fixture
def image(tmp_path):
    return read_image(write_scan(tmp_path / "one.mha"))


def image_of(study: Study):
    return read_image(study.case.path)


def test_names_of_files_stay_in_the_folder_of_the_log(plan, tmp_path, cases):
    assert plan.log.parent == tmp_path / "log"
    assert plan.marks(Mode.LOOK_FIRST, "ab").relative_to(tmp_path / "log").parts[0] == "marks"
    keys = {study_key(case, plan.folder) for case in cases}
    assert len(keys) == 3
    assert not any(str(tmp_path) in key for key in keys), "the folder may be moved"


def test_what_may_be_seen_when(plan, cases):
    study = Study(plan, cases)
    assert (study.state, study.hides_networks, study.place) == (State.OPENING, True, (1, 3))
    study.opened(image_of(study))
    assert (study.state, study.hides_networks) == (State.LOOKING, True)
    study.pause()
    study.revealed(())
    assert study.hides_networks, "also in a pause"
    study.resume()
    study.revealed(())
    assert (study.state, study.hides_networks) == (State.REVEALED, False)
    study.done()
    assert (study.state, study.place, study.hash) == (State.OPENING, (2, 3), "")


@pytest.mark.parametrize(("design", "state"), [(Design.AIDED, State.AIDED), (Design.UNAIDED, State.UNAIDED)])
def test_other_modes(plan, cases, design, state):
    study = Study(Plan(plan.reader, plan.folder, design, 0, plan.log_folder), cases)
    study.opened(image_of(study))
    assert study.state is state


def test_an_unfinished_study_goes_on_with_its_own_order(plan, cases):
    first = Study(plan, cases)
    first.opened(image_of(first))
    first.done()
    first.skip("it cannot be read")
    image = image_of(first)
    first.opened(image)
    first.rate(0.25)
    first.write(What.ADDED, **mark_details(BALL))
    first.score("m", 0.5)
    again = Study(Plan(plan.reader, plan.folder, Design.AIDED, 77, plan.log_folder), cases)
    assert again.steps == first.steps
    assert (again.place, again.case, again.missing) == ((3, 3), first.case, ())
    again.opened(image)
    assert (again.state, again.rating, again.sure) == (State.LOOKING, 0.25, {"m": 0.5})
    session = Session(lambda image: Sidecar.at(again.marks_of(image)))
    session.open(image)
    bring_in_line(session, again.reading, "me")
    assert session.findings["m"].geometry == BALL.geometry
    session.close()
    again.end()
    assert past_of(plan.log, plan.reader)[0] is None, "what was ended is not gone on with"
    assert Study(plan, cases[:2]).place == (1, 2)


def test_cases_that_are_no_longer_there_are_left_out(plan, cases):
    Study(plan, cases)
    again = Study(plan, cases[:1])
    assert (len(again.missing), again.place) == (2, (1, 1))
    assert Study(plan, []).step is None


def test_a_log_that_is_none_is_left_alone(plan, cases):
    plan.log.parent.mkdir()
    plan.log.write_text("notes\n")
    with pytest.raises(ReaderStudyError, match="no line of a reader study"):
        Study(plan, cases)
    assert plan.log.read_text() == "notes\n"


def test_the_recorder_says_edits_undo_and_redo(image):
    said, session = [], Session()
    session.open(image)
    recorder = Recorder(lambda what, **details: said.append((what, details["id"])), said.append)
    recorder.follow(session)
    session.add(BALL)
    session.change("m", geometry=Sphere((-91.0, 20.0, 0.0), 9.0))
    session.undo()
    session.remove("m")
    with recorder.silent():
        session.replace_findings(Findings((BY_MODEL,)))
    session.accept("n")
    session.change("n", geometry=Sphere((-81.0, 20.0, 0.0), 9.0))
    session.undo()
    session.reject("n")
    session.change("n", note="no event of a study")
    assert said == [
        *((What.ADDED, "m"), (What.MOVED, "m"), (What.MOVED, "m"), (What.DELETED, "m"), (What.ACCEPTED, "n")),
        *((What.MOVED, "n"), (What.DELETED, "n"), (What.REJECTED, "n")),
    ]
    session.close()


def test_what_cannot_be_logged_is_logged_with_the_next(image):
    said, problems, full = [], [], True

    def write(what, **details):
        if full:
            raise ReaderStudyError("no room")
        said.append((what, details["id"]))

    session = Session()
    session.open(image)
    recorder = Recorder(write, problems.append)
    recorder.follow(session)
    session.add(BALL)
    assert (said, problems) == ([], ["no room"])
    full = False
    session.accept("m")
    assert said == [(What.ADDED, "m"), (What.ACCEPTED, "m")]
    session.close()


def test_suggestions_are_as_if_nobody_had_looked(folder):
    image = read_image(folder / "scan0.mha")
    assert suggestions_of(image) == Findings()
    judged = BY_MODEL.with_(status="rejected", note="vessel", number=4)
    moved = BY_MODEL.with_(id="x", provenance=Provenance("fake", "1", "somebody"))
    write_findings(Findings((judged, moved, BALL), done_by="somebody"), Sidecar(image).path)
    (only,) = suggestions_of(image)
    assert (only.id, only.status, only.note, only.number) == ("n", "unreviewed", "", 0)
    assert suggestions_of(image).done_by == ""


def test_each_line_is_in_the_log_before_it_is_shown(plan, cases):
    study = Study(plan, cases)
    study.opened(image_of(study))
    study.revealed((BY_MODEL,))
    assert [e.what for e in read_log(plan.log).events] == [What.STARTED, What.OPENED, What.REVEALED]
    assert read_log(plan.log).events[2].details["findings"][0]["by"] == "fake"
