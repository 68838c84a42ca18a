"""From scripted readings to figures: marks before and after, time without pauses, changes of mind, agreement, MRMC, the command."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.findings import Findings, Provenance
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.findings.truth import Truth
from napari_lungmtl.training.reader_study.agreement import agreements, bland_altman, cohens_kappa
from napari_lungmtl.training.reader_study.analysis import analyse_study
from napari_lungmtl.training.reader_study.errors import ReaderStudyError
from napari_lungmtl.training.reader_study.events import What, mark_details
from napari_lungmtl.training.reader_study.figures import Condition, changes_of_mind, judge, rows
from napari_lungmtl.training.reader_study.log import LogWriter, read_log
from napari_lungmtl.training.reader_study.plan import Mode
from napari_lungmtl.training.reader_study.readings import replay, unfinished

from ...stand_ins.reader_study import ScriptedReader, image_named, sphere, write_study


@pytest.fixture
def reader(tmp_path):
    return ScriptedReader(tmp_path / "x.readings.jsonl", "x")


def readings_of(reader):
    return replay(read_log(reader.log.path).events)


def ids(stand):
    return [mark.id for mark in stand.marks]


def test_one_case_step_by_step(reader):
    reader.open("c1")
    reader.mark(sphere("hit", 1.0), 0.7)  # 2 s
    reader.mark(sphere("gone", 50.0))  # 4 s
    reader.do(What.DELETED, 1, id="gone")  # 5 s
    reader.do(What.PAUSED, 1)  # 6 s
    reader.do(What.RESUMED, 600)
    reader.do(What.RATED, 1, rating=0.6)  # 7 s
    reader.reveal(sphere("n1", 20.0, model="fake"), sphere("n2", 40.0, model="fake"))  # 8 s
    reader.do(What.ACCEPTED, 2, id="n1")
    reader.do(What.REJECTED, 0, id="n2")
    reader.do(What.MOVED, 0, **mark_details(sphere("hit", 3.0)))
    reader.mark(sphere("late", 60.0))
    reader.do(What.RATED, 0, rating=0.9)
    reader.do(What.DONE, 3)
    (one,), problems = readings_of(reader)
    assert problems == []
    assert (ids(one.before), one.before.rating, one.before.seconds) == (["hit"], 0.6, 8.0)
    assert one.before.marks[0].score == 0.7
    assert one.before.marks[0].center[0] == 1.0, "where it was then"
    assert (ids(one.after), one.after.rating, one.after.seconds) == (["hit", "n1", "late"], 0.9, 15.0)
    assert one.after.marks[0].center[0] == 3.0
    assert one.suggestions == ("n1", "n2")
    assert dict(one.changes) == {What.ACCEPTED: 1, What.REJECTED: 1, What.MOVED: 1, What.ADDED: 1}
    truth = Truth(Findings((sphere("t1", 0.0), sphere("t2", 20.0), sphere("t3", 90.0))))
    before, after = judge([one], {"c1": truth})
    assert [(j.condition, j.found, j.false_marks) for j in (before, after)] == [
        (Condition.BEFORE, 1, 0),
        (Condition.AFTER, 2, 1),
    ]
    assert before.marked.lesions == (0.7, -np.inf, -np.inf)
    assert after.marked.false_marks == (1.0,)
    (change,) = changes_of_mind([one], [before, after])
    assert (change.nodules_gained, change.nodules_lost, change.false_marks_gained) == (1, 0, 1)
    assert (change.suggestions, change.accepted, change.rejected, change.changed_cases) == (2, 1, 1, 1)
    of_before, of_after = rows([before, after], samples=20)
    assert (of_before.found, of_before.nodules, of_after.found) == (1, 3, 2)
    assert (of_before.seconds, of_after.false_marks.value) == (8.0, 1.0)


def test_aided_at_once_and_unaided(reader):
    for mode, case in ((Mode.AIDED, "c1"), (Mode.UNAIDED, "c2")):
        reader.open(case, mode)
        if mode is Mode.AIDED:
            reader.reveal(sphere("n1", 0.0, model="fake"))
        reader.do(What.DONE, 4)
    (aided, unaided), _ = readings_of(reader)
    assert aided.before is None
    assert (ids(aided.after), aided.after.rating) == ([], 0.0), (
        "what nobody accepted is no mark of the reader's"
    )
    assert unaided.after.seconds == 4.0
    assert {j.condition for j in judge([aided, unaided], {c: Truth(Findings()) for c in ("c1", "c2")})} == {
        Condition.AIDED,
        Condition.UNAIDED,
    }


def test_a_crash_and_what_goes_on_after_it(reader):
    reader.open("c1")
    reader.mark(sphere("m", 0.0), 0.5)
    (one,), _ = readings_of(reader)
    assert list(unfinished([one])) == [one]
    assert (ids(one.present), one.present.seconds) == (["m"], 2.0)
    reader.clock.wait(3600)
    reader.open("c1")
    reader.do(What.DONE, 5)
    (one,), problems = readings_of(reader)
    assert (ids(one.after), one.after.seconds, one.after.rating) == (["m"], 7.0, 0.5), (
        "the hour is not the reader's"
    )
    assert problems == []


def test_a_case_read_twice_counts_as_it_was_read_last(reader):
    reader.open("c1")
    reader.do(What.DONE, 1)
    reader.open("c1")
    reader.mark(sphere("m", 0.0))
    (one,), problems = readings_of(reader)
    assert (ids(one.after), len(problems)) == ([], 1), "the second is not finished yet"
    reader.do(What.DONE, 1)
    (one,), problems = readings_of(reader)
    assert ids(one.after) == ["m"]
    assert "read again" in problems[0]


def test_what_cannot_be_understood_is_said(reader):
    reader.open("c1")
    reader.do(What.ADDED, id="m", center=[1, 2], diameter=3)
    reader.do(What.RATED, rating=7)
    reader.do(What.SCORED, id="m")
    reader.do(What.DONE)
    (one,), problems = readings_of(reader)
    assert ids(one.after) == []
    assert len(problems) == 3
    assert all("left out" in problem for problem in problems)


def test_bland_and_altmans_own_data():
    """Peak expiratory flow by two meters, 17 subjects: their Table 1, bias and limits on page 308 (Lancet 1986)."""
    large = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
    mini = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
    found = bland_altman(large, mini)
    assert (found.pairs, round(found.bias, 1), round(found.sd, 1)) == (17, -2.1, 38.8)
    # They take two of the rounded standard deviations: −79.7 and 75.5.
    assert (round(found.bias - 2 * found.sd, 1), round(found.bias + 2 * found.sd, 1)) == (-79.6, 75.4)
    assert found.upper - found.bias == pytest.approx(1.96 * found.sd)
    assert np.isnan(bland_altman([1.0], [2.0]).sd)


def test_kappa():
    """20 both yes, 15 both no, 5 and 10 apart: observed 0.70, by chance 0.50."""
    a = [1] * 20 + [1] * 5 + [0] * 10 + [0] * 15
    b = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    assert cohens_kappa(a, b) == pytest.approx(0.4)
    assert np.isnan(cohens_kappa([1, 1], [1, 1]))


def test_agreement_on_marks(tmp_path):
    one, two = (ScriptedReader(tmp_path / f"{n}.readings.jsonl", n) for n in "ab")
    for reader, marks in (
        (one, (sphere("a", 0.0, 10.0), sphere("b", 50.0))),
        (two, (sphere("c", 2.0, 12.0),)),
    ):
        reader.open("c1", Mode.UNAIDED)
        for mark in marks:
            reader.mark(mark)
        reader.do(What.DONE, 1)
    readings, _ = replay([e for r in (one, two) for e in read_log(r.log.path).events])
    (found,) = agreements(readings)
    assert (found.both, found.only_first, found.only_second) == (1, 1, 0)
    assert found.positive_agreement == pytest.approx(2 / 3)
    assert found.diameters.bias == -2.0
    assert np.isnan(found.kappa), "both call their only case positive"


@pytest.fixture
def study(tmp_path, monkeypatch):
    """What `test_log` looks at takes its time, many times over."""
    monkeypatch.setattr("os.fsync", lambda handle: None)
    return write_study(tmp_path)


def test_a_whole_study(study, tmp_path):
    result = analyse_study([read_log(path) for path in study], tmp_path / "annotations.csv")
    assert len(result.readings) == 36
    assert [r.cases for r in result.rows] == [12] * 6
    areas, marks = result.compared
    assert (areas.figure, marks.figure, areas.readers, areas.cases) == (
        "AUC",
        "wAFROC",
        ("reader0", "reader1", "reader2"),
        12,
    )
    difference = areas.result.both.differences[0, 1]
    assert difference.value < 0, "after the reveal it is better"
    assert areas.result.both.test.p < 0.2
    delong = analyse_study(
        [read_log(path) for path in study], tmp_path / "annotations.csv", "delong"
    ).compared[0]
    assert delong.result.figures == pytest.approx(areas.result.figures)
    assert delong.result.components.means != areas.result.components.means
    assert len(result.agreements) == 6


def test_what_not_all_have_read_is_left_out_and_few_cases_are_said(study, tmp_path):
    lines = study[0].read_text().splitlines(keepends=True)
    dones = [n for n, line in enumerate(lines) if '"done"' in line]
    study[0].write_text("".join(lines[: dones[7] + 1]))
    result = analyse_study([read_log(path) for path in study], tmp_path / "annotations.csv")
    assert [c.cases for c in result.compared] == [8, 8]
    study[0].write_text("".join(lines[: dones[1] + 1]))
    result = analyse_study([read_log(path) for path in study], tmp_path / "annotations.csv")
    assert "at least 2 cases with and 2 without" in result.compared[0].problem
    assert result.to_json()["mrmc"][0]["problem"]


def test_a_folder_of_findings_is_a_truth_too(study, tmp_path):
    folder = tmp_path / "truth"
    folder.mkdir()
    for case in range(11):
        nodules = (sphere("t", 0.0, 9.0),) if case % 2 else ()
        name = f"1.2.{case}"
        marked = tuple(f.with_(provenance=Provenance(person="truth")) for f in nodules)
        write_findings(Findings(marked, image_named(name)), folder / f"{name}.lungmtl.json")
    logs = [read_log(path) for path in study]
    by_folder, by_table = (analyse_study(logs, path) for path in (folder, tmp_path / "annotations.csv"))
    assert [r.cases for r in by_folder.rows] == [11] * 6
    assert [r.found for r in by_folder.rows] != [0] * 6
    assert any("no truth of case 1.2.11" in problem for problem in by_folder.problems)
    assert by_table.rows[0].found >= by_folder.rows[0].found


def test_what_cannot_be_analysed(study, tmp_path, reader):
    reader.open("c1")
    with pytest.raises(ReaderStudyError, match=r"no reading of .*x\.readings\.jsonl was finished"):
        analyse_study([read_log(reader.log.path)], tmp_path / "annotations.csv")
    with pytest.raises(ReaderStudyError, match="does not exist"):
        analyse_study([read_log(study[0])], tmp_path / "nothing.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReaderStudyError, match="truth of none of the 12 cases"):
        analyse_study([read_log(study[0])], tmp_path / "empty")


def test_the_command(study, tmp_path):
    with study[0].open("ab") as file:
        file.write(b'{"at": "2026')
    arguments = [
        "readers",
        str(tmp_path),
        "--truth",
        str(tmp_path / "annotations.csv"),
        "--json",
        str(tmp_path / "out.json"),
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    for words in (
        "reader0",
        "before reveal",
        "Changes of mind",
        "kappa",
        "random readers and cases",
        "AUC, after reveal",
    ):
        assert words in done.output
    assert "breaks off" in done.stderr
    figures = json.loads((tmp_path / "out.json").read_text())
    mrmc = figures["mrmc"][0]
    assert set(mrmc) >= {"figures", "components", "random_readers_and_cases", "fixed_readers", "fixed_cases"}
    shown = -mrmc["random_readers_and_cases"]["difference_first_less_second"]["value"]
    assert f"{shown:+.3f}" in done.output
    for wrong, why in (
        ([str(study[1]), "--truth", str(tmp_path / "none.csv")], "none.csv does not exist"),
        ([str(tmp_path / "out.json"), "--truth", "x"], "no line of a reader study"),
        ([str(study[1]), "--truth", "x", "--covariance", "guess"], "choose jackknife or delong"),
    ):
        failed = CliRunner().invoke(app, ["readers", *wrong])
        assert failed.exit_code == 1
        assert why in failed.stderr
    assert LogWriter(study[1], "x").path.is_file()
