"""Lists of cases as files: they come back as they were, no cell starts a formula, and what is none says so."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training.case_list import read, tables
from napari_lungmtl.training.case_list.figures import CaseFigures
from napari_lungmtl.training.case_list.read import is_case_list, read_case_list
from napari_lungmtl.training.case_list.row import ListedCase, joined
from napari_lungmtl.training.case_list.tables import (
    CaseListError,
    write_csv_list,
    write_parquet_list,
)
from napari_lungmtl.training.findings import Provenance
from napari_lungmtl.training.findings.formats.errors import FindingsFileError

LINE = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), max_size=20).map(
    lambda text: " ".join(text.split())
)
TAG = LINE.filter(lambda text: text and ";" not in text)
VALUE = st.none() | st.floats(0, 1000, allow_subnormal=False)
CASES = st.builds(
    ListedCase,
    name=LINE.filter(bool),
    path=st.none() | st.sampled_from([Path("/there/a.nii.gz"), Path("/there/=b.dcm")]),
    series_uid=LINE,
    nodules=st.none() | st.integers(0, 9),
    figures=st.builds(CaseFigures, st.none() | st.integers(0, 9), VALUE, VALUE, VALUE, VALUE),
    at=st.none() | st.tuples(*[st.floats(-900, 900)] * 3) | st.tuples(*[st.floats(0, 900)] * 2),
    tags=st.lists(TAG, max_size=3, unique=True).map(tuple),
    note=LINE,
)


@given(st.lists(CASES, max_size=5))
def test_a_saved_list_comes_back(tmp_path_factory, cases):
    path = tmp_path_factory.mktemp("list") / "cases.csv"
    write_csv_list(cases, path)
    assert read_case_list(path) == cases
    assert is_case_list(path)


@given(st.text())
def test_no_cell_starts_a_formula(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("list") / "cases.csv"
    write_csv_list([ListedCase("a", note=text)], path)
    with path.open(newline="", encoding="utf-8") as file:
        _, row = csv.reader(file)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


CASE = ListedCase("a", Path("/x/a.mha"), "1.2", 1, CaseFigures(1, 0.5), (1.0, -2.0, 3.0), ("=x",), "@note")


def test_a_table_lies_beside_what_it_names(tmp_path):
    """A folder can be moved with its list; what a spreadsheet could run is text in it."""
    near = replace(CASE, path=tmp_path / "scans" / "a.mha")
    write_csv_list([near], tmp_path / "cases.csv")
    text = (tmp_path / "cases.csv").read_text()
    assert text.splitlines()[1] == "a,scans/a.mha,1.2,1,1,0.5,,,,1.0,-2.0,3.0,'=x,'@note"
    moved = tmp_path / "moved"
    moved.mkdir()
    (moved / "cases.csv").write_text(text)
    assert read_case_list(moved / "cases.csv")[0].path == moved / "scans" / "a.mha"


def test_parquet_holds_the_same(tmp_path):
    pytest.importorskip("pyarrow")
    empty = ListedCase("b")
    write_parquet_list([CASE, empty], tmp_path / "cases.parquet")
    assert read_case_list(tmp_path / "cases.parquet") == [CASE, empty]
    (tmp_path / "no.parquet").write_bytes(b"PAR1")
    with pytest.raises(CaseListError, match=r"no\.parquet cannot be read as Parquet"):
        read_case_list(tmp_path / "no.parquet")


def test_without_pyarrow_a_sentence_says_what_brings_it(tmp_path, monkeypatch):
    import pandas as pd

    def missing(*_, **__):
        raise ImportError("pyarrow")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", missing)
    monkeypatch.setattr(pd, "read_parquet", missing)
    for work in (lambda p: write_parquet_list([CASE], p), read_case_list):
        with pytest.raises(CaseListError, match=r"pip install 'napari-lungmtl\[report\]'"):
            work(tmp_path / "cases.parquet")


def evaluation(tmp_path, name, **row):
    path = tmp_path / name
    values = {"name": "a", "path": "a.mha", "series_uid": "1.2", "missed": 1, **row}
    path.write_text(
        json.dumps({"weights": "net 0.1 abc", "metrics": {"default_threshold": 0.4}, read.DETAIL: [values]})
    )
    return path


def found(z, score):
    return {"score": score, "center_zyx_mm": [z, 0, 0], "diameter_mm": 6.0}


def test_an_evaluation_is_a_list(tmp_path):
    path = evaluation(tmp_path, "e.json", found=[found(0, 0.9)], truth=[[9, 0, 0, 4]])
    assert is_case_list(path)
    (case,) = read_case_list(path)
    assert (case.path, case.figures.missed, case.threshold) == (tmp_path / "a.mha", 1, 0.4)
    (mark,) = case.marks()
    assert (mark.center, mark.provenance, case.network) == (
        (0, 0, 0),
        Provenance("net", "0.1"),
        Provenance("net", "0.1"),
    )


def test_two_evaluations_are_one_list_with_what_they_disagree_on(tmp_path):
    one = read_case_list(
        evaluation(tmp_path, "a.json", found=[found(0, 0.9), found(50, 0.3)], disagreement=0.1)
    )
    two = read_case_list(evaluation(tmp_path, "b.json", found=[found(1, 0.3)], missed=0))
    (case,) = joined([one, two])
    assert case.figures == CaseFigures(1, disagreement=pytest.approx(0.6))
    assert joined([one]) == one


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"cases_detail": 3}', "no evaluation of cases"),
        ('{"cases_detail": [', "damaged and no JSON"),
        ('{"cases_detail": [{"name": "a", "found": [{}]}]}', "has a case that cannot be read"),
        (
            '{"cases_detail": [{"name": "a", "found": [{"score": 7, "center_zyx_mm": [0,0,0], "diameter_mm": 1}]}]}',
            "cannot be read",
        ),
    ],
)
def test_what_is_no_list_says_so(tmp_path, text, words):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(CaseListError, match=words):
        read_case_list(path)


def test_other_files_are_no_lists(tmp_path):
    for name, text in {
        "a.csv": "seriesuid,coordX\n",
        "a.json": "{}",
        "a.lungmtl.json": '"cases_detail"',
        "a.txt": "",
    }.items():
        (tmp_path / name).write_text(text)
        assert not is_case_list(tmp_path / name)
    with pytest.raises(FindingsFileError, match="no column name, path"):
        read_case_list(tmp_path / "a.csv")
    assert tables.case_of({}, tmp_path).name == ""
