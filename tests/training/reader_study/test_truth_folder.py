"""Each case of a reader study is judged by its own truth, also where two have files of one name."""

from dataclasses import replace

import pytest

from napari_lungmtl.training.findings.finding import Finding, Findings, ImageReference, Sphere
from napari_lungmtl.training.findings.formats.json_file import write_findings
from napari_lungmtl.training.reader_study.analysis import _truths
from napari_lungmtl.training.reader_study.errors import ReaderStudyError

CASES = {
    name: ImageReference("ct", f"/scans/{name}/ct.nii.gz", "", (9, 9, 9), (1.0,) * 3, (0.0,) * 3)
    for name in ("p1", "p2")
}


def write(folder, name, place, image=None):
    (folder / name).mkdir(parents=True)
    finding = Finding(Sphere((place, 1.0, 1.0), 4.0), status="accepted")
    write_findings(Findings((finding,), image or CASES[name]), folder / name / "ct.lungmtl.json")


def test_cases_of_one_name_have_each_its_own_truth(tmp_path):
    write(tmp_path, "p1", 1.0)
    write(tmp_path, "p2", 2.0)
    elsewhere = {name: replace(case, source="/mnt" + case.source) for name, case in CASES.items()}
    for cases in (CASES, elsewhere):
        problems = []
        truths = _truths(cases, tmp_path, problems)
        assert {case: truth.nodules[0].center[0] for case, truth in truths.items()} == {"p1": 1.0, "p2": 2.0}
        assert not problems


def test_a_case_without_a_truth_takes_nobody_elses(tmp_path):
    write(tmp_path, "p1", 1.0)
    problems = []
    assert set(_truths(CASES, tmp_path, problems)) == {"p1"}
    assert "has no truth of case ct.nii.gz (p2)" in problems[0]


def test_two_truths_of_a_case_are_named(tmp_path):
    write(tmp_path, "a", 1.0, CASES["p1"])
    write(tmp_path, "b", 2.0, CASES["p1"])
    with pytest.raises(ReaderStudyError, match="truth of none of the 1 cases") as raised:
        _truths({"p1": CASES["p1"]}, tmp_path, [])
    for name in ("a/ct.lungmtl.json", "b/ct.lungmtl.json", "can both be its truth"):
        assert name in str(raised.value)
